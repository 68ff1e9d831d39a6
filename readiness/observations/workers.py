"""Whether the background workers live, and whether scheduled jobs are scheduled."""

from __future__ import annotations

from dataclasses import dataclass

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
