"""What the sandbox's Sentry holds, written as the vendor's description has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

ORGANIZATION, PROJECT, ENVIRONMENT = "sandbox", "shop", "production"
ERRORS, SLOW = "Production errors", "Slow transactions"
_MADE = "2026-01-15T10:00:00Z"
Json = dict[str, Any]
_PLAIN: Json = {
    **dict.fromkeys(("shareId", "logger", "priorityLockedAt", "seerFixabilityScore", "seerAutofixLastTriggered")),
    **dict.fromkeys(("seerExplorerAutofixLastTriggered", "assignedTo", "subscriptionDetails", "filtered")),
    **dict.fromkeys(("matchingEventId", "matchingEventEnvironment")),
    **dict.fromkeys(("isPublic", "isBookmarked", "isSubscribed", "hasSeen"), False),
    "status": "unresolved",
    "statusDetails": {},
    "substatus": "ongoing",
    "platform": "python",
    "type": "error",
    "issueType": "error",
    "issueCategory": "error",
    "numComments": 0,
    "derivedData": {
        **dict.fromkeys(("blocker", "progress", "lastCompletedAutofixStep"), "none"),
        **dict.fromkeys(("hasOpenFixPr", "isAssigned", "hasRootCause"), False),
        "status": "open",
        "viewCount": 1,
        "lastProgressedAt": None,
    },
    "annotations": [],
}


@dataclass
class Seen:
    """An issue, as far as it differs from others."""

    title: str
    first: datetime
    last: datetime
    level: str = "error"
    priority: str | None = "medium"
    count: int = 2
    culprit: str = "shop.views in handle"
    unhandled: bool = False
    linked: bool = False
    environment: str = ENVIRONMENT


def ago(**span: float) -> datetime:
    """Return a moment in the past."""
    return datetime.now(UTC) - timedelta(**span)


def healthy() -> list[Seen]:
    """Return what a healthy project has: one error that comes again and is tracked, one that is new and harmless."""
    again = Seen("TimeoutError: enrichment took too long", ago(days=12), ago(hours=2), count=41, linked=True)
    new = Seen("ValueError: strange postcode", ago(hours=5), ago(hours=4), priority="low")
    staging = Seen(
        "OperationalError: connection refused", ago(hours=3), ago(hours=1), "fatal", "high", environment="dev"
    )
    return [again, new, staging]


def issue(number: int, seen: Seen, expanded: set[str]) -> Json:
    """Write an issue; what is linked comes only when it is asked for."""
    first, last = seen.first.isoformat(), seen.last.isoformat()
    times = {"count": str(seen.count), "userCount": 1, "firstSeen": first, "lastSeen": last, "stats": {}}
    tracked = [{"id": "1", "key": "SHOP-7", "displayName": "sandbox/shop#7", "url": "https://tracker.example/7"}]
    links = {"integrationIssues": tracked if seen.linked else [], "sentryAppIssues": []}
    return {
        **_PLAIN,
        "id": str(number),
        "shortId": f"SHOP-{number}",
        "title": seen.title,
        "culprit": seen.culprit,
        "permalink": f"https://sentry.example/issues/{number}/",
        "level": seen.level,
        "priority": seen.priority,
        "project": {"id": "2", "name": "Shop", "slug": PROJECT, "platform": "python"},
        "metadata": {"title": seen.title},
        "isUnhandled": seen.unhandled,
        **times,
        "lifetime": times,
        **{name: value for name, value in links.items() if name in expanded},
    }


def detectors() -> list[Json]:
    """Return the monitors: the project's own for errors, and two of metrics."""
    own = _detector("10", "Error Monitor", "error", ["100"], None, None)
    errors = _metric("11", ERRORS, ["101"], "events", "count()", "", ["error", "default"], 5)
    query = "is_transaction:true span.duration:>2s"
    slow = _metric(
        "12", SLOW, ["101"], "events_analytics_platform", "count(span.duration)", query, ["trace_item_span"], 10
    )
    return [own, errors, slow]


def _metric(
    name: str, title: str, workflow: list[str], dataset: str, aggregate: str, query: str, kinds: list[str], limit: int
) -> Json:
    counted = {
        "id": name,
        "dataset": dataset,
        "query": query,
        "aggregate": aggregate,
        "timeWindow": 300,
        "environment": ENVIRONMENT,
        "eventTypes": kinds,
        "extrapolationMode": "unknown",
    }
    source = {
        "id": name,
        "organizationId": "1",
        "type": "snuba_query_subscription",
        "sourceId": name,
        "queryObj": {"id": name, "status": 0, "subscription": f"1/{name}", "snubaQuery": counted},
    }
    conditions = [
        {"id": f"{name}1", "type": "gt", "comparison": limit, "conditionResult": 75},
        {"id": f"{name}2", "type": "lte", "comparison": limit, "conditionResult": 0},
    ]
    group = {"id": name, "organizationId": "1", "logicType": "any", "conditions": conditions, "actions": []}
    return _detector(name, title, "metric_issue", workflow, [source], group)


