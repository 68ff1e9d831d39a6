"""The runbook's own incident queries (5.5): attached to results, never judged."""

from __future__ import annotations

from pydantic import JsonValue

from readiness.clients.readings import Readings
from readiness.environment import Reading
from readiness.observations import known_reading, observation

_LAST_HOUR = "created_at > now() - interval '1 hour'"

RECENT_FAILURES = known_reading(
    "recent_failures",
    "the newest failed uploads",
    Reading(
        sql="select id, workspace_id, platform, error_code, error_message, created_at from data_uploads"
        " where status = 'failed' order by created_at desc limit 20"
    ),
)
ERROR_DISTRIBUTION = known_reading(
    "error_distribution",
    "a day's failures by error",
    Reading(
        sql="select coalesce(error_code, 'none') as error_code, count(*) as uploads, max(created_at) as newest"
        " from data_uploads where status = 'failed' and created_at > now() - interval '1 day'"
        " group by 1 order by 2 desc limit 20"
    ),
)
UPLOADS_STUCK = known_reading(
    "uploads_stuck",
    "the uploads under way for more than 30 minutes",
    Reading(
        sql="select id, workspace_id, platform, status, started_at from data_uploads"
        " where status in ('processing', 'promoting') and started_at < now() - interval '30 minutes'"
        " order by started_at limit 20"
    ),
)
STAGING_HEALTH = known_reading(
    "staging_health",
    "the staging rows by validation status",
    Reading(
        sql="select validation_status, count(*) as rows, count(promoted_at) as promoted, min(created_at) as oldest"
        " from staging_rows group by 1 order by 1"
    ),
)
UPLOADS_IN_FLIGHT = known_reading(
    "uploads_in_flight",
    "the uploads under way",
    Reading(
        sql="select id, workspace_id, platform, status, created_at, started_at from data_uploads"
        " where status in ('pending', 'processing', 'promoting') order by created_at limit 50"
    ),
)
UPLOADS_LAST_HOUR = known_reading(
    "uploads_last_hour",
    "the last hour's uploads by workspace and status",
    Reading(
        sql=f"select workspace_id, platform, status, count(*) as uploads from data_uploads where {_LAST_HOUR}"  # noqa: S608
        " group by 1, 2, 3 order by 4 desc limit 50"
    ),
)


@observation
def recent_failures(readings: Readings) -> list[dict[str, JsonValue]]:
    """List the newest failures."""
    return readings.rows(RECENT_FAILURES)


@observation
def error_distribution(readings: Readings) -> list[dict[str, JsonValue]]:
    """Count a day's failures by error."""
    return readings.rows(ERROR_DISTRIBUTION)


@observation
def uploads_stuck(readings: Readings) -> list[dict[str, JsonValue]]:
    """List the uploads that do not end."""
    return readings.rows(UPLOADS_STUCK)


@observation
def staging_health(readings: Readings) -> list[dict[str, JsonValue]]:
    """Count the staging rows by validation status."""
    return readings.rows(STAGING_HEALTH)


@observation
def uploads_in_flight(readings: Readings) -> list[dict[str, JsonValue]]:
    """List the uploads under way."""
    return readings.rows(UPLOADS_IN_FLIGHT)


@observation
def uploads_last_hour(readings: Readings) -> list[dict[str, JsonValue]]:
    """Count the last hour's uploads by workspace, platform and status."""
    return readings.rows(UPLOADS_LAST_HOUR)
