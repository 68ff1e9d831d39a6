"""Sentry's alert rules of every age in one form: so many events in so long a time, and who is told. Nothing is sent.

A rule whose search narrows it in a way that is not known here says so in `narrowed`: whether it does what a runbook
demands cannot be told then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from readiness.clients.sentry import Detector, IssueRule, MetricRule, Workflow

_TOKEN = re.compile(r"[^\s()\[\]]+:\[[^\]]*\]|[^\s()]+")
_PLAIN = {"or", "and", "is:unresolved", "event.type:error", "event.type:default", "event.type:transaction"}
_PLAIN |= {"level:error", "level:[error,fatal]", "level:[fatal,error]", "is_transaction:true"}
"""Words of a search that leave in all errors, or all transactions."""
_SLOWER = re.compile(r"(?:transaction|span)\.duration:>=?([\d.]+)(ms|s|min|m)?$")
_SECONDS = {None: 0.001, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_INTERVAL = re.compile(r"(\d+)(min|m|h|d|w)$")
_ABOVE = {"gt", "gte"}
_PRIORITY = {"issue_priority_greater_or_equal", "issue_priority_equals"}
_OLD_ACTIONS = {"mail": "email", "slack": "slack", "pager_duty": "pagerduty", "opsgenie": "opsgenie"}
_OLD_ACTIONS |= {"msteams": "msteams", "discord": "discord"}
_TEXT_MESSAGE = re.compile(r"\bsms\b|twilio", re.IGNORECASE)


@dataclass(frozen=True)
class Rule:
    """An alert as it is set."""

    name: str
    events: float
    """The threshold as it is written: Sentry fires at more than this."""
    seconds: float
    environment: str | None
    """None: of all environments."""
    actions: frozenset[str]
    slower_than: float | None = None
    """Seconds that a transaction must take to count; None where errors are counted."""
    narrowed: str = ""


def present(detectors: Iterable[Detector], workflows: Iterable[Workflow]) -> Iterator[Rule]:
    """Read monitors and alerts."""
    known, watching = (
        {each.id: each for each in detectors if each.enabled},
        [each for each in workflows if each.enabled],
    )
    for detector in known.values():
        if detector.type == "metric_issue":
            yield from _of_detector(detector, [one for one in watching if one.id in (detector.workflow_ids or ())])
    for workflow in watching:
        if any(each in known for each in workflow.detector_ids or ()):
            yield from _of_workflow(workflow)


def _of_detector(detector: Detector, workflows: list[Workflow]) -> Iterator[Rule]:
    conditions = _each(detector.conditions or {}, "conditions")
    limits = [
        (each.get("comparison"), each.get("conditionResult")) for each in conditions if each.get("type") in _ABOVE
    ]
    static = detector.config.get("detectionType", "static") == "static"
    for source in detector.sources or ():
        query = (source.get("queryObj") or {}).get("snubaQuery") or {}
        if not static or not _counts(str(query.get("aggregate", ""))):
            continue
        slower, narrowed = _search(str(query.get("query") or ""), _of_transactions(query))
        for limit, priority in limits:
            if isinstance(limit, int | float):
                found = [_actions(workflow, priority) for workflow in workflows]
                actions = frozenset(name for names in found for name in names)
                where, seconds = query.get("environment"), float(query.get("timeWindow") or 0)
                yield Rule(detector.name, float(limit), seconds, where, actions, slower, narrowed)


def _counts(aggregate: str) -> bool:
    return aggregate in {"count()", "count(span.duration)", "count(transaction.duration)"}


def _of_transactions(query: dict[str, Any]) -> bool:
    kinds = query.get("eventTypes") or []
    return query.get("dataset") != "events" or not {*kinds} <= {"error", "default"}


def _search(text: str, transactions: bool) -> tuple[float | None, str]:
    """Give the seconds that a transaction must take (None: errors are counted), and what is not understood."""
    slower, rest = (0.0 if transactions else None), []
    for word in _TOKEN.findall(text):
        found = _SLOWER.match(word)
        if found:
            slower = float(found[1]) * _SECONDS[found[2]]
        elif word.lower().replace(" ", "") not in _PLAIN:
            rest.append(word)
    return slower, " ".join(rest)


def _actions(workflow: Workflow, priority: Any) -> Iterator[str]:
    """Give whom an alert tells about a monitor's issue of this priority."""
    for group in workflow.filters or ():
        conditions = _each(group, "conditions")
        passes = all(
            each.get("type") in _PRIORITY and _number(each.get("comparison")) <= _number(priority)
            for each in conditions
        )
        if passes:
            yield from _told(_each(group, "actions"))


