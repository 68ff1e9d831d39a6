"""What takes a good word away from a run that has just ended, beside what its lines came to.

`gate` asks here, and so does a run of plain pytest before a release gate may read PASSED of it: they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from readiness.errors import BadInput, BadRun
from readiness.evidence.acceptance import examine
from readiness.evidence.anchored import hold_to_anchors, recalled_of
from readiness.evidence.audit import audit_run, read_ledger
from readiness.evidence.broken_off import killed_beside
from readiness.evidence.findings import Audit
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.lost_history import lost
from readiness.evidence.overtaken import standing_beside
from readiness.evidence.phases_before import hold_to_phases_before
from readiness.evidence.reasons import Reason
from readiness.evidence.signing import PublicKey, trusted_keys
from readiness.evidence.standing import unsigned
from readiness.evidence.today import hold_to_today
from readiness.verdict import GOOD


@dataclass(frozen=True)
class EndedRun:
    """A run that has just ended, as its gate or its process knows it."""

    recorded: RecordedRun
    ledger: LedgerReading | None
    trusted: Mapping[str, PublicKey]
    """The keys that it began with."""
    environments: Path
    reports: Path

    @property
    def home(self) -> Path:
        """The folder of the environment's evidence."""
        return self.reports / self.recorded.start.env

    @property
    def file(self) -> Path:
        """The environment file."""
        return self.environments / f"{self.recorded.start.env}.yaml"


def hold_to_end(audit: Audit, run: EndedRun, now: datetime, *, is_signature_required: bool = False) -> None:
    """Add what a run lacks when it has ended: a signature that is demanded, and what was changed while it ran.

    Another run of the phase may have ended badly beside it. An approval rests on the phases before it, and those may
    have turned bad meanwhile.
    """
    lacking = unsigned(run.recorded, run.ledger, run.trusted, run.file, is_required=is_signature_required)
    audit.lacks(Reason.NOT_SIGNED, *lacking)
    _hold_to_keys(audit, run)
    hold_to_today(audit, run.recorded, run.environments, run.reports, now)
    start = run.recorded.start
    name = run.recorded.folder.name
    audit.lacks(Reason.INCOMPLETE, *standing_beside(run.ledger, name, GOOD[start.phase]))
    audit.lacks(Reason.INCOMPLETE, *killed_beside(run.ledger, name))
    hold_to_phases_before(audit, start, run.home, run.environments, run.ledger, run.trusted, now)


def _hold_to_keys(audit: Audit, run: EndedRun) -> None:
    """Add what the ledger says of a run by the keys of now, where they are others than those that it began with."""
    try:
        keys = trusted_keys(run.environments)
        if keys == run.trusted:
            return
        by_keys_of_now = audit_run(run.recorded, read_ledger(run.home, keys), keys)
    except (BadInput, BadRun) as error:
        why = f"the keys were changed while it ran, and cannot be used: {str(error).splitlines()[0]}"
        audit.lacks(Reason.NOT_SIGNED, why)
        return
    audit.gaps += by_keys_of_now.gaps
    audit.lacks(Reason.NOT_SIGNED, *by_keys_of_now.tampered)


def in_the_way(folder: Path, trusted: Mapping[str, PublicKey], environments: Path, now: datetime) -> tuple[str, ...]:
    """Return why a run that no gate started is not accepted: what a gate would say of it. Empty where it is."""
    home = folder.parent
    try:
        ledger = read_ledger(home, trusted)
        run = EndedRun(read_run(folder), ledger, trusted, environments, home.parent)
    except BadRun as error:
        return tuple(str(error).splitlines())

    examined = examine(run.recorded, ledger, trusted, now)
    hold_to_end(examined.audit, run, now)
    record = ledger.runs.get(folder.name) if ledger else None
    hold_to_anchors(examined.audit, ledger, recalled_of(home.name, run.file, ()), record)
    examined.audit.lacks(Reason.NOT_EVIDENCE, *filter(None, [lost(home, ledger)]))
    if examined.reason is Reason.GOOD:
        return ()
    return examined.in_the_way or (examined.reason.says,)
