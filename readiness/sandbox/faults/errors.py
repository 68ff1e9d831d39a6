"""What goes wrong in the project that Sentry watches, and what hides it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.vendors.sentry_records import Seen, ago

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

COUNT, NEW = "errors.count[agency/sentry-count]", "errors.none_new[umbrella/sentry-critical]"
TRACKED = "errors.recurring_tracked[umbrella/weekly-errors]"
RULES = tuple(f"alerts.sentry_rules[agency/sentry-{name}-alert]" for name in ("critical", "performance"))


@fault("postlaunch", turns={COUNT: "fail"})
def sentry_burst(target: SandboxTarget) -> Iterator[None]:
    """One more error than the ten that are allowed was recorded within the hour."""
    sentry = target.watchers.sentry
    before, sentry.errors_lately = sentry.errors_lately, 11
    yield
    sentry.errors_lately = before


@fault("postlaunch", turns={COUNT: "unknown"})
def sentry_quota_spent(target: SandboxTarget) -> Iterator[None]:
    """Few errors are counted, because the others are over the quota and dropped."""
    target.watchers.sentry.dropped["rate_limited"] = 900
    yield
    target.watchers.sentry.dropped.clear()


@fault("postlaunch", turns={NEW: "fail"})
def new_critical_error(target: SandboxTarget) -> Iterator[None]:
    """An error of high priority was seen for the first time two hours ago."""
    issues = target.watchers.sentry.issues
    issues.append(Seen("OperationalError: too many connections", ago(hours=2), ago(minutes=70), priority="high"))
    yield
    issues.pop()


@fault("ga", turns={TRACKED: "fail"})
def recurring_error_untracked(target: SandboxTarget) -> Iterator[None]:
    """An error comes again every day, and has no issue in the tracker."""
    target.watchers.sentry.issues[0].linked = False
    yield
    target.watchers.sentry.issues[0].linked = True


@fault("postlaunch", "ga", turns=turning("unknown", COUNT, NEW, TRACKED))
def sentry_never_heard_of_it(target: SandboxTarget) -> Iterator[None]:
    """The service reports to another project: in this one nothing has ever arrived."""
    target.watchers.sentry.first_event = False
    yield
    target.watchers.sentry.first_event = True


@fault("preflight", "postlaunch", "ga", turns=turning("unknown", COUNT, NEW, TRACKED, *RULES))
def sentry_denied(target: SandboxTarget) -> Iterator[None]:
    """The probe's token was revoked."""
    sentry = target.watchers.sentry
    before, sentry.token = sentry.token, "sntryu_of_somebody_else"
    yield
    sentry.token = before


@fault("preflight", "postlaunch", turns=turning("unknown", COUNT, NEW, *RULES))
def sentry_shows_a_sign_in(target: SandboxTarget) -> Iterator[None]:
    """Sentry answers HTML with status 200."""
    target.watchers.sentry.html = True
    yield
    target.watchers.sentry.html = False
