"""How good the service was over a window of time: its errors, its latency, its traffic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import AfterValidator

from readiness.environment.service_levels import Window
from readiness.observations import observation
from readiness.observations.needs import figures
from readiness.outcomes import NotConfigured, Unknown
from readiness.slo.events import Compared, Events, Slowness, Usual
from readiness.sources.levels import Levels
from readiness.timeline import parse_span

__all__ = ["Availability", "Compared", "Events", "Slowness", "Span", "Usual", "WeekByWeek"]

HOUR, DAY, WEEK = "1h", "1d", "7d"
BASELINE = Window(WEEK, HOUR)
"""The week before the last hour."""
P95 = 0.95


def _span(text: str) -> str:
    parse_span(text)
    return text


Span = Annotated[str, AfterValidator(_span)]
"""A window of time in a runbook: 30m, 24h, 7d."""


def events_of(levels: Levels, of: str, window: Window, part: str = "failed") -> Events:
    """Count the events of a window, and those of them that are judged. Raises Unknown."""
    count = levels.figure(of, "count", window)
    part_of_it = levels.figure(of, part, window)
    return Events(levels.called(of), str(window), count, part_of_it, unseen=levels.unseen(of, window))


def usual_of(levels: Levels, of: str) -> Usual:
    """Count the last hour's events, and those of the same hour a day and a week ago. Raises Unknown."""
    now = levels.occurrences(of, Window(HOUR))
    return Usual(of, now, (_earlier(levels, of, DAY), _earlier(levels, of, WEEK)))


def _earlier(levels: Levels, of: str, ago: str) -> float | None:
    try:
        return levels.occurrences(of, Window(HOUR, ago))
    except NotConfigured:
        raise
    except Unknown:  # a service that is younger than this has no such hour
        return None


@observation(needs=figures("count", "failed"))
def counted_events(levels: Levels, of: str, window: str) -> Events:
    """Count the events of a window and of the last hour, and those of them that failed."""
    found = events_of(levels, of, Window(window))
    hour = found if window == HOUR else events_of(levels, of, Window(HOUR))
    return replace(found, window=window, hour_count=hour.count, hour_part=hour.part + hour.unseen)


@dataclass(frozen=True)
class Availability:
    """The share of a window in which the service was there; what nobody saw is not in it."""

    events: Events
    available: float

    def share(self, wanted: float) -> float:
        """Return the share, where there was traffic enough to tell. Raises Unknown."""
        self.events.share(round(1 - wanted, 9))
        return self.available


@observation(needs=figures("count", "available"))
def availability(levels: Levels, of: str, window: str) -> Availability:
    """Fetch the share of a window in which the service was there, and the events that it could tell by."""
    asked = Window(window)
    count, unseen = levels.figure(of, "count", asked), levels.unseen(of, asked)
    share = levels.figure(of, "available", asked)
    if share > 1:
        raise Unknown(f"the availability of {of} is {share:g}, more than all", "give it as a share, 0 to 1")
    gone = max(0.0, count * (1 - share) - unseen)
    return Availability(Events(levels.called(of), window, count, gone, unseen=unseen), share)


@observation(needs=figures("count", "latency"))
def p95(levels: Levels, of: str, window: str) -> Slowness:
    """Fetch the seconds that 95 % of a window's events took at most."""
    return _slowness(levels, of, Window(window, quantile=P95))


@observation(needs=figures("count", "latency"))
def latency(levels: Levels, of: str, window: str, quantile: float) -> Slowness:
    """Fetch the seconds that so large a share of a window's events took at most."""
    return _slowness(levels, of, Window(window, quantile=quantile))


def _slowness(levels: Levels, of: str, window: Window) -> Slowness:
    count = levels.figure(of, "count", window)
    if not count:
        raise Unknown(f"there were no {of} in {window}", "is there traffic, and does its counter move?")
    found = levels.quantile(of, window)
    return Slowness(levels.called(of), str(window), count, found.seconds, window.quantile, found.at_least)


@observation(needs=figures("count", "seconds"))
def mean_latency(levels: Levels, of: str, window: str) -> Slowness:
    """Fetch the seconds that a window's events took on average."""
    asked = Window(window)
    count = levels.figure(of, "count", asked)
    if not count:
        raise Unknown(f"there were no {of} in {window}", "is there traffic, and does its counter move?")
    return Slowness(of, window, count, levels.figure(of, "seconds", asked) / count)


@observation(needs=figures("count"))
def openings_in_window(levels: Levels, of: str, window: str) -> float:
    """Count how often a circuit breaker has opened."""
    return levels.occurrences(of, Window(window))


@observation(needs=figures("count", "failed"))
def failures_against_baseline(levels: Levels, of: str) -> Compared:
    """Compare the last hour's failures with the week before it."""
    return Compared(events_of(levels, of, Window(HOUR)), events_of(levels, of, BASELINE))


@observation(needs=figures("count", "throttled"))
def throttling_against_baseline(levels: Levels, of: str) -> Compared:
    """Compare the share of the last hour that was turned away as too many with the week before it."""
    return Compared(events_of(levels, of, Window(HOUR), "throttled"), events_of(levels, of, BASELINE, "throttled"))


@observation(needs=figures("count", "failed"))
def endpoint_against_day_before(levels: Levels, of: str, path: str) -> Compared:
    """Compare the last hour's failures at one path with the day before it."""
    now, before = Window(HOUR, path=path), Window(DAY, HOUR, path=path)
    return Compared(events_of(levels, of, now), events_of(levels, of, before))


@observation(needs=figures("count"))
def usual_traffic(levels: Levels, of: str) -> Usual:
    """Count the last hour's events, and those of the same hour a day and a week ago."""
    return usual_of(levels, of)


@dataclass(frozen=True)
class WeekByWeek:
    """The week's latency and failures, and those of the week before."""

    p95: Slowness
    p95_before: Slowness
    failures: Compared

    def p95_times(self, at_most: float) -> float:
        """Return how many times last week's p95, where that is known to be more than allowed or not. Raises Unknown."""
        return self.p95.times(self.p95_before, at_most)


@observation(needs=figures("count", "failed", "latency"))
def week_by_week(levels: Levels, of: str) -> WeekByWeek:
    """Compare this week with the last."""
    this, last = Window(WEEK), Window(WEEK, WEEK)
    return WeekByWeek(
        _slowness(levels, of, Window(WEEK, quantile=P95)),
        _slowness(levels, of, Window(WEEK, WEEK, quantile=P95)),
        Compared(events_of(levels, of, this), events_of(levels, of, last)),
    )
