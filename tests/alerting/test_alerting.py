"""Conditions as real rule collections write them, and when they fire; what cannot be read is said.

The shapes are those of kubernetes-mixin, node-mixin, blackbox_exporter's, postgres_exporter's and other public rules.
"""

from __future__ import annotations

import math

import pytest

from readiness.alerting.firing import Demand, Timing, fires_at
from readiness.alerting.promql import read
from readiness.alerting.quantities import Unreadable

LIMITS = {"share": 0.05, "seconds": 1.0, "drop": 0.5, "failures": 2.0, "events": 0.0}
TIMING = Timing(hold_seconds=0, probe_seconds=15)

SHARES = {
    # errors
    'sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.05': 0.05,
    'sum by (job) (rate(http_requests_total{status=~"^5.."}[5m])) * 100 / sum by (job) '
    "(rate(http_requests_total[5m])) > 5": 0.05,
    '100 * sum(rate(apiserver_request_total{code=~"5.."}[5m])) / sum(rate(apiserver_request_total[5m])) > 3': 0.03,
    "0.05 < sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))": 0.05,
    "sum(rate(errors_total[5m])) > 0.05 * sum(rate(requests_total[5m]))": 0.05,
    "sum(rate(errors_total[5m])) > sum(rate(requests_total[5m])) * 5 / 100": 0.05,
    "sum(rate(errors_total[5m])) / (sum(rate(requests_total[5m])) > 0) > 0.05": 0.05,
    "(sum(rate(errors_total[5m])) or vector(0)) / sum(rate(requests_total[5m])) >= 5e-2": 0.05,
    'sum(rate(coredns_dns_responses_total{rcode="SERVFAIL"}[5m])) / '
    "sum(rate(coredns_dns_responses_total[5m])) > 0.01": 0.01,
    "apiserver_request:burnrate1h > (14.40 * 0.01000) and apiserver_request:burnrate5m > (14.40 * 0.01000)": 0.144,
    "job:errors:ratio_rate5m > 0.1 or job:errors:ratio_rate1h > 0.05": 0.05,
    'sum(rate(x_total{result="success"}[5m])) / sum(rate(x_total[5m])) < 0.95': 0.05,
    '1 - sum(rate(x_total{result="success"}[5m])) / sum(rate(x_total[5m])) > 0.05': 0.05,
    '(1 - sum(rate(x_total{result="success"}[5m])) / sum(rate(x_total[5m]))) * 100 > 5': 0.05,
    "sum(rate(errors_total[5m])) / sum(rate(requests_total[5m])) > 5": 5.0,  # meant as per cent, and never fires
    'rate(pg_stat_database_xact_rollback{datname!~"template.*"}[3m]) / '
    "rate(pg_stat_database_xact_commit[3m]) > 0.02": 0.02,
    # CPU
    '100 - (avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100) > 90': 0.9,
    '(1 - avg without (cpu) (rate(node_cpu_seconds_total{mode="idle"}[5m]))) > 95 / 100': 0.95,
    'sum without(mode) (avg without (cpu) (rate(node_cpu_seconds_total{mode!~"idle|iowait"}[2m]))) * 100 > 90': 0.9,
    'avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[2m])) < 0.1': 0.9,
    "avg_over_time(instance:node_cpu_utilisation:rate5m[10m]) > 0.9": 0.9,
    "aws_rds_cpu_utilization_percent > 90": 0.9,
    "-avg(cpu_used_ratio) < -0.9": 0.9,
    'avg({"cpu.used.ratio"}) > 0.9': 0.9,
    'sum(rate({"http.requests", "http.status"=~"5.."}[5m])) / sum(rate({"http.requests"}[5m])) > 0.05': 0.05,
    "avg(cpu_used_ratio) * 100 > (0.9 * 100)": 0.9,
    # disks and memory
    'node_filesystem_avail_bytes{fstype!=""} / node_filesystem_size_bytes{fstype!=""} * 100 < 20 and '
    'node_filesystem_readonly{fstype!=""} == 0': 0.8,
    "(node_filesystem_size_bytes - node_filesystem_avail_bytes) / node_filesystem_size_bytes * 100 > 80": 0.8,
    "node_filesystem_avail_bytes < 0.2 * node_filesystem_size_bytes": 0.8,
    "100 * (node_filesystem_size_bytes - node_filesystem_free_bytes) / node_filesystem_size_bytes >= 80": 0.8,
    "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes * 100 < 10": 0.9,
    "100 - (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes * 100) > 90": 0.9,
    "kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes < 0.03 and "
    "kubelet_volume_stats_used_bytes > 0": 0.97,
    "max(kubelet_running_pods) / max(kube_node_status_capacity) > 0.95": 0.95,
    "(node_memory_MemTotal_bytes - node_memory_MemFree_bytes - node_memory_Cached_bytes) / "
    "node_memory_MemTotal_bytes * 100 > 4": 0.04,
    # connections
    "sum by (instance) (pg_stat_activity_count) > min by (instance) (pg_settings_max_connections * 0.95)": 0.95,
    "sum(pg_stat_activity_count) / avg(pg_settings_max_connections) * 100 > 95": 0.95,
    "sum(pg_stat_activity_count) * 100 / on () group_left () max(pg_settings_max_connections) > 95": 0.95,
    "pg_bloat_btree_bloat_pct > 80": 0.8,
    "mysql_global_status_threads_connected / mysql_global_variables_max_connections > 0.8": 0.8,
}
SECONDS = {
    "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 1": 1.0,
    "1 < histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))": 1.0,
    "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) * 1000 > 900": 0.9,
    "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_milliseconds_bucket[5m]))) > 1500": 1.5,
    'histogram_quantile(0.95, sum by (le) (rate({"request.duration.milliseconds_bucket"}[5m]))) > 1500': 1.5,
    "histogram_quantile(0.95, sum by (le) (rate(istio_request_duration_milliseconds_bucket[1m]))) / 1000 > 1": 1.0,
    "histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 1": math.inf,
    'http_request_duration_seconds{quantile="0.99"} > 0.8': 0.8,
    'prometheus_engine_query_duration_seconds{quantile="0.9"} > 0.8': math.inf,
    "histogram_quantile(0.95, sum by (le) (rate(latency_bucket[5m]))) > 1": 1.0,
    "histogram_quantile(0.99, sum(rate(etcd_disk_wal_fsync_duration_seconds_bucket[5m])) by (le)) > 0.5 or "
    "histogram_quantile(0.99, sum(rate(etcd_disk_backend_commit_duration_seconds_bucket[5m])) by (le)) > 0.25": 0.25,
}
MEANS = {
    "sum(rate(db_query_duration_seconds_sum[5m])) / sum(rate(db_query_duration_seconds_count[5m])) > 0.5": 0.5,
    "rate(db_query_duration_ms_sum[5m]) / rate(db_query_duration_ms_count[5m]) > 500": 0.5,
    "avg_over_time(probe_http_duration_seconds[1m]) > 1": 1.0,
    "avg_over_time(probe_duration_seconds[1m]) > 2": 2.0,
}
DROPS = {
    "sum(rate(http_requests_total[5m])) / sum(rate(http_requests_total[5m] offset 1w)) < 0.5": 0.5,
    "sum(rate(http_requests_total[5m])) < 0.5 * sum(rate(http_requests_total[5m] offset 1d))": 0.5,
    "rate(x_total[5m]) / avg_over_time(rate(x_total[5m])[1d:5m]) * 100 < 60": 0.4,
    "(rate(x_total[5m]) - rate(x_total[5m] offset 1w)) / rate(x_total[5m] offset 1w) < -0.7": 0.7,
    "1 - sum(rate(x_total[5m])) / sum(rate(x_total[1h] offset 1w)) > 0.5": 0.5,
}
FAILURES = {
    ('up{job="api"} == 0', 0): 1,
    ("probe_success == 0", 15): 2,
    ("probe_success < 1", 14): 1,
    ("probe_success != 1", 60): 5,
    ('min by (instance) (up{job="api"}) == 0', 300): 21,
    ("max_over_time(probe_success[30s]) == 0", 0): 2,
    ("sum_over_time(up[1m]) == 0", 0): 4,
    ("avg_over_time(probe_success[1m]) < 0.75", 0): 2,
    ("avg_over_time(probe_success[1m]) == 0", 0): 4,
    ("avg_over_time(probe_success[1m]) <= 0.75", 0): 1,
    ("avg_over_time(probe_success[1m]) <= 0.5", 0): 2,
    ("avg_over_time(probe_success[1m]) <= 0.6", 0): 2,
    ("avg_over_time(probe_success[1m]) <= 0", 0): 4,
    ("avg_over_time(probe_success[5s]) <= 0.5", 0): 1,
    ("probe_success <= 0", 15): 2,
    ("min_over_time(probe_success[5m]) == 0", 0): 1,
    ("probe_success == 0 or up == 0", 15): 2,
}
EVENTS = {
    "increase(pg_errors_total[5m]) > 0": 0,
    "sum(rate(pg_errors_total[5m])) > 0": 0,
    "increase(pg_stat_database_deadlocks[1m]) >= 1": 0,
    "increase(pg_stat_database_deadlocks[1m]) > 5": 5,
}
UNREADABLE = {
    "share": {
        "sum(": "it is no PromQL",
        "absent(up)": "compares nothing",
        "rate(errors_total[5m])": "compares nothing",
        "sum(rate(errors_total[5m])) / sum(rate(requests_total[5m])) > bool 0.05": "always fires",
        "1 > 2": "it is no PromQL",
        "vector(1) > 0": "two constants",
        "errors:share > 0.01 and on () sum(rate(requests_total[5m])) > 10": "no share at all",
        "errors:ratio5m > 0.01 unless on () maintenance == 1": "held back by `unless",
        "errors:ratio5m / (requests > 100) > 0.05": "another condition inside",
        "queue_length > 4": "is that per cent",
        "sum(1 - up_share) > 0.02": "calculates with numbers inside",
        "node_filesystem_free_bytes < 1e9": "cannot be seen that this is a share",
        "cpu_used_ratio < 0.9": "fires when something falls",
        "1 - cpu_idle_ratio < 0.1": "the complement falls",
        "cpu_idle_ratio > 0.01": "what is good rises",
        "errors:ratio5m == 0.05": "one exact value",
        "node_filesystem_avail_bytes / node_filesystem_size_bytes * 100 > 3 and on () x == 7": "what is good rises",
    },
    "seconds": {
        "time() - last_run < 60": "does not fire when a time grows",
        "rate(latency_sum[5m]) / rate(latency_count[5m]) > 0.5": "names no quantile",
        "histogram_quantile(0.95, rate(latency_bucket[5m])) > 500": "seconds or milliseconds?",
    },
    "drop": {
        "sum(rate(http_requests_total[5m])) < 10": "does not compare now with an earlier time",
        "rate(a[5m]) / rate(b[5m]) < 0.5": "does not compare now with an earlier time",
        "rate(a[5m]) / rate(a[5m] offset 1w) > 2": "does not fire when something falls",
    },
    "failures": {
        "probe_success == 1": "does not fire when a health check fails",
        "probe_success <= 1": "does not fire when a health check fails",
        "avg_over_time(probe_success[2m]) <= 1": "how many health checks must fail",
        "1 - probe_success == 0": "does not compare the result",
        "increase(probe_failures_total[5m]) > 1": "how many health checks must fail",
        "a / b > 1": "does not compare the result of a health check",
    },
    "events": {"db_errors > 0": "over a window", "rate(a[5m]) / rate(b[5m]) > 0": "does not count events"},
}


