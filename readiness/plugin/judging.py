"""From what happened to an item to its outcome, in words that a tired engineer can act on."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Generator
from dataclasses import asdict
from typing import Any

import pytest

from readiness.ladder import reached
from readiness.measurements import Measure, Measurement
from readiness.outcomes import Outcome, Phase, Step, Unknown
from readiness.plugin.attesting import attest
from readiness.plugin.diagnosing import diagnose
from readiness.plugin.looking import POOL
from readiness.plugin.run import FOUND, ITEM, LIMITS, MEASURE, RUN, SEEN, SETTLED, Run, Settled, is_real
from readiness.plugin.waiving import waive
from readiness.runbook.lines import Item, Limits, severity_at

SECONDS_AT_MOST = 300.0  # an item that took longer is not trusted, whatever it says of itself
SKIPPED = (pytest.skip.Exception, pytest.xfail.Exception)
GOOD = {Outcome.PASS, Outcome.WARN}
LEFT_OUT = {Outcome.NOT_DUE, Outcome.NOT_APPLICABLE}
TRACE_VERBOSITY = 2
ATTESTED = pytest.StashKey[dict[str, Any]]()
"""On an item whose set-up found nothing configured: the result that a person's word gives."""
Found = tuple[Outcome, str, str]
"""Outcome, reason, remedy."""


class NotJudged(BaseException):
    """Ends the set-up of an item that is decided without a look."""


@pytest.fixture
def measure(request: pytest.FixtureRequest, item_of_line: Item) -> Measure:
    """Record a value, then hold it against its limit."""
    del item_of_line  # it makes the item one of a line
    request.node.stash[MEASURE] = taken = Measure()
    return taken


@pytest.fixture
def limits(request: pytest.FixtureRequest, item_of_line: Item) -> Limits:
    """Give the limits of the line, as the type that the check asks for."""
    del item_of_line
    found: Limits = request.node.stash[LIMITS]
    return found


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare pytest the drawing of tracebacks that nobody will read: we tell it in our own words (but with -vv)."""
    config = session.config
    if is_real(config) and config.get_verbosity() < TRACE_VERBOSITY and config.option.tbstyle == "auto":
        config.option.tbstyle = "native"  # the others draw every frame first, and then leave most of it out


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Stop before an item that is not due, not applicable, or short of a limit."""
    if SETTLED in item.stash:
        raise NotJudged(item.stash[SETTLED].reason)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object | None:
    """Leave out a check that saw nothing, and that a person's word has decided."""
    return True if ATTESTED in pyfuncitem.stash else None


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach what was found to the report; its own outcome stays one of pytest's."""
    report = yield
    if ITEM not in item.stash:
        return report
    error = call.excinfo.value if call.excinfo else None
    if report.when == "call" or error is not None:
        kept = item.stash.get(ATTESTED, None) if report.when == "call" else None
        record = kept or _record(item, report, error)
        if report.when == "setup" and record["attested"] and record["outcome"] == Outcome.PASS:
            item.stash[ATTESTED] = record  # its row is that of the call, which has nothing to do
            report.outcome, report.longrepr = "passed", None
            return report
        setattr(report, FOUND, record)
        outcome = Outcome(record["outcome"])
        report.outcome = "passed" if outcome in GOOD else "skipped" if outcome in LEFT_OUT else "failed"
        report.longrepr = _longrepr(item, report, record)
    if report.when == "teardown" and POOL in item.config.stash:
        setattr(report, SEEN, item.config.stash[POOL].fetch_seen())
    return report


def _longrepr(
    item: pytest.Item, report: pytest.TestReport, record: dict[str, Any]
) -> str | tuple[str, int, str] | None:
    """Say it in a few lines; -vv adds the trace."""
    if report.outcome == "passed":
        return None
    if report.outcome == "skipped":
        return (str(item.path), (item.location[1] or 0) + 1, f"{record['outcome']}: {record['reason']}")
    trace = f"\n\n{report.longrepr}" if item.config.get_verbosity() >= TRACE_VERBOSITY and report.longrepr else ""
    return told(record) + trace


