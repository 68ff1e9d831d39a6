"""What Sentry has collected: how many errors, which are new, and which come again."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta

from readiness.clients.sentry import Issue, Sentry
from readiness.observations import observation
from readiness.outcomes import Unknown

ERRORS = "level:[error,fatal]"
_HARMLESS = {"low", "medium"}
_FIRST = {
    "database": r"sql|psycopg|database|postgres|prisma|operationalerror|integrityerror|deadlock|connection pool|\bd1\b",
    "authentication": r"auth|log.?in|sign.?in|session|\bjwt|credential|permission",
    "5xx": r"\b5\d\d\b|internal server error|bad gateway|unavailable",
}
"""What the runbook wants to be told of first."""
_UNHANDLED, _OTHER = "unhandled", "other"
_ORDER = [*_FIRST, _UNHANDLED, _OTHER]
_TITLE_SHOWN = 80


@dataclass(frozen=True)
class RecentErrors:
    """How many error events were recorded lately."""

    events: int


@dataclass(frozen=True)
class NewErrors:
    """The critical and high errors that were seen for the first time, the most urgent first."""

    urgent: list[str]


@dataclass(frozen=True)
class RecurringErrors:
    """The errors that came again on another day, and those of them that nobody tracks."""

    recurring: int
    untracked: list[str]


@observation
def recent_errors(sentry: Sentry, events_at_most: int, window_seconds: int) -> RecentErrors:
    """Count the error events, and make sure that a small number is not one of events that were dropped."""
    _must_have_arrived(sentry)
    events = sentry.events(ERRORS, window_seconds)
    lost = sentry.dropped(math.ceil(window_seconds / 3600)) if events <= events_at_most else {}
    if lost:
        told = ", ".join(f"{count:.0f} {name.replace('_', ' ')}" for name, count in lost.items())
        raise Unknown(f"Sentry counts {events} errors, and dropped others: {told}", "raise the quota, then run again")
    return RecentErrors(events)


@observation
def new_errors(sentry: Sentry, window_seconds: int) -> NewErrors:
    """List the unresolved errors that were first seen in the window, without those of low and medium priority."""
    _must_have_arrived(sentry)
    found = sentry.issues(f"is:unresolved firstSeen:-{window_seconds // 60}m {ERRORS}", window_seconds)
    urgent = [issue for issue in found if issue.level == "fatal" or issue.priority not in _HARMLESS]
    urgent.sort(key=lambda issue: (_ORDER.index(_kind(issue)), issue.level != "fatal"))
    return NewErrors([f"{_kind(issue)}: {_named(issue)}" for issue in urgent])


@observation
def recurring_errors(sentry: Sentry, window_seconds: int, days_apart_at_least: float) -> RecurringErrors:
    """List the unresolved errors that came again long after they were first seen."""
    _must_have_arrived(sentry)
    apart = timedelta(days=days_apart_at_least)
    found = [
        issue
        for issue in sentry.issues(f"is:unresolved {ERRORS}", window_seconds)
        if issue.first_seen and issue.last_seen and issue.last_seen - issue.first_seen >= apart
    ]
    if any(issue.tracked is None for issue in found):
        raise Unknown("Sentry does not say which errors have a tracker's issue", "decide the line by hand: attest it")
    return RecurringErrors(len(found), [_named(issue) for issue in found if not issue.tracked])


def _must_have_arrived(sentry: Sentry) -> None:
    """No error is no news where none could arrive. Raises Unknown."""
    if sentry.project().first_event is None:
        raise Unknown("Sentry's project has never received an event", "is its DSN the one that is deployed?")


def _kind(issue: Issue) -> str:
    text = f"{issue.title} {issue.culprit or ''}"
    found = next((name for name, words in _FIRST.items() if re.search(words, text, re.IGNORECASE)), None)
    return found or (_UNHANDLED if issue.unhandled else _OTHER)


def _named(issue: Issue) -> str:
    return f"{issue.name} {issue.title[:_TITLE_SHOWN]} ({issue.level}, {issue.count} times)"
