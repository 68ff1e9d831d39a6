"""What the service wrote about itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from readiness.clients.readings import Readings
from readiness.measurements import Plain
from readiness.observations import known_reading, observation
from readiness.outcomes import Unknown
from readiness.timeline import parse_instant

LOG_LINES = known_reading("log_lines", "the service's structured log (columns at, level, event)")

ERROR_LEVELS = {"error", "critical", "fatal", "alert", "emergency"}
KEPT = 10  # error lines that are kept as evidence


@dataclass(frozen=True)
class LogSinceLaunch:
    """How much was logged, how many lines of it are errors, and the newest of them."""

    lines: int
    errors: int
    newest: list[str]


@observation
def log_since_launch(readings: Readings, moment: datetime, launch_at: datetime | None) -> LogSinceLaunch:
    """Read the log since the launch (since an hour ago where there is no launch time)."""
    since = launch_at if launch_at and launch_at < moment else moment - timedelta(hours=1)
    rows = [row for row in readings.rows(LOG_LINES, "at", "level", "event") if _instant(row["at"]) >= since]
    if not rows:
        raise Unknown(f"nothing was logged since {since:%Y-%m-%d %H:%M}Z", "does the log still arrive?")
    errors = [row for row in rows if str(row["level"]).lower() in ERROR_LEVELS]
    newest = [f"{row['at']} {row['event']} {row.get('message', '')}".strip() for row in errors[-KEPT:]]
    return LogSinceLaunch(len(rows), len(errors), newest)


def _instant(value: Plain) -> datetime:
    try:
        return parse_instant(str(value))
    except ValueError as error:
        raise Unknown(f"a log line's time cannot be read: {error}", "log ISO times with their zone in `at`") from None
