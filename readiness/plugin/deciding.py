"""In the controller: decide each item once its last report is in, and add the run up to its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import pytest

from readiness.evidence.attested import expiries
from readiness.evidence.recorded_ladder import states_after
from readiness.evidence.recorded_request import RecordedRequest
from readiness.evidence.records import Result
from readiness.ladder import INITIAL, EscalationState, Ladder, advance, decided, step_of_result
from readiness.outcomes import DecisionKey, Outcome
from readiness.plugin.judging import crashed, left_without_report
from readiness.plugin.run import Run
from readiness.plugin.session import SESSION, RunSession, is_controller, is_real
from readiness.plugin.transfer import Observed, records_of, result_of
from readiness.runbook.lines import Item
from readiness.runbook.waivers import waived_among
from readiness.verdict import RANK, Verdict, decide

CRASHED = "???"  # what xdist calls the phase of an item whose worker died


def pytest_configure(config: pytest.Config) -> None:
    """Register; workers only judge."""
    if is_real(config) and is_controller(config):
        config.pluginmanager.register(Decider(config), "readiness-decider")


class Decider:
    """Keeps the results of each item until its last report; the worst is what counts."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._session = config.stash[SESSION]
        self._results: dict[str, list[Result]] = {}
        """Of each item under way, the results of its reports so far."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Decide an item with its last report."""
        publish_records(self._config, records_of(report))

        self._session.failed_reports += report.failed
        run, result = self._session.run, result_of(report)
        item = run.item_of(report.nodeid)
        if item is None:
            if result:
                raise LookupError(f"no decision is found for {report.nodeid}: does a plugin of pytest change its ids?")
            if report.failed:
                self._session.fail_beside(report.nodeid)
            return

        results = self._results.setdefault(report.nodeid, [])
        if result:
            results.append(result)
        if report.when == CRASHED:
            results.append(crashed(run, item, report.nodeid))
        if report.when in {"teardown", CRASHED}:
            del self._results[report.nodeid]
            result = _worst(results) or left_without_report(run, item, report.nodeid)
            self._publish(self._at_its_step(result, item))

    def _at_its_step(self, result: Result, item: Item) -> Result:
        """Return a result with the step that the verdict takes: only here is known how the runs before it stood."""
        run = self._session.run
        ladder = self._ladders.get(result.key)
        if ladder is None:
            return result
        step = step_of_result(ladder, self._before.get(result.key, INITIAL), result.outcome, result.measured())
        if step is result.step:
            return result
        urgency = vars(run.urgency(item, step)) if result.outcome is Outcome.FAIL else {}
        return result.model_copy(update={"step": step, **urgency})

    @cached_property
    def _ladders(self) -> dict[DecisionKey, Ladder]:
        return self._session.run.ladders()

    @cached_property
    def _before(self) -> dict[DecisionKey, EscalationState]:
        return states_before(self._session.run)

    def _publish(self, result: Result) -> None:
        self._session.results.append(result)
        self._config.hook.pytest_readiness_result(result=result)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a file that could not be read."""
        self._session.failed_reports += report.failed
        if report.failed:
            self._session.fail_beside(report.nodeid or "the collection of tests")


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


def verdict_of(session: RunSession, *, ended: bool) -> Verdict:
    """Return what the results of a run add up to."""
    run, results = session.run, session.results
    assert run.phase
    outcomes = decided([(result.key, result.outcome) for result in results], escalation_states(session))
    waived = waived_among((result.key, result.waived) for result in results)
    return decide(
        run.phase,
        run.expected(),
        outcomes,
        ended=ended,
        waived=waived,
        sign_off=run.sign_off,
        launch=run.launch_record,
        expiring=expiries(results),
    )


def states_before(run: Run) -> dict[DecisionKey, EscalationState]:
    """Return the escalation states that a run begins with."""
    return states_after([run.before, *run.also_before] if run.before else ())


def escalation_states(session: RunSession) -> dict[DecisionKey, EscalationState]:
    """Return the escalation state of each decision, now that the run has its results."""
    run = session.run
    before = states_before(run)
    results = [(result.key, result.outcome, result.measured()) for result in session.results]
    return advance(run.ladders(), before, results)
