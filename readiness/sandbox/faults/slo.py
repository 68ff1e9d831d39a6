"""What spoils the service's levels: errors, slowness, traffic, and the figures that tell of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.business import LEADS
from readiness.sandbox.faults.infrastructure import FORECAST
from readiness.sandbox.front import BUCKETS
from readiness.sandbox.monitoring import FRONT_UP

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

REQUESTS, BUCKET = "http_requests_total", "http_request_duration_seconds_bucket"
PATH, ENDPOINT_PATH = "/", "/api/v1/ingest/browser"
STOPPED_SECONDS = 330
"""For so long a metric has no sample that has stopped."""
AVAILABLE, AWAY_SECONDS = 0.985, 60.0
"""What is left of a day's samples after an absence, and how long that may last at most."""

ERRORS = (
    "slo.error_rate[agency/error-rate]",
    "slo.error_rate[launch400k/sla-error-rate]",
    "slo.success_rate[umbrella/success-rate]",
)
FIVE_PER_CENT = DIAGNOSED, HOURLY_ERRORS = (
    "slo.error_rate[launch400k/diagnose-errors]",
    "slo.error_rate[umbrella/hourly-error-rate]",
)
BASELINE = ("slo.back_to_baseline[agency/back-to-baseline]", "slo.back_to_baseline[playbook/server-errors]")
DAILY_ERRORS, ROLLBACK = "slo.error_rate[umbrella/daily-error-rate]", "slo.error_rate[umbrella/rollback-trigger]"
P95_LAUNCH, P95_DAILY = "slo.response_time[launch400k/sla-response-time]", "slo.response_time[umbrella/daily-p95]"
P95_SLOW, P95_HOURLY = "slo.response_time[launch400k/diagnose-slow]", "slo.response_time[umbrella/hourly-p95]"
P95_SECOND = {P95_HOURLY: "fail"} | turning("warn", P95_LAUNCH, P95_SLOW)
"""What a p95 of a good second turns."""
P95_TWO_SECONDS = (P95_HOURLY, P95_LAUNCH, P95_SLOW)
P95_AGENCY = ("slo.response_time[agency/p95]", "slo.response_time[agency/within-sla]")
MEAN = ("slo.mean_response_time[agency/response-time]", "slo.mean_response_time[agency/within-sla]")
TRAFFIC, THROTTLING = (
    "slo.traffic_normal[umbrella/no-unusual-traffic]",
    "slo.throttling_normal[playbook/rate-limit-spikes]",
)
ENDPOINT = "slo.endpoint_success_stable[playbook/ingest-health]"
WEEKLY, UPTIME = "slo.no_weekly_regression[umbrella/weekly-trend]", "slo.availability_window[umbrella/uptime]"
UPTIME_ALERT = "slo.availability_window[umbrella/uptime-alert]"
LEVELS_OF_THE_HOUR = (*ERRORS, *FIVE_PER_CENT, ROLLBACK, *P95_TWO_SECONDS, *P95_AGENCY, *MEAN)
HOURLY = (*LEVELS_OF_THE_HOUR, *BASELINE, THROTTLING, ENDPOINT)
"""What is judged by the requests of the last hour."""
LEVELS = (*HOURLY, DAILY_ERRORS, P95_DAILY, WEEKLY, UPTIME, UPTIME_ALERT, TRAFFIC)
GA_ERRORS, GA_P99 = "slo.error_rate_window[ga-error-rate]", "slo.latency_window[ga-p99]"
GA_AVAILABILITY = "slo.availability_window[ga-availability]"
GA_BREAKERS = "slo.breaker_events_window[ga-breaker-events]"


def _fail(target: SandboxTarget, share: float, window: str, path: str = PATH, code: str = "500") -> None:
    """Add so many refused requests that they make up the share of a window's."""
    asked = target.monitoring.value(f"sum(increase({REQUESTS}[{window}]))")
    failed = target.monitoring.value(f'sum(increase({REQUESTS}{{code="{code}"}}[{window}]))')
    target.front.add(REQUESTS, (share * asked - failed) / (1 - share), path=path, code=code)
    target.monitoring.settle()


def _slow(target: SandboxTarget, p95: float, window: str) -> None:
    """Add so many slow answers to the histogram that a window's 95 % take so many seconds."""

    def within(bound: str) -> float:
        return target.monitoring.value(f'sum(increase({BUCKET}{{le="{bound}"}}[{window}]))')

    upper = next(bound for bound in BUCKETS if bound > p95)
    lower = BUCKETS[BUCKETS.index(upper) - 1]
    at = (p95 - lower) / (upper - lower)
    below, inside = within(f"{lower:g}"), within(f"{upper:g}") - within(f"{lower:g}")
    count = (below + at * inside - 0.95 * within("+Inf")) / (0.95 - at)
    for bound in (*(f"{bound:g}" for bound in BUCKETS if bound >= upper), "+Inf"):
        target.front.add(BUCKET, count, path=PATH, le=bound)
    target.monitoring.settle()


