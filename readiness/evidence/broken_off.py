"""Runs that were killed when another run of their phase had begun already: what they saw since then is unknown.

The entry of a beginning names the runs that were under way by then. So the order of the ledger alone shows that a
killed run has seen a later moment than the good run which ended before it. It counts until a whole run begins without
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from readiness.evidence.ledger_reading import LedgerReading, LedgerRecord
from readiness.evidence.overtaken import of_its_kind, told
from readiness.evidence.previous_run import is_whole
from readiness.evidence.run_folders import is_under_way
from readiness.outcomes import Phase


def under_way(home: Path, phase: Phase) -> tuple[str, ...]:
    """Return the runs of a phase whose processes live, by the locks on their folders."""
    return tuple(folder.name for folder in sorted(home.glob(f"2*-{phase}*")) if is_under_way(folder))


def broken_off(home: Path, records: Sequence[LedgerRecord]) -> Iterator[LedgerRecord]:
    """Yield those that were killed while a later one was under way or over; `records` are of one kind, oldest first."""
    for number, record in enumerate(records):
        is_open = record.sealed is None and record.refused is None
        if is_open and _was_seen_alive(record, records[number + 1 :]) and not is_under_way(home / record.name):
            yield record


def broken_off_beside(ledger: LedgerReading, name: str) -> list[LedgerRecord]:
    """Return the runs that were killed so, and that count beside a run: same phase, same target, and no plan."""
    home = ledger.path.parent
    return [record for record in broken_off(home, of_its_kind(ledger, name)) if record.name != name]


def killed_beside(ledger: LedgerReading | None, name: str) -> Iterator[str]:
    """Yield, as a sentence, which run was killed beside one."""
    if ledger is None:
        return
    for record in broken_off_beside(ledger, name):
        yield f"{told(record, ledger.runs[name])}: what it saw is unknown"


def _was_seen_alive(record: LedgerRecord, later: Iterable[LedgerRecord]) -> bool:
    """Check whether a later run found it under way, and no whole one has begun without it since."""
    is_seen = False
    for other in later:
        if other.opened and record.name in other.opened.entry.under_way:
            is_seen = True
        elif other.sealed and is_whole(other.sealed.entry):
            is_seen = False
    return is_seen
