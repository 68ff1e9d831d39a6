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
OF_AFTER_THE_LAUNCH = [place for place in TURNED if "monthly-review" not in place]
"""Whose lines are due after the launch: what was attested before it does not tick them."""


@fault("ga", turns=turning("unknown", *OF_AFTER_THE_LAUNCH))
def attested_before_the_launch(target: SandboxTarget) -> Iterator[None]:
    """Everything was attested ten days ago, two days before the launch that is signed off."""
    target.attested.write(datetime.now(UTC).date() - timedelta(days=10))
    yield
    target.attested.write()


@fault("ga", turns={LATE: "fail"})
def reviewed_too_late(target: SandboxTarget) -> Iterator[None]:
    """The post-mortem was held on the eighth day after the launch, and wanted within a week."""
    target.attested.write(reviewed_on=datetime.now(UTC).date())
    yield
    target.attested.write()


def _place_of(name: str) -> str:
    (item,) = (item for item in ITEMS if item.line_id == name)
    return _place(item)


UNDERSTOOD = "launch400k/escalation-understood"
TRIAGED, DAY_ENDED = "playbook/triage", "launch400k/day-end-review"
COMPARED = "launch400k/review-24h"


@fault("preflight", turns={_place_of(UNDERSTOOD): "unknown"})
def nobody_says_that_it_was_understood(target: SandboxTarget) -> Iterator[None]:
    """The escalation path is there, and nobody has attested that it is understood: one of two parts is missing."""
    target.attested.forget(UNDERSTOOD)
    yield
    target.attested.write()


@fault("postlaunch", turns=turning("unknown", _place_of(TRIAGED), _place_of(DAY_ENDED)))
def nobody_says_what_the_tracker_cannot_tell(target: SandboxTarget) -> Iterator[None]:
    """Tickets and incident reports are in order, and nobody has attested the other parts of what they are about."""
    target.attested.forget(TRIAGED)
    target.attested.forget(DAY_ENDED)
    yield
    target.attested.write()


@fault("ga", turns={_place_of(COMPARED): "unknown"})
def nobody_says_that_figures_were_compared(target: SandboxTarget) -> Iterator[None]:
    """The incidents are documented, and nobody has attested that expected and actual figures were compared."""
    target.attested.forget(COMPARED)
    yield
    target.attested.write()
