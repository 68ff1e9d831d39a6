"""The alert rules that the sandbox keeps in Grafana, their contact points and the policies between."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from readiness.sandbox.vendors.grafana_dashboards import PROMETHEUS

Json = dict[str, Any]
GROUP, FOLDER = "database", "Sandbox"
ON_CALL = "on-call"
MEAN_QUERY_SECONDS = "rate(database_query_seconds_sum[5m]) / rate(database_query_seconds_count[5m])"
_OURS = {"type": "__expr__", "uid": "__expr__"}


@dataclass
class Alerting:
    """What is kept; a fault changes it."""

    rules: list[Json] = field(default_factory=lambda: [_slow_queries()])
    contact_points: list[Json] = field(default_factory=lambda: [_webhook("chat"), _webhook(ON_CALL)])
    policies: Json = field(default_factory=lambda: copy.deepcopy(_POLICIES))
    denied: bool = False
    """The service account may not read them."""
    health: str = "ok"
    state: str = "inactive"

    def rule(self, title: str) -> Json:
        """Find a rule, to change it."""
        return next(rule for rule in self.rules if rule["title"] == title)

    def threshold(self, title: str) -> Json:
        """Find the expression that compares, to change it."""
        rule = self.rule(title)
        expression: Json = next(query["model"] for query in rule["data"] if query["refId"] == rule["condition"])
        return expression

    def evaluated(self) -> Json:
        """Answer as the API does that Prometheus' own resembles."""
        now = datetime.now(UTC).isoformat()
        rules = [
            {
                "state": self.state,
                "name": rule["title"],
                "query": "",
                "duration": 300,
                "labels": rule["labels"],
                "annotations": {},
                "health": self.health,
                "type": "alerting",
                "lastEvaluation": now,
                "evaluationTime": 0.001,
                "uid": rule["uid"],
            }
            for rule in self.rules
        ]
        group = {"name": GROUP, "file": FOLDER, "interval": 60, "lastEvaluation": now, "rules": rules}
        return {"status": "success", "data": {"groups": [group]}}


_POLICIES: Json = {
    "receiver": "chat",
    "group_by": ["grafana_folder", "alertname"],
    "routes": [{"receiver": ON_CALL, "object_matchers": [["severity", "=~", "critical|warning"]]}],
}


def _webhook(name: str) -> Json:
    settings = {"url": "[REDACTED]"}  # as a reader without the right to secrets sees it
    return {"uid": name, "name": name, "type": "webhook", "settings": settings, "disableResolveMessage": False}


def _slow_queries() -> Json:
    """Make the rule as Grafana's editor does: a query, its last value, a threshold."""
    query = {"refId": "A", "datasource": PROMETHEUS, "expr": MEAN_QUERY_SECONDS, "instant": True, "range": False}
    last = {"refId": "B", "datasource": _OURS, "type": "reduce", "expression": "A", "reducer": "last"}
    evaluator = {"type": "gt", "params": [0.5]}
    above = {
        "refId": "C",
        "datasource": _OURS,
        "type": "threshold",
        "expression": "B",
        "conditions": [{"evaluator": evaluator}],
    }
    return {
        "id": 1,
        "uid": "slow-queries",
        "orgID": 1,
        "folderUID": "sandbox",
        "ruleGroup": GROUP,
        "title": "SlowQueries",
        "condition": "C",
        "data": [_data(query, PROMETHEUS["uid"], 600), _data(last, "__expr__", 0), _data(above, "__expr__", 0)],
        "noDataState": "NoData",
        "execErrState": "Error",
        "for": "5m",
        "annotations": {},
        "labels": {"severity": "warning"},
        "isPaused": False,
    }


def _data(model: Json, source: str, seconds: int) -> Json:
    spans = {"from": seconds, "to": 0}
    return {
        "refId": model["refId"],
        "queryType": "",
        "relativeTimeRange": spans,
        "datasourceUid": source,
        "model": model,
    }