NO_SHARES = [
    'sum(rate(http_requests_total{code=~"5.."}[5m])) > 0.05',
    'sum(increase(http_requests_total{code=~"5.."}[5m])) > 0.05',
    "queue_length > 0.05",
    "1 - queue_length > 0.05",
    "histogram_quantile(0.99, rate(x_seconds_bucket[5m])) > 0.05",
    "rate(response_seconds_count[5m]) > 0.05",
    "rate(x_seconds_sum[5m]) / rate(x_seconds_count[5m]) > 0.05",
    "histogram_quantile(0.9, rate(a_bucket[5m])) / histogram_quantile(0.9, rate(b_bucket[5m])) > 0.05",
    "clamp_max(error_ratio, 0.01) > 0.05",
    "round(error_ratio) > 0.05",
    "round(error_ratio, 0.5) > 0.05",
    "stddev(error_ratio) > 0.05",
    "deriv(error_ratio[5m]) > 0.05",
    "delta(error_ratio[1h]) > 0.05",
    "rate(error_ratio[5m]) > 0.05",
    "count(error_ratio) > 0.05",
    "error_ratio - error_ratio offset 1d > 0.05",
    "error_ratio + queue_length > 0.05",
    "errors_ratio > 0.2 or latency_seconds > 0.02",
]
NO_TIMES = [
    "rate(response_seconds_count[5m]) > 2",
    "rate(response_seconds_sum[5m]) > 2",
    "increase(response_seconds_sum[5m]) > 2",
    "response_seconds_count > 2",
    "error_ratio > 0.5",
    "histogram_quantile(0.95, rate(size_bytes_bucket[5m])) > 0.5",
    "deriv(response_seconds[5m]) > 0.5",
    "busy_seconds / all_seconds > 0.5",
]


