"""In the controller: settle each item once its last report is in, and add the run up to its verdict."""

from __future__ import annotations

import signal
from collections.abc import Generator
from types import FrameType
from typing import Any

import pytest

from readiness.outcomes import Outcome, Step
from readiness.plugin.judging import identity
from readiness.plugin.looking import POOL
from readiness.plugin.run import RESULTS, RUN, SEEN, found_in, is_controller, is_real
from readiness.verdict import Result, Verdict, Word, decide

VERDICT = pytest.StashKey[Verdict]()
CRASHED = "???"  # what xdist calls the phase of an item whose worker died
KEPT = {pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR}


def pytest_configure(config: pytest.Config) -> None:
    """Prepare, and end on SIGTERM as on Ctrl-C: a cancelled pipeline leaves its evidence."""
    if is_real(config) and is_controller(config):
        config.stash[RESULTS] = []
        config.pluginmanager.register(Decider(config), "readiness-decider")
        signal.signal(signal.SIGTERM, _terminated)


def _terminated(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt("SIGTERM")


class Decider:
    """Holds the reports of each item until the last of them; the worst is what counts."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._held: dict[str, list[dict[str, Any]]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Settle an item with its last report."""
        tell(self._config, getattr(report, SEEN, []))
        found = found_in(report)
        if found:
            self._held.setdefault(report.nodeid, []).append(dict(found))
        if report.when == CRASHED:
            self._held.setdefault(report.nodeid, []).append({"outcome": "unknown", "reason": "its worker crashed"})
        if report.when in {"teardown", CRASHED}:
            record = _settle(self._config, report.nodeid, self._held.pop(report.nodeid, []))
            if record:
                self._config.stash[RESULTS].append(record)
                self._config.hook.pytest_readiness_result(record=record)


def _settle(config: pytest.Config, nodeid: str, records: list[dict[str, Any]]) -> dict[str, Any] | None:
    run = config.stash[RUN]
    item = run.item_of(nodeid)
    if item is None:
        return None
    worst = max(records, key=lambda record: _RANK.index(record["outcome"]), default=None)
    if worst is None:
        worst = {"outcome": "not run", "reason": "it ended without a report"}
    blank = {"nodeid": nodeid, "where": nodeid.split("::", maxsplit=1)[0], "measurements": [], "seconds": 0.0, "step": None}
    blank |= {"side": {}, "waived": False, "attested": False, "diagnostics": {}, "reason": ""}
    again = f"pytest -m {run.phase} --env {run.environment.environment} -k '{run.local_id(item)}'"
    return {**identity(item), **blank, "remedy": "run it again", "again": again, **worst}


_RANK = ["pass", "warn", "not due", "not applicable", "not run", "unknown", "fail"]


def tell(config: pytest.Config, seen: list[tuple[str, dict[str, Any]]]) -> None:
    """Pass on what was looked at and sent."""
    for kind, record in seen:
        if kind == "request":
            config.hook.pytest_readiness_request(record=record)
        else:
            config.hook.pytest_readiness_observation(record=record)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, None, None]:
    """Decide before anyone writes a summary; tell the verdict after everyone has written theirs."""
    config = session.config
    if not is_real(config) or not is_controller(config):
        return (yield)
    if POOL in config.stash:
        tell(config, config.stash[POOL].fetch_seen())
    ended = exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
    verdict = config.stash[VERDICT] = _verdict(config, ended=ended)
    if exitstatus not in KEPT:
        session.exitstatus = verdict.exit
    try:
        return (yield)
    except BaseException:
        withdraw(session)  # a reporter broke: what it should have left is missing
        raise
    finally:
        config.hook.pytest_readiness_verdict(verdict=config.stash[VERDICT])


def withdraw(session: pytest.Session) -> None:
    """Take a good verdict back: its evidence is not whole."""
    config = session.config
    verdict = config.stash[VERDICT]
    if verdict.good:
        config.stash[VERDICT] = Verdict(Word.INCOMPLETE, 10, "the evidence is not whole: see above", verdict.counts)
        session.exitstatus = 10


def _verdict(config: pytest.Config, *, ended: bool) -> Verdict:
    run = config.stash[RUN]
    assert run.phase
    results = [
        Result(
            (record["line"], record["check"], record["subject"]),
            Outcome(record["outcome"]),
            Step(record["step"]) if record["step"] else None,
        )
        for record in config.stash[RESULTS]
    ]
    return decide(run.phase, run.expected(), results, ended=ended)