def _record(item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> dict[str, Any]:
    """Make the journal's `result` record."""
    taken = item.stash[MEASURE].taken if MEASURE in item.stash else []
    found, run = item.stash[ITEM], item.config.stash[RUN]
    step = reached(found.line.ladder, taken) if run.phase is Phase.POSTLAUNCH else None
    outcome, reason, remedy = _outcome(item, report, error)
    if outcome is Outcome.PASS and step:
        calm = step is Step.WARN
        outcome, reason = (Outcome.WARN if calm else Outcome.FAIL), f"{taken[0]}; it reaches the step {step}"
        remedy = remedy_of(item)
    looked = report.when == "call" or isinstance(error, Unknown)
    record = {
        **identity(found),
        "nodeid": item.nodeid,
        "where": f"{item.nodeid.partition('::')[0]}:{(item.location[1] or 0) + 1}",
        "again": again(run, item.nodeid),
        "outcome": str(outcome),
        "measurements": [asdict(one) for one in taken],
        "reason": reason,
        "remedy": remedy,
        "seconds": round(report.duration, 4),
        "step": str(step) if step else None,
        "severity": severity_at(found.line.severity, step) if outcome is Outcome.FAIL else "",
        "side": {},
        "waived": False,
        "attested": False,
        "diagnostics": diagnose(item, bad=outcome is Outcome.FAIL or step is not None) if looked else {},
    }
    attest(item, record, configured=_configured(item, error))
    waive(run, found, record)
    return record


def _configured(item: pytest.Item, error: BaseException | None) -> bool:
    """Tell whether the environment said where to look."""
    if isinstance(error, NotJudged):
        return item.stash[SETTLED].configured
    return bool(getattr(error, "configured", True))


def again(run: Run, nodeid: str) -> str:
    """Give the command that decides this one item once more, for a shell."""
    return f"pytest -m {run.phase} --env {run.environment.environment} {shlex.quote(nodeid)}"


def identity(item: Item) -> dict[str, Any]:
    """Give what a `result` record says of the line itself."""
    return {
        "line": item.line_id,
        "check": item.check,
        "subject": item.subject,
        "ref": item.line.ref,
        "says": item.line.says,
        "gate": str(item.line.gate),
        "links": list(item.line.links),
    }


def _outcome(item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> Found:
    """Judge what happened."""
    if isinstance(error, NotJudged):
        settled: Settled = item.stash[SETTLED]
        return settled.outcome, settled.reason, settled.remedy
    if isinstance(error, Unknown):
        return Outcome.UNKNOWN, error.reason, error.remedy
    taken = item.stash[MEASURE].taken if MEASURE in item.stash else []
    broken = next((one for one in taken if not one.ok), None)
    if broken and report.when == "call" and (error is None or isinstance(error, AssertionError)):
        return Outcome.FAIL, str(broken), remedy_of(item)
    return _broken(item, report, error) if error is not None else _passed(report, taken)


def _passed(report: pytest.TestReport, taken: list[Measurement]) -> Found:
    """Judge a check that came to its end with everything in its limits."""
    if not taken:
        return Outcome.UNKNOWN, "the check measured nothing", "report this defect of the check"
    if report.duration > SECONDS_AT_MOST:
        reason = f"it took {report.duration:.0f} s, more than {SECONDS_AT_MOST:.0f}"
        return Outcome.UNKNOWN, reason, "look for what hangs"
    return Outcome.PASS, "", ""


def _broken(item: pytest.Item, report: pytest.TestReport, error: BaseException) -> Found:
    """Judge an error that no measurement explains: never a pass."""
    sentence = str(error).strip().partition("\n")[0]
    told, trace = f"{type(error).__name__}: {sentence}", "run it again with -vv to see where"
    if isinstance(error, SKIPPED):
        return Outcome.NOT_RUN, f"the check skipped itself: {sentence}", "a check does not skip; see not_applicable"
    if report.when == "teardown":
        return Outcome.FAIL, f"broke while cleaning up: {told}", trace
    if report.when == "call" and isinstance(error, AssertionError | pytest.fail.Exception):
        return Outcome.FAIL, sentence or "an assertion does not hold", remedy_of(item)
    return Outcome.UNKNOWN, f"the check broke: {told}", trace


def remedy_of(item: pytest.Item) -> str:
    """Read the remedy from the check's docstring."""
    text = inspect.getdoc(getattr(item, "obj", None)) or ""
    found = re.search(r"^Remedy: (.+?)(?=^\w+: |\Z)", text, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def told(record: dict[str, Any]) -> str:
    """Write a failed or unknown result in a few lines."""
    saw = [str(Measurement(**one)) for one in record["measurements"]]
    lines = [f"{record['outcome'].upper()}  {record['says']}"]
    lines += [f"  saw     {one}" for one in saw if one != record["reason"]]
    lines += [
        f"  why     {record['reason']}",
        f"  remedy  {record['remedy']}",
        f"  line    {record['gate']} {record['line']}, {record['where']}",
        f"  again   {record['again']}",
    ]
    return "\n".join(lines)
