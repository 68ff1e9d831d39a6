"""The errors that were collected are few, known, and tracked."""

import pytest

from readiness import Limits, Measure
from readiness.observations.errors import NewErrors, RecentErrors, RecurringErrors, WholeReach


class Count(Limits):
    events_at_most: int
    window_seconds: WholeReach


class NoneNew(Limits):
    window_seconds: WholeReach


class RecurringTracked(Limits):
    window_seconds: WholeReach
    days_apart: float  # from the first to the last time that it was seen: what recurs, so the key has no comparator


@pytest.mark.postlaunch
def test_count(recent_errors: RecentErrors, limits: Count, measure: Measure) -> None:
    """Few errors were recorded lately.

    Remedy: open the project in Sentry, sorted by events; after a deployment, compare with the release before.
    """
    measure(recent_errors.events, "errors recorded lately", "events").at_most(limits.events_at_most)


@pytest.mark.postlaunch
def test_none_new(new_errors: NewErrors, limits: NoneNew, measure: Measure) -> None:
    """No critical or high error is new.

    Remedy: begin with the first that is named: database and authentication stand before the others.
    """
    hours = limits.window_seconds / 3600
    measure(new_errors.urgent, f"errors first seen in the last {hours:g} hours").is_none_of_them()


@pytest.mark.ga
def test_recurring_tracked(recurring_errors: RecurringErrors, limits: RecurringTracked, measure: Measure) -> None:
    """Every recurring error has an issue in the tracker.

    Remedy: link each to an issue in Sentry, or resolve it.
    """
    days = limits.days_apart
    seen = f"of {recurring_errors.recurring} errors that came again after {days:g} days or more, without an issue"
    measure(recurring_errors.untracked, seen).is_none_of_them()
