"""Whether the background workers live, and whether scheduled jobs are scheduled.

Each fact is a reading. A team names its source in the environment, with the columns that the reading says:

    readings:
      worker_heartbeats: {sql: "select name as worker, age_seconds from beats"}
      cron_successes: {http: "https://shop.example.com/internal/crons.json"}

A line of a runbook is decided by it, with the limits that it states:

    - id: reports-sent
      says: the daily report was sent by half past six
      decided_by:
        workers.cron_ran: {job: daily-report, schedule: 0 6 * * *, minutes_at_most: 30}
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from readiness.clients.postgres import Row
from readiness.environment.schema import KnownReading
from readiness.observations import known_reading, observation
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.sources.readings import Readings
from readiness.timeline import CLOCKS_DIFFER

WORKER_RESPONSES = known_reading("worker_responses", "which workers respond (columns name, responds)")
WORKER_HEARTBEATS = known_reading(
    "worker_heartbeats", "the age of each worker's last heartbeat (columns worker, age_seconds)"
)
SCHEDULED_JOBS = known_reading("scheduled_jobs", "the scheduled jobs (columns job, schedule, active)")
BACKLOGS = known_reading("backlogs", "how many jobs wait (columns queue, value)")
USUAL_BACKLOGS = known_reading("usual_backlogs", "how many jobs wait on a bad day as usual (columns queue, value)")
CRON_SUCCESSES = known_reading(
    "cron_successes",
    "when each scheduled job last succeeded (columns cron, value: seconds since 1970; or all of them: successes)",
)
_DAILY = re.compile(r"([0-5]?[0-9]) ([01]?[0-9]|2[0-3]) \* \* \*")


@observation(needs=WORKER_RESPONSES)
def responding_workers(readings: Readings) -> list[str]:
    """Return the names of the workers that answered when they were asked."""
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
    """Return the heartbeat of the worker that has been silent for longest."""
    rows = readings.rows(WORKER_HEARTBEATS, "worker", "age_seconds")
    if not rows:
        raise Unknown("no worker has ever beaten", "start the workers, or set readings.worker_heartbeats")

    heartbeats = []
    for row in rows:
        age_seconds = readings.as_number(WORKER_HEARTBEATS, row["age_seconds"])
        if age_seconds < -CLOCKS_DIFFER.total_seconds():
            ahead = f"{shown(str(row['worker']), 60)} beats {-age_seconds:g} s in the future"
            raise Unknown(ahead, "set the clocks right, or correct readings.worker_heartbeats")
        heartbeats.append(Heartbeat(str(row["worker"]), age_seconds))
    return max(heartbeats, key=lambda heartbeat: heartbeat.age_seconds)


@observation(needs=SCHEDULED_JOBS)
def active_jobs(readings: Readings, job: str, schedule: str) -> list[str]:
    """Return the active jobs of a name and on a schedule, as `name (schedule)`; an empty text matches all."""
    jobs = []
    for row in readings.rows(SCHEDULED_JOBS, "job", "schedule", "active"):
        is_named = not job or row["job"] == job
        is_scheduled = not schedule or row["schedule"] == schedule
        if row["active"] is True and is_named and is_scheduled:
            jobs.append(f"{row['job']} ({row['schedule']})")
    return jobs


@dataclass(frozen=True)
class Backlog:
    """Jobs that wait now, and the 95th percentile of a week."""

    waiting: float
    usual: float


@observation(needs=(BACKLOGS, USUAL_BACKLOGS))
def backlog(readings: Readings, job: str) -> Backlog:
    """Return how many jobs of a queue wait, and how many do on a bad day."""
    return Backlog(waiting=_of_queue(readings, BACKLOGS, job), usual=_of_queue(readings, USUAL_BACKLOGS, job))


def _of_queue(readings: Readings, reading: KnownReading, queue: str) -> float:
    """Return the value of a reading's row of a queue. Raises Unknown for none and for several."""
    rows = [row for row in readings.rows(reading, "queue", "value") if row["queue"] == queue]
    if len(rows) != 1:
        raise Unknown(f"{reading.says}: {len(rows)} rows are of {queue}, one is wanted", f"see readings.{reading.name}")
    return readings.as_number(reading, rows[0]["value"])


@dataclass(frozen=True)
class CronRun:
    """When a job was due last, when it first succeeded since, and how many minutes after (none since: before)."""

    due: str
    succeeded: str
    minutes_after_due: float

    @property
    def ran(self) -> bool:
        """Whether it has succeeded since it was due."""
        return self.minutes_after_due >= 0


@observation(needs=CRON_SUCCESSES)
def cron_run(readings: Readings, moment: datetime, job: str, schedule: str, minutes_at_most: float) -> CronRun:
    """Return a daily job's first success since it was due last. Raises Unknown where that is not on record."""
    rows = readings.rows(CRON_SUCCESSES, "cron", "value")
    matches = [row for row in rows if not job or row["cron"] == job]
    if len(matches) != 1:
        raise Unknown(
            f"{len(matches)} jobs called {job or 'anything'} have ever succeeded, one is wanted", "name the job"
        )
    successes = _successes(readings, matches[0], moment)
    earliest = successes[0]
    latest = successes[-1]

    # Today's run is not missed while it may still come: until then yesterday's counts.
    due = _last_due(schedule, moment)
    may_still_come = moment < due + timedelta(minutes=minutes_at_most)
    if latest < due and may_still_come:
        due -= timedelta(days=1)

    succeeded = next((success for success in successes if success >= due), latest)
    minutes_after_due = (succeeded - due).total_seconds() / 60

    # A late success that is the earliest on record may hide a punctual one, as when somebody ran it by hand once more.
    if minutes_after_due > minutes_at_most and succeeded == earliest:
        raise Unknown(
            f"{matches[0]['cron']} ran at {succeeded.isoformat()}; whether it also ran when it was due, at"
            f" {due.isoformat()}, is not on record",
            "look at the scheduler's own record; readings.cron_successes may list earlier ones in a column successes",
        )
    return CronRun(due.isoformat(), succeeded.isoformat(), minutes_after_due)


def _successes(readings: Readings, row: Row, moment: datetime) -> list[datetime]:
    """Return the successes of a job that are on record, the earliest first. Raises Unknown.

    The column `successes` is optional; the last success of all, `value`, is always one of them.
    """
    listed = row.get("successes", [])
    if not isinstance(listed, list):
        raise Unknown("successes of readings.cron_successes is no list", "give seconds since 1970, in SQL: array_agg")
    numbers = [readings.as_number(CRON_SUCCESSES, value) for value in [row["value"], *listed]]
    return sorted(readings.as_past(CRON_SUCCESSES, number, "value", moment) for number in numbers)


def _last_due(schedule: str, moment: datetime) -> datetime:
    """Return when a daily schedule was due last at a moment, in UTC. Raises Unknown for any other schedule."""
    daily = _DAILY.fullmatch(schedule)
    if not daily:
        raise Unknown(f"{schedule!r} is no daily schedule such as 0 0 * * *", "decide this job with a reading")

    minute = int(daily[1])
    hour = int(daily[2])
    due_today = moment.astimezone(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    if due_today > moment:
        return due_today - timedelta(days=1)
    return due_today
