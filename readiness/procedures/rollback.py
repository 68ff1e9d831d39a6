"""Rollback: from the order to the version before being served and healthy, and forward again."""

from __future__ import annotations

import time

from readiness.environment.drills import RollbackDrill
from readiness.outcomes import NotConfigured, Unknown
from readiness.procedures.course import Course, served

IN_A_ROW = 3
"""So many answers on end must come from the wanted version: while machines change over, both answer."""
_OK = 200


def run(course: Course) -> None:
    """Go back and forward. Raises Unknown."""
    settings = course.environment.drills.rollback if course.environment.drills else None
    if settings is None:
        raise NotConfigured("no way back is named", "set drills.rollback in the environment file")

    back, forward = settings.ways()
    with course.step("before", "which version is served") as step:
        before = served(course.environment, course.clients)
        course.note(before=before, wanted=settings.to)
        step.saw(before)
    if before == settings.to:
        return

    forward_now = course.at_the_end(f"go forward to {before}", lambda: course.do(forward))
    with course.step("back", f"go back to {settings.to}") as step:
        began = time.monotonic()
        course.do(back)
        seconds = _seconds_until_served(course, settings, settings.to, began)
        step.failed = seconds is None
        course.note(seconds=seconds, served=_served(course), healthy=_is_healthy(course, settings))
        step.saw(_what_is_served(course), done=seconds is not None)

    with course.step("forward", f"go forward to {before}") as step:
        began = time.monotonic()
        forward_now()
        seconds = _seconds_until_served(course, settings, before, began)
        step.failed = seconds is None
        course.note(forward_seconds=seconds)
        step.saw(_what_is_served(course), done=seconds is not None)


def _seconds_until_served(course: Course, settings: RollbackDrill, wanted: str, began: float) -> float | None:
    """Wait until the wanted version is served and healthy; return the seconds since the order, None if it never was."""
    in_a_row = 0

    def is_there() -> bool:
        nonlocal in_a_row
        is_good = _served(course) == wanted and _is_healthy(course, settings)
        in_a_row = in_a_row + 1 if is_good else 0
        return in_a_row >= IN_A_ROW

    seconds_left = settings.minutes_at_most * 60 - (time.monotonic() - began)
    waited = course.wait(is_there, max(0.0, seconds_left))
    if waited is None:
        return None
    return time.monotonic() - began


def _served(course: Course) -> str:
    """Return the revision that is served, the empty string where nobody says."""
    try:
        return served(course.environment, course.clients)
    except Unknown:  # it restarts
        return ""


def _what_is_served(course: Course) -> str:
    revision = _served(course)
    return f"{revision} is served" if revision else "it does not say which version it serves"


def _is_healthy(course: Course, settings: RollbackDrill) -> bool:
    try:
        return course.clients.http.get(settings.healthy).status == _OK
    except Unknown:
        return False
