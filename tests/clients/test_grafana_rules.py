"""What a rule that Grafana keeps says in PromQL, where its alerts go, and what both lead a line to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness import observations
from readiness.alerting.quantities import Unreadable
from readiness.clients.grafana_rules import Policy, StoredRule, destinations, expression
from readiness.environment.schema import Environment
from readiness.observations.alerts import AlertRule
from readiness.outcomes import Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox.vendors.grafana import Grafana
from readiness.sandbox.web import Web
from readiness.sources.table import Clients
from readiness.transport.guard import Guard
from tests.clients.servers import Server, document

PROMETHEUS = {"type": "prometheus", "uid": "p"}


def query(expr: str, instant: bool = True, ref: str = "A", kind: str = "prometheus") -> dict[str, Any]:
    model = {"refId": ref, "datasource": {"type": kind, "uid": "p"}, "expr": expr, "instant": instant}
    return {"refId": ref, "datasourceUid": "p", "relativeTimeRange": {"from": 600, "to": 0}, "model": model}


def over(ref: str, kind: str, **model: Any) -> dict[str, Any]:
    return {"refId": ref, "datasourceUid": "__expr__", "model": {"refId": ref, "type": kind, **model}}


def threshold(ref: str, kind: str, *params: float, of: str = "A") -> dict[str, Any]:
    evaluator = {"type": kind, "params": list(params)}
    return over(ref, "threshold", expression=of, conditions=[{"evaluator": evaluator}])


def rule(*data: dict[str, Any], condition: str = "C") -> StoredRule:
    stored = {"title": "T", "ruleGroup": "g", "condition": condition, "for": "5m", "data": list(data)}
    return StoredRule.model_validate(stored)


def reduced(reducer: str, of: str = "A") -> dict[str, Any]:
    return over("B", "reduce", expression=of, reducer=reducer)


EXISTS = "is_number($A) || is_nan($A) || is_inf($A)"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([query("a"), threshold("C", "gt", 5)], "(a) > 5"),
        ([query("a"), threshold("C", "lt", 0.5, of="$A")], "(a) < 0.5"),
        ([query("a"), reduced("last"), threshold("C", "gt", 5, of="B")], "(a) > 5"),
        ([query("a"), reduced("mean"), threshold("C", "gt", 5, of="B")], "(a) > 5"),
        (
            [query("a", instant=False), reduced("mean"), threshold("C", "gt", 5, of="B")],
            "(avg_over_time((a)[600s:])) > 5",
        ),
        ([query("a"), threshold("C", "within_range", 9, 2)], "(a) > 2 and (a) < 9"),
        ([query("a"), threshold("C", "outside_range", 2, 9)], "(a) < 2 or (a) > 9"),
        ([query("a"), over("C", "math", expression="$A * 100 > 5")], "(a) * 100 > 5"),
        (
            [query("a"), query("b", ref="B"), over("C", "math", expression="${A} / $B > 0.1 && $B > 9")],
            "(a) / (b) > 0.1 and (b) > 9",
        ),
        ([query("a > 5"), threshold("C", "gt", 0)], "a > 5"),
        ([query("a < 5"), over("B", "math", expression=EXISTS), threshold("C", "gt", 0, of="B")], "a < 5"),
        ([query("a == 0"), over("C", "math", expression=EXISTS)], "a == 0"),
        ([{**query("a > 5"), "refId": "C"}], "a > 5"),
    ],
)
def test_a_condition_is_written_as_promql(data: list[dict[str, Any]], says: str) -> None:
    assert expression(rule(*data)) == says


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([over("C", "classic_conditions", conditions=[])], "classic_conditions"),
        ([query("a"), over("C", "math", expression="abs($A) > 5")], "calculates"),
        ([query("a"), over("C", "math", expression="1 == 1")], "calculates"),
        ([query("a"), over("C", "math", expression="!($A > 5)")], "calculates"),
        ([query("a < 5"), threshold("C", "gt", 0)], "compared once more"),
        ([query("a > 5"), threshold("C", "gt", 7)], "compared once more"),
        ([query("a", instant=False), reduced("diff"), threshold("C", "gt", 5, of="B")], "reduces A by diff"),
        ([query("a", kind="loki"), threshold("C", "gt", 5)], "of the type loki"),
        ([query("a"), threshold("C", "strange", 5)], "compares by strange"),
        ([query("a"), over("C", "threshold", expression="A")], "has no threshold"),
        ([threshold("C", "gt", 5, of="Z")], "refer to 'Z'"),
        ([over("B", "math", expression="$C + 1"), over("C", "math", expression="$B + 1")], "cannot be followed"),
    ],
)
def test_what_has_no_counterpart_is_unreadable(data: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(Unreadable) as caught:
        expression(rule(*data))
    assert says in str(caught.value)


def route(receiver: str, *matchers: list[str], **more: Any) -> dict[str, Any]:
    return {"receiver": receiver, "object_matchers": list(matchers), **more}


@pytest.mark.parametrize(
    ("routes", "ends"),
    [
        ([], [("root", True)]),
        ([route("page", ["severity", "=", "critical"])], [("page", True)]),
        ([route("page", ["severity", "=~", "crit.*|warn"], ["team", "!=", "b"])], [("page", True)]),
        ([route("page", ["severity", "=", "warning"])], [("root", True)]),
        ([route("page", ["severity", "!~", "crit"]), route("late")], [("page", True)]),
        ([route("a", **{"continue": True}), route("b")], [("a", True), ("b", True)]),
        ([route("page", ["pod", "=", "x"])], [("page", False), ("root", False)]),
        ([route("page", ["severity", "=~", "("])], [("page", False), ("root", False)]),
        ([route("", ["team", "=", "a"], routes=[route("deep", ["severity", "=", "critical"])])], [("deep", True)]),
        ([route("page", match={"severity": "critical"})], [("page", False), ("root", False)]),
    ],
)
def test_alerts_go_where_the_policies_say(routes: list[dict[str, Any]], ends: list[tuple[str, bool]]) -> None:
    policy = Policy.model_validate({"receiver": "root", "routes": routes})
    assert list(destinations(policy, {"severity": "critical", "team": "a"})) == ends


@pytest.fixture
def grafana() -> Iterator[tuple[Grafana, str]]:
    known = Grafana("http://127.0.0.1:1", None)  # type: ignore[arg-type]
    web = Web(known.application())
    yield known, web.url
    web.stop()


def look(grafana: tuple[Grafana, str], prometheus: str | None = None, **limits: Any) -> AlertRule:
    return seen("alert_rule", grafana, prometheus, **limits)  # type: ignore[no-any-return]


def seen(observation: str, grafana: tuple[Grafana, str], prometheus: str | None, **limits: Any) -> Any:
    section = {"url": grafana[1], "token": Secret(grafana[0].token), "alert_rules": True}
    known: dict[str, Any] = {"target": {"url": grafana[1]}, "grafana": section}
    known |= {"prometheus": {"url": prometheus}} if prometheus else {}
    hosts = ("127.0.0.1",)
    environment = Environment(environment="test", runbooks=("ingestion",), allowed_hosts=hosts, **known)
    clients = Clients.of(environment, Guard(hosts), Path("nowhere"))
    stated: dict[str, Any] = {} if observation == "critical_alerts" else {"firing_for": timedelta(hours=1)}
    if observation == "alert_rule":
        names = ("severity", "share_at_most", "seconds_at_most", "quantile", "drop_share_below", "failures_in_a_row")
        stated |= {**dict.fromkeys(names), "alert": "SlowQueries", "seconds_at_most": 0.5}
    made = observations.OBSERVATIONS[observation]
    values = {**stated, **limits}
    if made.limits_type:
        values = {"limits": made.limits_type(**values)}
    return made.look(prometheus=clients.prometheus, grafana=clients.grafana, environment=environment, **values)


def test_a_team_may_keep_its_rules_in_grafana_alone(grafana: tuple[Grafana, str]) -> None:
    found = look(grafana, severity="warning")
    assert (found.missing, found.too_late, found.health, found.severity) == ([], (), "ok", "warning")
    assert (found.hold_seconds, found.alertmanagers, found.routed_to) == (300, 1, "(on-call)")
    assert found.query.endswith("> 0.5")
    assert look(grafana, alert="SlowQuery").missing == ["SlowQuery (the nearest is SlowQueries)"]
    assert look(grafana, seconds_at_most=0.4).too_late == ("seconds: fires at 0.5, wanted at most 0.4",)


def test_one_rule_that_fits_is_enough_wherever_it_is_kept(grafana: tuple[Grafana, str]) -> None:
    loose = {"name": "SlowQueries", "query": "a_seconds > 9", "health": "ok", "lastEvaluation": "2026-01-01T00:00:00Z"}
    everything = {"groups": [{"name": "g", "rules": [loose]}], "activeAlertmanagers": [{"url": "x"}]}
    with Server(document({"status": "success", "data": everything})) as server:
        assert look(grafana, server.url).query.endswith("> 0.5")
        grafana[0].alerting.rules.clear()
        assert look(grafana, server.url).too_late == ("seconds: fires at 9, wanted at most 0.5",)
        grafana[0].alerting.denied = True
        with pytest.raises(Unknown, match="403"):
            look(grafana, server.url)
    grafana[0].alerting.denied = False
    with pytest.raises(Unknown, match="refused"):
        look(grafana, "http://127.0.0.1:9")  # who knows what Prometheus keeps


@pytest.mark.parametrize(
    ("change", "health"),
    [
        ({"isPaused": True}, "paused"),
        ({"condition": "C"}, "ok"),
    ],
)
def test_a_paused_rule_is_told(grafana: tuple[Grafana, str], change: dict[str, Any], health: str) -> None:
    grafana[0].alerting.rules[0] |= change
    assert look(grafana).health == health


@pytest.mark.parametrize(("said", "health"), [("nodata", "ok"), ("error", "err")])
def test_the_health_of_a_rule(grafana: tuple[Grafana, str], said: str, health: str) -> None:
    grafana[0].alerting.health = said
    assert look(grafana).health == health


def test_contact_points_that_tell_nobody(grafana: tuple[Grafana, str]) -> None:
    alerting = grafana[0].alerting
    alerting.rules[0]["notification_settings"] = {"receiver": "gone"}
    assert (look(grafana).alertmanagers, look(grafana).routed_to) == (0, "(the contact point gone tells nobody)")
    alerting.rules[0]["notification_settings"] = {"receiver": "mail"}
    settings = {"addresses": "<example@email.com>"}  # as Grafana comes
    alerting.contact_points.append({"name": "mail", "type": "email", "settings": settings})
    assert look(grafana).alertmanagers == 0
    settings["addresses"] = "team@example.com"
    assert look(grafana).alertmanagers == 1
    del alerting.rules[0]["notification_settings"]
    alerting.policies = {"receiver": "mail", "routes": [route("gone", ["pod", "=", "x"])]}
    with pytest.raises(Unknown, match="may go to gone"):
        look(grafana)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"condition": "Z"}, "fires cannot be read"),
        ({"for": "soon"}, "must hold cannot be read"),
    ],
)
def test_what_cannot_be_read_is_unknown(grafana: tuple[Grafana, str], change: dict[str, Any], says: str) -> None:
    grafana[0].alerting.rules[0] |= change
    with pytest.raises(Unknown, match=says):
        look(grafana)


def test_a_rule_that_was_never_evaluated_is_unknown(grafana: tuple[Grafana, str]) -> None:
    grafana[0].alerting.health = "unknown"
    with pytest.raises(Unknown, match="has not been evaluated yet"):
        look(grafana)


def test_nothing_critical_needs_the_past_of_grafana_too(grafana: tuple[Grafana, str]) -> None:
    silent = {"resultType": "vector", "result": []}
    with Server(document({"status": "success", "data": silent})) as server:
        grafana[0].alerting.rules[0]["labels"] = {"severity": "critical"}
        with pytest.raises(Unknown, match="does not tell when they fired"):
            seen("critical_alerts", grafana, server.url, hours=24, severity="critical")
        grafana[0].alerting.state = "firing"
        assert seen("critical_alerts", grafana, server.url, hours=24, severity="critical") == ["SlowQueries"]
