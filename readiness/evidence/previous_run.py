"""The run before: its outcomes and escalation states, and which outcomes have changed since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence import run_folders
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.records import Before
from readiness.evidence.rejudge import by_earlier_rules, judge, recorded_states
from readiness.ladder import EscalationState, Hysteresis
from readiness.outcomes import DecisionKey, EscalationStep, Outcome, Phase

LOOKED_AT_MOST = 20
REMEMBERED = timedelta(hours=48)
"""Escalation states of longer ago say nothing about now."""
OPEN = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_RUN, Outcome.WARN)


def newest(reports: Path, environment: str, phase: Phase, url: str, now: datetime) -> Before | None:
    """Return the newest run of an environment and phase that ended and that its journal bears out; None without one.

    A run of the same name against another address was of another target.
    """
    for folder in islice(candidates(reports, environment, phase), LOOKED_AT_MOST):
        try:
            run = read_run(folder)
        except BadRun:
            continue
        if run.start.target.url != url or run.start.started_at >= now:
            continue

        before = as_before(run, now)
        if before:
            return before
    return None


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


def as_before(run: RecordedRun, now: datetime) -> Before | None:
    """Return a run as the one after it records it.

    None where it has no end, is a replay, or its journal contradicts itself.
    """
    judged = judge(run)
    if run.finish is None or run.start.replay or judged.refuted:
        return None

    # What this run left out keeps the outcome of the run before it.
    outcomes = _outcomes_before(run) | _decided(judged.outcomes.items())
    is_fresh = now - run.start.started_at <= REMEMBERED
    return Before(
        run=run.start.run,
        head=run.head,
        started_at=run.start.started_at,
        # What an earlier version came to by its own rules is what the runs after it stood on.
        verdict=run.finish.verdict if by_earlier_rules(run, judged.verdict) else judged.verdict.word,
        decisions=tuple(recorded_states(judged.states if is_fresh else {}, outcomes)),
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
