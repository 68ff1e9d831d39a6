"""Runs of a phase that were under way at the same time: the word of one counts until another began and ended after it.

By the order of the ledger, not by clocks. So the run that began last counts, and the one that ended last: a long run
which ends badly behind a short good one has seen a later moment than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from readiness.evidence.ledger_reading import LedgerReading, LedgerRecord
from readiness.evidence.statements import LedgerEntry


def any_may(record: LedgerRecord) -> bool:
    """Return that a run may overtake others, whatever it came to."""
    return record.sealed is not None


def not_overtaken(
    newest_first: Iterable[LedgerRecord], may_overtake: Callable[[LedgerRecord], bool] = any_may
) -> Iterator[LedgerRecord]:
    """Yield the sealed runs whose word counts, in the order of their beginning, the newest first.

    `may_overtake` is asked of these alone: who says no leaves what came before it as it was.
    """
    last_end = -1
    for record in newest_first:
        if record.sealed is None or record.sealed.number < last_end:
            continue
        yield record
        if may_overtake(record):
            last_end = record.sealed.number


def beside(ledger: LedgerReading, name: str) -> list[LedgerRecord]:
    """Return the other runs whose word counts beside that of a sealed one: same phase, same target, and no plan."""
    record = ledger.runs.get(name)
    is_plan = record is not None and record.entry.as_of is not None
    if record is None or record.sealed is None or is_plan:
        return []
    return [other for other in not_overtaken(reversed(of_its_kind(ledger, name))) if other is not record]


def of_its_kind(ledger: LedgerReading, name: str) -> list[LedgerRecord]:
    """Return the runs of the same phase and target as one, with it, the oldest first; none where it is a plan."""
    record = ledger.runs.get(name)
    if record is None:
        return []
    return [other for other in ledger.runs.values() if _is_comparable(other, record.entry)]


def is_longer(record: LedgerRecord, than: LedgerRecord) -> bool:
    """Check whether a run began before another one that it does not count without: then it ended after it."""
    return _began(record) < _began(than)


def told(record: LedgerRecord, than: LedgerRecord) -> str:
    """Return how a run that counts beside another one lies to it in time."""
    if record.sealed is None:
        return f"{record.name}, which was under way when {than.name} began, and was killed"
    if is_longer(record, than):
        return f"{record.name}, which began before {than.name} and ended after it"
    return f"{record.name}, which began after {than.name}"


def standing_beside(ledger: LedgerReading | None, name: str, good: str) -> Iterator[str]:
    """Yield which run counts beside one and says another word than the good one, as the ledger has it."""
    if ledger is None:
        return
    for record in beside(ledger, name):
        if record.entry.verdict != good or record.is_red_beside:
            yield f"{told(record, ledger.runs[name])}, is {record.ended}"


def _is_comparable(record: LedgerRecord, entry: LedgerEntry) -> bool:
    if record.opened is None or record.entry.as_of is not None:
        return False
    of_this = (record.entry.kind, record.entry.phase, record.entry.target)
    return of_this == (entry.kind, entry.phase, entry.target)


def _began(record: LedgerRecord) -> int:
    return record.opened.number if record.opened else -1
