"""Whether the background workers live, and whether scheduled jobs are scheduled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from readiness.clients.readings import Readings
from readiness.environment import Reading
from readiness.observations import known_reading, observation
from readiness.outcomes import Unknown

WORKER_RESPONSES = known_reading("worker_responses", "which workers respond (columns name, responds)")
WORKER_HEARTBEATS = known_reading(
    "worker_heartbeats",
    "the age of each worker's last heartbeat (columns worker, age_seconds)",
    Reading(sql="select worker, extract(epoch from now() - beat_at)::float as age_seconds from worker_heartbeats"),
)
SCHEDULED_JOBS = known_reading(
    "scheduled_jobs",
    "the scheduled jobs (columns job, schedule, active)",
    Reading(sql="select jobname as job, schedule, active from cron.job"),
)
BACKLOGS = known_reading(
    "backlogs", "how many jobs wait (columns queue, value)", Reading(promql="sum by (queue) (jobs_waiting)")
)
USUAL_BACKLOGS = known_reading(
    "usual_backlogs",
    "how many jobs wait on a bad day as usual (columns queue, value)",
    # Of a week, and without the last hour: a spike is not what it is compared with.
    Reading(promql="max by (queue) (quantile_over_time(0.95, jobs_waiting[7d] offset 1h))"),
)
CRON_SUCCESSES = known_reading(
    "cron_successes",
    "when each scheduled job last succeeded (columns cron, value: seconds since 1970)",
    Reading(
        sql="select j.jobname as cron, extract(epoch from max(d.start_time))::float as value"
        " from cron.job j join cron.job_run_details d using (jobid) where d.status = 'succeeded' group by 1"
    ),
)
_DAILY = re.compile(r"([0-5]?\d) ([01]?\d|2[0-3]) \* \* \*")


@observation
def responding_workers(readings: Readings) -> list[str]:
    """Name the workers that answered when they were asked."""
    rows = readings.rows(WORKER_RESPONSES, "name", "responds")
    if not rows:
        raise Unknown("no worker is listed", "look at readings.worker_responses")
    return [str(row["name"]) for row in rows if row["responds"] is True]


@dataclass(frozen=True)
class Heartbeat:
    """A worker's last sign of life; the age is in seconds by the clock of the source."""

    worker: str
    age_seconds: float


@observation
def oldest_heartbeat(readings: Readings) -> Heartbeat:
    """Find the worker that has been silent for longest."""
    rows = readings.rows(WORKER_HEARTBEATS, "worker", "age_seconds")
    if not rows:
        raise Unknown("no worker has ever beaten", "start the workers, or set readings.worker_heartbeats")
    beats = [Heartbeat(str(row["worker"]), readings.as_number(WORKER_HEARTBEATS, row["age_seconds"])) for row in rows]
    return max(beats, key=lambda beat: beat.age_seconds)


@observation
def active_jobs(readings: Readings, job: str, schedule: str) -> list[str]:
    """Name the active jobs of that name and on that schedule; an empty word matches all."""
    rows = readings.rows(SCHEDULED_JOBS, "job", "schedule", "active")
    return [
        f"{row['job']} ({row['schedule']})"
        for row in rows
        if row["active"] is True and job in {"", row["job"]} and schedule in {"", row["schedule"]}
    ]


@dataclass(frozen=True)
class Backlog:
    """Jobs that wait now, and the 95th percentile of a week."""

    waiting: float
    usual: float


@observation
def backlog(readings: Readings, job: str) -> Backlog:
    """Fetch how many jobs of one kind wait, and what is usual."""
    found = []
    for known in (BACKLOGS, USUAL_BACKLOGS):
        rows = [row for row in readings.rows(known, "queue", "value") if row["queue"] == job]
        if len(rows) != 1:
            raise Unknown(f"{known.says}: {len(rows)} rows are of {job}, one is wanted", f"see readings.{known.name}")
        found.append(readings.as_number(known, rows[0]["value"]))
    return Backlog(*found)


@dataclass(frozen=True)
class CronRun:
    """When a job was due last, when it last succeeded, and how many minutes after it was due (late: before)."""

    due: str
    succeeded: str
    minutes_after_due: float

    @property
    def ran(self) -> bool:
        """It has succeeded since it was due."""
        return self.minutes_after_due >= 0


@observation
def cron_run(readings: Readings, moment: datetime, job: str, schedule: str, minutes_at_most: float) -> CronRun:
    """Compare a job's last success with the last time that it was due; it is not missed while it may still come."""
    rows = [row for row in readings.rows(CRON_SUCCESSES, "cron", "value") if job in {"", row["cron"]}]
    if len(rows) != 1:
        raise Unknown(f"{len(rows)} jobs called {job or 'anything'} have ever succeeded, one is wanted", "name the job")
    succeeded = datetime.fromtimestamp(readings.as_number(CRON_SUCCESSES, rows[0]["value"]), UTC)
    due = _last_due(schedule, moment)
    if succeeded < due and moment < due + timedelta(minutes=minutes_at_most):
        due -= timedelta(days=1)
    return CronRun(due.isoformat(), succeeded.isoformat(), (succeeded - due).total_seconds() / 60)


def _last_due(schedule: str, moment: datetime) -> datetime:
    """Give the last time that a daily schedule was due before a moment, in UTC. Raises Unknown for another schedule."""
    daily = _DAILY.fullmatch(schedule)
    if not daily:
        raise Unknown(f"{schedule!r} is no daily schedule such as 0 0 * * *", "decide this job with a reading")
    due = moment.astimezone(UTC).replace(hour=int(daily[2]), minute=int(daily[1]), second=0, microsecond=0)
    return due - timedelta(days=1) if due > moment else due
