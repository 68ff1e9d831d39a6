"""Time relative to the launch: `T-7d`, `T-1h`, `T-0`, `T+5m`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN_UNITS = {**UNITS, "s": "seconds"}
_OFFSET = re.compile(r"T(?:([+-])([0-9]+)([mhdw])|[+-]0)\Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_SPAN = re.compile(r"([0-9]+)([smhdw])\Z")
YEARS = range(2000, 3000)
LONGEST = timedelta(days=365_250)
"""No span of time that people write is longer than a thousand years; from `YEARS` it leads to no date that none is."""
AFTER_SIGN_OFF = "after sign-off"
CLOCKS_DIFFER = timedelta(minutes=1)
"""So far ahead of ours may a clock be that tells when something was."""
FRESH = timedelta(minutes=5)
"""A sample that is older says nothing of now: Prometheus drops it too."""
LOOKS_BACK_AT_MOST = timedelta(minutes=5)
"""A run that judges as of a moment so shortly before its start still counts as of now."""


def why_not_of_now(second: float, now: float, age_at_most: timedelta = FRESH) -> str:
    """Return why what was at a Unix second says nothing of now, both in UTC; empty where it does.

    >>> why_not_of_now(1_764_576_000, 1_764_576_060), why_not_of_now(1_764_576, 1_764_576_060)
    ('', 'is of 1970-01-21 10:09:36Z, 20,403 days old (seconds where milliseconds are meant?)')
    """
    age = now - second
    if -CLOCKS_DIFFER.total_seconds() <= age <= age_at_most.total_seconds():
        return ""
    try:
        when = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}Z"
    except (ValueError, OverflowError, OSError):
        return f"is of the second {second:g} since 1970, which is of no year that matters here"

    is_before_all = second < datetime(min(YEARS), 1, 1, tzinfo=UTC).timestamp()
    mistaken = " (seconds where milliseconds are meant?)" if is_before_all else ""
    days = timedelta(days=1).total_seconds()
    far = f"{abs(age) / days:,.0f} days" if abs(age) >= days else f"{abs(age):,.0f} s"
    return f"is of {when}, {far} old{mistaken}" if age > 0 else f"is of {when}, {far} in the future"


def parse_offset(text: str) -> timedelta:
    """Return `T-1h` as a timedelta before (negative) or after the launch. Raises ValueError.

    >>> parse_offset("T-1h") / timedelta(minutes=1), parse_offset("T+2d") / timedelta(hours=1)
    (-60.0, 48.0)
    """
    match = _OFFSET.match(text)
    if not match:
        raise ValueError(f"{text!r} is not a time relative to launch such as T-7d, T-1h, T-0 or T+5m")

    sign, number, unit = match.groups()
    # T-0 and T+0 take no unit.
    if unit is None:
        return timedelta(0)

    span = _span(text, int(number), UNITS[unit])
    return -span if sign == "-" else span


def parse_span(text: str) -> timedelta:
    """Return `30s`, `5m`, `24h` or `7d` as a timedelta. Raises ValueError."""
    match = _SPAN.match(text)
    if not match:
        raise ValueError(f"{text!r} is not a span of time such as 30s, 5m, 24h or 7d")

    number, unit = match.groups()
    return _span(text, int(number), _SPAN_UNITS[unit])


def _span(text: str, number: int, unit: str) -> timedelta:
    """Return so many of a unit as a timedelta. Raises ValueError where nobody can mean it."""
    if number > LONGEST / timedelta(**{unit: 1}):
        raise ValueError(f"{text!r} is longer than a thousand years; is a digit or the unit mistyped?")
    return timedelta(**{unit: number})


def parse_instant(text: str) -> datetime:
    """Return an ISO date and time with its zone as UTC. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date and time such as 2026-12-01T09:00:00Z") from None

    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write 2026-12-01T09:00:00Z or +01:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is of no year that there is in UTC") from None


def of_a_year_that_matters(moment: datetime) -> datetime:
    """Return an instant that people wrote. Raises ValueError for one so far away that it is a slip of a finger."""
    if moment.year not in YEARS:
        raise ValueError(f"'{moment.isoformat()}' is of no year that matters here")
    return moment


def parse_day(text: str) -> date:
    """Return `2026-12-01` as a date. Raises ValueError for anything else, an instant too."""
    # fromisoformat also reads 20261201 and 2026-W49-2, which nobody reviews easily.
    if not _DAY.match(text):
        raise ValueError(f"{text!r} is not a date such as 2026-12-01; a day counts to its end in UTC")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day of the calendar") from None

    # 0206 is a slip of a finger, and 9999-12-31 has no day after it.
    if day.year not in YEARS:
        raise ValueError(f"{text!r} is of no year that matters here")
    return day


