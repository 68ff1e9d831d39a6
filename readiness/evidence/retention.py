"""Which folders of runs may be removed: what decides, what came after it, and what is young stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from readiness.evidence.ledger_reading import LedgerReading, LedgerRecord
from readiness.evidence.overtaken import beside
from readiness.evidence.previous_run import is_whole
from readiness.outcomes import Phase


def removable(ledger: LedgerReading, oldest: datetime) -> list[LedgerRecord]:
    """Return the sealed runs that opened before a moment and that nothing needs, the oldest first.

    Of each phase the newest whole run stays, which decides it, and every run after that one. The ladder needs no
    folder: each seal carries its steps. An older seal that does not carry them keeps its folder.
    """
    needed = {record.name for phase in Phase for record in _needed(ledger, phase)}
    return [record for record in ledger.runs.values() if record.name not in needed and _may_go(record, oldest)]


def _may_go(record: LedgerRecord, oldest: datetime) -> bool:
    if record.entry.kind != "run" or record.pruned or record.opened is None or record.sealed is None:
        return False
    carries_its_steps = record.sealed.entry.standing is not None
    return carries_its_steps and record.opened.entry.at < oldest


def _needed(ledger: LedgerReading, phase: Phase) -> Iterator[LedgerRecord]:
    """Yield the newest whole run of a phase, all that came after it, and what counts beside it."""
    of_phase = [record for record in ledger.runs.values() if record.entry.phase == phase]
    for record in reversed(of_phase):
        yield record
        if record.sealed and record.entry.as_of is None and is_whole(record.entry):
            yield from beside(ledger, record.name)
            return
