"""The service answers, and answers in time."""

import pytest

from readiness import Limits, Measure
from readiness.observations.health import HealthAnswer


class Live(Limits):
    path: str = "/health"
    status: int = 200
    seconds_below: float = 1.0


class Ready(Live):
    path: str = "/ready"


@pytest.mark.preflight
@pytest.mark.smoke
@pytest.mark.postlaunch
def test_live(health_answer: HealthAnswer, limits: Live, measure: Measure) -> None:
    """The service is alive.

    Remedy: read the newest deployment's log; roll back if it is younger than the fault.
    """
    measure(health_answer.status, f"status of {limits.path}").is_(limits.status)
    measure(health_answer.seconds, f"answer time of {limits.path}", "s").below(limits.seconds_below)


@pytest.mark.preflight
@pytest.mark.smoke
@pytest.mark.postlaunch
def test_ready(health_answer: HealthAnswer, limits: Ready, measure: Measure) -> None:
    """The service reaches everything it needs.

    Remedy: its answer names the dependency that is gone; look there first.
    """
    measure(health_answer.status, f"status of {limits.path}").is_(limits.status)
    measure(health_answer.seconds, f"answer time of {limits.path}", "s").below(limits.seconds_below)
