"""Where alert rules are kept, in Prometheus and in Grafana, and whether somebody is told when they fire."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import promql_parser

from readiness.alerting.promql import Condition, Opaque, read
from readiness.alerting.quantities import Unreadable
from readiness.clients.grafana import Grafana
from readiness.clients.grafana_rules import EvaluatedRule, StoredRule, destinations, expression
from readiness.clients.prometheus import Prometheus, Rule
from readiness.outcomes import Unknown

DISCOVERED_WITHIN_SECONDS = 7.0
POLL_SECONDS = 0.5
_HEALTH_IN_PROMETHEUS = {"nodata": "ok", "error": "err"}
"""Grafana's words for a rule's health, where they differ. A rule that found no data has been evaluated: of errors that
do not happen there are no series."""
Item = TypeVar("Item")


@dataclass(frozen=True)
class Recipients:
    """Who is told when a rule fires."""

    count: int
    """Of Alertmanagers, or of the contact points' ways in Grafana; none where one contact point is missing."""
    text: str = ""


@dataclass(frozen=True)
class Watching:
    """One alert rule, wherever it is kept."""

    rule: Rule
    condition: Callable[[], Condition]
    """Reads when it fires: of a server's hundred rules a line is about one."""
    recipients: Callable[[], Recipients]


def sources(prometheus: Prometheus, grafana: Grafana) -> list[Callable[[], list[Watching]]]:
    """Return the ways to list the alert rules, one for each server."""
    ways: list[Callable[[], list[Watching]]] = []
    # Where no server is configured, asking Prometheus raises what there is to set.
    if prometheus.configured or not grafana.keeps_rules:
        ways.append(lambda: in_prometheus(prometheus))
    if grafana.keeps_rules:
        ways.append(lambda: in_grafana(grafana))
    return ways


def in_prometheus(prometheus: Prometheus) -> list[Watching]:
    """Return the rules that Prometheus evaluates. Raises Unknown."""

    def notified() -> Recipients:
        return Recipients(len(discovered(prometheus.alertmanagers)))

    return [Watching(rule, partial(read, rule.query), notified) for rule in prometheus.rules()]


def in_grafana(grafana: Grafana) -> list[Watching]:
    """Return the rules that Grafana keeps, with what became of each. Raises Unknown."""
    evaluated_rules = grafana.evaluated_rules()
    # Older versions answer evaluated rules without a uid.
    by_uid = {rule.uid: rule for rule in evaluated_rules if rule.uid}
    by_name = {(rule.group, rule.name): rule for rule in evaluated_rules}

    watched: list[Watching] = []
    for stored in grafana.stored_rules():
        evaluated = by_uid.get(stored.uid) or by_name.get((stored.group, stored.title))
        if evaluated is None:
            evaluated = EvaluatedRule.model_validate({"name": stored.title})
        watched.append(_watching(grafana, stored, evaluated))
    return watched


def _watching(grafana: Grafana, stored: StoredRule, evaluated: EvaluatedRule) -> Watching:
    """Return a rule of Grafana as Prometheus would have it."""
    query, condition = _read(stored)
    health = "paused" if stored.paused else _HEALTH_IN_PROMETHEUS.get(evaluated.health, evaluated.health)
    rule = Rule(
        name=stored.title,
        query=query,
        duration=_seconds(stored),
        labels=stored.labels or {},
        health=health,
        state=evaluated.state,
        lastError=evaluated.last_error,
        lastEvaluation=evaluated.evaluated_at,
    )
    return Watching(rule, condition, lambda: _notified(grafana, stored, evaluated.folder))


def _read(stored: StoredRule) -> tuple[str, Callable[[], Condition]]:
    """Return a rule's query as text, and what reads its condition: opaque where PromQL cannot express it."""
    try:
        query = expression(stored)
    except Unreadable as error:
        opaque = Opaque(str(error))
        return f"in Grafana: {error}", lambda: opaque
    return query, partial(read, query)


def _seconds(stored: StoredRule) -> float:
    """Return for how many seconds a rule's condition must hold, Grafana's pending period. Raises Unknown."""
    if stored.hold in {"", "0"}:
        return 0.0
    try:
        return promql_parser.parse_duration(stored.hold).total_seconds()
    except ValueError:
        raise Unknown(
            f"for how long the condition of {stored.title} must hold cannot be read: {stored.hold!r}",
            "save the rule once in Grafana, with a pending period such as 5m",
        ) from None


def _notified(grafana: Grafana, stored: StoredRule, folder: str) -> Recipients:
    """Return who is notified of a rule's alerts. Raises Unknown where only the alert itself can tell."""
    # One for each integration: several may share the name of a contact point.
    integrations = [point.name for point in grafana.contact_points() if point.tells_somebody]

    destination_names = dict(_destinations(grafana, stored, folder))
    silent = {name: is_sure for name, is_sure in destination_names.items() if name not in integrations}
    surely_silent = [name for name, is_sure in silent.items() if is_sure]
    if silent and not surely_silent:
        raise Unknown(
            f"alerts of {stored.title} may go to {', '.join(silent)}, which tells nobody",
            "give the contact point an integration, or let its notification policy match the rule's own labels",
        )
    if surely_silent:
        return Recipients(0, f"(the contact point {', '.join(surely_silent)} tells nobody)")

    ways = sum(name in destination_names for name in integrations)
    return Recipients(ways, f"({', '.join(sorted(destination_names))})")


def _destinations(grafana: Grafana, stored: StoredRule, folder: str) -> list[tuple[str, bool]]:
    """Return the contact points that a rule's alerts may go to, each with whether it is sure that they do."""
    # A rule with a contact point of its own passes by the notification policies.
    if stored.settings:
        return [(stored.settings.receiver, True)]

    # Grafana adds these labels to every alert.
    labels = {**(stored.labels or {}), "alertname": stored.title}
    if folder:
        labels["grafana_folder"] = folder
    return list(destinations(grafana.policy(), labels))


def discovered(fetch: Callable[[], list[Item]]) -> list[Item]:
    """Return what `fetch` returns, called again for some seconds while that is nothing.

    After a start or a reload Prometheus knows of no Alertmanager until its service discovery has run.
    """
    end = time.monotonic() + DISCOVERED_WITHIN_SECONDS
    items = fetch()
    while not items and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        items = fetch()
    return items
