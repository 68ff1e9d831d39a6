"""In the controller: settle each item once its last report is in, and add the run up to its verdict."""

from __future__ import annotations

import signal
from collections.abc import Generator
from types import FrameType
from typing import Any

import pytest

from readiness.ladder import EscalationState, advance, decided
from readiness.measurements import Measurement
from readiness.outcomes import Outcome
from readiness.plugin.judging import again, identity
from readiness.plugin.looking import POOL
from readiness.plugin.run import RESULTS, RUN, SEEN, Run, found_in, is_controller, is_real
from readiness.runbook.lines import Item
from readiness.verdict import RANK, Key, Verdict, Word, decide, waived_among

VERDICT = pytest.StashKey[Verdict]()
CRASHED = "???"  # what xdist calls the phase of an item whose worker died
ENDED = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
DECIDER = "readiness-decider"


def pytest_configure(config: pytest.Config) -> None:
    """Prepare, and end on SIGTERM as on Ctrl-C: a cancelled pipeline leaves its evidence."""
    if is_real(config) and is_controller(config):
        config.stash[RESULTS] = []
        config.pluginmanager.register(Decider(config), DECIDER)
        signal.signal(signal.SIGTERM, _terminated)
        config.add_cleanup(_ended)


def _terminated(number: int, frame: FrameType | None) -> None:
    del frame
    signal.signal(number, signal.SIG_IGN)  # once is enough: the evidence is being written
    raise KeyboardInterrupt("SIGTERM")


def _ended() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


class Decider:
    """Holds the reports of each item until the last of them; the worst is what counts."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._held: dict[str, list[dict[str, Any]]] = {}
        self.others_failed = False
        """Something failed that decides no line: a file of checks, a test beside them."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Settle an item with its last report."""
        config = self._config
        tell(config, getattr(report, SEEN, []))
        item = config.stash[RUN].item_of(report.nodeid)
        if item is None:
            if found_in(report):
                raise LookupError(f"no decision is found for {report.nodeid}: does a plugin of pytest change its ids?")
            self.others_failed |= report.failed
            return
        held = self._held.setdefault(report.nodeid, [])
        held += [dict(found)] if (found := found_in(report)) else []
        if report.when == CRASHED:
            held.append({"outcome": "unknown", "reason": "the worker that judged it crashed", "remedy": "run it again"})
        if report.when in {"teardown", CRASHED}:
            record = _settled(config.stash[RUN], item, report.nodeid, self._held.pop(report.nodeid))
            config.stash[RESULTS].append(record)
            config.hook.pytest_readiness_result(record=record)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a file that could not be read."""
        self.others_failed |= report.failed


def _settled(run: Run, item: Item, nodeid: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the worst of what was found as the item's one result."""
    nothing = {"outcome": "not run", "reason": "it ended without a report", "remedy": "run it again"}
    blank = {
        "measurements": [],
        "seconds": 0.0,
        "step": None,
        "severity": "",
        "side": {},
        "waived": False,
        "attested": False,
    }
    place = {"nodeid": nodeid, "where": nodeid.partition("::")[0], "again": again(run, nodeid), "diagnostics": {}}
    worst = max(found, key=lambda record: RANK.index(Outcome(record["outcome"])), default=nothing)
    return {**identity(item), **place, **blank, **worst}


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
    if not is_real(config) or not is_controller(config) or exitstatus == pytest.ExitCode.USAGE_ERROR:
        return (yield)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if POOL in config.stash:
        tell(config, config.stash[POOL].fetch_seen())
    cut_short = session.shouldstop or session.shouldfail or exitstatus not in ENDED
    verdict = config.stash[VERDICT] = _verdict(config, ended=not cut_short)
    if exitstatus != pytest.ExitCode.INTERNAL_ERROR:
        decider = config.pluginmanager.get_plugin(DECIDER)
        session.exitstatus = verdict.exit or int(decider is None or decider.others_failed)
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
    standing = standing_in(config)
    records = config.stash[RESULTS]
    results = decided([(_key(record), Outcome(record["outcome"])) for record in records], standing)
    waived = waived_among((_key(record), bool(record["waived"])) for record in records)
    return decide(run.phase, run.expected(), results, ended=ended, waived=waived, sign_off=run.sign_off)


def standing_in(config: pytest.Config) -> dict[Key, EscalationState]:
    """Say which step of its ladder each decision stands at, now that the run has its results."""
    run = config.stash[RUN]
    before = {one.key: one.standing() for one in (run.before.decisions if run.before else ())}
    taken = [
        (_key(record), Outcome(record["outcome"]), [Measurement(**one) for one in record["measurements"]])
        for record in config.stash[RESULTS]
    ]
    return advance(run.ladders(), before, taken)


def _key(record: dict[str, Any]) -> Key:
    return (record["line"], record["check"], record["subject"])
