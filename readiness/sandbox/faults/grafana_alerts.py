"""What spoils the alert rules that are kept in Grafana."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.alerts import QUERIES, RECENT
from readiness.sandbox.vendors.grafana_alerting import ON_CALL

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

RULE = "SlowQueries"


@fault("preflight", turns={QUERIES: "fail"})
def grafana_rule_loosened(target: SandboxTarget) -> Iterator[None]:
    """The rule fires a little later than the line wants."""
    (condition,) = target.watchers.grafana.alerting.threshold(RULE)["conditions"]
    condition["evaluator"]["params"] = [0.6]
    yield
    condition["evaluator"]["params"] = [0.5]


@fault("preflight", turns={QUERIES: "fail"})
def grafana_contact_point_missing(target: SandboxTarget) -> Iterator[None]:
    """Somebody deleted the contact point that the notification policy names."""
    alerting = target.watchers.grafana.alerting
    before = list(alerting.contact_points)
    alerting.contact_points = [point for point in before if point["name"] != ON_CALL]
    yield
    alerting.contact_points = before


@fault("preflight", turns={QUERIES: "unknown"})
def grafana_rule_classic(target: SandboxTarget) -> Iterator[None]:
    """The rule was taken over from an older Grafana: its threshold cannot be read."""
    model = target.watchers.grafana.alerting.threshold(RULE)
    model["type"] = "classic_conditions"
    yield
    model["type"] = "threshold"


@fault("preflight", turns=turning("unknown", QUERIES, RECENT))
def grafana_rules_denied(target: SandboxTarget) -> Iterator[None]:
    """The service account may read dashboards and no alert rules."""
    target.watchers.grafana.alerting.denied = True
    yield
    target.watchers.grafana.alerting.denied = False