def end_of_day(day: date) -> datetime:
    """Return the instant at which a day is over, in UTC: the first that does not belong to it."""
    return datetime.combine(day, time.max, UTC) + timedelta(microseconds=1)


def has_come(day: date, moment: datetime) -> bool:
    """Check whether a day has begun somewhere on earth: whoever writes a date may live where it is tomorrow already."""
    # Two days before its end in UTC is a day before it begins there, and no zone is so far ahead.
    return moment >= end_of_day(day) - timedelta(days=2)


def parse_as_of(text: str, launch_at: datetime | None) -> datetime:
    """Return the value of `--as-of` (relative to launch, or a date and time) as an instant. Raises ValueError."""
    if not text.startswith("T"):
        return of_a_year_that_matters(parse_instant(text))

    offset = parse_offset(text)
    if launch_at is None:
        raise ValueError(f"{text!r} is relative to the launch, and the environment names no launch_at")
    return launch_at + offset


def has_passed(as_of: datetime, started_at: datetime) -> bool:
    """Check whether a run looked back: it judged as of a time before it began, by more than the time it takes."""
    return as_of < started_at - LOOKS_BACK_AT_MOST


def is_ahead(as_of: datetime, started_at: datetime) -> bool:
    """Check whether a run planned: it judged as of a time after it began, by more than clocks and patience differ."""
    return as_of > started_at + LOOKS_BACK_AT_MOST


@dataclass(frozen=True, order=True)
class Event:
    """Something that happens at an instant: a line falls due, a piece of evidence stops counting."""

    at: datetime
    kind: str
    """launch, due, or what expires: attestation, waiver, declared value, certificate, token, backup,
    rehearsal, drill."""
    what: str
    owner: str = ""


def events(
    launch_at: datetime | None, due: Iterable[tuple[str, str | None, str]] = (), expiring: Iterable[Event] = ()
) -> list[Event]:
    """Return everything with a date in one list, the earliest first.

    `due` are lines: name, due time, owner. Those without a due time, and all where nobody knows when the launch is,
    have no place in it.
    """
    dated = set(expiring)
    if launch_at is None:
        return sorted(dated)

    dated.add(Event(launch_at, "launch", "the launch"))
    for what, offset, owner in due:
        # Nobody knows beforehand when the sign-off will be.
        if offset is None or offset == AFTER_SIGN_OFF:
            continue
        dated.add(Event(launch_at + parse_offset(offset), "due", what, owner))
    return sorted(dated)


def is_due(due: str | None, moment: datetime, launch_at: datetime | None, signed_at: datetime | None = None) -> bool:
    """Check whether a line counts at `moment`.

    >>> launch_at = parse_instant("2026-12-01T09:00:00Z")
    >>> [is_due("T-1h", launch_at - timedelta(hours=hours), launch_at) for hours in (2, 1)]
    [False, True]
    """
    # A line without a due time always counts.
    if due is None:
        return True

    # What is due after the sign-off cannot be due before anyone has signed.
    if due == AFTER_SIGN_OFF:
        return signed_at is not None and moment >= signed_at

    # Without a launch time nothing can be put off until then.
    if launch_at is None:
        return True
    return moment >= launch_at + parse_offset(due)


def due_at(due: str | None, launch_at: datetime | None, signed_at: datetime | None = None) -> datetime | None:
    """Return the instant at which a line begins to count; None where it always does, or where nobody knows when.

    >>> str(due_at("T-1h", parse_instant("2026-12-01T09:00:00Z")))
    '2026-12-01 08:00:00+00:00'
    """
    if due is None:
        return None
    if due == AFTER_SIGN_OFF:
        return signed_at
    if launch_at is None:
        return None
    return launch_at + parse_offset(due)


@dataclass(frozen=True)
class Bound:
    """The instant from which something no longer holds, and what ends it then; None where nothing with a date does."""

    at: datetime | None = None
    says: str = ""


@dataclass(frozen=True)
class Ending:
    """The instant from which a decision no longer holds, and what ends it, as a clause."""

    at: datetime
    cause: str


def first_bound(due: Collection[datetime], endings: Collection[Ending]) -> Bound:
    """Return the first instant at which something falls due or ends.

    >>> eight = parse_instant("2026-12-01T08:00:00Z")
    >>> first_bound([eight], [Ending(eight, "a waiver expires")]).says
    'holds until 2026-12-01 08:00:00Z, when what is not due yet falls due and a waiver expires'
    """
    all_of_them = [*(Ending(at, "what is not due yet falls due") for at in due), *endings]
    first = min((ending.at for ending in all_of_them), default=None)
    if first is None:
        return Bound()

    causes = dict.fromkeys(ending.cause for ending in all_of_them if ending.at == first)
    return Bound(first, f"holds until {first:%Y-%m-%d %H:%M:%S}Z, when {' and '.join(causes)}")