def when(expression: str, quantity: str, timing: Timing = TIMING, quantile: float | None = None) -> float:
    return fires_at(read(expression), Demand(quantity, LIMITS[quantity], quantile), timing)


@pytest.mark.parametrize(("expression", "value"), SHARES.items())
def test_shares(expression: str, value: float) -> None:
    assert when(expression, "share") == pytest.approx(value)


@pytest.mark.parametrize(("expression", "value"), SECONDS.items())
def test_quantiles(expression: str, value: float) -> None:
    assert when(expression, "seconds", quantile=0.95) == pytest.approx(value)


@pytest.mark.parametrize(("expression", "value"), MEANS.items())
def test_times_without_a_quantile(expression: str, value: float) -> None:
    assert when(expression, "seconds") == pytest.approx(value)


@pytest.mark.parametrize(("expression", "value"), DROPS.items())
def test_drops(expression: str, value: float) -> None:
    assert when(expression, "drop") == pytest.approx(value)


@pytest.mark.parametrize(("case", "value"), FAILURES.items())
def test_failures_in_a_row(case: tuple[str, float], value: float) -> None:
    assert when(case[0], "failures", Timing(case[1], 15)) == value


@pytest.mark.parametrize(("expression", "value"), EVENTS.items())
def test_events(expression: str, value: float) -> None:
    assert when(expression, "events") == value


