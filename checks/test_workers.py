"""The background workers live, and the scheduled jobs are scheduled."""

import pytest

from readiness import Limits, Measure
from readiness.observations.workers import Backlog, CronRun, Heartbeat


class Responsive(Limits):
    worker: str


class HeartbeatsFresh(Limits):
    seconds_below: float


class CronScheduled(Limits):
    job: str = ""
    schedule: str = ""


class BacklogNormal(Limits):
    job: str
    times_usual_below: float
    jobs_tolerated: float  # so many are no spike, however few are usual


class CronRan(Limits):
    schedule: str
    minutes_at_most: float
    job: str = ""


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_responsive(responding_workers: list[str], limits: Responsive, measure: Measure) -> None:
    """The worker responds.

    Remedy: restart the worker and read its last log lines.
    """
    measure(limits.worker in responding_workers, f"{limits.worker} responds").is_(True)


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_heartbeats_fresh(oldest_heartbeat: Heartbeat, limits: HeartbeatsFresh, measure: Measure) -> None:
    """Every worker has given a sign of life.

    Remedy: restart the worker that is named; a beat that stops again means that it cannot write to the database.
    """
    name = f"oldest heartbeat ({oldest_heartbeat.worker})"
    measure(oldest_heartbeat.age_seconds, name, "s").below(limits.seconds_below)


@pytest.mark.preflight
def test_cron_scheduled(active_jobs: list[str], limits: CronScheduled, measure: Measure) -> None:
    """The job is scheduled and active.

    Remedy: schedule the job, or switch it on again.
    """
    name = f"active jobs {limits.job} {limits.schedule}".strip()
    measure(len(active_jobs), name).at_least(1)


@pytest.mark.postlaunch
def test_backlog_normal(backlog: Backlog, limits: BacklogNormal, measure: Measure) -> None:
    """No more jobs wait than usual.

    Remedy: look whether the workers of this queue live, and at what its oldest job waits for.
    """
    allowed = max(limits.times_usual_below * backlog.usual, limits.jobs_tolerated)
    measure(backlog.waiting, f"jobs waiting in {limits.job}", "jobs").below(allowed)


@pytest.mark.postlaunch
def test_cron_ran(cron_run: CronRun, limits: CronRan, measure: Measure) -> None:
    """The job ran when it was due, and succeeded.

    Remedy: run the job by hand, then read why the scheduler did not start it or why it failed.
    """
    measure(cron_run.ran, f"succeeded at {cron_run.succeeded}, due {cron_run.due}").is_(True)
    measure(cron_run.minutes_after_due, "succeeded after it was due", "min").at_most(limits.minutes_at_most)
