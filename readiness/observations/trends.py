"""The trend of a service level: the same figures for each day of a window, for the charts of the sign-off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from readiness.environment.service_levels import Window
from readiness.observations import observation
from readiness.outcomes import NotConfigured, Unknown
from readiness.sources.levels import Levels
from readiness.timeline import parse_span

DAY = timedelta(days=1)
P99 = 0.99
MOST_DAYS = 31


@dataclass(frozen=True)
class DailyLevel:
    """24 hours. A figure that the level does not have, or that could not be seen, is None; `unknown` says why."""

    ends_on: date
    """The day on which the 24 hours end: the last is today's."""
    count: float | None
    failed: float | None
    p99_seconds: float | None
    available: float | None
    unknown: list[str]


@observation(needs=())
def daily_levels(levels: Levels, of: str, window: str) -> list[DailyLevel]:
    """Return the figures of each 24 hours of a window, the oldest first; the last ends now, as the window does."""
    days = min(MOST_DAYS, max(1, round(parse_span(window) / DAY)))
    return [_level(levels, of, days_ago) for days_ago in reversed(range(days))]


def _level(levels: Levels, of: str, days_ago: int) -> DailyLevel:
    unknown: list[str] = []
    offset = f"{days_ago}d" if days_ago else "0s"
    day = Window("1d", offset)

    def figure(name: str, fetch: Callable[[], float]) -> float | None:
        try:
            return fetch()
        except NotConfigured:
            return None
        except Unknown as why:
            unknown.append(f"{name}: {why.reason}")
            return None

    return DailyLevel(
        ends_on=(datetime.now(UTC) - days_ago * DAY).date(),
        count=figure("count", lambda: levels.figure(of, "count", day)),
        failed=figure("failed", lambda: levels.figure(of, "failed", day)),
        p99_seconds=figure("p99", lambda: levels.quantile(of, Window("1d", offset, P99)).answered),
        available=figure("available", lambda: levels.figure(of, "available", day)),
        unknown=unknown,
    )
