"""The client against the sandbox's Grafana, and what panels ask with all that a dashboard may hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from readiness.clients.grafana import Dashboard, DataSource
from readiness.clients.grafana_panels import Panel, panels
from readiness.observations.dashboards import dashboard_panels, plain_range
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox import Sandbox
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Server, document, whole

SOURCES = [
    DataSource(uid="p1", name="Prometheus", type="prometheus", isDefault=True),
    DataSource(uid="s1", name="Shop", type="mysql"),
]


@pytest.fixture
def clients(make: Make, sandbox: Sandbox) -> Clients:
    known = sandbox.variables
    token = Secret(known["SANDBOX_GRAFANA_TOKEN"])
    names = {"main": "ingestion", "old": "deleted"}
    return make(grafana={"url": known["SANDBOX_GRAFANA_URL"], "token": token, "dashboards": names})


def read(model: dict[str, Any], shared: dict[str, Any] | None = None) -> list[Panel]:
    dashboard = Dashboard("u", "Shop", "now-6h", "now", model)
    return panels(dashboard, lambda uid: (shared or {})[uid], lambda: SOURCES)


def asked(panel: dict[str, Any], *variables: dict[str, Any], key: str = "expr") -> str:
    whole_panel = {"title": "P", "type": "timeseries", "datasource": {"uid": "p1", "type": "prometheus"}, **panel}
    (found,) = read({"panels": [whole_panel], "templating": {"list": list(variables)}})
    return str(found.questions[0].queries[0][key])


def test_every_panel_is_asked(clients: Clients) -> None:
    seen = dashboard_panels(clients.grafana, "main")
    assert (seen.asked, seen.without_data) == (3, [])  # of the mixed sources, of the library, in the folded row


def test_a_dashboard_that_is_gone_is_told_from_one_out_of_sight(clients: Clients, make: Make) -> None:
    assert clients.grafana.dashboard("deleted") is None
    assert dashboard_panels(clients.grafana, "old").asked == 0
    with Server(whole(404, "{}")) as server, pytest.raises(Unknown, match="/api/search"):
        make(server.url).grafana.dashboard("shop")


def test_names_that_nobody_knows(clients: Clients, make: Make) -> None:
    with pytest.raises(NotConfigured, match="did you mean main"):
        clients.grafana.uid_of("mian")
    with pytest.raises(NotConfigured, match="no Grafana is configured"):
        make(systems=False).grafana.data_sources()


def frame(*columns: tuple[str, list[Any]]) -> dict[str, Any]:
    fields = [{"name": kind, "type": kind} for kind, _ in columns]
    return {"schema": {"fields": fields}, "data": {"values": [values for _, values in columns]}}


@pytest.mark.parametrize(
    ("result", "values", "error"),
    [
        ({"frames": [frame(("time", [1, 2]), ("number", [1.5, None]))], "status": 200}, 1, ""),
        ({"frames": [frame(("time", [1, 2]), ("number", [None, None]))]}, 0, ""),
        ({"frames": [frame(("time", [1, 2]))]}, 0, ""),
        ({"frames": []}, 0, ""),
        ({"Frames": [frame(("string", ["a"]))], "Status": 200}, 1, ""),
        ({"error": "bad_data:\n no", "status": 400, "frames": []}, 0, "bad_data: no"),
        ({"Error": "timeout", "Status": 504}, 0, "timeout"),
    ],
)
@pytest.mark.parametrize("status", [200, 207, 400])
def test_results_of_a_query(make: Make, status: int, result: dict[str, Any], values: int, error: str) -> None:
    with Server(whole(status, json.dumps({"results": {"A": result}}))) as server:
        found = make(server.url).grafana.query([{"refId": "A"}], "now-1h", "now")["A"]
    assert (found.values, found.error) == (values, error)


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ({"results": {"A": {"status": 403, "error": "access denied"}}}, "a query was denied (403)"),
        ({"results": {"B": {"frames": []}}}, "a query without frames"),
        ({"results": {"A": {"frames": [{"schema": {"fields": []}}]}}}, "a frame that cannot be read"),
        ({"results": []}, "without results"),
    ],
)
def test_what_is_no_result_is_unknown(make: Make, result: dict[str, Any], says: str) -> None:
    with Server(document(result)) as server, pytest.raises(Unknown) as caught:
        make(server.url).grafana.query([{"refId": "A"}], "now-1h", "now")
    assert says in caught.value.reason


def test_what_grafana_says_is_told(make: Make) -> None:
    told = pytest.raises(Unknown, match="answered 404: data source not found")
    with Server(whole(404, '{"message": "data source not found"}')) as server, told:
        make(server.url).grafana.query([{"refId": "A"}], "now-1h", "now")


@pytest.mark.parametrize(
    ("text", "variable", "becomes"),
    [
        ("up{job='$job'}", {"current": {"value": "shop"}}, "up{job='shop'}"),
        ("up{job=~'${job}'}", {"current": {"value": ["a", "b.c"]}}, r"up{job=~'(a|b\.c)'}"),
        ("up{job=~'[[job]]'}", {"current": {"value": ["$__all"]}, "allValue": ".+"}, "up{job=~'.+'}"),
        ("up{job=~'$job'}", {"current": {"value": "$__all"}, "options": [{"value": "$__all"}, {"value": "x"}]}, "x"),
        ("up{job=~'$job'}", {"current": {"value": "$__all"}}, "up{job=~'.*'}"),
        ("${job:csv} ${job:pipe}", {"current": {"value": ["a", "b"]}}, "a,b a|b"),
        ("up[$job]", {"type": "constant", "query": "5m"}, "up[5m]"),
        ("up[$job]", {"options": [{"value": "1m"}]}, "up[1m]"),
        ("rate(up[$__rate_interval])", {"current": {"value": "shop"}}, "rate(up[$__rate_interval])"),
        ('label_replace(up, "a", "$1", "b", "(.*)$")', {}, 'label_replace(up, "a", "$1", "b", "(.*)$")'),
    ],
)
def test_variables_are_filled(text: str, variable: dict[str, Any], becomes: str) -> None:
    assert becomes in asked({"targets": [{"refId": "A", "expr": text}]}, {"name": "job", "type": "query", **variable})


def test_variables_in_sql() -> None:
    variable = {"name": "shop", "current": {"value": ["a", "o'b"]}}
    panel = {"datasource": "Shop", "targets": [{"refId": "A", "rawSql": "select 1 where shop in ($shop)"}]}
    assert asked(panel, variable, key="rawSql").endswith("in ('a','o''b')")


@pytest.mark.parametrize(
    ("text", "variable", "says"),
    [
        ("$job", {}, "has no value stored"),
        ("$job", {"current": {"value": []}}, "has no value stored"),
        ("${job:strange}", {"current": {"value": ["a", "b"]}}, "the format strange"),
    ],
)
def test_variables_without_a_value_are_unknown(text: str, variable: dict[str, Any], says: str) -> None:
    with pytest.raises(Unknown, match=says):
        asked({"targets": [{"refId": "A", "expr": text}]}, {"name": "job", "type": "query", **variable})


@pytest.mark.parametrize(
    ("reference", "uid"),
    [
        (None, "p1"),
        ("default", "p1"),
        ("Shop", "s1"),
        ({"type": "mysql"}, "s1"),
        ({"type": "x", "uid": "x7"}, "x7"),
        ("${source}", "s1"),
    ],
)
def test_the_data_source_is_found(reference: Any, uid: str) -> None:
    variable = {"name": "source", "type": "datasource", "current": {"value": "Shop"}}
    panel = {"title": "P", "type": "stat", "datasource": reference, "targets": [{"refId": "A", "expr": "up"}]}
    (found,) = read({"panels": [panel], "templating": {"list": [variable]}})
    assert found.questions[0].queries[0]["datasource"]["uid"] == uid


def test_an_unknown_data_source_is_unknown() -> None:
    with pytest.raises(Unknown, match="the data source Gone of Shop"):
        asked({"datasource": "Gone", "targets": [{"refId": "A", "expr": "up"}]})


def test_mixed_sources_are_asked_apart_and_expressions_together() -> None:
    mixed = [{"refId": "A", "datasource": {"uid": "p1"}}, {"refId": "B", "datasource": {"uid": "s1"}}]
    (found,) = read({"panels": [{"type": "stat", "datasource": {"uid": "-- Mixed --"}, "targets": mixed}]})
    assert [question.shown for question in found.questions] == [{"A"}, {"B"}]
    hidden = [{**mixed[0], "hide": True}, {"refId": "C", "datasource": {"uid": "__expr__"}, "expression": "$A * 2"}]
    (found,) = read({"panels": [{"type": "stat", "datasource": {"uid": "p1"}, "targets": hidden}]})
    (question,) = found.questions
    assert (len(question.queries), question.shown) == (2, frozenset("C"))


def test_what_shows_no_data_of_its_own_is_not_asked() -> None:
    rest = [{"type": "text"}, {"type": "stat", "datasource": {"uid": "-- Dashboard --"}}, {"type": "row", "panels": []}]
    assert read({"panels": rest}) == []
    (bare,) = read({"panels": [{"type": "stat", "title": "Bare", "datasource": {"uid": "p1"}}]})
    assert bare.questions == []


def test_panels_are_found_in_rows_of_every_age_and_in_the_library() -> None:
    stat = {"type": "stat", "targets": [{"refId": "A", "expr": "up"}]}
    folded = {"type": "row", "panels": [{**stat, "title": "folded"}]}
    old = {"rows": [{"panels": [{**stat, "title": "old"}]}]}
    assert [panel.title for panel in read({"panels": [folded], **old})] == ["folded", "old"]
    refers = {"type": "x", "title": "here", "libraryPanel": {"uid": "l"}}
    (found,) = read({"panels": [refers]}, {"l": {**stat, "title": "there"}})
    assert (found.title, len(found.questions)) == ("here", 1)


def test_a_panel_has_times_of_its_own() -> None:
    stat = {"type": "stat", "targets": [{"refId": "A"}], "timeFrom": "1h", "timeShift": "1d"}
    (found,) = read({"panels": [stat]})
    assert (found.questions[0].since, found.questions[0].until) == ("now-1h-1d", "now-1d")
    fixed = Dashboard(
        "u", "Shop", "2026-01-01T00:00:00Z", "now", {"panels": [{**stat, "timeFrom": "", "timeShift": ""}]}
    )
    (found,) = panels(fixed, dict, lambda: SOURCES)  # type: ignore[arg-type]
    assert found.questions[0].since == "1767225600000"


def test_another_schema_is_unknown() -> None:
    with pytest.raises(Unknown, match="a schema that is not known here"):
        read({"elements": {}, "layout": {}})


@pytest.mark.parametrize(
    ("text", "plain"),
    [("now-1d", "now-24h"), ("now-24h", "now-24h"), ("now-90m", "now-90m"), ("now-60m", "now-1h"), ("now/d", "now/d")],
)
def test_a_range_is_written_in_one_way(text: str, plain: str) -> None:
    assert plain_range(text) == plain
