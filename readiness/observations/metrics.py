"""What the service's exposition page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from readiness.clients.metrics import STALE, Exposition
from readiness.environment.schema import KnownReading
from readiness.observations import known_reading, observation
from readiness.observations.synthetic_upload import UploadTrace
from readiness.outcomes import Unknown
from readiness.sources.readings import Readings

__all__ = ["UploadTrace"]

ANALYTICS_ERROR_RATE = known_reading(
    "analytics_error_rate", "the error rate in the analytics store, over time (columns at, value)"
)
ANALYTICS_P95 = known_reading("analytics_p95", "the p95 in the analytics store, over time (columns at, value)")


@dataclass(frozen=True)
class AnalyticsStore:
    """The newest answers of the analytics store, and how old they are in seconds."""

    error_rate: float
    error_rate_age: float
    p95: float
    p95_age: float


@observation(needs=(ANALYTICS_ERROR_RATE, ANALYTICS_P95))
def analytics_store(readings: Readings) -> AnalyticsStore:
    """Return the newest error rate and p95 of the analytics store, with their ages."""
    error_rate, error_rate_age = _newest(readings, ANALYTICS_ERROR_RATE)
    p95, p95_age = _newest(readings, ANALYTICS_P95)
    return AnalyticsStore(error_rate, error_rate_age, p95, p95_age)


def _newest(readings: Readings, reading: KnownReading) -> tuple[float, float]:
    """Return the newest value of a reading, and its age in seconds. Raises Unknown."""
    rows = readings.rows(reading, "at", "value")
    if not rows:
        raise Unknown(f"readings.{reading.name} answers no row", "does the store take in what the service sends?")

    dated = [(readings.as_past(reading, row["at"], "at"), row["value"]) for row in rows]
    at, value = max(dated, key=lambda pair: pair[0])
    age = datetime.now(UTC) - at
    return readings.as_number(reading, value), round(age.total_seconds(), 1)


@dataclass(frozen=True)
class MetricSamples:
    """The number of samples of each metric, by family and by sample name."""

    counts: dict[str, int]
    stale: dict[str, str]
    """The metrics of which the page gives a sample another time than now, and which."""

    def of(self, metric: str) -> int:
        """Return how many samples of now there are of a metric. Raises Unknown where all that there are are stale."""
        number = self.counts.get(metric, 0)
        if not number and metric in self.stale:
            raise Unknown(f"the metric {metric} {self.stale[metric]}", STALE)
        return number


@observation
def metric_samples(exposition: Exposition) -> MetricSamples:
    """Return the number of samples of each metric, by family and by sample name."""
    counts: dict[str, int] = {}
    stale: dict[str, str] = {}
    for sample in exposition.samples():
        why_stale = exposition.why_stale(sample)
        for name in {sample.name, sample.family}:
            if why_stale:
                stale[name] = why_stale
            else:
                counts[name] = counts.get(name, 0) + 1
    return MetricSamples(counts, stale)
