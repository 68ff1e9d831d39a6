"""What stops the analytics store from telling what is now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

FRESH = "metrics.analytics_fresh[agency/analytics-fresh]"


@fault("preflight", "postlaunch", turns={FRESH: "fail"})
def analytics_stale(target: SandboxTarget) -> Iterator[None]:
    """The store has taken in nothing for twenty minutes."""
    target.watchers.tinybird.newest_age = 1_200
    yield
    target.watchers.tinybird.newest_age = 0


@fault("preflight", turns={FRESH: "unknown"})
def analytics_denied(target: SandboxTarget) -> Iterator[None]:
    """The probe's token lost its scope on the pipes."""
    tinybird = target.watchers.tinybird
    before, tinybird.token = tinybird.token, "p.of-somebody-else"
    yield
    tinybird.token = before


@fault("postlaunch", turns={FRESH: "unknown"})
def analytics_empty(target: SandboxTarget) -> Iterator[None]:
    """The pipes answer no row."""
    target.watchers.tinybird.empty = True
    yield
    target.watchers.tinybird.empty = False
