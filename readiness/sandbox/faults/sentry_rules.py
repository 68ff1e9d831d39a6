"""What becomes of Sentry's alert rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

CRITICAL, SLOW = (f"alerts.sentry_rules[agency/sentry-{name}-alert]" for name in ("critical", "performance"))


def _query(target: SandboxTarget, place: int) -> Any:
    return target.watchers.sentry.detectors[place]["dataSources"][0]["queryObj"]["snubaQuery"]


@fault("preflight", turns={CRITICAL: "fail"})
def sentry_rule_missing(target: SandboxTarget) -> Iterator[None]:
    """The monitor of errors was deleted."""
    before = target.watchers.sentry.detectors.pop(1)
    yield
    target.watchers.sentry.detectors.insert(1, before)


@fault("preflight", turns={CRITICAL: "fail"})
def sentry_rule_disabled(target: SandboxTarget) -> Iterator[None]:
    """The monitor of errors was switched off in an incident and forgotten."""
    target.watchers.sentry.detectors[1]["enabled"] = False
    yield
    target.watchers.sentry.detectors[1]["enabled"] = True


@fault("preflight", turns={CRITICAL: "fail"})
def sentry_rule_loosened(target: SandboxTarget) -> Iterator[None]:
    """The threshold is 50 errors, not 5."""
    condition = target.watchers.sentry.detectors[1]["conditionGroup"]["conditions"][0]
    condition["comparison"] = 50
    yield
    condition["comparison"] = 5


@fault("preflight", turns={SLOW: "fail"})
def sentry_rule_of_slower_transactions(target: SandboxTarget) -> Iterator[None]:
    """Only what takes longer than five seconds counts as slow."""
    query = _query(target, 2)
    before, query["query"] = query["query"], "is_transaction:true span.duration:>5s"
    yield
    query["query"] = before


@fault("preflight", turns={CRITICAL: "fail"})
def sentry_rule_of_staging(target: SandboxTarget) -> Iterator[None]:
    """The monitor of errors watches another environment."""
    query = _query(target, 1)
    before, query["environment"] = query["environment"], "dev"
    yield
    query["environment"] = before


@fault("preflight", turns={CRITICAL: "fail"})
def sentry_action_missing(target: SandboxTarget) -> Iterator[None]:
    """Nobody is told in the chat."""
    actions = target.watchers.sentry.workflows[1]["actionFilters"][0]["actions"]
    before = actions.pop(0)
    yield
    actions.insert(0, before)


@fault("preflight", turns={CRITICAL: "unknown"})
def sentry_rule_narrowed(target: SandboxTarget) -> Iterator[None]:
    """The monitor counts only the errors of one page, by a search that the suite does not judge."""
    query = _query(target, 1)
    query["query"] = "transaction:/checkout"
    yield
    query["query"] = ""


@fault("preflight", turns=turning("fail", CRITICAL, SLOW))
def sentry_alert_cut_off(target: SandboxTarget) -> Iterator[None]:
    """The alert that the monitors name is off: they find, and nobody is told."""
    target.watchers.sentry.workflows[1]["enabled"] = False
    yield
    target.watchers.sentry.workflows[1]["enabled"] = True
