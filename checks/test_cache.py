"""The cache is used, and answers most of what it is asked."""

import pytest

from readiness import Limits, Measure, Share
from readiness.observations.cache import CacheUse


class HitRatio(Limits):
    lookups_at_least: int
    share_at_least: Share | None = None


class Warm(Limits):
    lookups_at_least: int
    share_at_least: Share


@pytest.mark.postlaunch
def test_hit_ratio(cache_use: CacheUse, limits: HitRatio, measure: Measure) -> None:
    """The cache is in use, and answers as many look-ups as the line says.

    Remedy: look at what is not found: has a deployment changed the keys, does the cache evict, are lifetimes short?
    """
    measure(cache_use.lookups, "look-ups in the last minutes", "look-ups").at_least(limits.lookups_at_least)

    if limits.share_at_least is not None:
        answered = cache_use.counted.rest(limits.share_at_least)
        measure(answered, f"share answered of {cache_use.counted}").at_least(limits.share_at_least)


@pytest.mark.preflight
def test_warm(cache_use: CacheUse, limits: Warm, measure: Measure) -> None:
    """The cache is warm: enough look-ups, and most of them answered.

    Remedy: send the launch's first pages through once, then look again.
    """
    measure(cache_use.lookups, "look-ups in the last minutes", "look-ups").at_least(limits.lookups_at_least)

    answered = cache_use.counted.rest(limits.share_at_least)
    measure(answered, f"share answered of {cache_use.counted}").at_least(limits.share_at_least)
