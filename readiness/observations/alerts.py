"""What the monitoring watches for, what it said lately, and whether what it says arrives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import promql_parser
from pydantic import BeforeValidator

from readiness import timeline
from readiness.alerting.firing import Demand, Timing, fires_at
from readiness.alerting.promql import Condition
from readiness.alerting.quantities import Unreadable
from readiness.clients.grafana import Grafana
from readiness.clients.prometheus import Prometheus, Rule, Series
from readiness.environment.schema import Environment
from readiness.errors import nearest
from readiness.observations import observation
from readiness.observations.alert_delivery import AlertDelivery
from readiness.observations.alert_sources import Watching, discovered, in_grafana, sources
from readiness.observations.needs import need
from readiness.observations.sentry import SentryAlert
from readiness.outcomes import Unknown

__all__ = ["HOUR", "AlertDelivery", "AlertRule", "SentryAlert", "Span"]

HOUR = timedelta(hours=1)
RECORD_STEP_SECONDS = 300
RECORD_SHARE = 0.95
"""So much of the time must be on record before "nothing fired" is believed."""


def _span(value: object) -> object:
    return timeline.parse_span(value) if isinstance(value, str) else value


Span = Annotated[timedelta, BeforeValidator(_span)]


@dataclass(frozen=True)
class AlertRule:
    """The rule that watches for what a line names; of several with that name the one that fits best."""

    name: str
    missing: list[str]
    """The name, and the nearest that there is, where no rule has it."""
    health: str = ""
    error: str = ""
    seconds_since_evaluation: float = 0.0
    severity: str = ""
    """In the runbook's words."""
    hold_seconds: float = 0.0
    """For how long its condition must hold."""
    alertmanagers: int = 0
    """That are told; of a rule that Grafana keeps, its contact points' ways."""
    routed_to: str = ""
    query: str = ""
    too_late: tuple[str, ...] = ()
    """What it fires too late for: where it fires, and where the line wants it to."""

    def falls_short(self, severity: str | None) -> bool:
        """Check whether it is broken or loose, whatever else is the matter with it."""
        return self.health != "ok" or bool(self.too_late) or (severity or self.severity) != self.severity


@dataclass(frozen=True)
class Look:
    """Where a rule is looked for."""

    prometheus: Prometheus
    grafana: Grafana
    environment: Environment
    firing_for: timedelta
    """So long a condition may hold before somebody is told."""


@need("prometheus, or grafana with alert_rules: true")
def alert_rules(prometheus: Prometheus, grafana: Grafana) -> None:
    """Make sure that somebody keeps alert rules. Raises NotConfigured."""
    if not grafana.keeps_rules:
        prometheus.require_configured()


@observation(needs=alert_rules, optional=("prometheus", "grafana"))
def alert_rule(
    prometheus: Prometheus,
    grafana: Grafana,
    environment: Environment,
    alert: str,
    severity: str | None,
    share_at_most: float | None,
    seconds_at_most: float | None,
    quantile: float | None,
    drop_share_below: float | None,
    failures_in_a_row: int | None,
    firing_for: timedelta,
) -> AlertRule:
    """Find the rule, and read from its expression where it fires."""
    demands = {
        "share": share_at_most,
        "seconds": seconds_at_most,
        "drop": None if drop_share_below is None else 1 - drop_share_below,
        "failures": failures_in_a_row,
    }
    stated = [Demand(name, limit, quantile) for name, limit in demands.items() if limit is not None]
    return _best(Look(prometheus, grafana, environment, firing_for), alert, severity, stated)


@observation(needs=alert_rules, optional=("prometheus", "grafana"))
def event_rule(
    prometheus: Prometheus,
    grafana: Grafana,
    environment: Environment,
    alert: str,
    events_at_most: float,
    firing_for: timedelta,
) -> AlertRule:
    """Find the rule that watches for single events, and read how many it lets pass."""
    return _best(Look(prometheus, grafana, environment, firing_for), alert, None, [Demand("events", events_at_most)])


def _best(look: Look, alert: str, severity: str | None, demands: list[Demand]) -> AlertRule:
    """Judge every rule of the name, first Prometheus' and then Grafana's; one that fits is enough."""
    name = look.environment.alerts.rules.get(alert, alert)
    judged: list[AlertRule] = []
    unread: Unreadable | None = None
    unseen: Unknown | None = None
    names: list[str] = []
    for source in sources(look.prometheus, look.grafana):
        try:
            rules = source()
            names += [one.rule.name for one in rules]
            for one in sorted((one for one in rules if one.rule.name == name), key=lambda one: one.rule.seconds):
                try:
                    judged.append(_judged(look, one, severity, demands))
                except Unreadable as error:
                    unread = error
        except Unknown as unknown:
            unseen = unseen or unknown
        fitting = [rule for rule in judged if not rule.falls_short(severity)]
        if fitting:
            return fitting[0]
    if unseen:
        raise unseen
    if unread:
        raise Unknown(
            f"when the alert rule {name} fires cannot be read: {unread}",
            "compare its expression with the line by hand, or write it as quantity > threshold",
        )
    return judged[0] if judged else AlertRule(name, [_absent(name, names)])


