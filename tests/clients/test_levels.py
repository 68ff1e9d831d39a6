"""Service levels against a real Prometheus and a real PostgreSQL, and against what only a strange source answers."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from readiness.environment.service_levels import Window
from readiness.outcomes import NotConfigured, Unknown
from readiness.sandbox import Sandbox
from readiness.sandbox.postgres import Server as Database
from readiness.sources.levels import Quantile
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Asked, Behaviour, Server, vector

COUNT, FAILED = (
    "sum(increase(http_requests_total[{window}]))",
    'sum(increase(http_requests_total{code="500"}[{window}]))',
)
BUCKETS = "sum by (le) (increase(http_request_duration_seconds_bucket[{window}]))"
REQUESTS = {
    "count": {"promql": COUNT},
    "failed": {"promql": FAILED},
    "latency": {"promql": f"histogram_quantile({{quantile}}, {BUCKETS})"},
}
PATH = {"count": {"promql": 'sum(increase(http_requests_total{path="{path}"}[{window}]))'}}
HOUR, DAY, WEEK = Window("1h"), Window("1d"), Window("7d")


@pytest.fixture
def clients(make: Make, sandbox: Sandbox) -> Clients:
    never = {"count": {"promql": "sum(increase(no_such_metric[{window}]))"}}
    levels = {"requests": REQUESTS, "endpoint": PATH, "never": never}
    return make(prometheus={"url": sandbox.variables["SANDBOX_PROMETHEUS_URL"]}, service_levels=levels)


def test_a_figure_of_the_past_is_asked_of_the_past(clients: Clients) -> None:
    now, yesterday = (clients.levels.figure("requests", "count", window) for window in (HOUR, Window("1h", "1d")))
    assert now == pytest.approx(35_640, rel=0.35)
    assert yesterday == pytest.approx(now, rel=0.2)
    assert yesterday != now
    week = clients.levels.figure("requests", "count", Window("7d", "7d"))
    assert week == pytest.approx(9.9 * 7 * 86_400, rel=0.05)


def test_one_path_is_a_part_of_all(clients: Clients) -> None:
    all_of_them = clients.levels.figure("requests", "count", HOUR)
    one = clients.levels.figure("endpoint", "count", Window("1h", path="/api/v1/ingest/browser"))
    assert one == pytest.approx(all_of_them * 5 / 9.9, rel=0.02)
    with pytest.raises(Unknown, match=r"asks for \{path\}, and the line names none"):
        clients.levels.figure("endpoint", "count", HOUR)
    with pytest.raises(Unknown, match="has no series"):
        clients.levels.figure("endpoint", "count", Window("1h", path='/"} or vector(1) #'))


def test_a_quantile_within_the_buckets(clients: Clients) -> None:
    found = clients.levels.quantile("requests", Window("1h", quantile=0.95))
    assert found.seconds == pytest.approx(0.37, abs=0.01)
    assert not found.at_least


def test_a_window_from_before_the_records_is_unknown(clients: Clients) -> None:
    with pytest.raises(Unknown, match="not on record from the beginning of 30d"):
        clients.levels.figure("requests", "count", Window("30d"))
    with pytest.raises(Unknown, match="not on record from the beginning of 7d until 10d ago"):
        clients.levels.figure("requests", "count", Window("7d", "10d"))


def test_what_nobody_counts_is_unknown(clients: Clients) -> None:
    with pytest.raises(Unknown, match="has no series"):
        clients.levels.figure("never", "count", HOUR)
    with pytest.raises(NotConfigured, match="nothing says how to find count of request; did you mean requests"):
        clients.levels.figure("request", "count", HOUR)
    with pytest.raises(NotConfigured, match="nothing says how to find throttled of requests"):
        clients.levels.figure("requests", "throttled", HOUR)


def test_a_counter_that_begins_anew_counts_on(clients: Clients, sandbox: Sandbox) -> None:
    before = [clients.levels.figure("requests", name, HOUR) for name in ("count", "failed")]
    with sandbox.plant("counters-reset"):
        after = [clients.levels.figure("requests", name, HOUR) for name in ("count", "failed")]
    assert after == pytest.approx(before, rel=0.02)
    assert after[1] / after[0] == pytest.approx(0.002, rel=0.02)


def test_a_week_with_a_hole_in_its_record_is_unknown(clients: Clients, sandbox: Sandbox) -> None:
    with sandbox.plant("requests-not-recorded"):
        # A day of seven is missing; the server draws its points where the clock lets them fall, one more or less.
        with pytest.raises(Unknown, match=r"requests\.count is on record for only 8[4-7]\.\d% of 7d: 90% is needed"):
            clients.levels.figure("requests", "count", WEEK)
        assert clients.levels.figure("requests", "count", DAY) > 0


def test_the_record_of_a_window_is_looked_at_once(make: Make) -> None:
    asked = []

    def value(query: str, _past: bool) -> float:
        asked.append(query)
        return 226.0 if "count_over_time" in query else 100.0

    with Server(told(value)) as server:
        levels = make(server.url, service_levels={"requests": REQUESTS}).levels
        for window in (WEEK, Window("7d", quantile=0.95), HOUR):
            assert levels.figure("requests", "count", window) == 100
    assert len([query for query in asked if "count_over_time" in query]) == 1


def told(value: Callable[[str, bool], float | None]) -> Behaviour:
    """Answer a query, which is about the past or not, with one number or with nothing."""

    def behave(server: Server, connection: socket.socket, asked: Asked) -> None:
        words = parse_qs(urlsplit(asked.path).query)
        found = value(words["query"][0], "time" in words)
        text = "NaN" if found is None or math.isnan(found) else str(found)
        rows = [] if found is None else [{"value": text}]
        vector(*rows)(server, connection, asked)

    return behave


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (lambda _query, _past: None, "has no series"),
        (lambda _query, _past: math.nan, "is nan"),
        (lambda _query, _past: -3.0, "is -3, and it counts"),
        (lambda query, _past: None if "[5m]" in query else 100.0, "has no sample of the last 5m"),
        (lambda _query, past: None if past else 100.0, "is not on record from the beginning of 7d"),
    ],
)
def test_no_figure_is_unknown(make: Make, value: Callable[[str, bool], float | None], says: str) -> None:
    with Server(told(value)) as server, pytest.raises(Unknown) as caught:
        make(server.url, service_levels={"requests": REQUESTS}).levels.figure("requests", "count", WEEK)
    assert says in caught.value.reason


def test_beyond_the_last_bucket_is_at_least(make: Make) -> None:
    with Server(told(lambda _query, _past: 10.0)) as server:
        levels = make(server.url, service_levels={"requests": REQUESTS}).levels
        assert levels.quantile("requests", Window("1h", quantile=0.95)) == Quantile(10.0, at_least=True)


BETWEEN = "at between now() - {offset} - {window} and now() - {offset}"
ROWS = "(values (now() - interval '30 minutes', 1.0), (now() - interval '3 hours', 9.0)) as event (at, seconds)"


def test_the_same_over_tables(make: Make, database: Database) -> None:
    uploads = {
        "count": {"sql": f"select count(*) from {ROWS} where {BETWEEN}"},
        "failed": {"sql": f"select 'many' from {ROWS} where {BETWEEN}"},
        "latency": {
            "sql": f"select percentile_cont({{quantile}}) within group (order by seconds) from {ROWS} where {BETWEEN}"
        },
    }
    levels = make(dsn=database.dsn(), service_levels={"uploads": uploads}).levels
    assert [levels.figure("uploads", "count", window) for window in (HOUR, DAY, Window("1h", "1h"))] == [1, 2, 0]
    assert levels.quantile("uploads", Window("1d", quantile=0.5)) == Quantile(5.0, at_least=False)
    with pytest.raises(Unknown, match="is empty: there is nothing to measure yet"):
        levels.quantile("uploads", Window("1h", "1h", quantile=0.5))
    with pytest.raises(Unknown, match="is not a number: 'many'"):
        levels.figure("uploads", "failed", HOUR)
