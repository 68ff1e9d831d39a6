"""The phases before the last one: how each stands on this target, by the ledger's order, when the launch is judged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from readiness.evidence.broken_off import broken_off
from readiness.evidence.ledger_reading import LedgerReading, LedgerRecord
from readiness.evidence.lost_history import missing_history
from readiness.evidence.overtaken import not_overtaken
from readiness.evidence.previous_run import is_whole
from readiness.evidence.recorded_phases import EarlierPhase
from readiness.evidence.records import Start
from readiness.evidence.run_folders import is_under_way
from readiness.outcomes import Phase
from readiness.verdict import GOOD, VerdictStatus

_NOTHING_AGAINST_IT = {"", VerdictStatus.INCOMPLETE}
"""Words of a phase that nobody has judged, or not to its end."""


def earlier_phases(
    phases: Collection[Phase],
    ledger: LedgerReading | None,
    url: str,
    started_at: datetime,
    borne_out: Callable[[EarlierPhase], EarlierPhase],
) -> tuple[EarlierPhase, ...]:
    """Return how each phase stood when a run began: by its newest whole run against the same address.

    Where runs overlap each of them counts that no other one overtook, and a good word needs all of them. `borne_out`
    returns what is left of a word when its evidence was looked at.
    """
    return tuple(_stood(phase, ledger, url, started_at, borne_out) for phase in phases)


def contradicted_phases(start: Start, ledger: LedgerReading | None) -> Iterator[str]:
    """Yield where a run says of a phase before it what the ledger does not: only the ledger's own verdicts count."""
    if ledger is None:
        return
    for earlier in start.earlier_phases or ():
        if not earlier.verdict:
            continue
        record = ledger.runs.get(earlier.run)
        sealed = record.entry if record and record.sealed else None
        if sealed is None or (sealed.phase, sealed.verdict) != (earlier.phase, earlier.verdict):
            yield f"it says that {earlier.phase} was {earlier.verdict} in {earlier.run}, and the ledger says otherwise"


def newest_that_decided(phase: Phase, ledger: LedgerReading, url: str, moment: datetime) -> Iterator[LedgerRecord]:
    """Yield the runs of a phase that came to a word, the newest first: what ended before that takes no word away."""
    for record in reversed(ledger.earlier(phase, url, moment)):
        is_open = record.sealed is None or record.entry.verdict in _NOTHING_AGAINST_IT
        if not is_open and _decides(record):
            yield record


def _stood(
    phase: Phase,
    ledger: LedgerReading | None,
    url: str,
    started_at: datetime,
    borne_out: Callable[[EarlierPhase], EarlierPhase],
) -> EarlierPhase:
    if ledger is None:
        return EarlierPhase(phase=phase)

    why = ledger.why_no_run(phase) or missing_history(ledger.path.parent, phase, ledger)
    if why:
        return EarlierPhase(phase=phase, why=why)

    newest_first = list(reversed(ledger.earlier(phase, url, started_at)))
    never_ended = _never_ended(newest_first, ledger.path.parent)
    if never_ended:
        return EarlierPhase(phase=phase, run=never_ended, why="opened and never ended: what it saw is unknown")

    deciding = [record for record in newest_first if record.sealed and _decides(record)]
    counting = [borne_out(_as_sealed(record, phase, ledger)) for record in not_overtaken(deciding)]
    against = [earlier for earlier in counting if earlier.verdict != GOOD[phase]]
    return next(iter([*against, *counting]), EarlierPhase(phase=phase))


def _never_ended(newest_first: Sequence[LedgerRecord], home: Path) -> str:
    """Return the run that was killed and has seen more than all that decided; empty where there is none."""
    beside = next(broken_off(home, newest_first[::-1]), None)
    if beside:
        return beside.name
    for record in newest_first:
        if record.sealed and _decides(record):
            return ""
        # What one under way sees counts when it has ended: who looks again then is told.
        if record.sealed is None and not is_under_way(home / record.name):
            return record.name
    return ""


def _as_sealed(record: LedgerRecord, phase: Phase, ledger: LedgerReading) -> EarlierPhase:
    """Return how a phase stood by one of its runs, as the ledger has it."""
    verdict = record.entry.verdict
    if _is_unproven(record, phase, ledger):
        return EarlierPhase(phase=phase, run=record.name, why=f"says {verdict}, and no key that counts has signed it")
    return EarlierPhase(phase=phase, run=record.name, verdict=verdict)


def _is_unproven(record: LedgerRecord, phase: Phase, ledger: LedgerReading) -> bool:
    """Check whether a good word is nobody's, in a ledger that keys have signed: a bad one counts without a key."""
    return ledger.ever_signed and record.key is None and record.entry.verdict == GOOD[phase]


def _decides(record: LedgerRecord) -> bool:
    """Check whether a sealed run says how its phase stands."""
    # A plan has looked at nothing of now. One that left something out can take away, and never give.
    is_plan = record.entry.as_of is not None
    is_bad = record.entry.exit == 1
    return not is_plan and (is_whole(record.entry) or is_bad)
