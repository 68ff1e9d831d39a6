"""What Sentry has collected: how many errors, which are new, and which come again."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta

from readiness.clients.sentry import Issue, Sentry
from readiness.observations import observation
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.runbook.limits import WholeReach

__all__ = ["WholeReach"]

ERRORS = "level:[error,fatal]"
_HARMLESS = {"low", "medium"}
_FIRST = {
    "database": r"sql|psycopg|database|postgres|prisma|operationalerror|integrityerror|deadlock|connection pool|\bd1\b",
    "authentication": r"auth|log.?in|sign.?in|session|\bjwt|credential|permission",
    "5xx": r"\b5[0-9][0-9]\b|internal server error|bad gateway|unavailable",
}
"""What the runbook wants to be told of first."""
_UNHANDLED = "unhandled"
_OTHER = "other"
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
    """Return how many error events there were. Raises Unknown where a small number may be one of dropped events."""
    _require_events(sentry)
    events = sentry.events(ERRORS, window_seconds)
    # Too many are too many, whatever was dropped.
    if events > events_at_most:
        return RecentErrors(events)

    dropped = sentry.dropped(math.ceil(window_seconds / 3600))
    if dropped:
        counts = ", ".join(f"{count:.0f} {outcome.replace('_', ' ')}" for outcome, count in dropped.items())
        raise Unknown(f"Sentry counts {events} errors, and dropped others: {counts}", "raise the quota, then run again")
    return RecentErrors(events)


@observation
def new_errors(sentry: Sentry, window_seconds: int) -> NewErrors:
    """Return the unresolved errors that were first seen in the window, without those of low and medium priority."""
    _require_events(sentry)
    issues = sentry.issues(f"is:unresolved firstSeen:-{window_seconds // 60}m {ERRORS}", window_seconds)
    # An issue without a priority, as of an older server, may be urgent.
    urgent = [issue for issue in issues if issue.level == "fatal" or issue.priority not in _HARMLESS]
    urgent.sort(key=lambda issue: (_ORDER.index(_category(issue)), issue.level != "fatal"))
    return NewErrors([f"{_category(issue)}: {_name(issue)}" for issue in urgent])


@observation
def recurring_errors(sentry: Sentry, window_seconds: int, days_apart: float) -> RecurringErrors:
    """Return the unresolved errors that came again long after they were first seen."""
    _require_events(sentry)
    apart = timedelta(days=days_apart)
    issues = sentry.issues(f"is:unresolved {ERRORS}", window_seconds)
    recurring = [issue for issue in issues if _recurs(issue, apart)]

    if any(issue.tracked is None for issue in recurring):
        raise Unknown("Sentry does not say which errors have a tracker's issue", "decide the line by hand: attest it")
    return RecurringErrors(len(recurring), [_name(issue) for issue in recurring if not issue.tracked])


def _recurs(issue: Issue, apart: timedelta) -> bool:
    if issue.first_seen is None or issue.last_seen is None:
        return False
    return issue.last_seen - issue.first_seen >= apart


def _require_events(sentry: Sentry) -> None:
    """Raise Unknown where no event has ever arrived: no error is no news where none could."""
    if sentry.project().first_event is None:
        raise Unknown("Sentry's project has never received an event", "is its DSN the one that is deployed?")


def _category(issue: Issue) -> str:
    """Return the first category of `_ORDER` that an issue is of, by its title and the place it came from."""
    text = f"{issue.title} {issue.culprit or ''}"
    for category, pattern in _FIRST.items():
        if re.search(pattern, text, re.IGNORECASE):
            return category
    return _UNHANDLED if issue.unhandled else _OTHER


def _name(issue: Issue) -> str:
    return f"{issue.name} {shown(issue.title, _TITLE_SHOWN)} ({issue.level}, {issue.count} times)"