def test_a_rule_that_holds_longer_than_its_window_misses_the_event() -> None:
    assert when("increase(pg_errors_total[5m]) > 0", "events", Timing(300, None)) == math.inf


def test_without_an_interval_failures_cannot_be_counted() -> None:
    with pytest.raises(Unreadable, match=r"set alerts\.probe_seconds"):
        when("up == 0", "failures", Timing(30, None))


@pytest.mark.parametrize(
    ("quantity", "expression", "says"),
    [(quantity, expression, says) for quantity, rows in UNREADABLE.items() for expression, says in rows.items()],
)
def test_what_cannot_be_read_is_said(quantity: str, expression: str, says: str) -> None:
    with pytest.raises(Unreadable) as caught:
        when(expression, quantity, quantile=0.95 if quantity == "seconds" else None)
    assert says in str(caught.value)


@pytest.mark.parametrize("expression", NO_SHARES)
def test_a_low_threshold_makes_no_share(expression: str) -> None:
    with pytest.raises(Unreadable):
        when(expression, "share")


@pytest.mark.parametrize("expression", NO_TIMES)
def test_a_low_threshold_makes_no_time(expression: str) -> None:
    with pytest.raises(Unreadable):
        fires_at(read(expression), Demand("seconds", 2), TIMING)


@pytest.mark.parametrize(
    ("expression", "limit"),
    [
        ("job:errors:ratio5m > 0.05", 0.05),
        ("job:errors:ratio_rate5m > 0.05", 0.05),
        ("(sum(rate(errors_total[5m])) / sum(rate(requests_total[5m])) or vector(0)) > 0.05", 0.05),
        ("avg_over_time(instance:node_cpu_utilisation:rate5m[10m]) > 0.9", 0.9),
    ],
)
def test_a_share_is_told_by_its_name(expression: str, limit: float) -> None:
    assert fires_at(read(expression), Demand("share", limit), TIMING) == limit


