"""Kill switch: off, a new upload is refused and those in flight complete; on, one is accepted. It always ends on."""

from __future__ import annotations

import time

from readiness.environment.drills import KillSwitchDrill
from readiness.outcomes import NotConfigured
from readiness.procedures.course import Course
from readiness.procedures.uploads import ENDED, Uploads, good, told
from readiness.transport.http import Answer

COMPLETED = "completed"
BETWEEN_SECONDS = 0.5


def run(course: Course) -> None:
    """Turn it off and on again. Raises Unknown."""
    settings = course.environment.drills.kill_switch if course.environment.drills else None
    if settings is None:
        raise NotConfigured("no kill switch is named", "set drills.kill_switch in the environment file")
    uploads = Uploads.of(course)
    course.at_the_end("delete the uploads of this drill", uploads.delete)
    with course.step("before", "an upload is accepted, and is worked on when the switch is turned") as step:
        answer = uploads.send(settings.in_flight_rows)
        course.note(accepted_before=good(answer), told=told(answer))
        step.saw(told(answer), done=good(answer))
    if not good(answer):
        return
    (flying,) = uploads.accepted
    course.wait(lambda: uploads.status(flying) not in settings.waiting, settings.seconds_at_most)
    switch_on = course.at_the_end("switch on", lambda: course.do(settings.switch_on))
    _off(course, settings, uploads, flying)
    with course.step("on", "switch on, and see an upload accepted") as step:
        switch_on()
        last: list[Answer] = []
        seen = course.wait(lambda: _accepted(uploads, last), settings.seconds_at_most)
        step.failed = seen is None
        course.note(accepted_after=good(last[-1]))
        step.saw(told(last[-1]), done=seen is not None)


def _off(course: Course, settings: KillSwitchDrill, uploads: Uploads, flying: str) -> None:
    with course.step("off", "switch off, and see a new upload refused") as step:
        working = uploads.status(flying) not in {*ENDED, *settings.waiting}
        began = time.monotonic()
        course.do(settings.switch_off)
        in_flight = int(working and uploads.status(flying) != COMPLETED)
        last: list[Answer] = []
        seen = course.wait(lambda: _refused(settings, uploads, last), settings.seconds_at_most)
        step.failed = seen is None
        seconds = None if seen is None else time.monotonic() - began
        course.note(in_flight=in_flight, refused_seconds=seconds, told=told(last[-1]))
        step.saw(told(last[-1]), done=seen is not None)
    with course.step("in flight", "see the upload that was in flight complete while the switch is off") as step:
        ended = course.wait(lambda: uploads.status(flying) in ENDED, uploads.settings.seconds_at_most)
        step.failed = ended is None and in_flight > 0
        status = uploads.status(flying)
        step.failed = status != COMPLETED and in_flight > 0
        course.note(completed=int(status == COMPLETED) * in_flight)
        step.saw(status, done=ended is not None and status == COMPLETED)


def _refused(settings: KillSwitchDrill, uploads: Uploads, last: list[Answer]) -> bool:
    time.sleep(BETWEEN_SECONDS if last else 0)
    last.append(uploads.send())
    says = settings.refused_says.encode()
    return last[-1].status in settings.refused and says in last[-1].body


def _accepted(uploads: Uploads, last: list[Answer]) -> bool:
    time.sleep(BETWEEN_SECONDS if last else 0)
    last.append(uploads.send())
    return good(last[-1])