def _errors(target: SandboxTarget, share: float, window: str) -> Iterator[None]:
    with target.monitoring.spoiling():
        _fail(target, share, window)
        yield


def _slowness(target: SandboxTarget, p95: float, window: str) -> Iterator[None]:
    with target.monitoring.spoiling():
        _slow(target, p95, window)
        yield


@fault("postlaunch", turns=turning("fail", *ERRORS, *BASELINE) | {DIAGNOSED: "warn"})
def errors_4_9(target: SandboxTarget) -> Iterator[None]:
    """4.9 % of the last hour's requests failed."""
    yield from _errors(target, 0.049, "1h")


@fault("postlaunch", turns=turning("fail", *ERRORS, *FIVE_PER_CENT, *BASELINE))
def errors_5_1(target: SandboxTarget) -> Iterator[None]:
    """5.1 % of the last hour's requests failed."""
    yield from _errors(target, 0.051, "1h")


@fault("postlaunch", turns=turning("fail", *ERRORS, *FIVE_PER_CENT, *BASELINE))
def errors_10_1(target: SandboxTarget) -> Iterator[None]:
    """10.1 % of the last hour's requests failed: under 1 % of the day's."""
    yield from _errors(target, 0.101, "1h")


@fault("postlaunch", "ga", turns=turning("fail", *ERRORS, *FIVE_PER_CENT, *BASELINE, DAILY_ERRORS, ROLLBACK, WEEKLY))
def errors_20_1(target: SandboxTarget) -> Iterator[None]:
    """20.1 % of the last hour's requests failed: above 1 % of the day's, and half as many again as in a week."""
    yield from _errors(target, 0.201, "1h")


@fault("postlaunch", turns=turning("fail", *ERRORS, *FIVE_PER_CENT, *BASELINE, DAILY_ERRORS, ROLLBACK))
def errors_of_the_day_4_9(target: SandboxTarget) -> Iterator[None]:
    """4.9 % of the day's requests failed, all of them just now."""
    yield from _errors(target, 0.049, "24h")


@fault("postlaunch", turns=turning("fail", *ERRORS, *FIVE_PER_CENT, *BASELINE, DAILY_ERRORS, ROLLBACK))
def errors_of_the_day_5_1(target: SandboxTarget) -> Iterator[None]:
    """5.1 % of the day's requests failed, all of them just now."""
    yield from _errors(target, 0.051, "24h")


@fault("postlaunch", turns=turning("fail", *ERRORS, *FIVE_PER_CENT, *BASELINE, DAILY_ERRORS, ROLLBACK, TRAFFIC))
def errors_of_the_day_10_1(target: SandboxTarget) -> Iterator[None]:
    """10.1 % of the day's requests failed, all of them just now: more than come in an hour."""
    yield from _errors(target, 0.101, "24h")


@fault("postlaunch", turns=turning("fail", *ERRORS, *FIVE_PER_CENT, *BASELINE, DAILY_ERRORS, ROLLBACK, TRAFFIC))
def errors_of_the_day_20_1(target: SandboxTarget) -> Iterator[None]:
    """20.1 % of the day's requests failed, all of them just now."""
    yield from _errors(target, 0.201, "24h")


@fault("postlaunch", turns=P95_SECOND)
def p95_1_1(target: SandboxTarget) -> Iterator[None]:
    """p95 of the last hour is 1.1 s."""
    yield from _slowness(target, 1.1, "1h")


@fault("postlaunch", turns=P95_SECOND)
def p95_1_4(target: SandboxTarget) -> Iterator[None]:
    """p95 of the last hour is 1.4 s."""
    yield from _slowness(target, 1.4, "1h")


@fault("postlaunch", turns=P95_SECOND | {P95_LAUNCH: "fail"})
def p95_1_6(target: SandboxTarget) -> Iterator[None]:
    """p95 of the last hour is 1.6 s."""
    yield from _slowness(target, 1.6, "1h")


@fault("postlaunch", turns=turning("fail", *P95_TWO_SECONDS))
def p95_2_1(target: SandboxTarget) -> Iterator[None]:
    """p95 of the last hour is 2.1 s."""
    yield from _slowness(target, 2.1, "1h")


@fault("postlaunch", turns=turning("fail", *P95_TWO_SECONDS))
def p95_4_4(target: SandboxTarget) -> Iterator[None]:
    """p95 of the last hour is 4.4 s."""
    yield from _slowness(target, 4.4, "1h")


