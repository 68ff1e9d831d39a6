"""The alert rules of Sentry, held beside what a runbook demands of one."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.clients.sentry import Sentry
from readiness.clients.sentry_rules import Rule, past, present
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


@observation
def sentry_alert(
    sentry: Sentry, events_at_most: float, window_seconds: float, slower_than_seconds: float, actions: tuple[str, ...]
) -> SentryAlert:
    """Find the rule that counts errors, or slow transactions, as a runbook line demands."""
    known = sentry.settings
    rules = [rule for rule in _rules(sentry) if rule.environment in {None, known.environment}]
    fitting = [rule for rule in rules if (rule.slower_than is not None) == (slower_than_seconds > 0)]
    plain = _together([rule for rule in fitting if not rule.narrowed])
    if fitting and not plain:
        told = "; ".join(f"{rule.name}: {rule.narrowed}" for rule in fitting)
        raise Unknown(
            f"whether a rule counts all that it should cannot be told: {told}", "decide the line by hand, or add a rule"
        )
    if not plain:
        return SentryAlert(0)

    def missing(rule: Rule) -> list[str]:
        through = {"sms"} if rule.actions & {*known.sms_through} else set()
        return [name for name in actions if name not in rule.actions | through]

    best = min(
        plain,
        key=lambda rule: (
            rule.seconds != window_seconds,
            rule.events > events_at_most,
            (rule.slower_than or 0.0) > slower_than_seconds,
            len(missing(rule)),
        ),
    )
    if missing(best) == ["sms"] and best.actions & _PAGERS:
        by = ", ".join(sorted(best.actions & _PAGERS))
        raise Unknown(
            f"whether {by} sends text messages cannot be seen from Sentry", f"if it does: sentry.sms_through: [{by}]"
        )
    return SentryAlert(
        *(len(plain), best.name, best.events, best.seconds, best.slower_than or 0.0),
        *(len(best.actions), missing(best)),
    )


def _rules(sentry: Sentry) -> list[Rule]:
    """Read the rules where this server has them."""
    detectors, workflows = sentry.detectors(), sentry.workflows()
    if detectors is not None and workflows is not None:
        return list(present(detectors, workflows))
    return list(past(sentry.metric_rules(), sentry.issue_rules(), sentry.settings.project))


def _together(rules: list[Rule]) -> list[Rule]:
    """Take rules that fire at the same as one: their actions add up."""
    found: dict[tuple[float, float, float | None], Rule] = {}
    for rule in rules:
        key = (rule.events, rule.seconds, rule.slower_than)
        before = found.get(key, rule)
        found[key] = Rule(before.name, *key[:2], before.environment, before.actions | rule.actions, rule.slower_than)
    return list(found.values())
