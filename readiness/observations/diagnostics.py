"""What is attached to a line that fails: the runbooks' incident queries, sessions, endpoints, queues. Never judged."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from readiness.clients.postgres import Postgres
from readiness.environment.schema import KnownReading
from readiness.observations import known_reading, observation
from readiness.observations.workers import BACKLOGS, USUAL_BACKLOGS
from readiness.sources.readings import Readings

RECENT_FAILURES = known_reading("recent_failures", "the newest failed uploads")
ERROR_DISTRIBUTION = known_reading("error_distribution", "the last hour's failures by error")
UPLOADS_STUCK = known_reading("uploads_stuck", "the uploads under way for more than 30 minutes")
STAGING_HEALTH = known_reading("staging_health", "the staging rows by validation status")
UPLOADS_IN_FLIGHT = known_reading("uploads_in_flight", "the uploads under way")
UPLOADS_LAST_HOUR = known_reading("uploads_last_hour", "the last hour's uploads by workspace and status")
FAILED_UPLOADS = known_reading(
    "failed_uploads",
    "the last hour's failed uploads (of the columns workspace, platform, stage and at those that there are)",
)


@observation(needs=RECENT_FAILURES)
def recent_failures(readings: Readings) -> list[dict[str, JsonValue]]:
    """Return the newest failed uploads."""
    return readings.rows(RECENT_FAILURES)


@observation(needs=ERROR_DISTRIBUTION)
def error_distribution(readings: Readings) -> list[dict[str, JsonValue]]:
    """Return the last hour's failures by error, the most frequent first."""
    return readings.rows(ERROR_DISTRIBUTION)


@observation(needs=UPLOADS_STUCK)
def uploads_stuck(readings: Readings) -> list[dict[str, JsonValue]]:
    """Return the uploads that do not end, the oldest first."""
    return readings.rows(UPLOADS_STUCK)


@observation(needs=STAGING_HEALTH)
def staging_health(readings: Readings) -> list[dict[str, JsonValue]]:
    """Return the staging rows by validation status."""
    return readings.rows(STAGING_HEALTH)


@observation(needs=UPLOADS_IN_FLIGHT)
def uploads_in_flight(readings: Readings) -> list[dict[str, JsonValue]]:
    """Return the uploads under way."""
    return readings.rows(UPLOADS_IN_FLIGHT)


@observation(needs=UPLOADS_LAST_HOUR)
def uploads_last_hour(readings: Readings) -> list[dict[str, JsonValue]]:
    """Return the last hour's uploads by workspace and status, the most first."""
    return readings.rows(UPLOADS_LAST_HOUR)


@observation(needs=FAILED_UPLOADS)
def failed_uploads(readings: Readings) -> list[dict[str, JsonValue]]:
    """Return the last hour's failed uploads: whose they are, and where they failed."""
    return readings.rows(FAILED_UPLOADS)


FAILING_ENDPOINTS = known_reading("failing_endpoints", "the last hour's server errors by path (columns path, value)")
SLOWEST_ENDPOINTS = known_reading("slowest_endpoints", "the last hour's p95 by path in seconds (columns path, value)")
CDN_HITS = known_reading("cdn_hit_share", "the share of the requests that the CDN answers by itself, 0 to 1")


@dataclass(frozen=True)
class Connections:
    """Client connections in one state."""

    state: str
    role: str
    connections: int
    longest_minutes: float | None
    """For so long one of them has been in it."""


@observation
def connections_by_state(postgres: Postgres) -> list[Connections]:
    """Return the connections of clients by state and role. Source: pg_stat_activity."""
    rows = postgres.rows(
        "select case when backend_type is null then 'hidden from the probe' else coalesce(state, 'starting') end"
        " as state, coalesce(usename, '') as role, count(*) as connections,"
        " max(extract(epoch from clock_timestamp() - state_change))::float / 60 as longest_minutes"
        " from pg_stat_activity where backend_type is null or backend_type = 'client backend'"
        " group by 1, 2 order by 3 desc limit 50"
    )
    return [Connections(**row) for row in rows]  # type: ignore[arg-type]  # the query's columns are the fields, of their types


@dataclass(frozen=True)
class Idle:
    """A session that has done nothing for more than five minutes."""

    pid: str
    role: str
    application: str
    state: str
    minutes: float


@observation
def idle_sessions(postgres: Postgres) -> list[Idle]:
    """Return the sessions idle for more than five minutes, also inside a transaction: the longest first."""
    rows = postgres.rows(
        "select pid::text as pid, coalesce(usename, '') as role, application_name as application, state,"
        " extract(epoch from clock_timestamp() - state_change)::float / 60 as minutes from pg_stat_activity"
        " where backend_type = 'client backend' and state like 'idle%'"
        " and state_change < clock_timestamp() - interval '5 minutes' order by state_change limit 20"
    )
    return [Idle(**row) for row in rows]  # type: ignore[arg-type]  # the query's columns are the fields, of their types


@dataclass(frozen=True)
class Endpoint:
    """One path, and what is wrong with it."""

    path: str
    value: float


@observation(needs=FAILING_ENDPOINTS)
def failing_endpoints(readings: Readings) -> list[Endpoint]:
    """Return the last hour's server errors by path: the most first."""
    return _endpoints(readings, FAILING_ENDPOINTS)


@observation(needs=SLOWEST_ENDPOINTS)
def slowest_endpoints(readings: Readings) -> list[Endpoint]:
    """Return the last hour's p95 in seconds by path: the slowest first."""
    return _endpoints(readings, SLOWEST_ENDPOINTS)


def _endpoints(readings: Readings, reading: KnownReading) -> list[Endpoint]:
    rows = readings.rows(reading, "path", "value")
    endpoints = [Endpoint(str(row["path"]), readings.as_number(reading, row["value"])) for row in rows]
    return sorted(endpoints, key=lambda endpoint: -endpoint.value)


@dataclass(frozen=True)
class Queue:
    """Jobs that wait now, and on a bad day as usual."""

    queue: str
    waiting: float
    usual: float | None


@observation(needs=(BACKLOGS, USUAL_BACKLOGS))
def jobs_waiting(readings: Readings) -> list[Queue]:
    """Return the jobs that wait in each queue: the longest first."""
    waiting = _by_queue(readings, BACKLOGS)
    usual = _by_queue(readings, USUAL_BACKLOGS)
    queues = [Queue(name, count, usual.get(name)) for name, count in waiting.items()]
    return sorted(queues, key=lambda queue: -queue.waiting)


def _by_queue(readings: Readings, reading: KnownReading) -> dict[str, float]:
    rows = readings.rows(reading, "queue", "value")
    return {str(row["queue"]): readings.as_number(reading, row["value"]) for row in rows}


@observation(needs=CDN_HITS)
def cdn_hit_share(readings: Readings) -> float:
    """Return the share of the requests that the CDN answers by itself."""
    return readings.number(CDN_HITS)
