"""The target bears the load of the launch, and somebody has seen it."""

import pytest

from readiness import Measure
from readiness.observations.load import RehearsalLimits, Rehearsals, Rehearsed


class RehearsalPassed(RehearsalLimits):
    users_at_least: int | None = None
    minutes_at_least: float | None = None


class ResponseTime(RehearsalLimits):
    pass


class ErrorRate(RehearsalLimits):
    pass


class Capacity(RehearsalLimits):
    users_at_least: int


@pytest.mark.preflight
def test_rehearsal_passed(rehearsals: Rehearsals, limits: RehearsalPassed, measure: Measure) -> None:
    """The rehearsal of the stage passed: recent, whole, on this revision, by no looser limits.

    Remedy: mend what the rehearsal's page shows, and rehearse the stage again.
    """
    measure(rehearsals.not_passed, "rehearsals that failed").is_none_of_them()
    if limits.users_at_least is not None:
        measure(rehearsals.fewest_users, "users at once").at_least(limits.users_at_least)
    if limits.minutes_at_least is not None:
        measure(rehearsals.shortest_minutes, "length of the hold", "min").at_least(limits.minutes_at_least)


@pytest.mark.preflight
def test_response_time(rehearsals: Rehearsals, limits: ResponseTime, measure: Measure) -> None:
    """No rehearsal was slower at p95 than users bear.

    Remedy: look at the slowest endpoints on the rehearsal's page.
    """
    p95_seconds = rehearsals.slowest(limits.p95_seconds_below)
    measure(p95_seconds, "p95 of the slowest rehearsal", "s").below(limits.p95_seconds_below)


@pytest.mark.preflight
def test_error_rate(rehearsals: Rehearsals, limits: ErrorRate, measure: Measure) -> None:
    """No rehearsal had more errors than users bear.

    Remedy: look at the errors on the rehearsal's page.
    """
    share = rehearsals.worst_share_failed(limits.share_below)
    measure(share, "share of failed requests in the worst rehearsal").below(limits.share_below)


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_capacity(capacity: Rehearsed, limits: Capacity, measure: Measure) -> None:
    """So many users can be active at once.

    Remedy: scale out, and rehearse the capacity again.
    """
    measure(capacity.users, f"users at once in {capacity.run}").at_least(limits.users_at_least)
    measure(capacity.reasons, "why it failed").is_none_of_them()
