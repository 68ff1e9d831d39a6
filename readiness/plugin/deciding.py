"""In the controller: decide each item once its last report is in, and add the run up to its verdict."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterable, Sequence
from types import FrameType

import pytest

from readiness.evidence.records import RecordedRequest, Result
from readiness.ladder import Standing, climbed, decided
from readiness.outcomes import DecisionKey
from readiness.plugin.judging import crashed, left_without_report
from readiness.plugin.observing import POOL
from readiness.plugin.run import RESULTS, RUN, is_controller, is_real
from readiness.plugin.transfer import Observed, records_of, result_of
from readiness.verdict import RANK, Verdict, Word, decide, waived_among

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
    """Keeps the results of each item until its last report; the worst is what counts."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._results: dict[str, list[Result]] = {}
        """Of each item under way, what its reports have said so far."""
        self.others_failed = False
        """Something failed that decides no line: a file of checks, a test beside them."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Decide an item with its last report."""
        config = self._config
        publish_records(config, records_of(report))

        run, result = config.stash[RUN], result_of(report)
        item = run.item_of(report.nodeid)
        if item is None:
            if result:
                raise LookupError(f"no decision is found for {report.nodeid}: does a plugin of pytest change its ids?")
            self.others_failed |= report.failed
            return

        results = self._results.setdefault(report.nodeid, [])
        if result:
            results.append(result)
        if report.when == CRASHED:
            results.append(crashed(run, item, report.nodeid))
        if report.when in {"teardown", CRASHED}:
            del self._results[report.nodeid]
            decided_result = _worst(results) or left_without_report(run, item, report.nodeid)
            config.stash[RESULTS].append(decided_result)
            config.hook.pytest_readiness_result(result=decided_result)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a file that could not be read."""
        self.others_failed |= report.failed


def _worst(results: Sequence[Result]) -> Result | None:
    """Return the worst result of an item: a set-up, a check and a clean-up may each have one."""
    return max(results, key=lambda result: RANK.index(result.outcome), default=None)


def publish_records(config: pytest.Config, records: Iterable[Observed]) -> None:
    """Emit records of observations and requests to the hooks."""
    for record in records:
        if isinstance(record, RecordedRequest):
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
        publish_records(config, config.stash[POOL].take_records())
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
    run, results = config.stash[RUN], config.stash[RESULTS]
    assert run.phase
    outcomes = decided([(result.key, result.outcome) for result in results], standing_in(config))
    waived = waived_among((result.key, result.waived) for result in results)
    return decide(run.phase, run.expected(), outcomes, ended=ended, waived=waived, sign_off=run.sign_off)


def standing_in(config: pytest.Config) -> dict[DecisionKey, Standing]:
    """Return the step of its ladder at which each decision stands, now that the run has its results."""
    run = config.stash[RUN]
    before = {one.key: one.standing() for one in (run.before.decisions if run.before else ())}
    results = [(result.key, result.outcome, result.measured()) for result in config.stash[RESULTS]]
    return climbed(run.rungs(), before, results)