def test_utilisation_may_be_per_cent() -> None:
    with pytest.raises(Unreadable, match="is that per cent"):
        when("cpu_utilisation > 90", "share")


def test_events_above_a_number_are_counted_over_the_window() -> None:
    few = Demand("events", 5)
    assert fires_at(read("sum(increase(x_total[5m])) > 5"), few, TIMING) == 5
    assert fires_at(read("rate(x_total[5m]) > 0"), few, TIMING) == 0
    for expression in ("rate(x_total[5m]) > 1", "max_over_time(x_total[5m]) > 1", "avg(increase(x_total[5m])) > 5"):
        with pytest.raises(Unreadable, match="not known to leave the scale as it is"):
            fires_at(read(expression), few, TIMING)


WITHIN = Timing(hold_seconds=0, probe_seconds=60, within_seconds=300)
LATE = [
    ("share", "min_over_time(error_ratio[1d]) > 0.05"),
    ("share", "0.05 < min_over_time(error_ratio[1d])"),
    ("share", "min_over_time((rate(e_total[5m]) / rate(a_total[5m]))[1d:]) > 0.05"),
    ("share", "1 - max_over_time(free_ratio[1d]) > 0.05"),
    ("share", "quantile_over_time(0.01, error_ratio[10m]) > 0.05"),
    ("share", "error_ratio offset 1d > 0.05"),
    ("share", "error_ratio @ 100 > 0.05"),
    ("share", "sum(rate(e_total[5m] offset 1d)) / sum(rate(a_total[5m])) > 0.05"),
    ("share", "sum(rate(err_total[1d])) / sum(rate(all_total[1d])) > 0.05"),
    ("share", "sum(rate(err_total[1d])) > 0.05 * sum(rate(all_total[1d]))"),
    ("seconds", "histogram_quantile(0.95, rate(x_seconds_bucket[1d])) > 1"),
    ("seconds", "histogram_quantile(0.95, rate(x_seconds_bucket[5m] offset 1d)) > 1"),
    ("seconds", 'min_over_time(p95_latency_seconds{quantile="0.95"}[1h]) > 1'),
    ("failures", "max_over_time(probe_success[1d]) == 0"),
    ("events", "increase(x_total[5m] offset 1d) > 0"),
]


@pytest.mark.parametrize(("quantity", "expression"), LATE)
def test_time_that_the_expression_waits_is_seen(quantity: str, expression: str) -> None:
    with pytest.raises(Unreadable, match=r"looks|waits until most"):
        when(expression, quantity, WITHIN, quantile=0.95 if quantity == "seconds" else None)


@pytest.mark.parametrize(
    ("quantity", "expression"),
    [
        ("share", "max_over_time(error_ratio[1d]) > 0.05"),
        ("share", "min_over_time(error_ratio[5m]) > 0.05"),
        ("share", "sum(rate(err_total[1h])) / sum(rate(all_total[1h])) > 0.05"),
        ("events", "increase(x_total[1d]) > 0"),
    ],
)
def test_a_look_back_that_keeps_nothing_back_is_no_wait(quantity: str, expression: str) -> None:
    assert Demand(quantity, LIMITS[quantity]).met_at(when(expression, quantity, WITHIN))


