"""What people no longer stand for. The faults turn the items of every line that the sandbox attests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from readiness import timeline
from readiness.runbook import lines as runbook_lines
from readiness.runbook.lines import Item
from readiness.sandbox.attested import TEMPLATE, VALID
from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.schedule import WEEKLY

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

OWN = "ingestion"


def _attested() -> list[Item]:
    entries = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))["attestations"]
    items: list[Item] = []
    for name in runbook_lines.shipped():
        runbook = runbook_lines.load(runbook_lines.locate(name, Path()))
        items += runbook.items()
    return [item for item in items if item.name in entries or item.line_id in entries]


def _place(item: Item) -> str:
    line = item.local_id if item.runbook == OWN else f"{item.runbook}/{item.local_id}"
    return f"{item.check}[{line}]"


ITEMS = _attested()
PHASES = sorted(
    {phase for item in ITEMS if item.runbook == OWN for phase in item.line.phase}
    & {phase for item in ITEMS if item.runbook != OWN for phase in item.line.phase}
)
"""Those in which both the sandbox's own runbook and one of the others has an attested line."""
TURNED = [
    _place(item) for item in ITEMS if set(item.line.phase) & set(PHASES) and item.line.due != timeline.AFTER_SIGN_OFF
]
"""What is due after the sign-off turns once it is signed: see faults/signoff.py."""


@fault(*PHASES, turns=turning("unknown", *TURNED))
def attestations_expired(target: SandboxTarget) -> Iterator[None]:
    """What people attested has expired yesterday."""
    target.attested.write(datetime.now(UTC).date() - VALID - timedelta(days=1))
    yield
    target.attested.write()


@fault(*PHASES, turns=turning("fail", *TURNED))
def attestations_withdrawn(target: SandboxTarget) -> Iterator[None]:
    """People have taken back what they attested (`holds: false`)."""
    target.attested.withdraw()
    yield
    target.attested.write()


LATE = "signoff.post_mortem_held[launch400k/review-1w]"
OF_AFTER_THE_LAUNCH = [_place(item) for item in ITEMS if item.line.due is not None and _place(item) in TURNED]
"""Whose lines are due after the launch: what was attested before it does not tick them."""


@fault("ga", turns=turning("unknown", *OF_AFTER_THE_LAUNCH) | turning("fail", *WEEKLY))
def attested_before_the_launch(target: SandboxTarget) -> Iterator[None]:
    """Everything was attested ten days ago, two days before the launch that is signed off, and every weekly review."""
    target.attested.write(datetime.now(UTC).date() - timedelta(days=10))
    yield
    target.attested.write()


@fault("ga", turns={LATE: "fail"})
def reviewed_too_late(target: SandboxTarget) -> Iterator[None]:
    """The post-mortem was held on the eighth day after the launch, and wanted within a week."""
    target.attested.write(reviewed_on=datetime.now(UTC).date())
    yield
    target.attested.write()
