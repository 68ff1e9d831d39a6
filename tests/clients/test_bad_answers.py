"""Every operation of every HTTP client, against every bad answer: always unknown, always in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from readiness.environment.communication import StatusPage
from readiness.environment.schema import KnownReading, Reading
from readiness.environment.service_levels import Window
from readiness.outcomes import Unknown
from readiness.sources.chat import Channel, Chat
from readiness.sources.table import Clients
from tests.clients.conftest import NEVER, SHORT, Make
from tests.clients.servers import BAD_ANSWERS, Server, document, vector, whole

UNKNOWN = {"Unknown", "NotSent", "HostNotAllowed", "Refused", "RefusedUnsent", "Late", "Silent"}
FACT = KnownReading("fact", "a fact")
COUNTER = KnownReading("counter", "a counter")
HOUR = Window("1h", quantile=0.95)
LEVEL = {"count": {"promql": "sum(a[{window}])"}, "latency": {"promql": "b({quantile}, a[{window}])"}}
QUERY = KnownReading("query", "a query")
ROOM, ADA = Channel("C0ROLLOUT01", "rollout", archived=False), {"Ada": "U0ADALOVEL"}

OPERATIONS: dict[str, Callable[[Clients], object]] = {
    "http.get": lambda clients: _told(clients.http.get("/facts").expect(200).json()),
    "exposition.samples": lambda clients: clients.exposition.samples(),
    "exposition.family": lambda clients: clients.exposition.family("a"),
    "exposition.total": lambda clients: clients.exposition.total("a"),
    "storage.bucket": lambda clients: clients.storage.bucket(),
    "storage.may_upload": lambda clients: clients.storage.may_upload(),
    "prometheus.vector": lambda clients: clients.prometheus.vector("up"),
    "prometheus.value": lambda clients: clients.prometheus.value("up"),
    "prometheus.rules": lambda clients: clients.prometheus.rules(),
    "prometheus.targets": lambda clients: clients.prometheus.targets(),
    "prometheus.alertmanagers": lambda clients: clients.prometheus.alertmanagers(),
    "grafana.dashboard": lambda clients: clients.grafana.dashboard("shop"),
    "grafana.library_panel": lambda clients: clients.grafana.library_panel("shared"),
    "grafana.data_sources": lambda clients: clients.grafana.data_sources(),
    "grafana.query": lambda clients: clients.grafana.query([{"refId": "A"}], "now-1h", "now"),
    "grafana.stored_rules": lambda clients: _told(clients.grafana.stored_rules()),
    "grafana.evaluated_rules": lambda clients: _told(clients.grafana.evaluated_rules()),
    "grafana.contact_points": lambda clients: _told(clients.grafana.contact_points()),
    "grafana.policy": lambda clients: clients.grafana.policy(),
    "sentry.project": lambda clients: clients.sentry.project(),
    "sentry.issues": lambda clients: clients.sentry.issues("", 3600),
    "sentry.events": lambda clients: clients.sentry.events("", 3600),
    "sentry.dropped": lambda clients: clients.sentry.dropped(1),
    "sentry.detectors": lambda clients: clients.sentry.detectors(),
    "sentry.workflows": lambda clients: clients.sentry.workflows(),
    "sentry.metric_rules": lambda clients: clients.sentry.metric_rules(),
    "sentry.issue_rules": lambda clients: clients.sentry.issue_rules(),
    "loki.newest": lambda clients: clients.loki.newest(datetime.now(UTC)),
    "levels.figure": lambda clients: clients.levels.figure("requests", "count", HOUR),
    "levels.quantile": lambda clients: clients.levels.quantile("requests", HOUR),
    "alertmanager.receivers": lambda clients: _told(clients.alertmanager.receivers()),
    "alertmanager.alerts": lambda clients: _told(clients.alertmanager.alerts(readiness_run="x")),
    "alertmanager.post": lambda clients: _told(_posted(clients)),
    "slack.channel": lambda clients: _chat(clients, "slack").channel("rollout"),
    "slack.channel by its id": lambda clients: _chat(clients, "slack").channel("C0ROLLOUT01"),
    "slack.absent": lambda clients: _chat(clients, "slack").absent(ROOM, ADA),
    "slack.messages": lambda clients: _chat(clients, "slack").messages(ROOM, *_today()),
    "discord.channel": lambda clients: _chat(clients, "discord").channel("rollout"),
    "discord.absent": lambda clients: _chat(clients, "discord").absent(ROOM, ADA),
    "discord.messages": lambda clients: _told(_chat(clients, "discord").messages(ROOM, *_today())),
    "status_pages.page": lambda clients: clients.status_pages.page(_site(clients)),
    "status_pages.told": lambda clients: clients.status_pages.notices(_site(clients)),
    "tickets.open": lambda clients: clients.tickets.open(("complaint",)),
    "incident_reports.all": lambda clients: [*clients.incident_reports.all()],
    "pagerduty.on_calls": lambda clients: clients.pagerduty.on_calls(datetime.now(UTC), datetime.now(UTC)),
    "pagerduty.policy": lambda clients: clients.pagerduty.policy("PSHOP01"),
    "pagerduty.contact_methods": lambda clients: clients.pagerduty.contact_methods("PADA001"),
    "github.open_issues": lambda clients: clients.github.open_issues("P1"),
    "github.tags": lambda clients: _told(clients.github.tags()),
    "github.ancestry": lambda clients: clients.github.ancestry("a", "b"),
    "github.combined": lambda clients: clients.github.combined("a"),
    "github.check_runs": lambda clients: clients.github.check_runs("a"),
    "github.changes": lambda clients: _told(clients.github.changes("docs/rollback.md")),
    "github.pulls": lambda clients: _told(clients.github.pulls("a")),
    "github.reviews": lambda clients: _told(clients.github.reviews(1)),
    "backups.supabase": lambda clients: clients.backups.supabase(),
    "readings.value": lambda clients: clients.readings.value(FACT),
    "readings.number": lambda clients: clients.readings.number(FACT),
    "readings.rows": lambda clients: clients.readings.rows(FACT, "column"),
    "readings.mapping": lambda clients: clients.readings.mapping(FACT),
    "readings.value of a metric": lambda clients: clients.readings.value(COUNTER),
    "readings.value of a query": lambda clients: clients.readings.value(QUERY),
}


def _chat(clients: Clients, kind: str) -> Chat:
    return clients.chats.place(f"{kind}/rollout").chat


def _site(clients: Clients) -> StatusPage:
    return StatusPage(url=clients.tickets.settings.url)


def _today() -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    return now - timedelta(days=1), now


def _told(found: object) -> object:
    if not found:
        raise Unknown("the document is empty", "the observation says so")
    return found


def _posted(clients: Clients) -> object:
    """Post, and look whether it is there: a good answer to a post is empty."""
    moment = datetime.now(UTC)
    clients.alertmanager.post({"alertname": "A"}, {}, moment, moment)
    return clients.alertmanager.alerts()


def ending(operation: Callable[[Clients], object], clients: Clients) -> object:
    """Say how an operation ends: by its value, or by the type that it raises."""
    try:
        return operation(clients)
    except BaseException as error:  # noqa: BLE001  the type is what is tested
        return f"{type(error).__name__}: {error}"


def endings(clients: Clients) -> dict[str, object]:
    with ThreadPoolExecutor(len(OPERATIONS)) as pool:
        ends = {name: pool.submit(ending, operation, clients) for name, operation in OPERATIONS.items()}
        return {name: end.result() for name, end in ends.items()}


def assert_all_unknown(clients: Clients) -> None:
    started = time.monotonic()
    found = endings(clients)
    assert time.monotonic() - started < NEVER
    for name, end in found.items():
        assert isinstance(end, str), f"{name} took it for {end!r}"
        assert end.partition(": ")[0] in UNKNOWN, f"{name}: {end}"
        assert end.endswith(")"), f"{name} says no remedy: {end}"
        assert "of-a-test" not in end, f"{name} tells a secret: {end}"


def pointed(make: Make, url: str, **changes: Any) -> Clients:
    readings = {
        "fact": Reading(http=f"{url}/facts", pointer="/a/b"),
        "counter": Reading(metric="a"),
        "query": Reading(promql="up"),
    }
    return make(url, readings=readings, service_levels={"requests": LEVEL}, **changes)


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_a_bad_answer_is_unknown_to_every_operation(answer: str, make: Make) -> None:
    with Server(BAD_ANSWERS[answer]) as server:
        assert_all_unknown(pointed(make, server.url, http=SHORT))
        assert server.asked


def test_a_closed_port_is_unknown(make: Make, closed_port: int) -> None:
    assert_all_unknown(pointed(make, f"http://127.0.0.1:{closed_port}", http=SHORT))


def test_no_tls_where_tls_is_wanted_is_unknown(make: Make) -> None:
    with Server(BAD_ANSWERS["null"]) as server:
        assert_all_unknown(pointed(make, server.url.replace("http:", "https:"), http=SHORT))
        assert not server.asked


def test_a_host_that_is_not_allowed_is_never_asked(make: Make) -> None:
    assert_all_unknown(pointed(make, "http://elsewhere.example", http=SHORT))


def test_the_operations_find_a_good_answer(make: Make) -> None:
    """The table above would also pass if an operation could never succeed."""
    with Server(whole(200, "a 1\n")) as server:
        found = endings(pointed(make, server.url))
        assert found["exposition.total"] == found["readings.value of a metric"] == 1.0
        assert len(found["exposition.samples"]) == len(found["exposition.family"]) == 1  # type: ignore[arg-type]
    with Server(document({"a": {"b": 7}, "id": "uploads", "public": False, "url": "/signed"})) as server:
        found = endings(pointed(make, server.url))
        assert found["readings.value"] == found["readings.number"] == 7
        assert found["storage.may_upload"] is True
        assert str(found["storage.bucket"]) == "BucketFound(exists=True, public=False)"
    with Server(vector({"value": "7"})) as server:
        found = endings(pointed(make, server.url))
        assert found["prometheus.value"] == found["readings.value of a query"] == found["levels.figure"] == 7
        assert str(found["levels.quantile"]).startswith("Quantile(seconds=7.0, at_least=True, ")
    with Server(document({"a": {"b": {"x": {"column": 1}}}})) as server:
        assert endings(pointed(make, server.url))["readings.rows"] == [{"name": "x", "column": 1}]
    with Server(document({"a": {"b": {"NAME": "value"}}})) as server:
        assert str(endings(pointed(make, server.url))["readings.mapping"]) == "{'NAME': ***}"
