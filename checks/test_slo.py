"""The service keeps its levels: few errors, quick answers, the traffic that is usual."""

import pytest

from readiness import Limits, Measure, Share
from readiness.observations.slo import (
    Availability,
    Compared,
    Events,
    Openings,
    Quantile,
    Since,
    Slowness,
    Span,
    Usual,
    WeekByWeek,
)


class ErrorRate(Limits):
    share_below: Share
    window: Span
    since: Since | None = None
    of: str


class SuccessRate(Limits):
    success_share_above: Share
    window: Span
    since: Since | None = None
    of: str


class ResponseTime(Limits):
    p95_seconds_below: float
    window: Span
    of: str


class MeanResponseTime(Limits):
    mean_seconds_below: float
    window: Span
    of: str


class ErrorRateWindow(Limits):
    share_below: Share
    window: Span
    since: Since | None = None
    of: str


class LatencyWindow(Limits):
    quantile: Quantile
    seconds_below: float
    window: Span
    since: Since | None = None
    of: str


class AvailabilityWindow(Limits):
    share_above: Share
    window: Span
    since: Since | None = None
    of: str


class BreakerEventsWindow(Limits):
    events_at_most: int
    window: Span
    since: Since | None = None
    of: str


class BackToBaseline(Limits):
    times_at_most: float
    share_floor: Share  # shares below it are alike: what one failure in 200 does is no trend
    of: str


class ThrottlingNormal(Limits):
    times_at_most: float
    share_floor: Share
    of: str


class EndpointSuccessStable(Limits):
    path: str
    drop_at_most: Share
    of: str


class TrafficNormal(Limits):
    drop_share_below: Share
    times_below: float
    of: str


class NoWeeklyRegression(Limits):
    times_at_most: float  # a tenth is what weeks differ by
    share_floor: Share
    of: str


@pytest.mark.postlaunch
@pytest.mark.ga
def test_error_rate(counted_events: Events, limits: ErrorRate, measure: Measure) -> None:
    """The share that failed is low.

    Remedy: look for which paths fail and since when; was there a deployment?
    """
    share = counted_events.share(limits.share_below)
    budget = counted_events.budget(limits.share_below)
    basis = counted_events.basis(limits.share_below)
    measure(share, f"share failed of {basis}; {budget}").below(limits.share_below)


@pytest.mark.postlaunch
@pytest.mark.ga
def test_success_rate(counted_events: Events, limits: SuccessRate, measure: Measure) -> None:
    """The share that succeeded is high.

    Remedy: look for which paths fail and since when; was there a deployment?
    """
    succeeded = counted_events.rest(limits.success_share_above)
    basis = counted_events.basis(1 - limits.success_share_above)
    measure(succeeded, f"share succeeded of {basis}").above(limits.success_share_above)


@pytest.mark.postlaunch
@pytest.mark.ga
def test_response_time(p95: Slowness, limits: ResponseTime, measure: Measure) -> None:
    """95 % are answered quickly.

    Remedy: look at the slowest statements of pg_stat_statements, and for what was deployed.
    """
    seconds = p95.under(limits.p95_seconds_below)
    measure(seconds, f"p95 of {p95}", "s").below(limits.p95_seconds_below)


@pytest.mark.postlaunch
def test_mean_response_time(mean_latency: Slowness, limits: MeanResponseTime, measure: Measure) -> None:
    """The mean time to an answer is short.

    Remedy: look at the slowest statements of pg_stat_statements, and for what was deployed.
    """
    seconds = mean_latency.under(limits.mean_seconds_below)
    measure(seconds, f"mean of {mean_latency}", "s").below(limits.mean_seconds_below)


@pytest.mark.ga
def test_error_rate_window(counted_events: Events, limits: ErrorRateWindow, measure: Measure) -> None:
    """Over the whole window the share that failed is low.

    Remedy: group the window's failures by error; correct the most frequent one, and let the window pass again.
    """
    share = counted_events.share(limits.share_below)
    budget = counted_events.budget(limits.share_below)
    basis = counted_events.basis(limits.share_below)
    measure(share, f"share failed of {basis}; {budget}").below(limits.share_below)