@fault("postlaunch", turns=turning("fail", *P95_TWO_SECONDS, *P95_AGENCY))
def p95_5_3(target: SandboxTarget) -> Iterator[None]:
    """p95 of the last hour is 5.3 s."""
    yield from _slowness(target, 5.3, "1h")


@fault("postlaunch", "ga", turns=turning("fail", P95_DAILY))
def p95_of_the_day_0_53(target: SandboxTarget) -> Iterator[None]:
    """p95 of the day is 0.53 s."""
    yield from _slowness(target, 0.53, "24h")


@fault("postlaunch", turns={P95_DAILY: "fail"} | P95_SECOND)
def p95_of_the_day_1_1(target: SandboxTarget) -> Iterator[None]:
    """p95 of the day is 1.1 s."""
    yield from _slowness(target, 1.1, "24h")


@fault("postlaunch", turns=turning("fail", P95_DAILY, *P95_TWO_SECONDS))
def p95_of_the_day_2_1(target: SandboxTarget) -> Iterator[None]:
    """p95 of the day is 2.1 s."""
    yield from _slowness(target, 2.1, "24h")


@fault("ga", turns={WEEKLY: "fail"})
def week_slower(target: SandboxTarget) -> Iterator[None]:
    """p95 of the week is a fifth above last week's, and still under half a second."""
    yield from _slowness(target, 0.45, "7d")


@fault("postlaunch", turns=turning("fail", *MEAN))
def mean_slow(target: SandboxTarget) -> Iterator[None]:
    """The mean answer of the last hour took 2.1 s: few took very long."""
    with target.monitoring.spoiling():
        asked = target.monitoring.value(f"sum(increase({REQUESTS}[1h]))")
        target.front.add("http_request_duration_seconds_sum", 2.0 * asked, path=PATH)
        target.monitoring.settle()
        yield


@fault("postlaunch", turns={THROTTLING: "fail"})
def throttling_spike(target: SandboxTarget) -> Iterator[None]:
    """2 % of the last hour's requests were turned away with 429."""
    with target.monitoring.spoiling():
        _fail(target, 0.02, "1h", code="429")
        yield


@fault("smoke", "postlaunch", turns={ENDPOINT: "fail"})
def endpoint_failing(target: SandboxTarget) -> Iterator[None]:
    """One path fails more than yesterday; among all requests it is lost."""
    with target.monitoring.spoiling():
        _fail(target, 0.0085, "1h", ENDPOINT_PATH)
        yield


@fault("postlaunch", turns={TRAFFIC: "fail"})
def traffic_spike(target: SandboxTarget) -> Iterator[None]:
    """Three and a half times as many requests as in this hour of other days."""
    with target.monitoring.spoiling():
        asked = target.monitoring.value(f"sum(increase({REQUESTS}[1h]))")
        target.front.add(REQUESTS, 2.5 * asked, path=PATH, code="200")
        target.monitoring.settle()
        yield


@fault("postlaunch", turns=turning("fail", TRAFFIC, LEADS), retells=True)
def traffic_halved(target: SandboxTarget) -> Iterator[None]:
    """Since an hour there is less than half of the usual traffic."""
    target.front.lately["all"] = 0.45
    target.monitoring.again()
    yield
    target.front.lately.clear()
    target.monitoring.again()


@fault("smoke", "postlaunch", turns={**turning("unknown", *HOURLY), TRAFFIC: "fail"}, retells=True)
def requests_frozen(target: SandboxTarget) -> Iterator[None]:
    """The counter of requests is there, and has not moved for an hour."""
    target.front.freeze(REQUESTS)
    now = time.time()
    target.monitoring.seen()
    target.monitoring.forget(now - 4200, now, REQUESTS)
    target.monitoring.seen()
    yield
    target.front.thaw()
    target.monitoring.again()


@fault("smoke", "postlaunch", "ga", turns=turning("unknown", *LEVELS))
def requests_not_a_number(target: SandboxTarget) -> Iterator[None]:
    """The counter of requests is NaN."""
    with target.monitoring.spoiling():
        target.front.not_a_number.add(REQUESTS)
        target.monitoring.settle()
        yield
        target.front.not_a_number.clear()


@fault("smoke", "postlaunch", "ga", turns=turning("unknown", *LEVELS, FORECAST.format("request_volume")))
def requests_hidden(target: SandboxTarget) -> Iterator[None]:
    """The counter of requests is no longer emitted."""
    target.front.hidden.add(REQUESTS)
    stopped(target, REQUESTS)
    yield
    target.front.hidden.clear()
    resumed(target)


