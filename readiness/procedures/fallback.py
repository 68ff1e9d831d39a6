"""Fallback: break a dependency, see the fallback serve, mend it, see it serve itself again."""

from __future__ import annotations

import time

from readiness.environment.drills import FallbackDrill
from readiness.outcomes import NotConfigured, Unknown
from readiness.procedures.course import Course

_OK = 200


def run(course: Course) -> None:
    """Break the dependency and mend it. Raises Unknown."""
    settings = course.environment.drills.fallback if course.environment.drills else None
    if settings is None:
        raise NotConfigured("no fallback is named", "set drills.fallback in the environment file")
    with course.step("before", f"{settings.path} is served by the dependency") as step:
        server, told = _asked(course, settings)
        itself = server not in {None, settings.fallback}
        course.note(before=told, before_itself=itself)
        step.saw(told, done=itself)
    if not itself:
        return
    mend = course.at_the_end("mend the dependency", lambda: course.do(settings.mended))
    with course.step("broken", "break the dependency, and see the fallback serve") as step:
        began = time.monotonic()
        course.do(settings.broken)
        seen = course.wait(lambda: _asked(course, settings)[0] == settings.fallback, settings.seconds_at_most)
        step.failed = seen is None
        told = _asked(course, settings)[1]
        course.note(during=told, served_seconds=None if seen is None else time.monotonic() - began)
        step.saw(told, done=seen is not None)
    with course.step("mended", "mend it, and see it serve again") as step:
        began = time.monotonic()
        mend()
        seen = course.wait(lambda: _asked(course, settings)[0] == server, settings.seconds_at_most)
        step.failed = seen is None
        told = _asked(course, settings)[1]
        course.note(after=told, recovered_seconds=None if seen is None else time.monotonic() - began)
        step.saw(told, done=seen is not None)


def _asked(course: Course, settings: FallbackDrill) -> tuple[str | None, str]:
    """Ask once: who served (None where nobody did), and how it reads."""
    try:
        answer = course.clients.http.get(settings.path, token=settings.token)
    except Unknown as unknown:
        return None, unknown.reason
    server = answer.headers.get(settings.header.lower(), "")
    return (server if answer.status == _OK else None), f"status {answer.status}, {settings.header}: {server or 'none'}"
