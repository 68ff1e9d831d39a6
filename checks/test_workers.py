"""The background workers live, and the scheduled jobs are scheduled."""

import pytest

from readiness import Limits, Measure
from readiness.observations.workers import Heartbeat


class Responsive(Limits):
    worker: str


class HeartbeatsFresh(Limits):
    seconds_below: float = 60


class CronScheduled(Limits):
    job: str = ""
    schedule: str = ""


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
    measure(oldest_heartbeat.age_seconds, f"oldest heartbeat ({oldest_heartbeat.worker})", "s").below(
        limits.seconds_below
    )


@pytest.mark.preflight
def test_cron_scheduled(active_jobs: list[str], limits: CronScheduled, measure: Measure) -> None:
    """The job is scheduled and active.

    Remedy: schedule the job, or switch it on again.
    """
    measure(len(active_jobs), f"active jobs {limits.job} {limits.schedule}".strip()).at_least(1)
