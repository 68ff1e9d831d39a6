"""Circuit breaker: break what it guards, see it open, mend that, see it close."""

from __future__ import annotations

import time

from readiness.environment.drills import CircuitBreakerDrill
from readiness.observations.resilience import CIRCUIT_BREAKERS, state_of
from readiness.outcomes import NotConfigured, Unknown
from readiness.procedures.course import Course
from readiness.procedures.uploads import Uploads


def run(course: Course) -> None:
    """Break the dependency and mend it. Raises Unknown."""
    settings = course.environment.drills.circuit_breaker if course.environment.drills else None
    if settings is None:
        raise NotConfigured("no circuit breaker is named", "set drills.circuit_breaker in the environment file")

    uploads = None if settings.driven else Uploads.of(course)
    if uploads:
        course.at_the_end("delete the uploads of this drill", uploads.delete)

    with course.step("before", f"the breaker {settings.breaker} is closed") as step:
        before = _state(course, settings)
        course.note(breaker=settings.breaker, before=before)
        step.saw(before, done=before == "closed")
    if before != "closed":
        return

    mend = course.at_the_end("mend the dependency", lambda: course.do(settings.mended))
    with course.step("broken", "break the dependency, use it, and see the breaker open") as step:
        began = time.monotonic()
        course.do(settings.broken)
        opened = _becomes(course, settings, uploads, "open")
        step.failed = not opened
        course.note(opened_seconds=time.monotonic() - began if opened else None)
        step.saw(_state(course, settings), done=opened)

    with course.step("mended", "mend it, use it, and see the breaker close") as step:
        began = time.monotonic()
        mend()
        closed = _becomes(course, settings, uploads, "closed")
        step.failed = not closed
        course.note(closed_seconds=time.monotonic() - began if closed else None)
        step.saw(_state(course, settings), done=closed)


def _state(course: Course, settings: CircuitBreakerDrill) -> str:
    """Return the state of the breaker, from the reading. Raises Unknown."""
    rows = course.clients.readings.rows(CIRCUIT_BREAKERS, "name", "state")
    states = [state_of(row["state"]) for row in rows if row["name"] == settings.breaker]
    if not states:
        names = ", ".join(sorted(str(row["name"]) for row in rows)) or "none"
        raise Unknown(
            f"no breaker is called {settings.breaker}; known: {names}", "correct drills.circuit_breaker.breaker"
        )
    return states[0]


def _becomes(course: Course, settings: CircuitBreakerDrill, uploads: Uploads | None, state: str) -> bool:
    """Use the dependency until the breaker is in a state; return whether it came in time."""
    seconds = course.wait(lambda: _reached(course, settings, uploads, state), settings.seconds_at_most)
    return seconds is not None


def _reached(course: Course, settings: CircuitBreakerDrill, uploads: Uploads | None, state: str) -> bool:
    """Use the dependency once, and check whether the breaker is in a state."""
    try:
        if uploads:
            uploads.send()
        elif settings.driven:
            course.do(settings.driven)
    except Unknown:  # that it fails is what is wanted
        pass
    return _state(course, settings) == state
