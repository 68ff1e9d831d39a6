"""A team's own figures and facts are as the launch wants them."""

import pytest

from readiness import Limits, Measure
from readiness.observations.readings import Fact, Since, Span


class Own(Limits):
    reading: str
    window: Span | None = None  # with since: so much of the time since the launch must be over
    since: Since | None = None


class AtLeast(Own):
    at_least: float


class AtMost(Own):
    at_most: float


class FactIs(Own):
    equals: Fact


@pytest.mark.preflight
@pytest.mark.smoke
@pytest.mark.postlaunch
@pytest.mark.ga
def test_number_at_least(own_number: float, limits: AtLeast, measure: Measure) -> None:
    """The figure is high enough.

    Remedy: ask the team that plugged the reading into the environment.
    """
    measure(own_number, limits.reading).at_least(limits.at_least)


@pytest.mark.preflight
@pytest.mark.smoke
@pytest.mark.postlaunch
@pytest.mark.ga
def test_number_at_most(own_number: float, limits: AtMost, measure: Measure) -> None:
    """The figure is low enough.

    Remedy: ask the team that plugged the reading into the environment.
    """
    measure(own_number, limits.reading).at_most(limits.at_most)


@pytest.mark.preflight
@pytest.mark.smoke
@pytest.mark.postlaunch
@pytest.mark.ga
def test_fact_is(own_fact: Fact, limits: FactIs, measure: Measure) -> None:
    """The fact is as it should be.

    Remedy: ask the team that plugged the reading into the environment.
    """
    measure(own_fact, limits.reading).is_(limits.equals)
