"""The course of a stage: users come, settle, are judged while they hold, and finish what they began."""

from __future__ import annotations

import math
import time

from locust import LoadTestShape
from locust.runners import STATE_INIT, MasterRunner, Runner

from loadtests.run import RehearsalRun
from readiness.rehearsal.histogram import wilson

ABORT_SHARE = 0.1
"""More failures than this in the last thirty seconds, for certain: the target is down, and load only harms it."""
ABORT_SECONDS = 30
LAST_REPORTS_SECONDS = 8
"""Workers report every three seconds; after the last user has gone, two reports are waited for."""
PATIENCE = 3
"""Times the ramp that the users may take to come."""
PHASE = "rehearsal_phase"


class StageCourse:
    """Decides once a second what Locust is to do. Knows no Locust class but through its arguments."""

    def __init__(self, run: RehearsalRun) -> None:
        self.run = run
        self.began = time.time()
        self.emptied: float | None = None
        """When the last user had gone."""
        self.draining = False
        self.workers: set[str] = set()
        """Every worker that was ever there."""

    def tick(self, runner: Runner) -> tuple[int, float] | None:
        """Return how many users are wanted and how fast they come or go; None at the end."""
        moment = time.time()
        self.run.users[int(moment)] = runner.user_count
        self._watch_workers(runner)

        if self.draining:
            return self._drain(runner, moment)

        # Until all users are there, the hold has no end.
        hold_until = self.run.recorder.hold_until
        if hold_until == math.inf:
            self._settle_once_all_are_there(runner, moment)
            return self.wanted

        if moment >= hold_until:
            if moment < hold_until + self.run.recorder.recovery_seconds:
                return self.few
            self.draining = True
            return self._drain(runner, moment)

        if self._aborts(moment):
            self.draining = True
            return self._drain(runner, moment)
        return self.wanted

    @property
    def wanted(self) -> tuple[int, float]:
        """All users, as fast as they are to come (users a second)."""
        stage = self.run.stage
        return stage.users, min(stage.users_per_second, stage.users)

    @property
    def few(self) -> tuple[int, float]:
        """The users that stay when the load goes, all others at once."""
        stage = self.run.stage
        return stage.recovery_users, self._at_once

    @property
    def _at_once(self) -> float:
        """Users a second."""
        return float(max(100, self.run.stage.users))

    def stop(self, runner: Runner, because: str) -> None:
        """End early: the users finish what they began. While they still come, or when told twice, at once."""
        run = self.run
        if run.ended == "running":
            run.ended, run.ended_because = "cut short", because

        if self.draining or run.recorder.hold_until == math.inf:
            runner.quit()
            return

        run.recorder.hold_until = min(run.recorder.hold_until, time.time())
        run.recorder.recovery_seconds = 0.0
        self.draining = True

    def _settle_once_all_are_there(self, runner: Runner, moment: float) -> None:
        """Begin to settle when the last user has come; give up when they do not come."""
        run = self.run
        if runner.user_count >= run.stage.users:
            run.hold(run.stage.settle_seconds)
            if isinstance(runner, MasterRunner):
                runner.send_message(PHASE, {"settle": run.stage.settle_seconds})
            return

        patience_seconds = PATIENCE * run.stage.ramp_seconds + 60
        if moment - self.began > patience_seconds:
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
        self.run.lost_workers += sorted(self.workers - here - set(self.run.lost_workers))
        if self.run.recorder.hold_until != math.inf:
            self.run.late_workers += sorted(here - self.workers)
        self.workers |= here

    def _aborts(self, moment: float) -> bool:
        """Check whether errors explode; that ends the run, and is recorded as its end."""
        ok, failed = self.run.recorder.recent(moment, ABORT_SECONDS)
        requests = ok + failed
        share_at_least, _ = wilson(failed, requests)
        if share_at_least <= ABORT_SHARE:
            return False

        self.run.ended = "aborted"
        self.run.ended_because = f"{failed} of {requests} requests failed within {ABORT_SECONDS} s"
        self.run.recorder.hold_until = moment
        self.run.recorder.recovery_seconds = 0.0
        return True

    def _drain(self, runner: Runner, moment: float) -> tuple[int, float] | None:
        """Let the users finish; return None when the last reports are in."""
        nobody_at_once = 0, self._at_once
        if runner.user_count > 0:
            return nobody_at_once

        self.emptied = self.emptied or moment
        last_reports_seconds = LAST_REPORTS_SECONDS if isinstance(runner, MasterRunner) else 0
        if moment - self.emptied < last_reports_seconds:
            return nobody_at_once

        if self.run.ended == "running":
            self.run.ended = "whole"
        return None


COURSES: dict[str, StageCourse] = {}
"""The course of the run that this process leads, under the one key `now`."""


class Stages(LoadTestShape):
    """What Locust asks once a second."""

    def tick(self) -> tuple[int, float] | None:
        """Return what the course says; None where there is none."""
        course = COURSES.get("now")
        if not course or not self.runner:
            return None

        # The event that makes a new course comes after this first question.
        if self.runner.state == STATE_INIT:
            return course.wanted
        return course.tick(self.runner)
