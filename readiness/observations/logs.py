"""What the service wrote about itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from readiness.clients.loki import Loki
from readiness.measurements import AtLeast, Plain
from readiness.observations import known_reading, observation
from readiness.observations.needs import Since, either, launch_meant, stated, system
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.sources.readings import Readings
from readiness.timeline import CLOCKS_DIFFER

__all__ = ["LogSinceLaunch", "LogStream", "Since"]

LOG_LINES = known_reading("log_lines", "the service's structured log (columns at, level, event)")

ERROR_LEVELS = {"error", "err", "e", "critical", "crit", "fatal", "ftl", "f", "alert", "emergency", "emerg"}
ERROR_LEVELS |= {"severe", "panic", "dpanic", "pnc"}
HARMLESS_LEVELS = {"trace", "trc", "t", "verbose", "vrb", "v", "debug", "dbg", "d", "info", "information", "inf", "i"}
HARMLESS_LEVELS |= {"notice", "success", "fine", "finer", "finest", "config", "default", "log", "warn", "warning"}
HARMLESS_LEVELS |= {"wrn", "w", "none", ""}  # the last two: a line without a level
NUMBERS_FROM = 10
ERRORS_FROM = 50
"""The levels of pino and bunyan. Smaller numbers mean one thing to syslog, where 3 is an error, another to others."""
LEVEL_SHOWN = 40
FAR_BACK = timedelta(days=1)
_NUMBER = re.compile(r"[0-9]{1,9}(\.0*)?", re.ASCII)
DETECTED_HARMLESS = HARMLESS_LEVELS - {"", "none", "default", "log"}
"""The harmless levels that Loki may have found in a line. It says `unknown`, or nothing, where it found none."""
KEPT = 10
"""So many error lines are kept as evidence."""


@dataclass(frozen=True)
class LogSinceLaunch:
    """How much was logged, how many lines of it are errors, and the newest of them."""

    lines: int
    errors: int | AtLeast
    """At least so many, where there are lines of which nobody knows the level."""
    newest: list[str]


@dataclass(frozen=True)
class LogStream:
    """Where the newest line was found, and how old it is."""

    source: str
    age_seconds: float


@observation(needs=(either(LOG_LINES, system("loki")), launch_meant), optional="loki")
def log_since_launch(
    readings: Readings, moment: datetime, launch_at: datetime | None, since: Since | None, loki: Loki
) -> LogSinceLaunch:
    """Return what was logged since the launch, or in the last hour where there was none. Raises Unknown for nothing.

    Where the line is about the launch (`since`), the hour before it cannot stand in for what comes after it. A reading
    of the log says the level of each line itself; without one Loki is asked for the levels that it has detected.
    """
    begin = moment - timedelta(hours=1)
    if launch_at and launch_at < moment:
        begin = launch_at
    elif since:
        raise Unknown(f"the launch is at {stated(launch_at):%Y-%m-%d %H:%M:%S}Z, still to come", "run again after it")

    if not readings.configured(LOG_LINES):
        return _detected_by(loki, begin)

    logged = readings.rows(LOG_LINES, "at", "level", "event")
    dated = [(readings.as_instant(LOG_LINES, row["at"], "at"), row) for row in logged]
    rows = [row for at, row in dated if at >= begin]
    # A line of the future is no sign that the log arrives; an error in it is one all the same.
    latest = max(moment, datetime.now(UTC)) + CLOCKS_DIFFER
    if not any(begin <= at <= latest for at, _ in dated):
        raise Unknown(f"nothing was logged since {begin:%Y-%m-%d %H:%M}Z", "does the log still arrive?")

    errors = [row for row in rows if _is_error(row["level"])]
    newest = [f"{row['at']} {row['event']} {row.get('message', '')}".strip() for row in errors[-KEPT:]]
    return LogSinceLaunch(len(rows), len(errors), newest)


def _detected_by(loki: Loki, begin: datetime) -> LogSinceLaunch:
    """Return what Loki has by the levels that it detected. Raises Unknown for nothing, and for no level at all."""
    counts = loki.by_level(begin)
    lines = sum(counts.values())
    if not lines:
        raise Unknown(f"nothing was logged since {begin:%Y-%m-%d %H:%M}Z", "does the log still arrive in Loki?")

    errors = sum(count for level, count in counts.items() if level in ERROR_LEVELS)
    unknown = sum(count for level, count in counts.items() if level not in ERROR_LEVELS | DETECTED_HARMLESS)
    if unknown and not errors:
        raise Unknown(
            f"Loki has detected no level of {unknown} lines of {lines}: nobody knows if they are errors",
            "have Loki detect levels (limits_config.discover_log_levels, from 3.1 on), write the level into each line,"
            " or set readings.log_lines in the environment file",
        )
    error_lines = loki.newest(begin, ERROR_LEVELS, KEPT) if errors else []
    newest = [f"{line.at:%Y-%m-%d %H:%M:%S}Z {shown(line.text)}" for line in reversed(error_lines)]
    return LogSinceLaunch(lines, AtLeast(errors) if unknown else errors, newest)


def _is_error(level: Plain) -> bool:
    """Return whether a line's level is one of an error. Raises Unknown for a level that nobody knows."""
    word = str(level).strip().lower()
    if word in ERROR_LEVELS | HARMLESS_LEVELS:
        return word in ERROR_LEVELS

    number = float(word) if _NUMBER.fullmatch(word) else 0.0
    if number < NUMBERS_FROM:
        stated = shown(str(level), LEVEL_SHOWN)
        raise Unknown(
            f"readings.log_lines has lines of the level {stated!r}: nobody knows if they are errors",
            "name it as others do: debug, info, warning, error; in SQL with `case level when 3 then 'error' ... end`",
        )
    return number >= ERRORS_FROM


@observation(needs=either(system("loki"), LOG_LINES), optional="loki")
def log_stream(loki: Loki, readings: Readings) -> LogStream:
    """Return the age of the newest line, of Loki where it is configured, else of the log itself. Raises Unknown."""
    now = datetime.now(UTC)
    if loki.configured:
        source = "Loki"
        instants = [line.at for line in loki.newest(now - FAR_BACK)]
    else:
        source = "the log"
        instants = [readings.as_instant(LOG_LINES, row["at"], "at") for row in readings.rows(LOG_LINES, "at")]
    if not instants:
        raise Unknown(f"{source} has no line at all to judge by", "does the service log, and is this its stream?")

    age = (now - max(instants)).total_seconds()
    if age < -CLOCKS_DIFFER.total_seconds():
        raise Unknown(f"the newest line in {source} is {-age:.0f} s in the future", "set the clocks right")
    return LogStream(source, round(max(age, 0.0), 1))
