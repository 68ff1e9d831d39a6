"""What the service's cache answers by itself."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.observations import known_reading, observation
from readiness.slo.events import Events
from readiness.sources.readings import Readings

CACHE_HITS = known_reading("cache_hits", "how many look-ups the cache has answered in the last minutes")
CACHE_LOOKUPS = known_reading("cache_lookups", "how many look-ups it was asked in those minutes")


@dataclass(frozen=True)
class CacheUse:
    """Look-ups of the last minutes, and those among them that were answered from the cache."""

    lookups: float
    hits: float

    @property
    def counted(self) -> Events:
        """The look-ups, and those of them that were not answered."""
        return Events("look-ups", "the last minutes", self.lookups, self.lookups - self.hits)


@observation(needs=(CACHE_LOOKUPS, CACHE_HITS))
def cache_use(readings: Readings) -> CacheUse:
    """Return how often the cache was asked, and how often it answered."""
    return CacheUse(readings.number(CACHE_LOOKUPS), readings.number(CACHE_HITS))