def test_a_hold_that_is_too_long_by_itself_is_left_to_be_measured() -> None:
    assert when("min_over_time(error_ratio[1d]) > 0.05", "share", Timing(600, 60, 300)) == 0.05


@pytest.mark.parametrize(
    ("quantity", "expression"),
    [
        ("share", "min(error_ratio) > 0.05"),
        ("share", "bottomk(1, error_ratio) > 0.05"),
        ("share", "quantile(0.01, error_ratio) > 0.05"),
        ("share", "-max(-error_ratio) > 0.05"),
        ("share", "min(rate(e_total[5m]) / rate(a_total[5m])) > 0.05"),
        ("share", "min(rate(e_total[5m])) > 0.05 * max(rate(a_total[5m]))"),
        ("share", "max(free_ratio) < 0.96"),
        ("share", "topk(1, free_ratio) < 0.96"),
        ("share", "1 - max(free_ratio) > 0.05"),
        ("share", "sum(free_ratio) < 0.96"),
        ("share", 'sum(rate(x_total{result="success"}[5m]) / rate(x_total[5m])) < 0.96'),
        ("seconds", "min(histogram_quantile(0.95, rate(x_seconds_bucket[5m]))) > 1"),
        ("drop", "max(rate(x_total[5m]) / rate(x_total[5m] offset 1d)) < 0.5"),
        ("failures", "max(max_over_time(probe_success[2m])) == 0"),
        ("events", "min(increase(x_total[5m])) > 0"),
    ],
)
def test_one_instance_that_is_bad_is_enough(quantity: str, expression: str) -> None:
    with pytest.raises(Unreadable, match=r"more than one of its series|adds up"):
        when(expression, quantity, WITHIN, quantile=0.95 if quantity == "seconds" else None)


@pytest.mark.parametrize(
    "expression",
    [
        "increase(x_total[1h] offset 1d) / increase(x_total[1h]) < 0.5",
        "increase(x_total[1h] offset 1d) < 0.5 * increase(x_total[1h])",
        "increase(x_total[1h]) / increase(x_total[1h]) < 0.5",
        "rate(x_total[5m] offset 1d) / rate(x_total[5m] offset 1d) < 0.5",
        "rate(x_total[1h]) / rate(x_total[5m]) < 0.5",
    ],
)
def test_a_drop_is_of_now_against_the_usual(expression: str) -> None:
    with pytest.raises(Unreadable, match="does not compare now with an earlier time"):
        when(expression, "drop")


@pytest.mark.parametrize(
    ("quantity", "expression"),
    [
        ("drop", "increase(x_total[1h]) / increase(x_total[5m] offset 1d) < 0.5"),
        ("share", "increase(errors_total[5m]) / increase(requests_total[1h]) > 0.05"),
    ],
)
def test_what_is_counted_is_counted_over_one_window(quantity: str, expression: str) -> None:
    with pytest.raises(Unreadable, match="counted over one window"):
        when(expression, quantity)


def test_one_failure_may_be_half_of_the_window() -> None:
    half = "avg_over_time(probe_success[2m]) <= 0.5"
    assert when(half, "failures", Timing(0, probe_seconds=60)) == 1
    assert when(half.replace("<=", "<"), "failures", Timing(0, probe_seconds=60)) == 2


def test_a_forecast_is_not_read() -> None:
    rule = "a_avail / a_size * 100 < 40 and predict_linear(a_avail[6h], 24 * 60 * 60) < 0"
    with pytest.raises(Unreadable, match="calculates with numbers inside"):
        fires_at(read(rule), Demand("share", 0.8), TIMING)


def test_a_part_that_is_too_late_settles_the_rest() -> None:
    assert when("errors:ratio5m > 0.2 and on () sum(rate(requests_total[5m])) > 10", "share") == 0.2
    assert when("errors:ratio5m > 0.04 or absent(up)", "share") == 0.04