def _detector(
    name: str, title: str, kind: str, workflow: list[str], sources: list[Json] | None, group: Json | None
) -> Json:
    config = {"detectionType": "static", "comparisonDelta": None} if sources else {}
    return {
        "id": name,
        "projectId": "2",
        "name": title,
        "description": None,
        "type": kind,
        "workflowIds": workflow,
        "owner": None,
        "createdBy": None,
        "dateCreated": _MADE,
        "dateUpdated": _MADE,
        "dataSources": sources,
        "conditionGroup": group,
        "config": config,
        "enabled": True,
        "latestGroup": None,
    }


def workflows() -> list[Json]:
    """Return the alerts: one for each high issue, and one that tells of the metrics by chat, mail and pager."""
    high = [{"id": "1", "type": "new_high_priority_issue", "comparison": True, "conditionResult": True}]
    priority = [{"id": "2", "type": "issue_priority_greater_or_equal", "comparison": 75, "conditionResult": True}]
    everybody = [_action(place, kind) for place, kind in enumerate(("slack", "email", "pagerduty"), 1)]
    return [
        _workflow("100", "High priority issues", ["10"], high, [], [_action(9, "email")]),
        _workflow("101", "Tell the on-call", ["11", "12"], [], priority, everybody),
    ]


def _action(number: int, kind: str) -> Json:
    config = {"targetType": "specific", "targetDisplay": f"our {kind}", "targetIdentifier": str(number)}
    return {
        "id": str(number),
        "type": kind,
        "integrationId": None if kind == "email" else "7",
        "data": {},
        "config": config,
        "status": "active",
    }


def _workflow(
    name: str, title: str, detectors_: list[str], triggers: list[Json], conditions: list[Json], actions: list[Json]
) -> Json:
    group = {"id": name, "organizationId": "1", "actions": []}
    return {
        "id": name,
        "name": title,
        "organizationId": "1",
        "createdBy": None,
        "dateCreated": _MADE,
        "dateUpdated": _MADE,
        "triggers": {**group, "logicType": "any-short", "conditions": triggers},
        "actionFilters": [{**group, "logicType": "all", "conditions": conditions, "actions": actions}],
        "environment": None,
        "config": {"frequency": 30},
        "detectorIds": detectors_,
        "enabled": True,
        "lastTriggered": None,
        "owner": None,
    }


def metric_rules() -> list[Json]:
    """Return the same two as an older server has them."""
    kinds = ("slack", "email", "pagerduty")
    searches = {(ERRORS, 5): "", (SLOW, 10): "event.type:transaction transaction.duration:>2s"}
    return [
        {
            "id": str(place),
            "name": title,
            "organizationId": "1",
            "query": query,
            "aggregate": "count()",
            "timeWindow": 5,
            "environment": ENVIRONMENT,
            "projects": [PROJECT],
            "thresholdType": 0,
            "snooze": False,
            "dataset": "transactions" if query else "events",
            "dateModified": _MADE,
            "dateCreated": _MADE,
            "createdBy": {"id": 1, "name": "A", "email": "a@sandbox.example"},
            "triggers": [{"label": "critical", "alertThreshold": limit, "actions": [{"type": kind} for kind in kinds]}],
        }
        for place, ((title, limit), query) in enumerate(searches.items(), 1)
    ]


def issue_rules() -> list[Json]:
    """Return an issue alert of an older server, which is looser than the metric's."""
    condition = {
        "id": "sentry.rules.conditions.event_frequency.EventFrequencyCondition",
        "value": 100,
        "interval": "1h",
    }
    action = {"id": "sentry.mail.actions.NotifyEmailAction", "targetType": "Team", "targetIdentifier": 1}
    return [
        {
            "id": "1",
            "conditions": [condition],
            "filters": [],
            "actions": [action],
            "actionMatch": "any",
            "filterMatch": "all",
            "frequency": 60,
            "name": "Frequent",
            "dateCreated": _MADE,
            "projects": [PROJECT],
            "status": "active",
            "snooze": False,
            "environment": ENVIRONMENT,
            "owner": None,
        }
    ]


def organization() -> Json:
    """Return the organisation, as far as anybody here asks for it."""
    return {"id": "1", "slug": ORGANIZATION, "name": "Sandbox", "status": {"id": "active", "name": "active"}}


def project(first_event: bool) -> Json:
    """Return the project, as far as anybody here asks for it."""
    fields = {"id": "2", "slug": PROJECT, "name": "Shop", "platform": "python", "status": "active"}
    return {**fields, "dateCreated": _MADE, "firstEvent": _MADE if first_event else None}