@fault("postlaunch", "ga", turns=turning("unknown", *BASELINE, THROTTLING, WEEKLY, UPTIME), retells=True)
def requests_not_recorded(target: SandboxTarget) -> Iterator[None]:
    """A day of the week is missing in the record of the requests."""
    now = time.time()
    target.monitoring.forget(now - 4 * 86_400, now - 3 * 86_400, REQUESTS)
    yield
    target.monitoring.again()


@fault(turns={})
def counters_reset(target: SandboxTarget) -> Iterator[None]:
    """The front was started anew, and counts from nothing: no line may turn."""
    target.front.restore(dict.fromkeys(target.front.remember(), 0.0))
    target.monitoring.settle()
    yield


def stopped(target: SandboxTarget, match: str) -> None:
    """Let it be some minutes since the last sample."""
    target.monitoring.seen()
    now = time.time()
    target.monitoring.forget(now - STOPPED_SECONDS, now, match)


def resumed(target: SandboxTarget) -> None:
    """Wait for two samples: of one there is no increase."""
    target.monitoring.seen()
    target.monitoring.seen()


@fault("ga", turns={UPTIME: "fail"})
def front_was_away(target: SandboxTarget) -> Iterator[None]:
    """The front was away for more than a thousandth of the samples of a week."""
    since = time.time()
    target.front.status = 503
    time.sleep(7)
    target.front.status = 200
    until = time.time()
    resumed(target)
    yield
    target.monitoring.forget(since, until, FRONT_UP)


@fault("postlaunch", turns={UPTIME_ALERT: "fail"})
def front_was_away_today(target: SandboxTarget) -> Iterator[None]:
    """The front was away for more than a hundredth of the samples of a day."""
    since = time.time()
    target.front.status = 503
    end = time.monotonic() + AWAY_SECONDS
    while target.monitoring.value(f"avg_over_time({FRONT_UP}[24h])") > AVAILABLE and time.monotonic() < end:
        time.sleep(1)
    target.front.status = 200
    until = time.time()
    resumed(target)
    yield
    target.monitoring.forget(since, until, FRONT_UP)


def _uploads(target: SandboxTarget, count: int, columns: str, values: str) -> None:
    """Insert uploads of the day before yesterday."""
    target.admin.rows(
        "insert into data_uploads (workspace_id, platform, source, created_at, started_at, completed_at, "  # noqa: S608  our own words
        f"{columns}) select 'ws_acme', 'meta', 'planted', now() - interval '2 days', now() - interval '2 days', "
        f"{values} from generate_series(1, {count})"
    )


def _mend(target: SandboxTarget) -> None:
    target.admin.rows("delete from data_uploads where source = 'planted'")


@fault("ga", turns={GA_ERRORS: "fail"})
def week_of_bad_files(target: SandboxTarget) -> Iterator[None]:
    """More than 1 % of the week's uploads failed, for files that nobody could read."""
    _uploads(target, 30, "status, error_code", "now() - interval '2 days', 'failed', 'invalid_csv'")
    yield
    _mend(target)


@fault("ga", turns=turning("fail", GA_ERRORS, GA_AVAILABILITY))
def week_of_failures(target: SandboxTarget) -> Iterator[None]:
    """More than 0.5 % of the week's uploads failed for reasons of the service's own."""
    _uploads(target, 30, "status, error_code", "now() - interval '2 days', 'failed', 'parse_error'")
    yield
    _mend(target)


@fault("ga", turns={GA_P99: "fail"})
def week_of_slow_uploads(target: SandboxTarget) -> Iterator[None]:
    """More than 1 % of the week's uploads took eleven minutes."""
    _uploads(target, 60, "status, row_count", "now() - interval '2 days' + interval '11 minutes', 'completed', 0")
    yield
    _mend(target)


@fault("ga", turns={GA_BREAKERS: "fail"})
def breaker_opened_this_week(target: SandboxTarget) -> Iterator[None]:
    """A circuit breaker opened two days ago; it is closed again."""
    target.admin.rows(
        "insert into circuit_breaker_events (name, from_state, to_state, at)"
        " values ('parser', 'closed', 'open', now() - interval '2 days')"
    )
    yield
    target.admin.rows("delete from circuit_breaker_events where name = 'parser' and at < now() - interval '1 day'")


@fault("ga", turns=turning("unknown", GA_ERRORS, GA_P99, GA_AVAILABILITY, GA_BREAKERS))
def tables_closed(target: SandboxTarget) -> Iterator[None]:
    """The probe's role may no longer read the service's tables."""
    # Whoever is not signed in may read them too, by policies of their own, and the probe may act as that role.
    target.admin.rows("revoke pg_read_all_data, anon from readiness_probe")
    yield
    target.admin.rows("grant pg_read_all_data, anon to readiness_probe")
