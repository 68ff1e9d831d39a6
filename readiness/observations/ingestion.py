"""What the ingestion pipeline did in the last hour, and the tables that an incident is diagnosed with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from readiness.environment.schema import Reading
from readiness.observations import known_reading, observation
from readiness.observations.synthetic_upload import UploadTrace
from readiness.outcomes import Unknown
from readiness.runbook.limits import Minimum
from readiness.slo.events import Events
from readiness.sources.readings import Readings

__all__ = ["Minimum", "UploadOutcomes", "UploadTrace"]

HOUR = "1h"

PAUSED_WORKSPACES = known_reading(
    "paused_workspaces",
    "the workspaces whose ingestion is paused (column workspace)",
    Reading(sql="select workspace_id as workspace from workspace_settings where ingestion_paused order by 1"),
)
UPLOAD_OUTCOMES = known_reading(
    "upload_outcomes",
    "the last hour's uploads by status (columns status, uploads)",
    Reading(
        sql="select status, count(*) as uploads from data_uploads"
        " where created_at > now() - interval '1 hour' group by status order by status"
    ),
)
STAGED_ROWS = known_reading(
    "staged_rows", "how many rows wait in staging", Reading(sql="select count(*) from staging_rows")
)
SLOWEST_UPLOAD = known_reading(
    "slowest_upload",
    "the seconds that the last hour's slowest upload took",
    Reading(
        sql="select max(extract(epoch from completed_at - started_at))::float from data_uploads"
        " where completed_at > now() - interval '1 hour'"
    ),
)
LONGEST_IN_FLIGHT = known_reading(
    "longest_in_flight",
    "the minutes since the longest upload in flight was started",
    Reading(
        sql="select coalesce(max(extract(epoch from now() - started_at) / 60), 0)::float from data_uploads"
        " where status in ('processing', 'promoting')"
    ),
)
LOST_ROWS = known_reading(
    "uploads_that_lost_rows",
    "how many of a day's completed uploads have fewer or more rows in production than they counted",
    Reading(
        sql="select count(*) from data_uploads u where u.status = 'completed'"
        " and u.completed_at > now() - interval '1 day' and u.row_count is distinct from"
        " (select count(*) from campaign_metrics m where m.upload_id = u.id)"
    ),
)
ORPHANED_ROWS = known_reading(
    "orphaned_rows",
    "how many production rows belong to no upload",
    Reading(
        sql="select count(*) from campaign_metrics m"
        " where not exists (select from data_uploads u where u.id = m.upload_id)"
    ),
)


@observation(needs=PAUSED_WORKSPACES)
def paused_workspaces(readings: Readings) -> list[str]:
    """Return the workspaces that do not ingest."""
    return [str(row["workspace"]) for row in readings.rows(PAUSED_WORKSPACES, "workspace")]


@dataclass(frozen=True)
class UploadOutcomes:
    """The last hour's uploads."""

    by_status: dict[str, int]

    @property
    def total(self) -> int:
        """All uploads."""
        return sum(self.by_status.values())

    @property
    def counted(self) -> Events:
        """The uploads, and those of them that failed."""
        return Events("uploads", HOUR, self.total, self.by_status.get("failed", 0))


@observation(needs=UPLOAD_OUTCOMES)
def upload_outcomes(readings: Readings) -> UploadOutcomes:
    """Return the last hour's uploads by status; an hour without uploads has no error rate."""
    rows = readings.rows(UPLOAD_OUTCOMES, "status", "uploads")
    counts: Counter[str] = Counter()
    for row in rows:  # a status may stand in several, one for each workspace
        counts[str(row["status"])] += int(readings.as_number(UPLOAD_OUTCOMES, row["uploads"]))
    if not sum(counts.values()):
        raise Unknown("there was no upload in the last hour", "look for why nobody uploads, or send a test upload")
    return UploadOutcomes(dict(counts))


@observation(needs=STAGED_ROWS)
def staged_rows(readings: Readings) -> float:
    """Return how many rows are in staging."""
    return readings.number(STAGED_ROWS)


@observation(needs=SLOWEST_UPLOAD)
def slowest_upload_seconds(readings: Readings) -> float:
    """Return how long the slowest upload of the last hour took."""
    return readings.number(SLOWEST_UPLOAD)


@observation(needs=LONGEST_IN_FLIGHT)
def longest_in_flight_minutes(readings: Readings) -> float:
    """Return for how long the longest upload is under way."""
    return readings.number(LONGEST_IN_FLIGHT)


@observation(needs=LOST_ROWS)
def uploads_that_lost_rows(readings: Readings) -> float:
    """Return how many uploads have other rows in production than they counted."""
    return readings.number(LOST_ROWS)


@observation(needs=ORPHANED_ROWS)
def orphaned_rows(readings: Readings) -> float:
    """Return how many production rows no upload accounts for."""
    return readings.number(ORPHANED_ROWS)
