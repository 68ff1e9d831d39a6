"""What the monitoring watches for, what it said lately, and whether what it says arrives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
from readiness.runbook.limits import Quantile, Reach, WholeReach

__all__ = ["AlertDelivery", "AlertRule", "Quantile", "Reach", "SentryAlert", "Span", "WholeReach"]

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
class RuleLimits:
    """What a line demands of an alert rule: where it fires, and how soon."""

    alert: str
    severity: str | None
    share_at_most: float | None
    seconds_at_most: float | None
    quantile: float | None
    drop_share_below: float | None
    failures_in_a_row: int | None
    firing_for: timedelta
    """So long a condition may hold before somebody is told."""

    def demands(self) -> list[Demand]:
        """Return what the rule must fire at, one for each limit that the line states."""
        remaining_share = None if self.drop_share_below is None else 1 - self.drop_share_below
        stated = {
            "share": self.share_at_most,
            "seconds": self.seconds_at_most,
            "drop": remaining_share,
            "failures": self.failures_in_a_row,
        }
        return [Demand(quantity, limit, self.quantile) for quantity, limit in stated.items() if limit is not None]


@dataclass(frozen=True)
class EventRuleLimits:
    """What a line demands of an alert rule that counts single events."""

    alert: str
    events_at_most: float
    firing_for: timedelta


@need("prometheus, or grafana with alert_rules: true")
def alert_rules(prometheus: Prometheus, grafana: Grafana) -> None:
    """Make sure that somebody keeps alert rules. Raises NotConfigured."""
    if not grafana.keeps_rules:
        prometheus.require_configured()


@observation(needs=alert_rules, optional=("prometheus", "grafana"))
def alert_rule(prometheus: Prometheus, grafana: Grafana, environment: Environment, limits: RuleLimits) -> AlertRule:
    """Return the rule that watches for what a line names, with what its expression fires too late for."""
    wanted = _Wanted(limits.alert, limits.severity, limits.demands(), limits.firing_for)
    return _Search(prometheus, grafana, environment, wanted).best()


@observation(needs=alert_rules, optional=("prometheus", "grafana"))
def event_rule(
    prometheus: Prometheus, grafana: Grafana, environment: Environment, limits: EventRuleLimits
) -> AlertRule:
    """Return the rule that watches for single events, with how many it lets pass."""
    wanted = _Wanted(limits.alert, None, [Demand("events", limits.events_at_most)], limits.firing_for)
    return _Search(prometheus, grafana, environment, wanted).best()


@dataclass(frozen=True)
class _Wanted:
    """The alert that a line names, and what it must fire at."""

    alert: str
    severity: str | None
    demands: list[Demand]
    firing_for: timedelta


@dataclass(frozen=True)
class _Search:
    """The search for the rule that a line wants, where the environment keeps its rules."""

    prometheus: Prometheus
    grafana: Grafana
    environment: Environment
    wanted: _Wanted

    def best(self) -> AlertRule:
        """Judge every rule of the name, first Prometheus' and then Grafana's; one that fits is enough."""
        name = self.environment.alerts.rules.get(self.wanted.alert, self.wanted.alert)
        judged: list[AlertRule] = []
        unread: Unreadable | None = None
        unseen: Unknown | None = None
        names: list[str] = []
        for source in sources(self.prometheus, self.grafana):
            try:
                watched = source()
                names += [candidate.rule.name for candidate in watched]
                for candidate in _of_name(watched, name):
                    try:
                        judged.append(self._judged(candidate))
                    except Unreadable as error:
                        unread = error
            # What one server cannot show may stand on the other one.
            except Unknown as unknown:
                unseen = unseen or unknown

            fitting = [rule for rule in judged if not rule.falls_short(self.wanted.severity)]
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

    def _judged(self, watched: Watching) -> AlertRule:
        """Return what one rule demands.

        Raises Unreadable where only the expression stands in the way of a judgement.
        """
        rule = watched.rule
        if rule.health == "unknown":
            raise Unknown(f"the alert rule {rule.name} has not been evaluated yet", "wait for a minute, then run again")

        words = {label: word for word, label in self.environment.alerts.severities.items()}
        label = rule.labels.get("severity", "none")
        recipients = watched.recipients()
        judged = AlertRule(
            name=rule.name,
            missing=[],
            health=rule.health,
            error=rule.last_error,
            seconds_since_evaluation=_age(rule),
            severity=words.get(label, label),
            hold_seconds=rule.seconds,
            alertmanagers=recipients.count,
            routed_to=recipients.text,
            query=rule.query,
        )

        # Broken or of another severity it does not fit anyway, and its expression may be unreadable.
        if judged.falls_short(self.wanted.severity):
            return judged
        timing = Timing(rule.seconds, self._probe_seconds(), self.wanted.firing_for.total_seconds())
        return replace(judged, too_late=tuple(_too_late(watched.condition(), self.wanted.demands, timing)))

    def _probe_seconds(self) -> float | None:
        """Return how long it is between two health checks: as the environment says, or the longest scrape interval."""
        stated = self.environment.alerts.probe_seconds
        counts_failures = any(demand.quantity == "failures" for demand in self.wanted.demands)
        if stated or not self.prometheus.configured or not counts_failures:
            return stated

        try:
            targets = discovered(self.prometheus.targets)
            intervals = [promql_parser.parse_duration(target.interval) for target in targets if target.interval]
        except ValueError:
            return None
        return max((interval.total_seconds() for interval in intervals), default=None)


def _of_name(watched: list[Watching], name: str) -> list[Watching]:
    """Return the rules of a name, the one whose condition must hold for the shortest time first."""
    named = [candidate for candidate in watched if candidate.rule.name == name]
    return sorted(named, key=lambda candidate: candidate.rule.seconds)


def _absent(name: str, names: list[str]) -> str:
    near = nearest(name, set(names))
    return f"{name} (the nearest is {near})" if near else f"{name} (there are {len(names)} rules)"


def _too_late(condition: Condition, demands: list[Demand], timing: Timing) -> Iterator[str]:
    for demand in demands:
        value = fires_at(condition, demand, timing)
        if not demand.met_at(value):
            word = "at least" if demand.quantity == "failures" else "at most"
            yield f"{demand.quantity}: fires at {value:g}, wanted {word} {demand.limit:g}"


def _age(rule: Rule) -> float:
    """Return how many seconds ago a rule was evaluated. Raises Unknown."""
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(rule.evaluated_at)).total_seconds()
    except (ValueError, TypeError):
        raise Unknown(
            f"the server does not tell when it evaluated {rule.name}",
            "is its url that of a server that evaluates rules?",
        ) from None


@observation(optional="grafana")
def critical_alerts(
    prometheus: Prometheus, grafana: Grafana, environment: Environment, hours: float, severity: str
) -> list[str]:
    """Return the alerts of a severity that fired within these hours; only a whole record can say that none did."""
    label = environment.alerts.severities.get(severity, severity)
    seconds = round(hours * 3600)

    fired = prometheus.vector(f'max_over_time(ALERTS{{alertstate="firing",severity="{label}"}}[{seconds}s])')
    names = {series.labels.get("alertname", "without a name") for series in fired}
    names |= _firing_in_grafana(grafana, label, fired)
    if names:
        return sorted(names)

    # That nothing fired means nothing where nothing could, or where nobody kept it.
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
    """Return what fires there now. Raises Unknown where nothing does: Grafana keeps no record of it."""
    if not grafana.keeps_rules:
        return set()
    rules = [watched.rule for watched in in_grafana(grafana) if watched.rule.labels.get("severity") == label]
    firing = {rule.name for rule in rules if rule.state == "firing"}
    if rules and not firing and not fired:
        raise Unknown(
            f"Grafana keeps rules of the severity {label} ({rules[0].name}), and does not tell when they fired",
            "read their history in Grafana, and decide the line by hand",
        )
    return firing