def _absent(name: str, names: list[str]) -> str:
    near = nearest(name, set(names))
    return f"{name} (the nearest is {near})" if near else f"{name} (there are {len(names)} rules)"


def _judged(look: Look, found: Watching, severity: str | None, demands: list[Demand]) -> AlertRule:
    """Return what one rule demands. Raises Unreadable where only the expression stands in the way of a judgement."""
    rule = found.rule
    if rule.health == "unknown":
        raise Unknown(f"the alert rule {rule.name} has not been evaluated yet", "wait for a minute, then run again")
    words = {label: word for word, label in look.environment.alerts.severities.items()}
    label = rule.labels.get("severity", "none")
    told = found.told()
    known = AlertRule(
        name=rule.name,
        missing=[],
        health=rule.health,
        error=rule.last_error,
        seconds_since_evaluation=_age(rule),
        severity=words.get(label, label),
        hold_seconds=rule.seconds,
        alertmanagers=told.ways,
        routed_to=told.words,
        query=rule.query,
    )
    if known.falls_short(severity):
        return known
    timing = Timing(rule.seconds, _probe_seconds(look, demands), look.firing_for.total_seconds())
    late = tuple(_too_late(found.condition, demands, timing))
    return AlertRule(**{**vars(known), "too_late": late})


def _too_late(condition: Condition, demands: list[Demand], timing: Timing) -> Iterator[str]:
    for demand in demands:
        value = fires_at(condition, demand, timing)
        if not demand.met_at(value):
            word = "at least" if demand.quantity == "failures" else "at most"
            yield f"{demand.quantity}: fires at {value:g}, wanted {word} {demand.limit:g}"


def _age(rule: Rule) -> float:
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(rule.evaluated_at)).total_seconds()
    except (ValueError, TypeError):
        raise Unknown(
            f"the server does not tell when it evaluated {rule.name}",
            "is its url that of a server that evaluates rules?",
        ) from None


def _probe_seconds(look: Look, demands: list[Demand]) -> float | None:
    """Return how long it is between two health checks: as the environment says, or the longest scrape interval."""
    stated = look.environment.alerts.probe_seconds
    if stated or not look.prometheus.configured or not any(demand.quantity == "failures" for demand in demands):
        return stated
    try:
        targets = discovered(look.prometheus.targets)
        spans = [promql_parser.parse_duration(one.interval) for one in targets if one.interval]
    except ValueError:
        return None
    return max((span.total_seconds() for span in spans), default=None)


@observation(optional="grafana")
def critical_alerts(
    prometheus: Prometheus, grafana: Grafana, environment: Environment, hours: float, severity: str
) -> list[str]:
    """Name the alerts of a severity that fired within these hours; only a whole record can say that none did."""
    label, seconds = environment.alerts.severities.get(severity, severity), round(hours * 3600)
    fired = prometheus.vector(f'max_over_time(ALERTS{{alertstate="firing",severity="{label}"}}[{seconds}s])')
    named = {one.labels.get("alertname", "without a name") for one in fired} | _firing_in_grafana(grafana, label, fired)
    if named:
        return sorted(named)
    if not any(rule.labels.get("severity") == label for rule in prometheus.rules()):
        raise Unknown(
            f"no alert rule has the severity {label}, so that none could fire",
            "add the rules, or say in alerts.severities what the severity is called here",
        )
    step = min(RECORD_STEP_SECONDS, max(seconds // 10, 1))
    points = prometheus.value(f"count_over_time(count(up)[{seconds}s:{step}s])")
    if points * step < RECORD_SHARE * seconds:
        raise Unknown(
            f"Prometheus has a record of {points * step / 3600:.1f} of the last {hours:g} hours",
            "was it down, or is it new? decide the line by hand",
        )
    return []


def _firing_in_grafana(grafana: Grafana, label: str, fired: list[Series]) -> set[str]:
    """Name what fires there now. Raises Unknown where nothing does: the past is not told."""
    if not grafana.keeps_rules:
        return set()
    rules = [one.rule for one in in_grafana(grafana) if one.rule.labels.get("severity") == label]
    firing = {rule.name for rule in rules if rule.state == "firing"}
    if rules and not firing and not fired:
        raise Unknown(
            f"Grafana keeps rules of the severity {label} ({rules[0].name}), and does not tell when they fired",
            "read their history in Grafana, and decide the line by hand",
        )
    return firing
