"""The maintenance that is announced: by the team's own record, or else on the service's own status page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator

from readiness.clients.status_pages import StatusPages
from readiness.environment.schema import Environment
from readiness.observations import known_reading, observation
from readiness.observations.communication import mentions, own_page
from readiness.observations.needs import either
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.sources.readings import Readings

MAINTENANCE_WINDOWS = known_reading(
    "maintenance_windows",
    "the maintenance that is announced (rows with created_at, scheduled_for, scheduled_until, perhaps emergency)",
)
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_TIME_OF_DAY = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")


def _time_of_day(text: str) -> str:
    """Return a time of day. Raises ValueError: 9:00 would be later than 10:00."""
    if _TIME_OF_DAY.fullmatch(text):
        return text
    raise ValueError(f"{text!r} is no time of day such as 02:00")


TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
_EMERGENCY = ("emergency",)
_MINUTE = "%Y-%m-%d %H:%MZ"
_SECOND = "%Y-%m-%d %H:%M:%SZ"
_SHOWN = 80


@dataclass(frozen=True)
class MaintenanceNotice:
    """One maintenance that was announced."""

    begins: str
    hours_ahead: float
    """Between its announcement and its begin."""
    emergency: bool
    ends: str = ""
    """Empty in runs of older versions."""

    def lies_in(self, weekday: str, begins: str, ends: str) -> bool:
        """Check whether it lies in a weekly window, by times of day in UTC; that may last past midnight."""
        if not self.ends:
            return False
        first, last = _parsed(self.begins), _parsed(self.ends)
        return any(opens <= first <= last <= closes for opens, closes in _windows_about(first, weekday, begins, ends))


def _windows_about(moment: datetime, weekday: str, begins: str, ends: str) -> Iterator[tuple[datetime, datetime]]:
    """Yield the weekly windows that open on the day of a moment or on the day before; one may last past midnight."""
    midnight = moment.replace(hour=0, minute=0, second=0)
    for day in (midnight, midnight - timedelta(days=1)):
        opens, closes = day + _since_midnight(begins), day + _since_midnight(ends)
        if closes < opens:
            closes += timedelta(days=1)
        if f"{day:%A}".casefold() == weekday:
            yield opens, closes


def _since_midnight(time_of_day: str) -> timedelta:
    hours, minutes = time_of_day.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _shown(moment: datetime) -> str:
    """Return a moment as people read it, with its seconds where it has some."""
    return f"{moment:{_SECOND if moment.second else _MINUTE}}"


def _parsed(text: str) -> datetime:
    has_seconds = text.count(":") > 1
    return datetime.strptime(text, _SECOND if has_seconds else _MINUTE).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Maintenance:
    """The announced maintenance that is ahead or under way."""

    notices: list[MaintenanceNotice]

    def late(self, hours_at_least: float, emergency_hours_at_least: float) -> list[str]:
        """Return those that were announced less than so many hours ahead."""
        late: list[str] = []
        for notice in self.notices:
            wanted = emergency_hours_at_least if notice.emergency else hours_at_least
            if notice.hours_ahead < wanted:
                kind = "emergency of " if notice.emergency else ""
                late.append(f"{kind}{notice.begins}: {notice.hours_ahead:g} h ahead, wanted {wanted:g}")
        return late

    def outside(self, weekday: str, begins: str, ends: str) -> list[str]:
        """Return those that can wait for the weekly window and do not lie in it; an emergency cannot wait."""
        planned = [notice for notice in self.notices if not notice.emergency]
        return [
            f"{notice.begins} to {notice.ends or 'no known end'}"
            for notice in planned
            if not notice.lies_in(weekday, begins, ends)
        ]


@observation(needs=either(own_page, MAINTENANCE_WINDOWS))
def maintenance(
    readings: Readings, status_pages: StatusPages, environment: Environment, moment: datetime
) -> Maintenance:
    """Return the announced maintenance that is not over. Raises Unknown where none is announced: nothing shows how.

    The team's own record goes before the status page, which may tell of launches too.
    """
    by_record = readings.configured(MAINTENANCE_WINDOWS)
    announcements = _of_record(readings) if by_record else _of_page(status_pages, environment)
    # What is over can no longer be announced, and what will be announced later is not.
    notices = [
        _notice(announced, begin, end, emergency)
        for announced, begin, end, emergency in announcements
        if announced <= moment < max(begin, end)
    ]
    if not notices:
        raise Unknown(
            "no maintenance is announced that is ahead or under way",
            "announce the next one; where there is none, say so under not_applicable",
        )
    return Maintenance(notices)


Announcement = tuple[datetime, datetime, datetime, bool]
"""When it was announced, begins and ends, and whether it is an emergency."""


def _notice(announced: datetime, begin: datetime, end: datetime, emergency: bool) -> MaintenanceNotice:
    """Return a notice as it is judged. Raises Unknown for one that ends before it begins."""
    first, last = begin.astimezone(UTC), end.astimezone(UTC)
    # What lasts for a part of a second more is not over before that second is.
    if last.microsecond:
        last += timedelta(seconds=1)
    if end <= begin:
        raise Unknown(
            f"a maintenance is announced that ends before it begins: {_shown(first)} to {_shown(last)}",
            "correct its times where it is announced; has one of them the wrong day, or have they changed places?",
        )
    hours = round((begin - announced) / timedelta(hours=1), 2)
    return MaintenanceNotice(_shown(first), hours, emergency, _shown(last))


def _of_record(readings: Readings) -> Iterator[Announcement]:
    """Yield what the team's record announces. Raises Unknown."""
    for row in readings.rows(MAINTENANCE_WINDOWS, "created_at", "scheduled_for", "scheduled_until"):
        announced = readings.as_instant(MAINTENANCE_WINDOWS, row["created_at"], "created_at")
        begin = readings.as_instant(MAINTENANCE_WINDOWS, row["scheduled_for"], "scheduled_for")
        end = readings.as_instant(MAINTENANCE_WINDOWS, row["scheduled_until"], "scheduled_until")
        emergency = row.get("emergency", False)
        if not isinstance(emergency, bool):
            stated_as = shown(str(emergency), _SHOWN)
            raise Unknown(f"readings.maintenance_windows: emergency is {stated_as!r}", "answer true or false")
        yield announced, begin, end, emergency


def _of_page(status_pages: StatusPages, environment: Environment) -> Iterator[Announcement]:
    """Yield what the service's own page announces; one whose title says so is an emergency. Raises Unknown."""
    for notice in status_pages.page(own_page(environment)).maintenances:
        if notice.begins is None or notice.ends is None or not notice.updates:
            name = shown(notice.name, _SHOWN)
            raise Unknown(f"the page does not date {name}", "set readings.maintenance_windows, or date the notice")
        yield min(notice.updates), notice.begins, notice.ends, mentions(notice.name, _EMERGENCY)
