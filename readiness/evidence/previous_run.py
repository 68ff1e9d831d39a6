"""The run before: its outcomes and escalation states, and which outcomes have changed since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence import run_folders
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.ledger_reading import LedgerReading, LedgerRecord
from readiness.evidence.recorded_ladder import Before
from readiness.evidence.rejudge import by_earlier_rules, judge, recorded_states
from readiness.evidence.statements import LedgerEntry
from readiness.ladder import EscalationState, Hysteresis
from readiness.outcomes import DecisionKey, EscalationStep, Outcome, Phase
from readiness.verdict import VerdictStatus

LOOKED_AT_MOST = 20
REMEMBERED = timedelta(hours=48)
"""A run of longer ago says little of now: that is told. Its steps stay: no clock releases one, only a run does."""
SKEW = timedelta(minutes=1)
"""So far two clocks may be apart."""
OPEN = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_RUN, Outcome.WARN)


def newest(home: Path, ledger: LedgerReading | None, phase: Phase, url: str, started_at: datetime) -> Before | None:
    """Return the run that came before one, by the order of the ledger, as the next stands on it; None without one.

    A run of the same name against another address was of another target. A plan has looked at nothing of then.
    """
    earlier = ledger.earlier(phase, url, started_at) if ledger else []
    able = [record for record in reversed(earlier) if record.sealed and record.entry.as_of is None]
    for record in able[:LOOKED_AT_MOST]:
        before = _before(home, record)
        if before:
            return before
    return None


def ended_beside(
    home: Path, ledger: LedgerReading, before: Before, url: str, started_at: datetime
) -> tuple[Before, ...]:
    """Return the runs that ended after the one before had begun, so that it did not stand on them."""
    base = ledger.runs[before.run]
    began = base.opened.number if base.opened else 0
    earlier = ledger.earlier(base.entry.phase, url, started_at)
    ended_since = [record for record in earlier if record.sealed and record.sealed.number > began]
    able = [record for record in ended_since if record is not base and record.entry.as_of is None]
    stood_on = [_before(home, record) for record in reversed(able)]
    return tuple(run for run in stood_on if run)


def unsealed(ledger: LedgerReading, phase: Phase, url: str, started_at: datetime) -> tuple[str, ...]:
    """Return the runs that opened since the last whole one and never came to an end, the oldest first."""
    names: list[str] = []
    for record in reversed(ledger.earlier(phase, url, started_at)):
        if record.sealed and record.entry.as_of is None and is_whole(record.entry):
            break
        if record.sealed is None and record.refused is None:
            names.append(record.name)
    return tuple(reversed(names))


def is_whole(sealed: LedgerEntry) -> bool:
    """Check whether a seal is of a run that left nothing out."""
    # Older seals do not say it: what was left out made them INCOMPLETE.
    if sealed.whole is None:
        return sealed.verdict != VerdictStatus.INCOMPLETE
    return sealed.whole


def _before(home: Path, record: LedgerRecord) -> Before | None:
    """Return a sealed run as the one after it records it; None where neither its journal nor its seal says enough."""
    sealed = record.entry
    try:
        run = read_run(home / record.name)
    except BadRun:
        return from_seal(record.name, sealed)

    # A journal that is not the one that was sealed says nothing.
    before = as_before(run) if run.head == sealed.head else None
    return before or from_seal(record.name, sealed)


def from_seal(name: str, sealed: LedgerEntry) -> Before | None:
    """Return a run as its seal alone bears it out: its verdict and its steps. None where an older seal has no steps."""
    if sealed.standing is None or sealed.started_at is None:
        return None
    return Before(
        run=name,
        head=sealed.head,
        started_at=sealed.started_at,
        verdict=VerdictStatus(sealed.verdict),
        decisions=sealed.standing,
    )


def without_steps(before: Before) -> Before:
    """Return a run as an earlier version stood on one of long ago: by its clock alone it had forgotten the steps."""
    outcomes = {decision.key: decision.outcome for decision in before.decisions}
    return before.model_copy(update={"decisions": tuple(recorded_states({}, outcomes))})


def history_notes(before: Before | None, unknown: Sequence[str], started_at: datetime) -> Iterator[str]:
    """Yield what a reader should know of the runs before one: what is not known of them, and clocks that disagree."""
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        yield f"{unknown[-1]}{more} opened and never ended: what it saw is unknown, so all steps stay"
    if before is None:
        return

    apart = before.started_at - started_at
    if apart > SKEW:
        later = f"{before.run} came first, and by its clock it began {apart / timedelta(minutes=1):,.0f} min later"
        yield f"{later}: one of the clocks is wrong; all steps stay"
    elif -apart > REMEMBERED:
        hours = f"{-apart / timedelta(hours=1):,.0f} h before"
        yield f"{before.run} began {hours}, by the clocks: nobody looked for so long, or one is wrong; all steps stay"


def candidates(reports: Path, environment: str, phase: Phase | None = None) -> Iterator[Path]:
    """Yield the folders of runs, the newest first; without the replays, which looked at nothing."""
    home = reports / environment
    folders: set[Path] = set()
    for wanted in [phase] if phase else Phase:
        folders.update(path.parent for path in home.glob(f"2*-{wanted}*/journal.jsonl"))

    # The name begins with the time.
    for folder in sorted(folders, reverse=True):
        if run_folders.REPLAY not in folder.name:
            yield folder


def as_before(run: RecordedRun) -> Before | None:
    """Return a run as the one after it records it.

    None where it has no end, is a replay, or its journal contradicts itself.
    """
    judged = judge(run)
    if run.finish is None or run.start.replay or judged.refuted:
        return None

    # What this run left out keeps the outcome of the run before it.
    outcomes = _outcomes_before(run) | _decided(judged.outcomes.items())
    return Before(
        run=run.start.run,
        head=run.head,
        started_at=run.start.started_at,
        # What an earlier version came to by its own rules is what the runs after it stood on.
        verdict=run.finish.verdict if by_earlier_rules(run, judged.verdict) else judged.verdict.word,
        decisions=tuple(recorded_states(judged.states, outcomes)),
    )


def _outcomes_before(run: RecordedRun) -> dict[DecisionKey, Outcome]:
    if run.start.before is None:
        return {}
    return {decision.key: decision.outcome for decision in run.start.before.decisions}


def _decided(outcomes: Iterable[tuple[DecisionKey, Outcome]]) -> dict[DecisionKey, Outcome]:
    """Return the outcomes without those of decisions that were not run."""
    return {key: outcome for key, outcome in outcomes if outcome is not Outcome.NOT_RUN}


@dataclass(frozen=True)
class OutcomeChange:
    """A decision with another outcome than before."""

    key: DecisionKey
    before: Outcome
    now: Outcome

    @property
    def name(self) -> str:
        """The decision as people name it."""
        return self.key.name

    @property
    def worse(self) -> bool:
        """Whether it changed for the worse."""
        return _BADNESS.get(self.now, 0) > _BADNESS.get(self.before, 0)


_BADNESS = {Outcome.WARN: 1, Outcome.NOT_RUN: 2, Outcome.UNKNOWN: 3, Outcome.FAIL: 4}


@dataclass(frozen=True)
class Changes:
    """What is different from the run before."""

    before: Before
    turned: tuple[OutcomeChange, ...]
    open: dict[Outcome, int]
    """The number of decisions that are not well now, by outcome."""

    @property
    def as_before(self) -> str:
        """The sentence for a run in which nothing has changed."""
        if not self.open:
            return "as before: every line that was decided is well"
        counted = ", ".join(f"{number} {outcome}" for outcome, number in self.open.items())
        return f"as before: {counted}, same lines"


def changes(before: Before | None, now: Iterable[tuple[DecisionKey, Outcome]]) -> Changes | None:
    """Return what is different from the run before; None where there is none.

    What this run left out has not changed.
    """
    if before is None:
        return None

    earlier = _decided((decision.key, decision.outcome) for decision in before.decisions)
    current = _decided(now)
    changed = [
        OutcomeChange(key, earlier[key], outcome)
        for key, outcome in current.items()
        if key in earlier and outcome != earlier[key]
    ]
    # What became worse comes first, and of it the worst.
    changed.sort(key=lambda change: (not change.worse, -_BADNESS.get(change.now, 0), change.key.line))

    counts = Counter(current.values())
    return Changes(before, tuple(changed), {outcome: counts[outcome] for outcome in OPEN if counts[outcome]})


def changes_of(run: RecordedRun) -> Changes | None:
    """Return what is different in a recorded run from the one before it."""
    return changes(run.start.before, [(result.key, result.outcome) for result in run.results])


def held(
    states: Mapping[DecisionKey, EscalationState], outcomes: Mapping[DecisionKey, Outcome], hysteresis: Hysteresis
) -> Iterator[tuple[DecisionKey, str]]:
    """Yield the decisions that are still at a step though they did not fail, and what it takes to leave it."""
    for key, state in states.items():
        outcome = outcomes.get(key, Outcome.NOT_RUN)
        if state.step in {None, EscalationStep.WARN} or outcome is Outcome.FAIL:
            continue

        if state.recovery_credit:
            reason = f"below it now, {hysteresis.left_after(state.recovery_credit)}"
        else:
            reason = f"{outcome} this time, so it was not left"
        yield key, f"still at the step {state.step}, for {state.runs} runs: {reason}"


def held_in(run: RecordedRun) -> list[tuple[DecisionKey, str]]:
    """Return the same of a recorded run."""
    # Only the hours after the launch have a ladder.
    if run.start.phase is not Phase.POSTLAUNCH:
        return []

    judged = judge(run)
    return list(held(judged.states, judged.outcomes, run.start.hysteresis.hysteresis()))
