"""Shifts on call within a window of time: which part of it each covers, and when nobody is there."""

from __future__ import annotations

from datetime import datetime

from readiness.clients.pagerduty import OnCall

Span = tuple[datetime, datetime]


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
    spans = [span_within(window, on_call) for on_call in on_calls]
    return [(start, stop) for start, stop in spans if start < stop]


def span_within(window: Span, on_call: OnCall) -> Span:
    """Return the part of the window that somebody is on call; without a start or an end it is for good."""
    begin, end = window
    return max(on_call.start or begin, begin), min(on_call.end or end, end)


def span_text(begin: datetime, end: datetime) -> str:
    """Return a span as people read it."""
    return f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}Z"
