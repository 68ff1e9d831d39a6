"""How good the service was over a window of time: its errors, its latency, its traffic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator

from readiness.environment.service_levels import Window
from readiness.measurements import AtLeast
from readiness.observations import observation
from readiness.observations.needs import Since, figures, launch_meant, stated
from readiness.outcomes import NotConfigured, Unknown
from readiness.runbook.limits import Quantile
from readiness.slo.events import Compared, Events, Slowness, Usual
from readiness.slo.since_launch import LaunchWindow, decided_so_far
from readiness.sources.levels import Levels
from readiness.timeline import parse_span

__all__ = [
    "Availability",
    "Compared",
    "Events",
    "Openings",
    "Quantile",
    "Since",
    "Slowness",
    "Span",
    "Usual",
    "WeekByWeek",
]

HOUR = "1h"
DAY = "1d"
WEEK = "7d"
BASELINE = Window(WEEK, HOUR)
"""The week before the last hour."""
P95 = 0.95


def _span(text: str) -> str:
    if not parse_span(text):
        raise ValueError(f"{text!r} is no time at all: nothing happens in it; state the time that is meant")
    return text


Span = Annotated[str, AfterValidator(_span)]
"""A window of time in a runbook: 30m, 24h, 7d. In one without length nothing happens, whatever is wrong."""


@dataclass(frozen=True)
class WindowLimits:
    """What a line asks about: a service level, over a window, and whether that counts from the launch."""

    of: str
    window: str
    since: Since | None

    def since_launch(self, launch_at: datetime | None, moment: datetime) -> LaunchWindow | None:
        """Return the window as it lies after the launch; None where the line does not count from that."""
        return launch_window(self.window, self.since, launch_at, moment)


@dataclass(frozen=True)
class QuantileLimits(WindowLimits):
    """The same, and the share of the events that is asked about."""

    quantile: float


def launch_window(
    window: str, since: Since | None, launch_at: datetime | None, moment: datetime
) -> LaunchWindow | None:
    """Return a window as it lies after the launch; None where it does not count from that. Raises NotConfigured."""
    if since is None:
        return None
    return LaunchWindow(window, stated(launch_at), moment, datetime.now(UTC))


def events_of(levels: Levels, of: str, window: Window, part: str = "failed") -> Events:
    """Return the events of a window, and those of them that are judged (`part`, a figure's name). Raises Unknown."""
    count = levels.figure(of, "count", window)
    judged = levels.figure(of, part, window)
    unseen = levels.unseen(of, window)
    are_looks = levels.is_of_looks(of)
    return Events(levels.called(of), str(window), count, judged, unseen=unseen, are_looks=are_looks)


def usual_of(levels: Levels, of: str) -> Usual:
    """Return how many events the last hour had, and the same hour a day and a week ago. Raises Unknown."""
    now = levels.occurrences(of, Window(HOUR))
    return Usual(of, now, (_earlier(levels, of, DAY), _earlier(levels, of, WEEK)))


def _earlier(levels: Levels, of: str, ago: str) -> float | None:
    try:
        return levels.occurrences(of, Window(HOUR, ago))
    except NotConfigured:
        raise
    except Unknown:  # a service that is younger than this has no such hour
        return None


@observation(needs=(figures("count", "failed"), launch_meant))
def counted_events(levels: Levels, moment: datetime, launch_at: datetime | None, limits: WindowLimits) -> Events:
    """Return the events of a window and of the last hour, and those of them that failed."""
    _require_whole(limits, launch_at, moment)
    of, window = limits.of, limits.window
    events = events_of(levels, of, Window(window))
    hour = events if window == HOUR else events_of(levels, of, Window(HOUR))
    # What nobody saw the end of may have failed.
    return replace(events, window=window, hour_count=hour.count, hour_part=hour.part + hour.unseen)


def _require_whole(limits: WindowLimits, launch_at: datetime | None, moment: datetime) -> None:
    """Raise Unknown where a line speaks of a time since the launch that is not over: the share may still change."""
    window = limits.since_launch(launch_at, moment)
    if window:
        window.require_whole()


@dataclass(frozen=True)
class Availability:
    """The share of a window in which the service was there; what nobody saw is not in it."""

    events: Events
    available: float

    def share(self, wanted: float) -> float:
        """Return the share, where there was traffic enough to tell. Raises Unknown."""
        self.events.share(round(1 - wanted, 9))
        return self.available


@observation(needs=(figures("count", "available"), launch_meant))
def availability(levels: Levels, moment: datetime, launch_at: datetime | None, limits: WindowLimits) -> Availability:
    """Return the share of a window in which the service was there, and the events that it was seen by."""
    _require_whole(limits, launch_at, moment)
    of, window = limits.of, limits.window
    span = Window(window)
    count = levels.figure(of, "count", span)
    unseen = levels.unseen(of, span)
    available = levels.figure(of, "available", span)
    if available > 1:
        raise Unknown(f"the availability of {of} is {available:g}, more than all", "give it as a share, 0 to 1")

    # What nobody saw is not available, and is counted by itself.
    failed = max(0.0, count * (1 - available) - unseen)
    are_looks = levels.is_of_looks(of)
    events = Events(levels.called(of), window, count, failed, unseen=unseen, are_looks=are_looks)
    return Availability(events, available)


@observation(needs=figures("count", "latency"))
def p95(levels: Levels, of: str, window: str) -> Slowness:
    """Return the seconds that 95 % of a window's events took at most."""
    return _slowness(levels, of, Window(window, quantile=P95))


@observation(needs=(figures("count", "latency"), launch_meant))
def latency(levels: Levels, moment: datetime, launch_at: datetime | None, limits: QuantileLimits) -> Slowness:
    """Return the seconds that a share of a window's events, the quantile, took at most."""
    _require_whole(limits, launch_at, moment)
    return _slowness(levels, limits.of, Window(limits.window, quantile=limits.quantile))


def _slowness(levels: Levels, of: str, window: Window) -> Slowness:
    count = levels.figure(of, "count", window)
    if not count:
        raise Unknown(f"there were no {of} in {window}", "is there traffic, and does its counter move?")
    quantile = levels.quantile(of, window)
    return Slowness(
        levels.called(of),
        str(window),
        count,
        quantile.seconds,
        window.quantile,
        quantile.at_least,
        quantile.refused,
        quantile.at_most,
        quantile.without_time,
        levels.is_of_looks(of),
    )


@observation(needs=figures("count", "seconds"))
def mean_latency(levels: Levels, of: str, window: str) -> Slowness:
    """Return the seconds that a window's events took on average."""
    span = Window(window)
    count = levels.figure(of, "count", span)
    if not count:
        raise Unknown(f"there were no {of} in {window}", "is there traffic, and does its counter move?")
    return Slowness(of, window, count, levels.figure(of, "seconds", span) / count)


@dataclass(frozen=True)
class Openings:
    """How often a circuit breaker has opened in a window."""

    count: float
    unfinished: str = ""
    """Why the window is not over; empty where it is."""

    def against(self, at_most: float) -> float:
        """Return how often, where that decides. Raises Unknown for few in a window that is not over."""
        return decided_so_far(self.count, self.unfinished, is_broken=self.count > at_most)


@observation(needs=(figures("count"), launch_meant))
def openings_in_window(levels: Levels, moment: datetime, launch_at: datetime | None, limits: WindowLimits) -> Openings:
    """Return how often a circuit breaker has opened in a window."""
    return Openings(*occurrences_in(levels, limits, launch_at, moment))


def occurrences_in(
    levels: Levels, limits: WindowLimits, launch_at: datetime | None, moment: datetime
) -> tuple[float, str]:
    """Return how many events there were in a window, or in what has been of it, and why it is not over. Raises Unknown.

    What has been is enough where already more has happened than the whole window allows.
    """
    window = limits.since_launch(launch_at, moment)
    if window is None:
        return levels.occurrences(limits.of, Window(limits.window)), ""
    window.require_begun()
    return levels.occurrences(limits.of, Window(window.seen, window.seen_ended)), window.unfinished


@observation(needs=figures("count", "failed"))
def failures_against_baseline(levels: Levels, of: str) -> Compared:
    """Return the last hour's failures beside those of the week before it."""
    return Compared(events_of(levels, of, Window(HOUR)), events_of(levels, of, BASELINE))


@observation(needs=figures("count", "throttled"))
def throttling_against_baseline(levels: Levels, of: str) -> Compared:
    """Return what was turned away as too many in the last hour, beside the week before it."""
    return Compared(events_of(levels, of, Window(HOUR), "throttled"), events_of(levels, of, BASELINE, "throttled"))


@observation(needs=figures("count", "failed"))
def endpoint_against_day_before(levels: Levels, of: str, path: str) -> Compared:
    """Return the last hour's failures at one path, beside those of the day before it."""
    last_hour = Window(HOUR, path=path)
    day_before = Window(DAY, HOUR, path=path)
    return Compared(events_of(levels, of, last_hour), events_of(levels, of, day_before))


@observation(needs=figures("count"))
def usual_traffic(levels: Levels, of: str) -> Usual:
    """Return how many events the last hour had, and the same hour a day and a week ago."""
    return usual_of(levels, of)


@dataclass(frozen=True)
class WeekByWeek:
    """The week's latency and failures, and those of the week before."""

    p95: Slowness
    p95_before: Slowness
    failures: Compared

    def p95_times(self, at_most: float) -> float | AtLeast:
        """Return how many times last week's p95, where that is known to be more than allowed or not. Raises Unknown."""
        return self.p95.times(self.p95_before, at_most)


@observation(needs=figures("count", "failed", "latency"))
def week_by_week(levels: Levels, of: str) -> WeekByWeek:
    """Return the latency and the failures of this week, beside those of the last."""
    this_week = Window(WEEK)
    last_week = Window(WEEK, WEEK)
    return WeekByWeek(
        p95=_slowness(levels, of, replace(this_week, quantile=P95)),
        p95_before=_slowness(levels, of, replace(last_week, quantile=P95)),
        failures=Compared(events_of(levels, of, this_week), events_of(levels, of, last_week)),
    )
