"""The step of the ladder that a recorded result has, worked out again."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.evidence.journal import RecordedRun
from readiness.evidence.records import Result
from readiness.ladder import EscalationState, Ladder, reached, step_of_result
from readiness.outcomes import EscalationStep, Outcome, Phase


def refuted_step(run: RecordedRun, result: Result, outcome: Outcome, before: EscalationState) -> Iterator[str]:
    """Yield that a result was recorded at another step than follows from its measurements."""
    step = _step(run, result, outcome, before)
    if step is not result.step:
        where = f"{result.key.name} ({result.check})"
        yield f"{where}: recorded at the step {result.step or 'none'}, its measurements lead to {step or 'none'}"


def _step(run: RecordedRun, result: Result, outcome: Outcome, before: EscalationState) -> EscalationStep | None:
    """Return the step of its ladder that a result has by its measurements, and by the runs before it."""
    line = run.plan.line(result.line) if run.plan else None
    if run.start.phase is not Phase.POSTLAUNCH or line is None:
        return None
    # Earlier versions recorded what the measurements alone reach.
    if not run.start.takes_steps:
        return reached(line.ladder, result.measured())
    ladder = Ladder(line.ladder, line.consecutive, run.start.hysteresis.hysteresis())
    return step_of_result(ladder, before, outcome, result.measured())
