"""What the service's exposition page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from readiness.clients.metrics import Exposition
from readiness.environment.schema import KnownReading
from readiness.measurements import Plain
from readiness.observations import known_reading, observation
from readiness.observations.synthetic_upload import UploadTrace
from readiness.outcomes import Unknown
from readiness.sources.readings import Readings
from readiness.timeline import parse_instant

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
    """Ask the analytics store for its error rate and its p95."""
    return AnalyticsStore(*_newest(readings, ANALYTICS_ERROR_RATE), *_newest(readings, ANALYTICS_P95))


def _newest(readings: Readings, known: KnownReading) -> tuple[float, float]:
    """Give the newest value and its age."""
    rows = readings.rows(known, "at", "value")
    if not rows:
        raise Unknown(f"readings.{known.name} answers no row", "does the store take in what the service sends?")
    at, value = max(((_instant(known, row["at"]), row["value"]) for row in rows), key=lambda found: found[0])
    return readings.as_number(known, value), round((datetime.now(UTC) - at).total_seconds(), 1)


def _instant(known: KnownReading, value: Plain) -> datetime:
    """Read a time: ISO with its zone, or seconds since 1970."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        return parse_instant(str(value))
    except (ValueError, OverflowError, OSError) as error:
        raise Unknown(
            f"a time of readings.{known.name} cannot be read: {error}",
            "answer `at` with its zone, or toUnixTimestamp(at)",
        ) from None


@observation
def metric_samples(exposition: Exposition) -> dict[str, int]:
    """Count the samples of each metric, by family and by sample name."""
    counts: dict[str, int] = {}
    for sample in exposition.samples():
        for name in {sample.name, sample.family, f"{sample.family}_total"}:
            counts[name] = counts.get(name, 0) + 1
    return counts
