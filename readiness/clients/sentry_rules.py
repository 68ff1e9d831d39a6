"""Sentry's alert rules of every age as one type: a count of events in a window, and whom it notifies. Nothing is sent.

A rule whose search or conditions narrow it in a way that is not known here names them in `narrowed`: whether it does
what a runbook demands cannot be decided then.

Source: as for `readiness.clients.sentry`, which fetches them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from readiness.clients.sentry import Detector, IssueRule, MetricRule, Workflow
from readiness.files.canonical_json import JsonObject
from readiness.measurements import as_decimal

_TOKEN = re.compile(r"[^\s()\[\]]+:\[[^\]]*\]|[^\s()]+")
_PLAIN = {
    "or",
    "and",
    "is:unresolved",
    "event.type:error",
    "event.type:default",
    "event.type:transaction",
    "level:error",
    "level:[error,fatal]",
    "level:[fatal,error]",
    "is_transaction:true",
}
"""Words of a search that leave in all errors, or all transactions."""
_SLOWER = re.compile(r"(?:transaction|span)\.duration:>=?([0-9.]+)(ms|s|min|m)?$")
_SECONDS = {None: 0.001, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_INTERVAL = re.compile(r"([0-9]+)(min|m|h|d|w)$")
_ABOVE = {"gt", "gte"}
_PRIORITY = {"issue_priority_greater_or_equal", "issue_priority_equals"}
_OLD_ACTIONS = {
    "mail": "email",
    "slack": "slack",
    "pager_duty": "pagerduty",
    "opsgenie": "opsgenie",
    "msteams": "msteams",
    "discord": "discord",
}
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


@dataclass(frozen=True)
class _Condition:
    """A condition of a monitor or of an alert, as it is set; what is not there is None."""

    type: object
    comparison: object
    priority: object
    """Of a monitor's condition: that of the issue which it makes."""

    @classmethod
    def all_of(cls, group: JsonObject | None) -> list[_Condition]:
        """Return the conditions of a group."""
        return [
            cls(raw.get("type"), raw.get("comparison"), raw.get("conditionResult"))
            for raw in _objects(group or {}, "conditions")
        ]

    def admits(self, priority: object) -> bool:
        """Check whether a filter lets issues of a priority pass; one that looks at anything else may not."""
        return self.type in _PRIORITY and _number(self.comparison) <= _number(priority)


@dataclass(frozen=True)
class _Filter:
    """The conditions under which an alert notifies somebody, and how it does."""

    conditions: list[_Condition]
    any_is_enough: bool
    actions: list[JsonObject]

    @classmethod
    def all_of(cls, workflow: Workflow) -> list[_Filter]:
        """Return the filters of an alert."""
        return [
            cls(
                conditions=_Condition.all_of(group),
                any_is_enough=str(group.get("logicType", "")).startswith("any"),
                actions=_objects(group, "actions"),
            )
            for group in workflow.filters or ()
        ]


@dataclass(frozen=True)
class _Query:
    """What a monitor counts."""

    aggregate: str
    search: str
    dataset: object
    event_types: Any
    time_window: Any
    """In seconds."""
    environment: Any

    @property
    def of_transactions(self) -> bool:
        """Whether it counts transactions, and not errors alone."""
        return self.dataset != "events" or not set(self.event_types) <= {"error", "default"}

    @classmethod
    def of(cls, source: JsonObject) -> _Query:
        """Return the query of a data source."""
        raw = (source.get("queryObj") or {}).get("snubaQuery") or {}
        return cls(
            aggregate=str(raw.get("aggregate", "")),
            search=str(raw.get("query") or ""),
            dataset=raw.get("dataset"),
            event_types=raw.get("eventTypes") or [],
            time_window=raw.get("timeWindow") or 0,
            environment=raw.get("environment"),
        )


def present(detectors: Iterable[Detector], workflows: Iterable[Workflow]) -> Iterator[Rule]:
    """Yield the rules of Sentry's monitors (detectors) and alerts (workflows) that are switched on."""
    enabled_detectors = {detector.id: detector for detector in detectors if detector.enabled}
    enabled_workflows = [workflow for workflow in workflows if workflow.enabled]

    for detector in enabled_detectors.values():
        if detector.type == "metric_issue":
            named = detector.workflow_ids or ()
            connected = [workflow for workflow in enabled_workflows if workflow.id in named]
            yield from _of_detector(detector, connected)

    for workflow in enabled_workflows:
        # An alert without a monitor that is switched on never fires.
        if any(detector_id in enabled_detectors for detector_id in workflow.detector_ids or ()):
            yield from _of_workflow(workflow)


def _of_detector(detector: Detector, workflows: list[Workflow]) -> Iterator[Rule]:
    # A monitor that compares with the past ("percent", "dynamic") has no threshold in events.
    if detector.config.get("detectionType", "static") != "static":
        return

    thresholds = [condition for condition in _Condition.all_of(detector.conditions) if condition.type in _ABOVE]

    for source in detector.sources or ():
        query = _Query.of(source)
        if not _counts(query.aggregate):
            continue

        slower_than, narrowed = _search(query.search, query.of_transactions)

        for threshold in thresholds:
            events = threshold.comparison
            if not isinstance(events, int | float):
                continue
            actions = frozenset(name for workflow in workflows for name in _actions_at(workflow, threshold.priority))
            yield Rule(
                detector.name,
                events=float(events),
                seconds=float(query.time_window),
                environment=query.environment,
                actions=actions,
                slower_than=slower_than,
                narrowed=narrowed,
            )


def _counts(aggregate: str) -> bool:
    return aggregate in {"count()", "count(span.duration)", "count(transaction.duration)"}


