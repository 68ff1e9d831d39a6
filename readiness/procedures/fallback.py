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
        server, answer = _ask(course, settings)
        serves_itself = server not in {None, settings.fallback}
        course.note(before=answer, before_itself=serves_itself)
        step.saw(answer, done=serves_itself)
    if not serves_itself:
        return

    mend = course.at_the_end("mend the dependency", lambda: course.do(settings.mended))
    with course.step("broken", "break the dependency, and see the fallback serve") as step:
        began = time.monotonic()
        course.do(settings.broken)
        served = _is_served_by(settings.fallback, course, settings)
        step.failed = not served
        _, answer = _ask(course, settings)
        course.note(during=answer, served_seconds=time.monotonic() - began if served else None)
        step.saw(answer, done=served)

    with course.step("mended", "mend it, and see it serve again") as step:
        began = time.monotonic()
        mend()
        recovered = _is_served_by(server, course, settings)
        step.failed = not recovered
        _, answer = _ask(course, settings)
        course.note(after=answer, recovered_seconds=time.monotonic() - began if recovered else None)
        step.saw(answer, done=recovered)


def _is_served_by(server: str | None, course: Course, settings: FallbackDrill) -> bool:
    """Ask until a server answers; return whether it did in time."""
    seconds = course.wait(lambda: _ask(course, settings)[0] == server, settings.seconds_at_most)
    return seconds is not None


def _ask(course: Course, settings: FallbackDrill) -> tuple[str | None, str]:
    """Ask once; return who served (None where nobody did), and the answer for a person."""
    try:
        answer = course.clients.http.get(settings.path, token=settings.token)
    except Unknown as unknown:
        return None, unknown.reason

    server = answer.headers.get(settings.header.lower(), "")
    summary = f"status {answer.status}, {settings.header}: {server or 'none'}"
    if answer.status != _OK:
        return None, summary
    return server, summary
