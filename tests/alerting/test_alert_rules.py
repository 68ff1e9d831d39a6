"""Which rule an alert's name leads to, and what is said of it; how much record "nothing fired" needs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from readiness import observations
from readiness.environment.schema import Environment
from readiness.observations import alert_sources, alerts
from readiness.outcomes import Unknown
from readiness.sources.table import Clients
from readiness.transport.guard import Guard
from tests.clients.servers import Asked, Behaviour, Server, packet, vector_of

ERROR_SHARE = "sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))"


def rule(name: str, query: str, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    known = {"name": name, "query": query, "duration": 300, "health": "ok", "labels": {"severity": "critical"}}
    return {**known, "lastEvaluation": now, "type": "alerting", **changes}


def prometheus(
    *rules: dict[str, Any], answers: dict[str, str] | None = None, interval: str = "15s", tells: bool = True
) -> Behaviour:
    """Answer as Prometheus does. `answers`: the beginning of a query → its value; no value is no series."""

    def behave(_server: Server, connection: Any, asked: Asked) -> None:
        path, query = urlsplit(asked.path).path, parse_qs(urlsplit(asked.path).query)
        data: dict[str, Any] = {"groups": [{"name": "all", "rules": list(rules)}]}
        if path.endswith("/alertmanagers"):
            data = {"activeAlertmanagers": [{"url": "http://alertmanager:9093/api/v2/alerts"}] if tells else []}
        elif path.endswith("/targets"):
            data = {"activeTargets": [{"scrapeUrl": "x", "health": "up", "scrapeInterval": interval}]}
        elif path.endswith("/query"):
            told = [value for begin, value in (answers or {}).items() if query["query"][0].startswith(begin)]
            rows = [{"metric": {"alertname": "Burning"}, "value": value} for value in told if value]
            data = vector_of(rows, asked)["data"]
        connection.sendall(packet(200, json.dumps({"status": "success", "data": data}).encode()))

    return behave


def look(server: Server, observation: str, settings: dict[str, Any] | None = None, **limits: Any) -> Any:
    where = {"url": server.url}
    sections: dict[str, Any] = {"target": where, "prometheus": where, "alerts": settings or {}}
    environment = Environment(
        environment="test",
        runbooks=("ingestion",),
        allowed_hosts=("127.0.0.1",),
        **sections,
    )
    clients = Clients.of(environment, Guard(["127.0.0.1"]), Path("nowhere"))
    names = ("alert", "severity", "share_at_most", "seconds_at_most", "quantile", "drop_share_below")
    stated: dict[str, Any] = dict.fromkeys([*names, "failures_in_a_row"]) if observation == "alert_rule" else {}
    if observation != "critical_alerts":
        stated["firing_for"] = timedelta(hours=1)
    made = observations.OBSERVATIONS[observation]
    values = stated | limits
    if made.limits_type:
        values = {"limits": made.limits_type(**values)}
    return made.look(prometheus=clients.prometheus, grafana=clients.grafana, environment=environment, **values)


def shares(server: Server, settings: dict[str, Any] | None = None, **limits: Any) -> alerts.AlertRule:
    found = look(server, "alert_rule", settings, **{"alert": "error rate", "share_at_most": 0.05, **limits})
    assert isinstance(found, alerts.AlertRule)
    return found


def test_the_environment_says_what_an_alert_is_called() -> None:
    with Server(prometheus(rule("HighErrors", f"{ERROR_SHARE} > 0.05"))) as server:
        found = shares(server, {"rules": {"error rate": "HighErrors"}})
        assert (found.missing, found.too_late, found.health, found.severity) == ([], (), "ok", "critical")
        assert found.hold_seconds == 300
        assert found.seconds_since_evaluation < 60
        assert shares(server, {"rules": {"error rate": "HighError"}}).missing == [
            "HighError (the nearest is HighErrors)"
        ]
        assert shares(server).missing == ["error rate (there are 1 rules)"]


def test_a_loose_rule_says_how_loose() -> None:
    with Server(prometheus(rule("error rate", f"{ERROR_SHARE} > 0.07"))) as server:
        assert shares(server).too_late == ("share: fires at 0.07, wanted at most 0.05",)


def test_time_that_the_expression_waits_counts_like_for() -> None:
    with Server(prometheus(rule("error rate", "min_over_time(error_ratio[2m]) > 0.05"))) as server:
        assert shares(server).too_late == ()
        with pytest.raises(Unknown, match="fires after 420 s, and the line wants 300 s"):
            shares(server, firing_for=timedelta(minutes=5))


def test_of_rules_with_one_name_the_one_that_fits_counts() -> None:
    rules = (
        rule("error rate", f"{ERROR_SHARE} > 0.01", labels={"severity": "warning"}),
        rule("error rate", f"{ERROR_SHARE} > 0.04"),
        rule("error rate", "sum(rate(errors_total[5m])) unless maintenance"),
    )
    with Server(prometheus(*rules)) as server:
        found = shares(server, severity="critical")
        assert (found.severity, found.query, found.too_late) == ("critical", f"{ERROR_SHARE} > 0.04", ())


def test_a_severity_may_have_another_name() -> None:
    with Server(prometheus(rule("error rate", f"{ERROR_SHARE} > 0.05", labels={"severity": "page"}))) as server:
        assert shares(server, {"severities": {"critical": "page"}}, severity="critical").severity == "critical"
        assert shares(server, severity="critical").severity == "page"


def test_without_a_limit_the_expression_need_not_be_read() -> None:
    with Server(prometheus(rule("error rate", "absent(up)"))) as server:
        assert shares(server, share_at_most=None).too_late == ()
        with pytest.raises(Unknown, match="when the alert rule error rate fires cannot be read"):
            shares(server)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"health": "unknown"}, "has not been evaluated yet"),
        ({"lastEvaluation": ""}, "does not tell when it evaluated"),
    ],
)
def test_a_rule_that_tells_too_little_is_unknown(changes: dict[str, Any], says: str) -> None:
    found = rule("error rate", f"{ERROR_SHARE} > 0.05", **changes)
    with Server(prometheus(found)) as server, pytest.raises(Unknown, match=says):
        shares(server)


def test_a_rule_in_error_is_told_whatever_its_expression() -> None:
    broken = rule("error rate", "absent(up)", health="err", lastError="many-to-many")
    with Server(prometheus(broken)) as server:
        assert (shares(server).health, shares(server).error) == ("err", "many-to-many")


def test_a_prometheus_that_tells_nobody_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_sources, "DISCOVERED_WITHIN_SECONDS", 0.0)
    with Server(prometheus(rule("error rate", f"{ERROR_SHARE} > 0.05"), tells=False)) as server:
        assert shares(server).alertmanagers == 0


def test_an_evaluation_that_stopped_has_an_age() -> None:
    long_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    with Server(prometheus(rule("error rate", f"{ERROR_SHARE} > 0.05", lastEvaluation=long_ago))) as server:
        assert shares(server).seconds_since_evaluation == pytest.approx(7200, abs=60)


@pytest.mark.parametrize(("interval", "late"), [("15s", ()), ("10m", ("failures: fires at 1, wanted at least 2",))])
def test_failures_in_a_row_are_counted_by_the_interval(interval: str, late: tuple[str, ...]) -> None:
    with Server(prometheus(rule("health", "probe_success == 0"), interval=interval)) as server:
        assert look(server, "alert_rule", alert="health", failures_in_a_row=2).too_late == late


def critical(server: Server) -> list[str]:
    found: list[str] = look(server, "critical_alerts", hours=24, severity="critical")
    return found


def test_nothing_critical_needs_rules_and_a_record() -> None:
    watched = rule("error rate", "up == 0")
    with Server(prometheus(watched, answers={"count_over_time": "288"})) as server:
        assert critical(server) == []
    with Server(prometheus(watched, answers={"max_over_time": "1"})) as server:
        assert critical(server) == ["Burning"]
    short = prometheus(watched, answers={"count_over_time": "36"})
    with Server(short) as server, pytest.raises(Unknown, match=r"a record of 3\.0 of the last 24 hours"):
        critical(server)
    with Server(prometheus(watched)) as server, pytest.raises(Unknown, match="has no series"):
        critical(server)
    unwatched = prometheus(answers={"count_over_time": "288"})
    with Server(unwatched) as server, pytest.raises(Unknown, match="no alert rule has the severity critical"):
        critical(server)
