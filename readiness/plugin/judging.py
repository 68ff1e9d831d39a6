"""From what happened to an item to its outcome, in words that a tired engineer can act on."""

from __future__ import annotations

import inspect
import re
import shlex
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

from readiness.environment.declarations import unanswered
from readiness.evidence.grounds import Grounds
from readiness.evidence.recorded_look import RecordedLook
from readiness.evidence.records import Result
from readiness.evidence.rests_on import GOOD
from readiness.ladder import reached
from readiness.measurements import Measure, Measurement, show
from readiness.observations import OBSERVATIONS
from readiness.outcomes import EscalationStep, Outcome, Phase, Unknown
from readiness.plugin import judging_ahead
from readiness.plugin.attesting import attest
from readiness.plugin.come_by import Judgement, only_stated, provenance_of, stated_by
from readiness.plugin.diagnosing import diagnose
from readiness.plugin.run import Run
from readiness.plugin.session import SESSION, STATE, ItemState, state_of
from readiness.plugin.transfer import attach_records, attach_result
from readiness.plugin.waiving import waive
from readiness.runbook.limits import Limits, minimums_of
from readiness.runbook.lines import Item

SECONDS_AT_MOST = 300.0  # an item that took longer is not trusted, whatever it says of itself
SKIPPED = (pytest.skip.Exception, pytest.xfail.Exception)
_PYTEST_OUTCOMES: dict[Outcome, Literal["passed", "skipped"]] = {
    Outcome.PASS: "passed",
    Outcome.WARN: "passed",
    Outcome.NOT_DUE: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
}
"""What pytest calls it; everything else is failed."""
TRACE_VERBOSITY = 2


class NotJudged(BaseException):
    """Ends the set-up of an item that is decided without an observation."""


@pytest.fixture
def measure(request: pytest.FixtureRequest, item_of_line: Item) -> Measure:
    """Record a value, then hold it against its limit."""
    del item_of_line  # it makes the item one of a line
    request.node.stash[STATE].measure = taken = Measure()
    return taken


@pytest.fixture
def limits(request: pytest.FixtureRequest, item_of_line: Item) -> Limits:
    """Return the limits of the line, as the type that the check asks for."""
    del item_of_line
    stated: Limits = request.node.stash[STATE].limits
    return stated


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Stop before an item that is not due, not applicable, or short of a limit. Raises NotJudged."""
    state = state_of(item)
    if state and state.predecided:
        raise NotJudged(state.predecided.reason)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object | None:
    """Leave out a check that saw nothing, and that an attestation has decided."""
    state = state_of(pyfuncitem)
    if state and state.attested:
        return True
    if state and state.limits_ahead:
        judging_ahead.judge(state, pyfuncitem, pyfuncitem.config.stash[SESSION].observer)
    return None


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the result to the report; the report's own outcome stays one of pytest's."""
    if STATE not in item.stash:
        return (yield)

    with _without_drawing_its_trace(item):
        report = yield
    error = call.excinfo.value if call.excinfo else None
    if report.when == "call" or error is not None:
        _judge(item, report, error)
    if report.when == "teardown":
        attach_records(report, item.config.stash[SESSION].observer.take_records())
    return report


@contextmanager
def _without_drawing_its_trace(item: pytest.Item) -> Iterator[None]:
    """Spare pytest the drawing of a traceback that nobody will read: results have words of their own (but with -vv).

    Where most lines are unknown, a sixth of a run went into that. What was raised stays in the call, and the report is
    that of a failure: the hooks of a team and of other plugins look for it there.
    """
    if item.config.get_verbosity() >= TRACE_VERBOSITY:
        yield
        return
    ways = vars(item)
    ways["repr_failure"] = ways["_repr_failure_py"] = _in_a_word
    try:
        yield
    finally:
        del ways["repr_failure"], ways["_repr_failure_py"]


