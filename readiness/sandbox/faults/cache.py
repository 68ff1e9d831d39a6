"""What spoils the cache, or the view of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

WARM = "cache.warm[launch400k/caches-warm]"
HIT_RATIO, IN_USE = "cache.hit_ratio[launch400k/cache-hit]", "cache.hit_ratio[umbrella/key-value-cache]"
HIT_RATIOS = (HIT_RATIO, IN_USE)
MISSED = 20_000.0


@fault("preflight", "postlaunch", turns=turning("fail", WARM, *HIT_RATIOS), retells=True)
def cache_unused(target: SandboxTarget) -> Iterator[None]:
    """Nobody has asked the cache for an hour."""
    target.front.lately["look-up"] = 0.0
    target.monitoring.again()
    yield
    target.front.lately.clear()
    target.monitoring.again()


@fault("preflight", "postlaunch", turns=turning("fail", WARM, HIT_RATIO))
def cache_cold(target: SandboxTarget) -> Iterator[None]:
    """The cache was emptied: most look-ups miss, those of the last minutes are counted at once."""
    usual = target.front.cache_hits
    with target.monitoring.spoiling():
        target.front.cache_hits = 0.1
        target.front.add("cache_requests_total", MISSED, result="miss")
        target.monitoring.settle()
        yield
        target.front.cache_hits = usual


@fault("preflight", "postlaunch", turns=turning("unknown", WARM, *HIT_RATIOS))
def cache_metrics_hidden(target: SandboxTarget) -> Iterator[None]:
    """The cache's counters are no longer emitted; those of the last minutes are still on record."""
    target.front.hidden.add("cache_requests_total")
    target.monitoring.settle()
    yield
    target.front.hidden.discard("cache_requests_total")
    target.monitoring.settle()