@pytest.mark.ga
def test_latency_window(latency: Slowness, limits: LatencyWindow, measure: Measure) -> None:
    """Over the whole window even the slow ones were quick enough.

    Remedy: look at the slowest of the window: their size, their time of day, the database's statements of that time.
    """
    seconds = latency.under(limits.seconds_below)
    measure(seconds, f"quantile {limits.quantile:g} of {latency}", "s").below(limits.seconds_below)


@pytest.mark.postlaunch
@pytest.mark.ga
def test_availability_window(availability: Availability, limits: AvailabilityWindow, measure: Measure) -> None:
    """Over the whole window the service was there.

    Remedy: find the outages in the window; each needs its cause and what prevents it.
    """
    share = availability.share(limits.share_above)
    measure(share, f"share available, told by {availability.events}").above(limits.share_above)


@pytest.mark.ga
def test_breaker_events_window(openings_in_window: Openings, limits: BreakerEventsWindow, measure: Measure) -> None:
    """No circuit breaker opened in the window.

    Remedy: look at when it opened and what failed then; let the window pass again.
    """
    times = openings_in_window.against(limits.events_at_most)
    measure(times, f"times a circuit breaker opened in {limits.window}").at_most(limits.events_at_most)


@pytest.mark.postlaunch
def test_back_to_baseline(failures_against_baseline: Compared, limits: BackToBaseline, measure: Measure) -> None:
    """The last hour's share of failures is what the week before it had.

    Remedy: the incident is not over: look for which paths fail that did not fail last week.
    """
    times = failures_against_baseline.times(limits.share_floor, limits.times_at_most)
    name = f"times the failed share of the week before, of {failures_against_baseline.now}"
    measure(times, name).at_most(limits.times_at_most)


@pytest.mark.postlaunch
def test_throttling_normal(throttling_against_baseline: Compared, limits: ThrottlingNormal, measure: Measure) -> None:
    """No more is turned away as too many than in the week before.

    Remedy: is it one client, or a limit that has become too low?
    """
    times = throttling_against_baseline.times(limits.share_floor, limits.times_at_most)
    name = f"times the throttled share of the week before, of {throttling_against_baseline.now}"
    measure(times, name).at_most(limits.times_at_most)


@pytest.mark.smoke
@pytest.mark.postlaunch
def test_endpoint_success_stable(
    endpoint_against_day_before: Compared, limits: EndpointSuccessStable, measure: Measure
) -> None:
    """The path succeeds as often as on the day before.

    Remedy: read the path's failures in the log; was it deployed, and do its callers send something new?
    """
    # The share of failures rises by what that of successes falls.
    fall = endpoint_against_day_before.rise(limits.drop_at_most)
    name = f"fall of the success share since the day before, of {endpoint_against_day_before.now}"
    measure(fall, name).at_most(limits.drop_at_most)


@pytest.mark.postlaunch
def test_traffic_normal(usual_traffic: Usual, limits: TrafficNormal, measure: Measure) -> None:
    """There is about as much traffic as in the same hour a day and a week ago.

    Remedy: fewer: is the front reachable from outside? More: is it people, or one client?
    """
    measure(usual_traffic.drop, f"share by which {usual_traffic.now:,.0f} are fewer").below(limits.drop_share_below)

    # A unit of its own: a step of the ladder is about the share.
    measure(usual_traffic.factor, f"times as many, {usual_traffic.now:,.0f}", "times").below(limits.times_below)


@pytest.mark.ga
def test_no_weekly_regression(week_by_week: WeekByWeek, limits: NoWeeklyRegression, measure: Measure) -> None:
    """The week was as quick and as free of errors as the one before.

    Remedy: look for what was deployed this week, and compare the slowest and the failing paths.
    """
    slower = week_by_week.p95_times(limits.times_at_most)
    measure(slower, "times last week's p95").at_most(limits.times_at_most)

    failures = week_by_week.failures.times(limits.share_floor, limits.times_at_most)
    measure(failures, "times last week's failed share").at_most(limits.times_at_most)
