"""The client against a real Prometheus, and against what only a strange one answers."""

from __future__ import annotations

import time

import pytest

from readiness.outcomes import NotConfigured, Unknown
from readiness.sandbox import Sandbox
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Server, document, whole


@pytest.fixture
def clients(make: Make, sandbox: Sandbox) -> Clients:
    return make(prometheus={"url": sandbox.variables["SANDBOX_PROMETHEUS_URL"]})


def test_a_week_is_on_record(clients: Clients) -> None:
    assert clients.prometheus.value("sum(increase(http_requests_total[7d]))") == pytest.approx(6_000_000, rel=0.05)
    assert clients.prometheus.value("1 + 1") == 2
    rows = clients.prometheus.vector("sum by (path) (http_requests_total)")
    assert "/api/leads" in {row.labels["path"] for row in rows}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("no_such_metric", "no_such_metric has no series"),
        ("http_requests_total", "has 15 series, one is wanted"),
        ("vector(0) / vector(0)", "is nan"),
        ("vector(1) / vector(0)", "is inf"),
        ("sum(", "answered 400: bad_data: "),
        ("up[5m]", "answers no vector but matrix"),
    ],
)
def test_no_number_is_unknown(clients: Clients, query: str, says: str) -> None:
    with pytest.raises(Unknown) as caught:
        clients.prometheus.value(query)
    assert says in caught.value.reason


def test_what_it_knows_of_itself(clients: Clients) -> None:
    assert "HighErrorRate" in {rule.name for rule in clients.prometheus.rules()}
    assert clients.prometheus.targets() is not None
    assert clients.prometheus.alertmanagers() is not None


def test_an_answer_in_part_is_unknown(make: Make) -> None:
    sample = {"metric": {}, "value": [time.time(), "7"]}
    content = {"status": "success", "data": {"resultType": "vector", "result": [sample]}, "warnings": ["store 2 away"]}
    with Server(document(content)) as server, pytest.raises(Unknown, match="answered in part: store 2 away"):
        make(server.url).prometheus.value("up")


def test_an_answer_that_the_server_doubts_is_unknown(make: Make) -> None:
    doubt = 'PromQL warning: bucket label "le" is missing or has a malformed value of ""'
    content = {"status": "success", "data": {"resultType": "vector", "result": []}, "warnings": [doubt]}
    with Server(document(content)) as server, pytest.raises(Unknown, match=f"answered with a {doubt}") as caught:
        make(server.url).prometheus.value("histogram_quantile(0.9, up)")
    assert caught.value.remedy.startswith("correct the query")


def test_rules_are_read_with_their_duration(make: Make) -> None:
    rule = {"name": "A", "query": "up == 0", "duration": 60, "health": "ok", "state": "inactive"}
    content = {"status": "success", "data": {"groups": [{"name": "g", "rules": [rule]}]}}
    with Server(document(content)) as server:
        assert make(server.url).prometheus.rules()[0].seconds == 60


def test_not_configured_is_unknown(make: Make) -> None:
    with pytest.raises(NotConfigured, match="no Prometheus is configured"):
        make(systems=False).prometheus.vector("up")


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, "correct the query"),
        (422, "correct the query"),
        (503, "is the server up and ready"),
        (500, "server's log"),
    ],
)
def test_a_refusal_says_what_to_do_about_it(make: Make, status: int, remedy: str) -> None:
    body = b'{"status": "error", "errorType": "timeout", "error": "query timed out in expression evaluation"}'
    with Server(whole(status, body)) as server, pytest.raises(Unknown, match=f"answered {status}: timeout: ") as caught:
        make(server.url).prometheus.value("up")
    assert remedy in caught.value.remedy
