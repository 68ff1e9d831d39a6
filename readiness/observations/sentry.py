"""The alert rules of Sentry, held beside what a runbook demands of one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from readiness.clients.sentry import Sentry
from readiness.clients.sentry_rules import Rule, past, present
from readiness.environment import monitoring
from readiness.observations import observation
from readiness.outcomes import Unknown

_PAGERS = {"pagerduty", "opsgenie", "sentry_app", "plugin", "webhook"}
"""Actions that may end as a text message, which only whoever set them up knows."""


@dataclass(frozen=True)
class SentryAlert:
    """The rule that comes nearest to what is demanded."""

    rules: int
    """How many rules of this kind there are; without one the rest says nothing."""
    name: str = ""
    events: float = 0.0
    window_seconds: float = 0.0
    slower_than_seconds: float = 0.0
    actions: int = 0
    """How many ways there are in which somebody is told."""
    missing_actions: list[str] | None = None


@dataclass(frozen=True)
class SentryAlertLimits:
    """What a line demands of an alert rule of Sentry."""

    events_at_most: float
    window_seconds: float
    slower_than_seconds: float | None
    """The rule counts transactions that take longer; None: it counts errors."""
    actions: tuple[str, ...]


@observation
def sentry_alert(sentry: Sentry, limits: SentryAlertLimits) -> SentryAlert:
    """Return the rule that comes nearest to a line's demand: it counts errors, or slow transactions.

    Raises Unknown where the search of every such rule narrows it in a way that is not understood.
    """
    slower_than = limits.slower_than_seconds or 0.0
    rules = _rules_of_kind(sentry, transactions=limits.slower_than_seconds is not None)
    if not rules:
        return SentryAlert(0)
    understood = _merged([rule for rule in rules if not rule.narrowed])
    if not understood:
        searches = "; ".join(f"{rule.name}: {rule.narrowed}" for rule in rules)
        raise Unknown(
            f"whether a rule counts all that it should cannot be told: {searches}",
            "decide the line by hand, or add a rule",
        )

    def distance(rule: Rule) -> tuple[bool, bool, bool, int]:
        """Order rules by what a line demands: its window first, then its thresholds, then whom it notifies."""
        return (
            rule.seconds != limits.window_seconds,
            rule.events > limits.events_at_most,
            (rule.slower_than or 0.0) > slower_than,
            len(_missing_actions(rule, limits.actions, sentry.settings)),
        )

    nearest = min(understood, key=distance)
    missing = _missing_actions(nearest, limits.actions, sentry.settings)
    _require_known_sms(nearest, missing)
    return SentryAlert(
        rules=len(understood),
        name=nearest.name,
        events=nearest.events,
        window_seconds=nearest.seconds,
        slower_than_seconds=nearest.slower_than or 0.0,
        actions=len(nearest.actions),
        missing_actions=missing,
    )


def _rules_of_kind(sentry: Sentry, *, transactions: bool) -> list[Rule]:
    """Return the rules of the environment that count transactions, or those that count errors."""
    environments = {None, sentry.settings.environment}
    return [
        rule
        for rule in _rules(sentry)
        if rule.environment in environments and (rule.slower_than is not None) == transactions
    ]


def _rules(sentry: Sentry) -> list[Rule]:
    """Return the server's rules, by its newer API where it has that."""
    detectors = sentry.detectors()
    workflows = sentry.workflows()
    if detectors is not None and workflows is not None:
        return list(present(detectors, workflows))
    return list(past(sentry.metric_rules(), sentry.issue_rules(), sentry.settings.project))


def _missing_actions(rule: Rule, actions: tuple[str, ...], settings: monitoring.Sentry) -> list[str]:
    """Return the actions that a rule lacks; what goes through one of `sms_through` is a text message too."""
    available = set(rule.actions)
    if rule.actions & set(settings.sms_through):
        available.add("sms")
    return [action for action in actions if action not in available]


def _require_known_sms(rule: Rule, missing: list[str]) -> None:
    """Raise Unknown where nothing is missing but text messages, and a pager may send them."""
    pagers = sorted(rule.actions & _PAGERS)
    if missing == ["sms"] and pagers:
        names = ", ".join(pagers)
        raise Unknown(
            f"whether {names} sends text messages cannot be seen from Sentry",
            f"if it does: sentry.sms_through: [{names}]",
        )


def _merged(rules: list[Rule]) -> list[Rule]:
    """Return the rules with those that fire at the same as one: their actions add up under the first one's name."""
    merged: dict[tuple[float, float, float | None], Rule] = {}
    for rule in rules:
        key = (rule.events, rule.seconds, rule.slower_than)
        first = merged.get(key, rule)
        merged[key] = replace(first, actions=first.actions | rule.actions)
    return list(merged.values())
