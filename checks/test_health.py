"""The service answers; in time, where a line says how soon."""

import pytest

from readiness import Limits, Measure
from readiness.observations.health import HealthAnswer, HealthTime


class Live(Limits):
    path: str
    status: int = 200
    seconds_below: float | None = None


class Ready(Live):
    pass


class NamesEnvironment(Limits):
    environment: str
    path: str
    pointer: str


class TimestampCurrent(Limits):
    path: str
    pointer: str
    seconds_at_most: float


@pytest.mark.preflight
@pytest.mark.smoke
@pytest.mark.postlaunch
def test_live(health_answer: HealthAnswer, limits: Live, measure: Measure) -> None:
    """The service is alive.

    Remedy: read the newest deployment's log; roll back if it is younger than the fault.
    """
    # A line that states no time has the probe's own deadline for a limit: what does not answer by then is away.
    seconds_below = health_answer.allowed_seconds(limits.seconds_below)
    measure(health_answer.seconds, f"answer time of {limits.path}", "s").below(seconds_below)
    measure(health_answer.status_for(limits.status), health_answer.summary(limits.path)).is_(limits.status)


@pytest.mark.preflight
@pytest.mark.smoke
@pytest.mark.postlaunch
def test_ready(health_answer: HealthAnswer, limits: Ready, measure: Measure) -> None:
    """The service reaches everything it needs.

    Remedy: its answer names the dependency that is gone; look there first.
    """
    # A line that states no time has the probe's own deadline for a limit: what does not answer by then is away.
    seconds_below = health_answer.allowed_seconds(limits.seconds_below)
    measure(health_answer.seconds, f"answer time of {limits.path}", "s").below(seconds_below)
    measure(health_answer.status_for(limits.status), health_answer.summary(limits.path)).is_(limits.status)


@pytest.mark.smoke
@pytest.mark.postlaunch
def test_names_environment(health_word: str, limits: NamesEnvironment, measure: Measure) -> None:
    """The health answer names the environment that it should come from.

    Remedy: which deployment answers at this address? look at its alias, its DNS record and its configuration.
    """
    measure(health_word, f"{limits.pointer} in the answer of {limits.path}").is_(limits.environment)


@pytest.mark.smoke
@pytest.mark.postlaunch
def test_timestamp_current(health_time: HealthTime, limits: TimestampCurrent, measure: Measure) -> None:
    """The health answer was made just now.

    Remedy: does a cache answer in the service's place? else compare its clock with a time server.
    """
    measure(health_time.seconds_off, f"{health_time.told} is off by", "s").at_most(limits.seconds_at_most)
