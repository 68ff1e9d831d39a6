"""Kill switch: off, a new upload is refused and those in flight complete; on, one is accepted. It always ends on."""

from __future__ import annotations

import time

from readiness.environment.drills import KillSwitchDrill
from readiness.outcomes import NotConfigured
from readiness.procedures.course import Course
from readiness.procedures.uploads import ENDED, Uploads, accepts, summary
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
        course.note(accepted_before=accepts(answer), told=summary(answer))
        step.saw(summary(answer), done=accepts(answer))
    if not accepts(answer):
        return

    (in_flight,) = uploads.accepted
    course.wait(lambda: uploads.status(in_flight) not in settings.waiting, settings.seconds_at_most)

    switch_on = course.at_the_end("switch on", lambda: course.do(settings.switch_on))
    _off(course, settings, uploads, in_flight)

    with course.step("on", "switch on, and see an upload accepted") as step:
        switch_on()
        answers: list[Answer] = []
        accepted = course.wait(lambda: _accepted(uploads, answers), settings.seconds_at_most) is not None
        step.failed = not accepted
        course.note(accepted_after=accepts(answers[-1]))
        step.saw(summary(answers[-1]), done=accepted)


def _off(course: Course, settings: KillSwitchDrill, uploads: Uploads, upload: str) -> None:
    """Switch off while `upload` is worked on: a new one is refused, and that one completes."""
    with course.step("off", "switch off, and see a new upload refused") as step:
        was_worked_on = uploads.status(upload) not in {*ENDED, *settings.waiting}
        began = time.monotonic()
        course.do(settings.switch_off)
        # One that completed before the switch was off would have done so anyway.
        in_flight = int(was_worked_on and uploads.status(upload) != COMPLETED)

        answers: list[Answer] = []
        refused = course.wait(lambda: _refused(settings, uploads, answers), settings.seconds_at_most) is not None
        step.failed = not refused
        seconds = time.monotonic() - began if refused else None
        course.note(in_flight=in_flight, refused_seconds=seconds, told=summary(answers[-1]))
        step.saw(summary(answers[-1]), done=refused)

    with course.step("in flight", "see the upload that was in flight complete while the switch is off") as step:
        ended = course.wait(lambda: uploads.status(upload) in ENDED, uploads.settings.seconds_at_most) is not None
        # Set before the status is asked for once more: that may raise, and the time is up all the same.
        step.failed = not ended and in_flight > 0

        status = uploads.status(upload)
        completed = status == COMPLETED
        step.failed = not completed and in_flight > 0
        course.note(completed=in_flight if completed else 0)
        step.saw(status, done=ended and completed)


def _refused(settings: KillSwitchDrill, uploads: Uploads, answers: list[Answer]) -> bool:
    """Send an upload, add its answer to the others, and check whether it was refused by the switch."""
    answer = _sent(uploads, answers)
    return answer.status in settings.refused and settings.refused_says.encode() in answer.body


def _accepted(uploads: Uploads, answers: list[Answer]) -> bool:
    """Send an upload, add its answer to the others, and check whether it was accepted."""
    return accepts(_sent(uploads, answers))


def _sent(uploads: Uploads, answers: list[Answer]) -> Answer:
    # The first one at once, the others some time apart.
    if answers:
        time.sleep(BETWEEN_SECONDS)
    answers.append(uploads.send())
    return answers[-1]
