"""The run before: what stood then, and what has turned since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence import run_folders
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.records import Before
from readiness.evidence.rejudge import judge, stood
from readiness.ladder import Hysteresis, Standing
from readiness.outcomes import DecisionKey, Outcome, Phase, Step

LOOKED_AT_MOST = 20
REMEMBERED = timedelta(hours=48)
"""What stood longer ago says nothing about now."""
OPEN = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_RUN, Outcome.WARN)


def newest(reports: Path, environment: str, phase: Phase, url: str, now: datetime) -> Before | None:
    """Find the newest run of an environment and phase that ended and that its journal bears out.

    A run of the same name against another address was of another target.
    """
    for folder in list(candidates(reports, environment, phase))[:LOOKED_AT_MOST]:
        try:
            run = read_run(folder)
        except BadRun:
            continue
        if run.start.target.url == url and run.start.started_at < now and (found := as_before(run, now)):
            return found
    return None


def candidates(reports: Path, environment: str, phase: Phase | None = None) -> Iterator[Path]:
    """Give the folders of runs, the newest first; without the replays, which looked at nothing."""
    wanted = [phase] if phase else list(Phase)
    found = {path.parent for one in wanted for path in (reports / environment).glob(f"2*-{one}*/journal.jsonl")}
    yield from sorted((one for one in found if run_folders.REPLAY not in one.name), reverse=True)


def as_before(run: RecordedRun, now: datetime) -> Before | None:
    """Sum a run up for the one after it; None where it has no end, is a replay, or its journal contradicts itself."""
    judged = judge(run)
    if run.finish is None or run.start.replay or judged.refuted:
        return None
    outcomes = {one.key: one.outcome for one in (run.start.before.decisions if run.start.before else ())}
    outcomes |= {key: outcome for key, outcome in judged.outcomes.items() if outcome is not Outcome.NOT_RUN}
    fresh = now - run.start.started_at <= REMEMBERED
    return Before(
        run=run.start.run,
        head=run.head,
        started_at=run.start.started_at,
        verdict=judged.verdict.word,
        decisions=tuple(stood(judged.standing if fresh else {}, outcomes)),
    )


@dataclass(frozen=True)
class Turned:
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
        """Tell whether it turned for the worse."""
        return _BAD.get(self.now, 0) > _BAD.get(self.before, 0)


_BAD = {Outcome.WARN: 1, Outcome.NOT_RUN: 2, Outcome.UNKNOWN: 3, Outcome.FAIL: 4}


@dataclass(frozen=True)
class Changes:
    """What is different from the run before."""

    before: Before
    turned: tuple[Turned, ...]
    open: dict[Outcome, int]
    """How many are not well now."""

    @property
    def as_before(self) -> str:
        """Say that nothing has turned."""
        told = ", ".join(f"{number} {outcome}" for outcome, number in self.open.items())
        return f"as before: {told}, same lines" if told else "as before: every line that was decided is well"


def changes(before: Before | None, now: Iterable[tuple[DecisionKey, Outcome]]) -> Changes | None:
    """Compare with the run before; None where there is none. What this run left out has not turned."""
    if before is None:
        return None
    known = {one.key: one.outcome for one in before.decisions if one.outcome is not Outcome.NOT_RUN}
    found = {key: outcome for key, outcome in now if outcome is not Outcome.NOT_RUN}
    turned = [
        Turned(key, known[key], outcome) for key, outcome in found.items() if key in known and outcome != known[key]
    ]
    turned.sort(key=lambda one: (not one.worse, -_BAD.get(one.now, 0), one.key.line))
    return Changes(before, tuple(turned), _counted(found))


def _counted(found: Mapping[DecisionKey, Outcome]) -> dict[Outcome, int]:
    counts = {outcome: list(found.values()).count(outcome) for outcome in OPEN}
    return {outcome: number for outcome, number in counts.items() if number}


def changes_of(run: RecordedRun) -> Changes | None:
    """Compare a recorded run with the one that it found before it."""
    return changes(run.start.before, [(result.key, result.outcome) for result in run.results])


def held(
    standing: Mapping[DecisionKey, Standing], outcomes: Mapping[DecisionKey, Outcome], eased: Hysteresis
) -> Iterator[tuple[DecisionKey, str]]:
    """Tell the steps that still stand though the line did not fail, and what it takes to leave them."""
    for key, one in standing.items():
        outcome = outcomes.get(key, Outcome.NOT_RUN)
        if one.step in {None, Step.WARN} or outcome is Outcome.FAIL:
            continue
        seen = f"below it now, {eased.left_after(one.calm)}" if one.calm else f"{outcome} this time, so it was not left"
        yield key, f"still at the step {one.step}, for {one.runs} runs: {seen}"


def held_in(run: RecordedRun) -> list[tuple[DecisionKey, str]]:
    """Return the same of a recorded run."""
    if run.start.phase is not Phase.POSTLAUNCH:
        return []  # only the hours after the launch have a ladder
    judged = judge(run)
    return list(held(judged.standing, judged.outcomes, run.start.hysteresis.hysteresis()))
