"""The alerts that the runbook counts on exist."""

import pytest

from readiness import Limits, Measure
from readiness.observations.alerts import SentryAlert


class SentryRules(Limits):
    events_at_most: float
    window_seconds: float
    slower_than_seconds: float = 0  # above 0: the rule counts transactions that take longer, not errors
    actions: tuple[str, ...] = ()


@pytest.mark.preflight
def test_sentry_rules(sentry_alert: SentryAlert, limits: SentryRules, measure: Measure) -> None:
    """Sentry has the alert rule, and it tells whom it should.

    Remedy: create or correct the alert in Sentry: its threshold, its window, its environment and its actions.
    """
    measure(sentry_alert.rules, "rules that count this in the environment").at_least(1)
    measure(sentry_alert.events, f"events at which {sentry_alert.name!r} fires").at_most(limits.events_at_most)
    measure(sentry_alert.window_seconds, "its window", "seconds").is_(limits.window_seconds)
    measure(sentry_alert.slower_than_seconds, "it counts what is slower than", "seconds").at_most(
        limits.slower_than_seconds
    )
    measure(sentry_alert.actions, "ways in which somebody is told").at_least(1)
    measure(sentry_alert.missing_actions, "actions that are missing").is_none_of_them()
