"""Whether the background workers live, and whether scheduled jobs are scheduled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from readiness.clients.postgres import Row
from readiness.environment.schema import Reading
from readiness.observations import known_reading, observation
from readiness.outcomes import Unknown
from readiness.sources.readings import Readings

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
    # Of a queue's sum as the present is; of a week without the last hour: a spike is not compared with itself.
    Reading(promql="quantile_over_time(0.95, (sum by (queue) (jobs_waiting))[7d:5m] offset 1h)"),
)
CRON_SUCCESSES = known_reading(
    "cron_successes",
    "when each scheduled job last succeeded (columns cron, value: seconds since 1970; or all of them: successes)",
    Reading(
        sql="select cron, max(value) as value, array_agg(value) as successes from (select j.jobname as cron,"
        " extract(epoch from d.start_time)::float as value,"
        " row_number() over (partition by j.jobid order by d.start_time desc) as nth"
        " from cron.job j join cron.job_run_details d using (jobid) where d.status = 'succeeded') as success"
        " where nth <= 100 group by cron"
    ),
)
_DAILY = re.compile(r"([0-5]?\d) ([01]?\d|2[0-3]) \* \* \*")


@observation(needs=WORKER_RESPONSES)
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


@observation(needs=WORKER_HEARTBEATS)
def oldest_heartbeat(readings: Readings) -> Heartbeat:
    """Find the worker that has been silent for longest."""
    rows = readings.rows(WORKER_HEARTBEATS, "worker", "age_seconds")
    if not rows:
        raise Unknown("no worker has ever beaten", "start the workers, or set readings.worker_heartbeats")
    beats = [Heartbeat(str(row["worker"]), readings.as_number(WORKER_HEARTBEATS, row["age_seconds"])) for row in rows]
    return max(beats, key=lambda beat: beat.age_seconds)


@observation(needs=SCHEDULED_JOBS)
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


@observation(needs=(BACKLOGS, USUAL_BACKLOGS))
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
    """When a job was due last, when it first succeeded since, and how many minutes after (none since: before)."""

    due: str
    succeeded: str
    minutes_after_due: float

    @property
    def ran(self) -> bool:
        """It has succeeded since it was due."""
        return self.minutes_after_due >= 0


@observation(needs=CRON_SUCCESSES)
def cron_run(readings: Readings, moment: datetime, job: str, schedule: str, minutes_at_most: float) -> CronRun:
    """Find a job's first success since it was due last; it is not missed while it may still come. Raises Unknown."""
    rows = [row for row in readings.rows(CRON_SUCCESSES, "cron", "value") if job in {"", row["cron"]}]
    if len(rows) != 1:
        raise Unknown(f"{len(rows)} jobs called {job or 'anything'} have ever succeeded, one is wanted", "name the job")
    known, due = _successes(readings, rows[0]), _last_due(schedule, moment)
    if known[-1] < due and moment < due + timedelta(minutes=minutes_at_most):
        due -= timedelta(days=1)
    succeeded = next((one for one in known if one >= due), known[-1])
    late = (succeeded - due).total_seconds() / 60
    if late > minutes_at_most and succeeded == known[0]:  # as when somebody ran it by hand once more
        raise Unknown(
            f"{rows[0]['cron']} ran at {succeeded.isoformat()}; whether it also ran when it was due, at"
            f" {due.isoformat()}, is not on record",
            "look at the scheduler's own record; readings.cron_successes may list earlier ones in a column successes",
        )
    return CronRun(due.isoformat(), succeeded.isoformat(), late)


def _successes(readings: Readings, row: Row) -> list[datetime]:
    """Give a job's successes that are known, the earliest first; the last of all is one of them."""
    listed = row.get("successes", [])
    if not isinstance(listed, list):
        raise Unknown("successes of readings.cron_successes is no list", "give seconds since 1970, in SQL: array_agg")
    seconds = sorted(readings.as_number(CRON_SUCCESSES, one) for one in [row["value"], *listed])
    return [datetime.fromtimestamp(one, UTC) for one in seconds]


def _last_due(schedule: str, moment: datetime) -> datetime:
    """Give the last time that a daily schedule was due before a moment, in UTC. Raises Unknown for another schedule."""
    daily = _DAILY.fullmatch(schedule)
    if not daily:
        raise Unknown(f"{schedule!r} is no daily schedule such as 0 0 * * *", "decide this job with a reading")
    due = moment.astimezone(UTC).replace(hour=int(daily[2]), minute=int(daily[1]), second=0, microsecond=0)
    return due - timedelta(days=1) if due > moment else due
