"""From what happened to an item to its outcome, in words that a tired engineer can act on."""

from __future__ import annotations

import inspect
import re
from collections.abc import Generator
from dataclasses import asdict
from typing import Any

import pytest

from readiness.ladder import reached
from readiness.measurements import Measure
from readiness.outcomes import Outcome, Phase, Step, Unknown
from readiness.plugin.looking import POOL, diagnostics_of
from readiness.plugin.run import FOUND, ITEM, LIMITS, MEASURE, RUN, SEEN, SETTLED, Settled
from readiness.runbook import Item, Limits

SECONDS_AT_MOST = 300.0  # an item that took longer is not trusted, whatever it says of itself
SKIPPED = (pytest.skip.Exception, pytest.xfail.Exception)
GOOD = {Outcome.PASS, Outcome.WARN}
LEFT_OUT = {Outcome.NOT_DUE, Outcome.NOT_APPLICABLE}


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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Stop before an item that is not due, not applicable, or short of a limit."""
    if SETTLED in item.stash:
        raise NotJudged(item.stash[SETTLED].reason)


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
        record = _record(item, report, error)
        setattr(report, FOUND, record)
        outcome = Outcome(record["outcome"])
        report.outcome = "passed" if outcome in GOOD else "skipped" if outcome in LEFT_OUT else "failed"
        if report.outcome == "skipped":
            report.longrepr = (str(item.path), 0, f"{outcome}: {record['reason']}")
        elif report.outcome == "failed" and item.config.get_verbosity() < 2:  # noqa: PLR2004  -vv shows the trace
            report.longrepr = told(record)
    if report.when == "teardown" and POOL in item.config.stash:
        setattr(report, SEEN, item.config.stash[POOL].fetch_seen())
    return report


def _record(item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> dict[str, Any]:
    """Make the journal's `result` record."""
    taken = item.stash[MEASURE].taken if MEASURE in item.stash else []
    outcome, reason, remedy = _outcome(item, report, error)
    found, run = item.stash[ITEM], item.config.stash[RUN]
    step = reached(found.line.ladder, taken) if run.phase is Phase.POSTLAUNCH else None
    if outcome is Outcome.PASS and step is Step.WARN:
        outcome = Outcome.WARN
    diagnostics = diagnostics_of(item, item.config.stash[POOL]) if report.when == "call" else {}
    return {
        **identity(found),
        "nodeid": item.nodeid,
        "where": f"{item.location[0]}:{(item.location[1] or 0) + 1}",
        "again": f"pytest -m {run.phase} --env {run.environment.environment} -k '{run.local_id(found)}'",
        "outcome": str(outcome),
        "measurements": [asdict(one) for one in taken],
        "reason": reason,
        "remedy": remedy,
        "seconds": round(report.duration, 4),
        "step": str(step) if step else None,
        "side": {},
        "waived": False,
        "attested": False,
        "diagnostics": diagnostics,
    }


def identity(item: Item) -> dict[str, Any]:
    """Give what a `result` record says of the line itself."""
    return {
        "line": item.line_id,
        "check": item.check,
        "subject": item.subject,
        "ref": item.line.ref,
        "says": item.line.says,
        "gate": str(item.line.gate),
    }


def _outcome(item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> tuple[Outcome, str, str]:
    """Judge what happened: outcome, reason, remedy."""
    taken = item.stash[MEASURE].taken if MEASURE in item.stash else []
    rerun = "run it again with -vv to see where"
    if isinstance(error, NotJudged):
        settled: Settled = item.stash[SETTLED]
        return settled.outcome, settled.reason, settled.remedy
    if isinstance(error, Unknown):
        return Outcome.UNKNOWN, error.reason, error.remedy
    if isinstance(error, SKIPPED):
        return Outcome.NOT_RUN, f"the check skipped itself: {error}", "a check does not skip; see not_applicable"
    if report.when == "teardown" and error is not None:
        return Outcome.FAIL, f"broke while cleaning up: {type(error).__name__}: {error}", rerun
    if isinstance(error, AssertionError) and taken and not taken[-1].ok:
        return Outcome.FAIL, str(taken[-1]), remedy_of(item)
    if error is not None:
        return Outcome.UNKNOWN, f"the check broke: {type(error).__name__}: {error}", rerun
    if not taken:
        return Outcome.UNKNOWN, "the check measured nothing", "report this defect of the check"
    if not all(one.ok for one in taken):
        return Outcome.FAIL, next(str(one) for one in taken if not one.ok), remedy_of(item)
    if report.duration > SECONDS_AT_MOST:
        return (
            Outcome.UNKNOWN,
            f"it took {report.duration:.0f} s, more than {SECONDS_AT_MOST:.0f}",
            "look for what hangs",
        )
    return Outcome.PASS, "", ""


def remedy_of(item: pytest.Item) -> str:
    """Read the remedy from the check's docstring."""
    text = inspect.getdoc(getattr(item, "obj", None)) or ""
    found = re.search(r"^Remedy: (.+?)(?=^\w+: |\Z)", text, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def told(record: dict[str, Any]) -> str:
    """Write a failed or unknown result in a few lines."""
    lines = [
        f"{record['outcome'].upper()}  {record['says']}",
        f"  why     {record['reason']}",
        f"  remedy  {record['remedy']}",
        f"  line    {record['gate']} {record['line']}, {record['where']}",
        f"  again   {record['again']}",
    ]
    return "\n".join(lines)
