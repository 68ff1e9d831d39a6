"""Somebody is told when something goes wrong: the rules are as strict as the lines say, and what they say arrives."""

import pytest

from readiness import Limits, Measure, Share
from readiness.observations.alerts import AlertDelivery, AlertRule, Quantile, Reach, SentryAlert, Span, WholeReach

EVALUATED_WITHIN_SECONDS = 300


class Configured(Limits):
    alert: str
    firing_for: Span  # so long may its condition hold before somebody is told
    severity: str | None = None
    share_at_most: Share | None = None
    seconds_at_most: float | None = None
    quantile: Quantile | None = None
    drop_share_below: Share | None = None
    failures_in_a_row: WholeReach | None = None


class FiresOnAny(Limits):
    alert: str
    events_at_most: float
    firing_for: Span


class NoneCriticalRecently(Limits):
    hours: Reach
    severity: str


class RoutingDelivers(Limits):
    severity: str  # of the test alert; its route hangs on it
    seconds_at_most: float | None = None


class SentryRules(Limits):
    events_at_most: float
    window_seconds: Reach
    slower_than_seconds: float | None = None  # stated: the rule counts transactions that take longer, not errors
    actions: tuple[str, ...] = ()


@pytest.mark.preflight
def test_configured(alert_rule: AlertRule, limits: Configured, measure: Measure) -> None:
    """An alert rule watches for this as strictly as the line says, is evaluated, and has somebody to tell.

    Remedy: correct the rule's expression, `for` or severity; alerts.rules in the environment says which rule is meant.
    """
    measure(alert_rule.missing, "alert rules that do not exist").is_none_of_them()

    health = f"health of {alert_rule.name} {alert_rule.error}".strip()
    measure(alert_rule.health, health).is_("ok")
    measure(alert_rule.seconds_since_evaluation, "since its evaluation", "s").at_most(EVALUATED_WITHIN_SECONDS)

    receivers = f"Alertmanagers or contact points told {alert_rule.routed_to}".strip()
    measure(alert_rule.alertmanagers, receivers).at_least(1)

    if limits.severity is not None:
        measure(alert_rule.severity, "severity").is_(limits.severity)
    measure(alert_rule.hold_seconds, "condition must hold", "s").at_most(limits.firing_for.total_seconds())
    measure(alert_rule.too_late, f"limits that it is too late for: {alert_rule.query}").is_none_of_them()


@pytest.mark.preflight
def test_fires_on_any(event_rule: AlertRule, limits: FiresOnAny, measure: Measure) -> None:
    """An alert rule fires on the first event.

    Remedy: let the rule fire above 0 over a window that is longer than its `for`: increase(errors_total[5m]) > 0.
    """
    measure(event_rule.missing, "alert rules that do not exist").is_none_of_them()

    health = f"health of {event_rule.name} {event_rule.error}".strip()
    measure(event_rule.health, health).is_("ok")
    measure(event_rule.seconds_since_evaluation, "since its evaluation", "s").at_most(EVALUATED_WITHIN_SECONDS)

    receivers = f"Alertmanagers or contact points told {event_rule.routed_to}".strip()
    measure(event_rule.alertmanagers, receivers).at_least(1)
    measure(event_rule.hold_seconds, "condition must hold", "s").at_most(limits.firing_for.total_seconds())
    measure(event_rule.too_late, f"events that it lets pass: {event_rule.query}").is_none_of_them()


@pytest.mark.preflight
def test_none_critical_recently(critical_alerts: list[str], limits: NoneCriticalRecently, measure: Measure) -> None:
    """No critical alert fired lately.

    Remedy: read what fired and why; launch when it is understood and mended.
    """
    measure(critical_alerts, f"{limits.severity} alerts in the last {limits.hours:g} h").is_none_of_them()


@pytest.mark.preflight
@pytest.mark.effect("notify")
def test_routing_delivers(alert_delivery: AlertDelivery, limits: RoutingDelivers, measure: Measure) -> None:
    """A test alert reaches its receiver, and in time where the line says how soon.

    Remedy: follow the route in Alertmanager's configuration; end the silence; look at the receiver's own log.
    """
    measure(alert_delivery.held_back, "what holds the test alert back").is_none_of_them()
    receivers = ", ".join(alert_delivery.receivers)
    name = f"it arrived within {alert_delivery.seconds:.1f} s; routed to {receivers}"
    measure(alert_delivery.arrived, name).is_(True)
    if limits.seconds_at_most is not None:
        measure(alert_delivery.seconds, "until it arrived", "s").at_most(limits.seconds_at_most)


@pytest.mark.preflight
def test_sentry_rules(sentry_alert: SentryAlert, limits: SentryRules, measure: Measure) -> None:
    """Sentry has the alert rule, and it tells whom it should.

    Remedy: create or correct the alert in Sentry: its threshold, its window, its environment and its actions.
    """
    measure(sentry_alert.rules, "rules that count this in the environment").at_least(1)
    measure(sentry_alert.events, f"events at which {sentry_alert.name!r} fires").at_most(limits.events_at_most)
    measure(sentry_alert.window_seconds, "its window", "seconds").is_(limits.window_seconds)

    if limits.slower_than_seconds is not None:
        slower_than = sentry_alert.slower_than_seconds
        measure(slower_than, "it counts what is slower than", "seconds").at_most(limits.slower_than_seconds)

    measure(sentry_alert.actions, "ways in which somebody is told").at_least(1)
    measure(sentry_alert.missing_actions, "actions that are missing").is_none_of_them()