def _search(text: str, transactions: bool) -> tuple[float | None, str]:
    """Return the seconds that a transaction must take to count, and the words of the search that are not understood.

    The seconds are None where errors are counted; the words are joined by spaces, in the order of the search.
    """
    slower_than = 0.0 if transactions else None
    unknown_words = []

    for word in _TOKEN.findall(text):
        duration = _SLOWER.match(word)
        if duration:
            slower_than = float(duration[1]) * _SECONDS[duration[2]]
        elif word.lower().replace(" ", "") not in _PLAIN:
            unknown_words.append(word)

    return slower_than, " ".join(unknown_words)


def _actions_at(workflow: Workflow, priority: object) -> Iterator[str]:
    """Yield the kinds of actions that an alert takes for a monitor's issue of this priority."""
    for group in _Filter.all_of(workflow):
        if all(condition.admits(priority) for condition in group.conditions):
            yield from _action_kinds(group.actions)


def _of_workflow(workflow: Workflow) -> Iterator[Rule]:
    triggers = {condition.type for condition in _Condition.all_of(workflow.triggers)}
    unknown_triggers = sorted(str(trigger) for trigger in triggers - {"every_event"})

    for group in _Filter.all_of(workflow):
        narrowed_by = list(unknown_triggers)

        # Where any condition is enough, the others beside the frequency make the alert fire more often, never less.
        if not group.any_is_enough:
            others = [condition for condition in group.conditions if condition.type != "event_frequency_count"]
            narrowed_by += [str(condition.type) for condition in others]

        for condition in group.conditions:
            comparison = condition.comparison
            if condition.type != "event_frequency_count" or not isinstance(comparison, dict):
                continue
            seconds = _interval(comparison.get("interval"))
            if not seconds:
                continue

            if comparison.get("filters"):
                narrowed_by.append("filters")
            yield Rule(
                workflow.name,
                events=_number(comparison.get("value")),
                seconds=seconds,
                environment=workflow.environment,
                actions=frozenset(_action_kinds(group.actions)),
                narrowed=" ".join(narrowed_by),
            )


def _action_kinds(actions: list[JsonObject]) -> Iterator[str]:
    for action in actions:
        if action.get("status", "active") != "active" or not action.get("type"):
            continue
        yield str(action["type"])

        # Text messages go through an integration or a plugin, whose name is the only place that says so.
        config = action.get("config") or {}
        data = action.get("data") or {}
        if any(_TEXT_MESSAGE.search(str(value)) for value in (config.get("targetDisplay"), *data.values())):
            yield "sms"


def past(metric: Iterable[MetricRule], issue: Iterable[IssueRule], project: str) -> Iterator[Rule]:
    """Yield the rules of a server from before 2026: metric alerts of this project, then issue alerts."""
    for rule in metric:
        yield from _of_metric_rule(rule, project)
    for issue_rule in issue:
        if issue_rule.status == "active" and not issue_rule.snooze:
            yield from _of_issue_rule(issue_rule)


def _of_metric_rule(rule: MetricRule, project: str) -> Iterator[Rule]:
    fires_below = bool(rule.kind)
    of_another_project = project not in (rule.projects or [project])
    if rule.snooze or fires_below or of_another_project or not _counts(rule.aggregate):
        return

    transactions = "duration" in rule.query or "event.type:transaction" in rule.query
    slower_than, narrowed = _search(rule.query, transactions)

    for trigger in rule.triggers:
        yield Rule(
            rule.name,
            events=_number(trigger.get("alertThreshold")),
            seconds=rule.minutes * 60,
            environment=rule.environment,
            actions=frozenset(str(action.get("type")) for action in _objects(trigger, "actions")),
            slower_than=slower_than,
            narrowed=narrowed,
        )


def _of_issue_rule(rule: IssueRule) -> Iterator[Rule]:
    narrowed_by = [str(each.get("id")) for each in rule.filters]
    # With "all" or "none" each further condition must hold besides the frequency.
    if rule.action_match != "any":
        narrowed_by += [str(each.get("id")) for each in rule.conditions[1:]]

    for condition in rule.conditions:
        is_frequency = str(condition.get("id")).endswith(".EventFrequencyCondition")
        # The other type of comparison is a percentage of an earlier interval.
        is_count = condition.get("comparisonType", "count") == "count"
        seconds = _interval(condition.get("interval"))
        if not is_frequency or not is_count or not seconds:
            continue

        yield Rule(
            rule.name,
            events=_number(condition.get("value")),
            seconds=seconds,
            environment=rule.environment,
            actions=frozenset(kind for action in rule.actions for kind in _old_action_kinds(action)),
            narrowed=" ".join(narrowed_by),
        )


def _old_action_kinds(action: JsonObject) -> Iterator[str]:
    # The id is a Python path such as sentry.integrations.slack.notify_action.SlackNotifyServiceAction.
    path = str(action.get("id"))
    kinds = [kind for part, kind in _OLD_ACTIONS.items() if f".{part}." in path]
    yield kinds[0] if kinds else path

    if _TEXT_MESSAGE.search(f"{action.get('service', '')} {action.get('name', '')}"):
        yield "sms"


def _interval(text: object) -> float | None:
    """Return the seconds of an interval such as `5m` or `1w`; None for anything else."""
    match = _INTERVAL.match(str(text))
    if not match:
        return None
    return int(match[1]) * _SECONDS[match[2]]


def _objects(group: JsonObject, key: str) -> list[JsonObject]:
    """Return the objects of the list under a key; what is none is left out."""
    items = group.get(key)
    if not isinstance(items, list):
        return []
    return [item for item in items if isinstance(item, dict)]


def _number(value: Any) -> float:
    """Return a value as a number, or infinity for what is none: no rule with it is good enough."""
    try:
        return as_decimal(value) if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        return float("inf")
