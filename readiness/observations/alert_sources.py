"""Where alert rules are kept, in Prometheus and in Grafana, and whether somebody is told when they fire."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import promql_parser

from readiness.alerting.promql import Condition, Opaque, read
from readiness.alerting.quantities import Unreadable
from readiness.clients.grafana import Grafana
from readiness.clients.grafana_rules import EvaluatedRule, StoredRule, destinations, expression
from readiness.clients.prometheus import Prometheus, Rule
from readiness.outcomes import Unknown

DISCOVERED_WITHIN_SECONDS, POLL_SECONDS = 7.0, 0.5
Found = TypeVar("Found")


@dataclass(frozen=True)
class Told:
    """Who is told when a rule fires."""

    ways: int
    """Alertmanagers, or the contact points' ways in Grafana; none where one contact point is missing."""
    words: str = ""


@dataclass(frozen=True)
class Watching:
    """One alert rule, wherever it is kept."""

    rule: Rule
    condition: Condition
    told: Callable[[], Told]


def sources(prometheus: Prometheus, grafana: Grafana) -> list[Callable[[], list[Watching]]]:
    """Give the ways to list the alert rules, each of one server."""
    found: list[Callable[[], list[Watching]]] = []
    if prometheus.configured or not grafana.keeps_rules:
        found.append(lambda: in_prometheus(prometheus))
    if grafana.keeps_rules:
        found.append(lambda: in_grafana(grafana))
    return found


def in_prometheus(prometheus: Prometheus) -> list[Watching]:
    """List the rules that Prometheus evaluates. Raises Unknown."""
    return [
        Watching(rule, read(rule.query), lambda: Told(len(discovered(prometheus.alertmanagers))))
        for rule in prometheus.rules()
    ]


def in_grafana(grafana: Grafana) -> list[Watching]:
    """List the rules that Grafana evaluates. Raises Unknown."""
    evaluated = grafana.evaluated_rules()
    by_uid = {rule.uid: rule for rule in evaluated if rule.uid}
    by_name = {(rule.group, rule.name): rule for rule in evaluated}
    return [
        _kept(grafana, rule, by_uid.get(rule.uid) or by_name.get((rule.group, rule.title)))
        for rule in grafana.stored_rules()
    ]


def _kept(grafana: Grafana, stored: StoredRule, evaluated: EvaluatedRule | None) -> Watching:
    known = evaluated or EvaluatedRule.model_validate({"name": stored.title})
    condition, query = _read(stored)
    # A rule that found nothing has been evaluated: of errors that do not happen there are no series.
    health = "paused" if stored.paused else {"nodata": "ok", "error": "err"}.get(known.health, known.health)
    rule = Rule(
        name=stored.title,
        query=query,
        duration=_seconds(stored),
        labels=stored.labels or {},
        health=health,
        state=known.state,
        lastError=known.last_error,
        lastEvaluation=known.evaluated_at,
    )
    return Watching(rule, condition, lambda: _told(grafana, stored, known.folder))


def _read(stored: StoredRule) -> tuple[Condition, str]:
    try:
        query = expression(stored)
    except Unreadable as error:
        return Opaque(str(error)), f"in Grafana: {error}"
    return read(query), query


def _seconds(stored: StoredRule) -> float:
    if stored.hold in {"", "0"}:
        return 0.0
    try:
        return promql_parser.parse_duration(stored.hold).total_seconds()
    except ValueError:
        raise Unknown(
            f"for how long the condition of {stored.title} must hold cannot be read: {stored.hold!r}",
            "save the rule once in Grafana, with a pending period such as 5m",
        ) from None


def _told(grafana: Grafana, stored: StoredRule, folder: str) -> Told:
    """Follow a rule's alerts to their contact points. Raises Unknown where only the alert itself can tell."""
    ways = [point.name for point in grafana.contact_points() if point.tells_somebody]
    if stored.settings:
        wanted = [(stored.settings.receiver, True)]
    else:
        labels = {**(stored.labels or {}), "alertname": stored.title, **({"grafana_folder": folder} if folder else {})}
        wanted = list(destinations(grafana.policy(), labels))
    missing = {name: sure for name, sure in wanted if name not in ways}
    if missing and not any(missing.values()):
        raise Unknown(
            f"alerts of {stored.title} may go to {', '.join(missing)}, which tells nobody",
            "give the contact point an integration, or let its notification policy match the rule's own labels",
        )
    if missing:
        return Told(0, f"(the contact point {', '.join(name for name, sure in missing.items() if sure)} tells nobody)")
    names = {name for name, _ in wanted}
    return Told(sum(name in names for name in ways), f"({', '.join(sorted(names))})")


def discovered(look: Callable[[], list[Found]]) -> list[Found]:
    """Look again while there is nothing: for some seconds after a start or a reload Prometheus knows of nobody."""
    end = time.monotonic() + DISCOVERED_WITHIN_SECONDS
    while not (found := look()) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    return found
