"""`readiness ladder`: judge recorded runs again, in the order of time, and print what each recommends."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from readiness.errors import BadInput
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.recorded_ladder import Before, states_after
from readiness.evidence.rejudge import Judged, States, judge, recorded_states
from readiness.files.canonical_json import JsonObject
from readiness.ladder import INITIAL, EscalationState, highest, reached
from readiness.outcomes import DecisionKey, EscalationStep, Outcome, Phase
from readiness.rendering.terminal import say, say_json

HELP = "walk recorded runs again: the steps each reached, what stood, what it recommends"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--replay", nargs="+", required=True, type=Path, metavar="RUN", help="folders of runs")
    parser.add_argument("--json", action="store_true", help="for machines")


@dataclass(frozen=True)
class ReplayedRun:
    """One recorded run, judged again on the one before it."""

    run: RecordedRun
    judged: Judged
    reached: Mapping[DecisionKey, EscalationStep]
    """The steps that the run's own measurements reach."""
    recorded: str | None
    """The verdict that the run recorded, where it is another one."""

    def state(self, key: DecisionKey) -> EscalationState:
        """Return the escalation state of a decision after this run."""
        return self.judged.states.get(key, INITIAL)

    def outcome(self, key: DecisionKey) -> Outcome:
        """Return the outcome of a decision in this run."""
        return self.judged.outcomes.get(key, Outcome.NOT_RUN)

    @property
    def on_ladder(self) -> list[DecisionKey]:
        """The decisions that reached a step, or that carry something of earlier runs."""
        carried = [key for key, state in self.judged.states.items() if state != INITIAL]
        return list(dict.fromkeys((*self.reached, *carried)))


def run(options: argparse.Namespace) -> int:
    """Print the runs; return 0 whatever they recommend."""
    replayed_runs = list(replay(read_run(folder) for folder in options.replay))

    if options.json:
        say_json([_as_json(replayed) for replayed in replayed_runs])
        return 0

    for replayed in replayed_runs:
        _print(replayed)
    return 0


def replay(runs: Iterable[RecordedRun]) -> Iterator[ReplayedRun]:
    """Judge runs one after the other, each on those that it stood on when it ran. Raises BadInput."""
    in_order = sorted(runs, key=lambda run: run.start.started_at)
    problems = list(_problems(in_order))
    if problems:
        raise BadInput(problems)

    replayed: dict[str, Judged] = {}
    for run in in_order:
        judged = judge(run, _states_before(run, replayed))
        replayed[run.start.run] = judged

        recorded = str(run.finish.verdict) if run.finish else "no end"
        yield ReplayedRun(
            run=run,
            judged=judged,
            reached=dict(_reached(run)),
            recorded=recorded if recorded != judged.verdict.word else None,
        )


def _reached(run: RecordedRun) -> Iterator[tuple[DecisionKey, EscalationStep]]:
    """Yield the decisions whose own measurements reach a step, whatever stood before."""
    for result in run.results:
        line = run.plan.line(result.line) if run.plan else None
        step = reached(line.ladder, result.measured()) if line else None
        if step:
            yield result.key, step


def _states_before(run: RecordedRun, replayed: Mapping[str, Judged]) -> States:
    """Return the states that a run stands on: those of the runs that it names, as they were judged again.

    Where these are not among the runs, they are as it recorded them. One that knew of none stands on the last of them.
    """
    start = run.start
    if start.before is None:
        return list(replayed.values())[-1].states if replayed else {}
    stood_on = [_judged_again(before, replayed) for before in (start.before, *start.also_before)]
    return states_after(stood_on)


def _judged_again(before: Before, replayed: Mapping[str, Judged]) -> Before:
    """Return a run before with the steps that it left when it was judged again."""
    judged = replayed.get(before.run)
    if judged is None:
        return before
    outcomes = {decision.key: decision.outcome for decision in before.decisions}
    return before.model_copy(update={"decisions": tuple(recorded_states(judged.states, outcomes))})


def _problems(runs: Iterable[RecordedRun]) -> Iterator[str]:
    """Yield why some runs do not make one sequence."""
    environments = set()
    for run in runs:
        environments.add(run.start.env)
        if run.start.phase is not Phase.POSTLAUNCH:
            yield f"{run.start.run}: a run of {run.start.phase} has no ladder"

    if len(environments) > 1:
        yield f"runs of one environment, not of {', '.join(sorted(environments))}"


def _print(replayed: ReplayedRun) -> None:
    start = replayed.run.start
    verdict = replayed.judged.verdict
    recorded = f" (recorded as {replayed.recorded})" if replayed.recorded else ""
    say(f"{start.started_at:%Y-%m-%d %H:%M:%S}Z  {verdict.word:<10} {start.run}{recorded}")

    for key in replayed.on_ladder:
        step = replayed.reached.get(key) or "no step"
        say(f"    {key.name}: {replayed.outcome(key)}, reaches {step}, {_summary(replayed.state(key))}")

    for fault in judge(replayed.run).refuted:
        say(f"    REFUTED  {fault}")


def _summary(state: EscalationState) -> str:
    if not state.step:
        return f"stands at none, {state.failures} in a row failed"
    below = ", below it now" if state.recovery_credit else ""
    return f"stands at {state.step} for {state.runs} runs{below}"


def _as_json(replayed: ReplayedRun) -> JsonObject:
    start = replayed.run.start
    finish = replayed.run.finish
    verdict = replayed.judged.verdict
    return {
        "run": start.run,
        "started_at": start.started_at.isoformat(),
        "recommends": str(verdict.word),
        "action": verdict.action,
        "recorded": str(finish.verdict) if finish else None,
        "highest": highest(state.step for state in replayed.judged.states.values()),
        "refuted": list(judge(replayed.run).refuted),
        "lines": [_line_as_json(replayed, key) for key in replayed.on_ladder],
    }


def _line_as_json(replayed: ReplayedRun, key: DecisionKey) -> JsonObject:
    line, check, subject = key
    state = replayed.state(key)
    return {
        "line": line,
        "check": check,
        "subject": subject,
        "outcome": replayed.outcome(key),
        "reached": replayed.reached.get(key),
        "stands_at": state.step,
        "runs": state.runs,
        "failures": state.failures,
        "calm": state.recovery_credit,
    }
