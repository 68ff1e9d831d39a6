"""The analytics store's answers, as readings give them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from readiness.environment.schema import Reading
from readiness.observations.metrics import AnalyticsStore, analytics_store
from readiness.outcomes import NotConfigured, Unknown
from tests.clients.conftest import Make
from tests.clients.servers import Server, document


def store(make: Make, rows: list[dict[str, Any]]) -> AnalyticsStore:
    with Server(document({"data": rows})) as server:
        pipe = Reading(http=f"{server.url}/v0/pipes/p95.json", pointer="/data")
        clients = make(server.url, readings={"analytics_error_rate": pipe, "analytics_p95": pipe})
        return analytics_store(clients.readings)


def test_the_newest_row_counts(make: Make) -> None:
    now = time.time()
    found = store(make, [{"at": now - 900, "value": 9}, {"at": now - 60, "value": 0.3}, {"at": now - 300, "value": 8}])
    assert (found.error_rate, found.p95) == (0.3, 0.3)
    assert found.p95_age == pytest.approx(60, abs=20)


def test_times_are_instants(make: Make) -> None:
    assert store(make, [{"at": "2026-01-01T00:00:00+01:00", "value": 1}]).p95_age > 86_400


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "answers no row"),
        ([{"at": "2026-01-01 00:00:00", "value": 1}], "has no time zone"),
        ([{"at": 1e300, "value": 1}], "no second since 1970 of a year that matters here"),
        ([{"at": 1, "value": 1}], "no second since 1970 of a year that matters here"),
        ([{"at": True, "value": 1}], "is not a date and time"),
        ([{"at": 1_700_000_000, "value": None}], "is not a number"),
        ([{"time": 1, "value": 1}], "has no column at"),
    ],
)
def test_what_tells_nothing_is_unknown(make: Make, rows: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(Unknown, match=says):
        store(make, rows)


def test_not_configured(make: Make) -> None:
    with pytest.raises(NotConfigured, match=r"set readings\.analytics_error_rate"):
        analytics_store(make().readings)
