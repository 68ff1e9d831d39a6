"""The hooks that the plugin calls, for whoever keeps or shows a run: in the controller, on the main thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # pytest reads this file beside every test suite
    from readiness.evidence.recorded_request import RecordedRequest
    from readiness.evidence.records import RecordedObservation, Result
    from readiness.plugin.plan_rows import WholePlan
    from readiness.plugin.run import Run
    from readiness.verdict import Verdict


def pytest_readiness_opened(run: Run) -> None:
    """Announce that everything fits, and that the target is about to be contacted."""


def pytest_readiness_observation(record: RecordedObservation) -> None:
    """Announce the value of an observation, or why it has none."""


def pytest_readiness_request(record: RecordedRequest) -> None:
    """Announce that something was sent, or refused.

    What does more than read is announced by the thread that sends it, before and after.
    """


def pytest_readiness_waiting(config: pytest.Config, title: str, since: float | None) -> None:
    """Announce, several times a second, what an item waits for, and since when (monotonic; None: not begun).

    This one runs where the item runs.
    """


@pytest.hookspec(firstresult=True)
def pytest_readiness_plan(plan: WholePlan) -> bool | None:
    """Announce the plan, where pytest only collects. Whoever returns True shows it in a form of its own."""


def pytest_readiness_result(result: Result) -> None:
    """Announce what was decided for one item; `result.plain()` is the journal's record."""


def pytest_readiness_verdict(verdict: Verdict) -> None:
    """Announce what it adds up to, after every report is written."""
