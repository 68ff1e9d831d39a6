"""The course of a stage: users come, settle, are judged while they hold, and finish what they began."""

from __future__ import annotations

import math
import time

from locust import LoadTestShape
from locust.runners import STATE_INIT, MasterRunner, Runner

from loadtests.run import Run
from readiness.rehearsal.histogram import wilson

ABORT_SHARE = 0.1
"""More failures than this in the last thirty seconds, for certain: the target is down, and load only harms it."""
ABORT_SECONDS = 30
LAST_REPORTS_SECONDS = 8
"""Workers report every three seconds; after the last user has gone, two reports are waited for."""
PATIENCE = 3
"""Times the ramp that the users may take to come."""
PHASE = "rehearsal_phase"


class Course:
    """Decides once a second what Locust is to do. Knows no Locust class but through its arguments."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.began = time.time()
        self.emptied: float | None = None
        self.draining = False
        self.workers: set[str] = set()

    def tick(self, runner: Runner) -> tuple[int, float] | None:
        """Return how many users are wanted and how fast they come or go; None at the end."""
        run, moment = self.run, time.time()
        run.users[int(moment)] = runner.user_count
        self._watch_workers(runner)
        if self.draining:
            return self._drain(runner, moment)
        until = run.recorder.hold_until
        if until == math.inf:
            self._all_there(runner, moment)
        elif moment >= until or self._down(moment):
            self.draining = True
            return self._drain(runner, moment)
        return self.wanted

    @property
    def wanted(self) -> tuple[int, float]:
        """All users, as fast as they are to come."""
        return self.run.stage.users, min(self.run.stage.users_per_second, self.run.stage.users)

    def stop(self, runner: Runner, because: str) -> None:
        """End early: the users finish what they began. While they still come, or when told twice, at once."""
        run = self.run
        if run.ended == "running":
            run.ended, run.ended_because = "cut short", because
        if self.draining or run.recorder.hold_until == math.inf:
            runner.quit()
            return
        run.recorder.hold_until = min(run.recorder.hold_until, time.time())
        self.draining = True

    def _all_there(self, runner: Runner, moment: float) -> None:
        """Begin to settle when the last user has come; give up when they do not come."""
        run = self.run
        if runner.user_count >= run.stage.users:
            run.hold(run.stage.settle_seconds)
            if isinstance(runner, MasterRunner):
                runner.send_message(PHASE, {"settle": run.stage.settle_seconds})
        elif moment - self.began > PATIENCE * run.stage.ramp_seconds + 60:
            run.ended, run.ended_because = "cut short", f"only {runner.user_count} users had come"
            self.draining = True

    def _watch_workers(self, runner: Runner) -> None:
        """Note each worker that was there and is not, and each that came when the hold had been announced.

        The users and the last samples of the one are gone; the other does not know of the hold, and judges nothing.
        """
        if not isinstance(runner, MasterRunner) or self.draining:
            return
        clients = runner.clients
        here = {client.id for client in clients.ready + clients.spawning + clients.running}
        lost = sorted(self.workers - here - set(self.run.lost_workers))
        self.run.lost_workers += lost
        if self.run.recorder.hold_until != math.inf:
            self.run.late_workers += sorted(here - self.workers)
        self.workers |= here

    def _down(self, moment: float) -> bool:
        """Tell whether errors explode; that ends the run, and is recorded as its end."""
        good, bad = self.run.recorder.recent(moment, ABORT_SECONDS)
        if wilson(bad, good + bad)[0] <= ABORT_SHARE:
            return False
        self.run.ended = "aborted"
        self.run.ended_because = f"{bad} of {good + bad} requests failed within {ABORT_SECONDS} s"
        self.run.recorder.hold_until = moment
        return True

    def _drain(self, runner: Runner, moment: float) -> tuple[int, float] | None:
        """Let the users finish; end when the last reports are in."""
        if runner.user_count == 0:
            self.emptied = self.emptied or moment
            wait = LAST_REPORTS_SECONDS if isinstance(runner, MasterRunner) else 0
            if moment - self.emptied >= wait:
                if self.run.ended == "running":
                    self.run.ended = "whole"
                return None
        return 0, float(max(100, self.run.stage.users))


COURSES: dict[str, Course] = {}
"""The course of the run that this process leads, under the one key `now`."""


class Stages(LoadTestShape):
    """What Locust asks."""

    def tick(self) -> tuple[int, float] | None:
        """Ask the course."""
        course = COURSES.get("now")
        if not course or not self.runner:
            return None
        if self.runner.state == STATE_INIT:  # the event that makes a new course comes after this first question
            return course.wanted
        return course.tick(self.runner)