def _in_a_word(raised: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
    del style
    return f"{raised.typename}: {raised.value}"


def _skips_as_unittest_does(error: BaseException | None) -> bool:
    """Check whether a check skipped itself in the way of unittest, which is not imported for that."""
    unittest = sys.modules.get("unittest")
    return unittest is not None and isinstance(error, unittest.SkipTest)


def _judge(item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> None:
    """Judge an item and put that on its report."""
    state = item.stash[STATE]
    attested = state.attested if report.when == "call" else None
    result = attested or judged(item, report, error)

    if report.when == "setup" and result.attested and result.outcome is Outcome.PASS:
        # Its row is that of the call, which has nothing to do.
        state.attested = result
        report.outcome, report.longrepr = "passed", None
        return

    attach_result(report, result)
    report.outcome = _PYTEST_OUTCOMES.get(result.outcome, "failed")
    report.longrepr = _longrepr(item, report, result)


def _longrepr(item: pytest.Item, report: pytest.TestReport, result: Result) -> str | tuple[str, int, str] | None:
    """Return the result in a few lines; -vv adds the trace."""
    if report.outcome == "passed":
        return None
    if report.outcome == "skipped":
        return (str(item.path), (item.location[1] or 0) + 1, f"{result.outcome}: {result.reason}")
    wants_trace = item.config.get_verbosity() >= TRACE_VERBOSITY and report.longrepr
    trace = f"\n\n{report.longrepr}" if wants_trace else ""
    return summary(result) + trace


def judged(item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> Result:
    """Return what is decided for an item: by its check, and then by the people who attested or waived its line."""
    run, decided = item.config.stash[SESSION].run, item.stash[STATE].item
    taken = _measurements(item)
    outcome, reason, remedy = _outcome(item, report, error)

    step = reached(decided.line.ladder, taken) if run.phase is Phase.POSTLAUNCH else None
    if outcome is Outcome.PASS and step:
        outcome, reason, remedy = _on_ladder(item, taken, step)

    grounds = _grounds(item, report)
    alone = unanswered(grounds.stated, grounds.provenance, run.environment.declared, run.moment)
    is_vouched_for_by_nobody = bool(alone) and run.environment.production and outcome in GOOD
    if is_vouched_for_by_nobody:
        outcome, reason, remedy = only_stated(run, decided, alone)

    # An item that was decided before it ran has nothing to show.
    was_looked_at = report.when == "call" or isinstance(error, Unknown)
    is_bad = outcome is Outcome.FAIL or step is not None
    result = Result.of(
        decided,
        nodeid=item.nodeid,
        where=f"{item.nodeid.partition('::')[0]}:{(item.location[1] or 0) + 1}",
        again=again(run, item.nodeid),
        outcome=outcome,
        reason=reason,
        remedy=remedy,
        measurements=taken,
        grounds=grounds,
        seconds=round(report.duration, 4),
        step=step,
        urgency=run.urgency(decided, step) if outcome is Outcome.FAIL else None,
        diagnostics=diagnose(item, bad=is_bad) if was_looked_at else {},
    )
    is_configured = _configured(item, error) and not is_vouched_for_by_nobody
    result = attest(item, result, configured=is_configured)
    return waive(run, decided, result)


def _grounds(item: pytest.Item, report: pytest.TestReport) -> Grounds:
    """Return what an item stands on besides its measurements."""
    run, state = item.config.stash[SESSION].run, item.stash[STATE]
    provenance = provenance_of(run, state)
    was_called = report.when == "call"
    return Grounds(
        stated=stated_by(state, provenance),
        provenance=provenance,
        overlaid=tuple(str(override) for override in state.overrides if override.effect.is_told),
        rests_on=_looks(item) if was_called else None,
        ahead=state.ahead if was_called else None,
    )


def _on_ladder(item: pytest.Item, taken: list[Measurement], step: EscalationStep) -> Judgement:
    """Return what a value comes to that keeps its limit, and is on the ladder all the same."""
    outcome = Outcome.WARN if step is EscalationStep.WARN else Outcome.FAIL
    return outcome, f"{taken[0]}; it reaches the step {step}", remedy_of(item)


def _looks(item: pytest.Item) -> tuple[RecordedLook, ...]:
    """Return the observations that a check was given: it began, so each of them has a value."""
    observer, state = item.config.stash[SESSION].observer, item.stash[STATE]
    names = [name for name in getattr(item, "fixturenames", ()) if name in OBSERVATIONS]
    return tuple(
        RecordedLook(name=name, arguments=observer.arguments(OBSERVATIONS[name], state.limits, state.item.name))
        for name in names
    )


def left_without_report(run: Run, item: Item, nodeid: str) -> Result:
    """Return the result of an item of which no report says anything."""
    return _reported_by_nobody(run, item, nodeid, Outcome.NOT_RUN, "it ended without a report")


def crashed(run: Run, item: Item, nodeid: str) -> Result:
    """Return the result of an item whose worker died."""
    return _reported_by_nobody(run, item, nodeid, Outcome.UNKNOWN, "the worker that judged it crashed")


def _reported_by_nobody(run: Run, item: Item, nodeid: str, outcome: Outcome, reason: str) -> Result:
    return Result.of(
        item,
        nodeid=nodeid,
        where=nodeid.partition("::")[0],
        again=again(run, nodeid),
        outcome=outcome,
        reason=reason,
        remedy="run it again",
    )


def _configured(item: pytest.Item, error: BaseException | None) -> bool:
    """Check whether the environment states where to look."""
    predecided = item.stash[STATE].predecided
    if isinstance(error, NotJudged) and predecided:
        return predecided.configured
    return bool(getattr(error, "configured", True))


def again(run: Run, nodeid: str) -> str:
    """Return the command that decides this one item once more, for a shell."""
    return f"pytest -m {run.phase} --env {run.environment.environment} {shlex.quote(nodeid)}"


def _outcome(item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> Judgement:
    """Return what the set-up, the check and its measurements come to."""
    predecided = item.stash[STATE].predecided
    if isinstance(error, NotJudged) and predecided:
        return predecided.outcome, predecided.reason, predecided.remedy
    if isinstance(error, Unknown):
        return Outcome.UNKNOWN, error.reason, error.remedy

    taken = _measurements(item)
    beyond_limit = next((measurement for measurement in taken if not measurement.ok), None)
    if beyond_limit and report.when == "call" and (error is None or isinstance(error, AssertionError)):
        # Also where the check has swallowed the error that came with it.
        return Outcome.FAIL, str(beyond_limit), _remedy_and_choices(item, beyond_limit)
    if error is not None:
        return _broken(item, report, error)
    return _passed(item, report, taken)


def _measurements(item: pytest.Item) -> list[Measurement]:
    measure = item.stash[STATE].measure
    return measure.taken if measure else []


def _passed(item: pytest.Item, report: pytest.TestReport, taken: list[Measurement]) -> Judgement:
    """Return what a check comes to that reached its end with everything in its limits."""
    if not taken:
        return Outcome.UNKNOWN, "the check measured nothing", "report this defect of the check"
    if not _looks(item):
        return Outcome.UNKNOWN, "the check was given no observation: nobody saw what it measured", "ask for one by name"
    if report.duration > SECONDS_AT_MOST:
        reason = f"it took {report.duration:.0f} s, more than {SECONDS_AT_MOST:.0f}"
        return Outcome.UNKNOWN, reason, "look for what hangs"
    return Outcome.PASS, "", ""


def _broken(item: pytest.Item, report: pytest.TestReport, error: BaseException) -> Judgement:
    """Return what an error comes to that no measurement explains: never a pass."""
    sentence = str(error).strip().partition("\n")[0]
    defect = f"{type(error).__name__}: {sentence}"
    see_trace = "run it again with -vv to see where"

    if isinstance(error, SKIPPED) or _skips_as_unittest_does(error):
        return Outcome.NOT_RUN, f"the check skipped itself: {sentence}", "a check does not skip; see not_applicable"

    # What a check has changed, and could not undo, still stands.
    if report.when == "teardown":
        return Outcome.FAIL, f"broke while cleaning up: {defect}", see_trace

    if report.when == "call" and isinstance(error, AssertionError | pytest.fail.Exception):
        return Outcome.FAIL, sentence or "an assertion does not hold", remedy_of(item)

    # Any other error shows nothing of the service.
    return Outcome.UNKNOWN, f"the check broke: {defect}", see_trace


def remedy_of(item: pytest.Item) -> str:
    """Return the remedy in the check's docstring, on one line; empty where it has none."""
    text = inspect.getdoc(getattr(item, "obj", None)) or ""
    section = re.search(r"^Remedy: (.+?)(?=^\w+: |\Z)", text, re.MULTILINE | re.DOTALL)
    return " ".join(section[1].split()) if section else ""


def _remedy_and_choices(item: pytest.Item, broken: Measurement) -> str:
    """Return what to do about a value out of its limits, and where no document names these."""
    remedy, choices = remedy_of(item), _choices(item.stash[STATE], broken)
    return f"{remedy.rstrip('.')}; {choices}" if remedy and choices else remedy or choices


def _choices(state: ItemState, broken: Measurement) -> str:
    """Return the limits that the runbook chose and a value breaks, as a hint; empty where it breaks none of them."""
    decided = state.item
    minimums = minimums_of(type(state.limits))
    chosen = {limit: value for limit, value in decided.chosen.items() if limit not in minimums}
    broken_ones = {limit: value for limit, value in chosen.items() if value == broken.limit}
    if not broken_ones and broken.limit in decided.limits.values():
        return ""

    # A limit that stands in no line is worked out from those that do: so many times what is usual.
    named = [f"{limit} {show(value)}" for limit, value in (broken_ones or chosen).items()]
    if not named:
        return ""
    figures = "this figure" if len(named) == 1 else "these figures"
    return (
        f"the runbook chose {figures}, its document names none: {', '.join(named)}; "
        f"state your own in the environment: lines: {{{decided.line_id}: ...}}"
    )


def summary(result: Result) -> str:
    """Return a failed or unknown result in a few lines."""
    measured = [str(measurement) for measurement in result.measured()]
    lines = [f"{result.outcome.upper()}  {result.says}"]
    lines += [f"  saw     {text}" for text in measured if text != result.reason]
    lines += [
        f"  why     {result.reason}",
        f"  remedy  {result.remedy}",
        f"  line    {result.gate} {result.line}, {result.where}",
        f"  again   {result.again}",
    ]
    return "\n".join(lines)
