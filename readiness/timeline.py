"""Time relative to the launch: `T-7d`, `T-1h`, `T-0`, `T+5m`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_OFFSET = re.compile(r"T(?:([+-])(\d+)([mhdw])|[+-]0)$")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_SPAN = re.compile(r"(\d+)([smhdw])$")
YEARS = range(2000, 3000)
AFTER_SIGN_OFF = "after sign-off"
LOOKS_BACK_AT_MOST = timedelta(minutes=5)


def parse_offset(text: str) -> timedelta:
    """Turn `T-1h` into a timedelta before (negative) or after the launch. Raises ValueError."""
    found = _OFFSET.match(text)
    if not found:
        raise ValueError(f"{text!r} is not a time relative to launch such as T-7d, T-1h, T-0 or T+5m")
    if found[3] is None:
        return timedelta(0)
    span = timedelta(**{UNITS[found[3]]: int(found[2])})
    return -span if found[1] == "-" else span


def parse_span(text: str) -> timedelta:
    """Turn `5m`, `24h` or `7d` into a timedelta. Raises ValueError."""
    found = _SPAN.match(text)
    if not found:
        raise ValueError(f"{text!r} is not a span of time such as 30s, 5m, 24h or 7d")
    return timedelta(**{{**UNITS, "s": "seconds"}[found[2]]: int(found[1])})


def parse_instant(text: str) -> datetime:
    """Turn an ISO date and time with its zone into UTC. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date and time such as 2026-12-01T09:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write 2026-12-01T09:00:00Z or +01:00")
    return moment.astimezone(UTC)


def parse_day(text: str) -> date:
    """Turn `2026-12-01` into a date. Raises ValueError for anything else, an instant too."""
    if not _DAY.match(text):
        raise ValueError(f"{text!r} is not a date such as 2026-12-01; a day counts to its end in UTC")
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day of the calendar") from None
    if found.year not in YEARS:
        raise ValueError(f"{text!r} is of no year that matters here")
    return found


def end_of_day(day: date) -> datetime:
    """Give the instant at which a day is over, in UTC: the first that does not belong to it."""
    return datetime.combine(day, time.max, UTC) + timedelta(microseconds=1)


def has_come(day: date, moment: datetime) -> bool:
    """Tell whether a day has begun somewhere on earth: whoever writes a date may live where it is tomorrow already."""
    return moment >= end_of_day(day) - timedelta(days=2)


def parse_as_of(text: str, launch_at: datetime | None) -> datetime:
    """Turn the value of `--as-of` (relative to launch, or a date) into an instant. Raises ValueError."""
    if not text.startswith("T"):
        return parse_instant(text)
    offset = parse_offset(text)
    if launch_at is None:
        raise ValueError(f"{text!r} is relative to the launch, and the environment names no launch_at")
    return launch_at + offset


def has_passed(as_of: datetime, started_at: datetime) -> bool:
    """Tell whether a run looked back: it judged as of a time before it began, and not only by the time it takes."""
    return as_of < started_at - LOOKS_BACK_AT_MOST


@dataclass(frozen=True, order=True)
class Event:
    """Something that happens at an instant: a line falls due, a piece of evidence stops counting."""

    at: datetime
    kind: str
    """launch, due, or what expires: attestation, waiver, certificate, token, backup, rehearsal, drill."""
    what: str
    owner: str = ""


def events(
    launch_at: datetime | None, due: Iterable[tuple[str, str | None, str]] = (), expiring: Iterable[Event] = ()
) -> list[Event]:
    """Put everything with a date into one list, the earliest first.

    `due` are lines: name, due time, owner. Those without a due time, and all where nobody knows when the launch is,
    have no place in it.
    """
    found = list(expiring)
    if launch_at is not None:
        found.append(Event(launch_at, "launch", "the launch"))
        for what, offset, owner in due:
            if offset is not None and offset != AFTER_SIGN_OFF:
                found.append(Event(launch_at + parse_offset(offset), "due", what, owner))
    return sorted(set(found))


def is_due(due: str | None, moment: datetime, launch_at: datetime | None, signed_at: datetime | None = None) -> bool:
    """Tell whether a line counts at `moment`.

    Without a due time or a launch time a line always counts. What is due after the sign-off cannot be due before
    anyone has signed.
    """
    if due is None:
        return True
    if due == AFTER_SIGN_OFF:
        return signed_at is not None and moment >= signed_at
    return launch_at is None or moment >= launch_at + parse_offset(due)
