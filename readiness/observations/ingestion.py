"""What the ingestion pipeline did in the last hour, and the tables that an incident is diagnosed with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from readiness.measurements import AtLeast
from readiness.observations import known_reading, observation
from readiness.observations.logs import LOG_LINES
from readiness.observations.needs import either
from readiness.observations.synthetic_upload import UploadTrace
from readiness.outcomes import Unknown
from readiness.runbook.limits import Minimum
from readiness.slo.uploads import UploadOutcomes
from readiness.sources.readings import Readings

__all__ = ["Minimum", "UploadOutcomes", "UploadTrace"]

PAUSED_WORKSPACES = known_reading("paused_workspaces", "the workspaces whose ingestion is paused (column workspace)")
UPLOAD_OUTCOMES = known_reading("upload_outcomes", "the last hour's uploads by status (columns status, uploads)")
STAGED_ROWS = known_reading("staged_rows", "how many rows wait in staging")
SLOWEST_UPLOAD = known_reading("slowest_upload", "the seconds that the last hour's slowest upload took")
LONGEST_IN_FLIGHT = known_reading("longest_in_flight", "the minutes since the longest upload in flight was created")
COMPLETED = "ingestion.completed"
"""The event of an upload that has ended well, as the log names it."""
LOST_ROWS = known_reading(
    "uploads_that_lost_rows",
    "how many of a day's completed uploads have fewer or more rows in production than they counted",
)
ORPHANED_ROWS = known_reading("orphaned_rows", "how many production rows belong to no upload")


@observation(needs=PAUSED_WORKSPACES)
def paused_workspaces(readings: Readings) -> list[str]:
    """Return the workspaces that do not ingest."""
    return [str(row["workspace"]) for row in readings.rows(PAUSED_WORKSPACES, "workspace")]


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


@dataclass(frozen=True)
class SlowestUpload:
    """How long the slowest upload took, or at least."""

    seconds: float | AtLeast


@observation(needs=either(LONGEST_IN_FLIGHT, LOG_LINES, SLOWEST_UPLOAD))
def slowest_upload(readings: Readings, moment: datetime, seconds_below: float) -> SlowestUpload:
    """Return how long the slowest upload of the last hour took: by its reading, else by the log's `duration_ms`.

    Of those that have ended neither says how long others are under way: one of these that is for longer than is allowed
    decides, whatever is known of the others. Raises Unknown.
    """
    under_way = _seconds_under_way(readings)
    try:
        seconds = _slowest_ended(readings, moment)
    except Unknown:
        if under_way < seconds_below:
            raise
        return SlowestUpload(AtLeast(under_way))
    decides = seconds < seconds_below <= under_way
    return SlowestUpload(AtLeast(under_way) if decides else seconds)


def _seconds_under_way(readings: Readings) -> float:
    """Return for how long the longest upload is under way; 0 where nobody knows, for that decides nothing."""
    try:
        return readings.number(LONGEST_IN_FLIGHT) * 60 if readings.configured(LONGEST_IN_FLIGHT) else 0.0
    except Unknown:
        return 0.0


def _slowest_ended(readings: Readings, moment: datetime) -> float:
    """Return how long the slowest of those took that have ended. Raises Unknown where nothing says so."""
    if readings.configured(SLOWEST_UPLOAD):
        return readings.number(SLOWEST_UPLOAD)
    if readings.configured(LOG_LINES):
        return _slowest_logged(readings, moment)
    raise Unknown(
        "nothing says how long the uploads took that have ended",
        f"set readings.log_lines in the environment file (lines {COMPLETED} with duration_ms),"
        " or readings.slowest_upload",
    )


def _slowest_logged(readings: Readings, moment: datetime) -> float:
    """Return the longest `duration_ms` of the last hour's uploads, in seconds. Raises Unknown where none has ended."""
    durations = []
    for row in readings.rows(LOG_LINES, "at", "event"):
        is_end = row["event"] == COMPLETED
        if is_end and readings.as_instant(LOG_LINES, row["at"], "at") >= moment - timedelta(hours=1):
            durations.append(readings.as_number(LOG_LINES, row.get("duration_ms")))
    if not durations:
        raise Unknown(
            f"the log has no line {COMPLETED} of the last hour",
            "does the service log the ends of uploads? set readings.slowest_upload where another place tells",
        )
    return max(durations) / 1000


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