def _of_workflow(workflow: Workflow) -> Iterator[Rule]:
    triggers = {each.get("type") for each in _each(workflow.triggers or {}, "conditions")}
    for group in workflow.filters or ():
        conditions = _each(group, "conditions")
        others = [str(each.get("type")) for each in conditions if each.get("type") != "event_frequency_count"]
        one_is_enough = str(group.get("logicType", "")).startswith("any")
        strange = [*sorted(map(str, triggers - {"every_event"})), *([] if one_is_enough else others)]
        for condition in conditions:
            compared = condition.get("comparison")
            seconds = _interval(compared.get("interval")) if isinstance(compared, dict) else None
            if condition.get("type") == "event_frequency_count" and isinstance(compared, dict) and seconds:
                strange += ["filters"] if compared.get("filters") else []
                actions = frozenset(_told(_each(group, "actions")))
                events = _number(compared.get("value"))
                narrowed = " ".join(strange)
                yield Rule(workflow.name, events, seconds, workflow.environment, actions, None, narrowed)


def _told(actions: list[dict[str, Any]]) -> Iterator[str]:
    for action in actions:
        if action.get("status", "active") == "active" and action.get("type"):
            yield str(action["type"])
            named = (action.get("config") or {}).get("targetDisplay"), *(action.get("data") or {}).values()
            if any(_TEXT_MESSAGE.search(str(each)) for each in named):
                yield "sms"


def past(metric: Iterable[MetricRule], issue: Iterable[IssueRule], project: str) -> Iterator[Rule]:
    """Read the rules of before 2026."""
    for old in metric:
        if old.snooze or old.kind or not _counts(old.aggregate) or project not in (old.projects or [project]):
            continue
        transactions = "duration" in old.query or "event.type:transaction" in old.query
        slower, narrowed = _search(old.query, transactions)
        for trigger in old.triggers:
            actions = frozenset(str(each.get("type")) for each in _each(trigger, "actions"))
            events = _number(trigger.get("alertThreshold"))
            yield Rule(old.name, events, old.minutes * 60, old.environment, actions, slower, narrowed)
    for rule in issue:
        if rule.status == "active" and not rule.snooze:
            yield from _of_issue_rule(rule)


def _of_issue_rule(rule: IssueRule) -> Iterator[Rule]:
    others = [str(each.get("id")) for each in rule.filters]
    if rule.action_match != "any":
        others += [str(each.get("id")) for each in rule.conditions[1:]]
    for condition in rule.conditions:
        seconds = _interval(condition.get("interval"))
        counted = condition.get("comparisonType", "count") == "count"
        if str(condition.get("id")).endswith(".EventFrequencyCondition") and counted and seconds:
            actions = frozenset(name for action in rule.actions for name in _old_action(action))
            narrowed = " ".join(others)
            yield Rule(rule.name, _number(condition.get("value")), seconds, rule.environment, actions, None, narrowed)


def _old_action(action: dict[str, Any]) -> Iterator[str]:
    path = str(action.get("id"))
    yield next((word for part, word in _OLD_ACTIONS.items() if f".{part}." in path), path)
    if _TEXT_MESSAGE.search(f"{action.get('service', '')} {action.get('name', '')}"):
        yield "sms"


def _interval(text: Any) -> float | None:
    found = _INTERVAL.match(str(text))
    return int(found[1]) * _SECONDS[found[2]] if found else None


def _each(group: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = group.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _number(value: Any) -> float:
    """Read a number; what is none is out of reach, so that no rule with it is good enough."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("inf")
