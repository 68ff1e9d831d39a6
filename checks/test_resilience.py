"""The circuit breakers are closed, and stay so."""

import pytest

from readiness import Limits, Measure


class BreakersStable(Limits):
    openings_at_most: int


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_breakers_closed(breakers_not_closed: list[str], measure: Measure) -> None:
    """Every circuit breaker is closed.

    Remedy: look at what the breaker protects; it closes by itself once that answers again.
    """
    measure(breakers_not_closed, "circuit breakers open or half-open").is_none_of_them()


@pytest.mark.postlaunch
def test_breakers_stable(breaker_openings: float, limits: BreakersStable, measure: Measure) -> None:
    """No circuit breaker opens again and again.

    Remedy: roll back; a breaker that flaps hides a fault that the launch brought.
    """
    measure(breaker_openings, "openings in the last hour").at_most(limits.openings_at_most)
