"""The hours that a line asks about, and the shifts on call in them: what each covers, and when nobody is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from readiness.clients.pagerduty import OnCall
from readiness.observations.needs import need, stated

Span = tuple[datetime, datetime]
When = Literal["launch", "now"]
"""Whom a line asks after: whoever has the launch, or whoever is on call now; the launch too while that is ahead."""


@need("launch_at, unless the line asks who is on call now")
def launch_asked_after(launch_at: datetime | None, window: When) -> None:
    """Make sure that the launch time is there where a line asks who has the launch. Raises NotConfigured."""
    if window == "launch":
        stated(launch_at)


@dataclass(frozen=True)
class OnCallLimits:
    """The hours through which somebody must be on call: those around the launch, or those from now on."""

    hours_before: float
    hours_after: float
    window: When

    def span(self, launch_at: datetime | None, moment: datetime) -> Span:
        """Return when these hours begin and end. Raises NotConfigured for a launch that nobody has dated."""
        before, after = timedelta(hours=self.hours_before), timedelta(hours=self.hours_after)
        if self.window == "launch":
            launch = stated(launch_at)
            return launch - before, launch + after

        # While the launch is ahead its hours are meant; who was on call in those that are over answers no call.
        begin = moment if launch_at is None else max(moment, launch_at - before)
        end = (moment if launch_at is None else max(moment, launch_at)) + after
        return begin, end


@dataclass(frozen=True)
class PrimaryOnCallLimits(OnCallLimits):
    """The hours, and the roles that somebody must stand in for."""

    backed_up: tuple[str, ...]


def gaps_in(window: Span, held: list[OnCall]) -> list[str]:
    """Return the parts of the window in which nobody is on call."""
    covered_until, end = window
    gaps: list[str] = []
    for start, stop in sorted(_spans(held, window)):
        if start > covered_until:
            gaps.append(span_text(covered_until, start))
        covered_until = max(covered_until, stop)
    if covered_until < end:
        gaps.append(span_text(covered_until, end))
    return gaps


def _spans(on_calls: list[OnCall], window: Span) -> list[Span]:
    return [span_within(window, on_call) for on_call in on_calls if reaches_into(window, on_call)]


def reaches_into(window: Span, on_call: OnCall) -> bool:
    """Check whether somebody is on call in any part of the window."""
    start, stop = span_within(window, on_call)
    return start < stop


def span_within(window: Span, on_call: OnCall) -> Span:
    """Return the part of the window that somebody is on call; without a start or an end it is for good."""
    begin, end = window
    return max(on_call.start or begin, begin), min(on_call.end or end, end)


def span_text(begin: datetime, end: datetime) -> str:
    """Return a span as people read it."""
    return f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}Z"
