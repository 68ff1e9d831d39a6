"""The schedule of a runbook: what people do at a time relative to the launch, or every so often, and who.

An entry is a time (`T-1h`, `every day`) or a mapping: `{at: T+4h, what: first checkpoint review, owner: engineer,
phase: postlaunch}`, `{every: 5 minutes, what: look at the health answer}`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from readiness import timeline
from readiness.errors import not_one_of
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Phase

BEFORE = timedelta(minutes=15)
"""So long before its time may begin what is held then."""
HELD, KEPT_UP, BY_WORD = "schedule.review_held", "schedule.kept_up", "schedule.review_attested"
"""The checks whose limit `review` is the name of an entry."""
_EVERY = re.compile(r"(?:([1-9][0-9]{0,3}) )?(minute|hour|day|week|month)s?\Z")
_HOW = "write T-1d, or every: 5 minutes, day, week or month"


class Frequency(StrEnum):
    """What comes back after so many of these, as RFC 5545 calls it."""

    MINUTELY = "minute"
    HOURLY = "hour"
    DAILY = "day"
    WEEKLY = "week"
    MONTHLY = "month"


_LONGEST_GAP = {
    Frequency.MINUTELY: timedelta(minutes=1),
    Frequency.HOURLY: timedelta(hours=1),
    Frequency.DAILY: timedelta(days=1),
    Frequency.WEEKLY: timedelta(weeks=1),
    Frequency.MONTHLY: timedelta(days=31),
}


@dataclass(frozen=True)
class Rhythm:
    """How often something comes back: every so many minutes, hours, days, weeks or months."""

    frequency: Frequency
    interval: int = 1

    def __str__(self) -> str:
        return f"{self.frequency}" if self.interval == 1 else f"{self.interval} {self.frequency}s"

    @property
    def longest_gap(self) -> timedelta:
        """The longest time between two of them; a month has 31 days."""
        return self.interval * _LONGEST_GAP[self.frequency]

    @property
    def late_after(self) -> timedelta:
        """So long after the last one the next is late; nobody looks at the clock for the last few minutes."""
        return self.longest_gap + min(BEFORE, self.longest_gap / 2)


def parse_rhythm(text: str) -> Rhythm:
    """Return `day` or `5 minutes` as a rhythm. Raises ValueError.

    >>> parse_rhythm("5 minutes").longest_gap, str(parse_rhythm("1 day"))
    (datetime.timedelta(seconds=300), 'day')
    """
    match = _EVERY.match(text)
    if not match:
        raise ValueError(f"{text!r} is not how often something comes back; {_HOW}")
    number, unit = match.groups()
    return Rhythm(Frequency(unit), int(number or 1))


def _offset(text: str) -> str:
    timeline.parse_offset(text)
    return text


def _rhythm(stated: object) -> object:
    return stated if isinstance(stated, Rhythm) else parse_rhythm(str(stated))


class Appointment(BaseModel):
    """Something that people do once, relative to the launch, or again and again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: Annotated[str, AfterValidator(_offset)] | None = None
    every: Annotated[Rhythm, BeforeValidator(_rhythm)] | None = None
    what: str = ""
    owner: str = ""
    phase: Phase | None = None
    """The run that shows that it was held; where none is named, people know it alone."""

    @model_validator(mode="after")
    def _has_one_time(self) -> Appointment:
        if (self.at is None) == (self.every is None):
            raise ValueError(f"one time is wanted, `at` or `every`: {_HOW}")
        return self


def appointments(stated: object) -> object:
    """Return a schedule with each short form written out; what has no known form is left to the model.

    >>> appointments({"launch": "T-0", "daily": "every day", "reviews": ["T+1h", "T+4h"]})["reviews T+4h"]
    {'at': 'T+4h', 'what': 'reviews'}
    """
    if not isinstance(stated, Mapping):
        return stated
    entries = list(_written_out(stated))
    twice = [name for name, times in Counter(name for name, _ in entries).items() if times > 1]
    if twice:
        raise ValueError(f"{', '.join(map(str, twice))}: two entries have this name, one of them by a list of times")
    return dict(entries)


def _written_out(stated: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    for name, entry in stated.items():
        what = str(name).replace("_", " ").replace("-", " ")
        if isinstance(entry, str):
            yield name, {**_time(entry), "what": what}
        elif isinstance(entry, list | tuple) and entry and all(isinstance(one, str) for one in entry):
            yield from ((f"{name} {one}", {**_time(one), "what": what}) for one in entry)
        elif isinstance(entry, Mapping):
            yield name, {"what": what, **entry}
        else:
            yield name, entry


def _time(text: str) -> dict[str, str]:
    is_rhythm = text.startswith("every ")
    return {"every": text.removeprefix("every ")} if is_rhythm else {"at": text}


Schedule = Annotated[dict[str, Appointment], BeforeValidator(appointments)]
"""The name of an appointment → when it is, and of what."""


@dataclass(frozen=True, order=True)
class Meeting:
    """One appointment at its instant."""

    at: datetime
    runbook: str
    name: str
    what: str
    owner: str
    phase: Phase | None


def meetings(runbook: str, schedule: Mapping[str, Appointment], launch_at: datetime) -> list[Meeting]:
    """Return what a runbook has once, at its instants, the earliest first."""
    found = [
        Meeting(
            launch_at + timeline.parse_offset(one.at),
            runbook,
            name,
            one.what,
            one.owner,
            one.phase,
        )
        for name, one in schedule.items()
        if one.at is not None
    ]
    return sorted(found, key=lambda meeting: (meeting.at, meeting.name))


@dataclass(frozen=True)
class Missed:
    """A meeting that no run shows, and until when one would have; None: one still may."""

    meeting: Meeting
    until: datetime | None


def missed(of_one_runbook: Iterable[Meeting], begun: Mapping[Phase, list[datetime]], moment: datetime) -> list[Missed]:
    """Return the meetings before a moment whose phase was not run between them and the next one of that phase.

    `begun` says when the runs of each phase began.
    """
    found: list[Missed] = []
    by_time = sorted(of_one_runbook, key=lambda meeting: meeting.at)
    for meeting in by_time:
        if meeting.phase is None or meeting.at > moment:
            continue
        shown_by = shown_within(meeting, by_time)
        if shown_by.first(begun.get(meeting.phase, []), moment) is None:
            is_over = shown_by.ends_at is not None and shown_by.ends_at <= moment
            found.append(Missed(meeting, shown_by.ends_at if is_over else None))
    return found


@dataclass(frozen=True)
class ShownWithin:
    """From when on, and until when, what is on record shows that a meeting was held; None: nothing follows it."""

    begins_at: datetime
    ends_at: datetime | None

    def first(self, records: Iterable[datetime], moment: datetime) -> datetime | None:
        """Return the first record until a moment that shows it; None where none does."""
        belonging = [at for at in records if self.begins_at <= at <= moment]
        return min((at for at in belonging if self.ends_at is None or at < self.ends_at), default=None)


def shown_within(meeting: Meeting, of_one_runbook: Iterable[Meeting]) -> ShownWithin:
    """Return when a meeting is shown: until the next one of its phase, or the next of all where it has no phase.

    The last one of its phase is shown until the next of another phase begins: else it could never be missed.
    """
    every = list(of_one_runbook)
    alike = [other.at for other in every if meeting.phase in {None, other.phase}]
    begins_at = _border(max((at for at in alike if at < meeting.at), default=None), meeting.at)
    later = min((at for at in alike if at > meeting.at), default=None)
    if later:
        return ShownWithin(begins_at, _border(meeting.at, later))

    # No run belongs to both of them, so there is no border to draw.
    of_other_phases = [other.at for other in every if other.phase is not None and other.at > meeting.at]
    return ShownWithin(begins_at, min(of_other_phases, default=None))


def _border(earlier: datetime | None, later: datetime) -> datetime:
    """Return from when on a run belongs to the later of two meetings: one run shows one of them, and each its own."""
    return later - (min(BEFORE, (later - earlier) / 2) if earlier else BEFORE)


@dataclass(frozen=True)
class Pause:
    """A time in which something that comes back was not on record, and that is longer than it may be."""

    begin: datetime
    end: datetime


def pauses(rhythm: Rhythm, records: Iterable[datetime], begin: datetime, moment: datetime) -> list[Pause]:
    """Return the pauses that were too long between a begin and a moment; a record from before the begin counts too."""
    known = sorted(at for at in records if at <= moment)
    first = max((at for at in known if at <= begin), default=begin)
    marks = [first, *(at for at in known if at > begin), moment]
    return [Pause(one, other) for one, other in pairwise(marks) if other - one > rhythm.late_after]


def too_short(rhythm: Rhythm, window: str) -> str:
    """Return why a window can show no pause that is too long; empty where it can.

    >>> too_short(parse_rhythm("day"), "24h"), too_short(parse_rhythm("day"), "25h")
    ('within 24h of what comes back every day nothing is ever too late; state a longer window, as 2d', '')
    """
    if timeline.parse_span(window) > rhythm.late_after:
        return ""
    twice = _shown_span(2 * rhythm.longest_gap)
    why = f"within {window} of what comes back every {rhythm} nothing is ever too late"
    return f"{why}; state a longer window, as {twice}"


def _shown_span(span: timedelta) -> str:
    """Return a span as people write it: 2d, 2h, 10m."""
    for unit, length in (("d", timedelta(days=1)), ("h", timedelta(hours=1))):
        if not span % length:
            return f"{span // length}{unit}"
    return f"{span // timedelta(minutes=1)}m"


def review_faults(reviews: Iterable[tuple[str, JsonObject]], schedule: Mapping[str, Appointment]) -> Iterator[str]:
    """Yield what is wrong with the reviews that lines name: each by its check, with the limits."""
    for check, limits in reviews:
        name = str(limits["review"])
        if name not in schedule:
            yield f"{check}: review {not_one_of(name, schedule)}; it is an entry of the schedule"
        elif check == KEPT_UP and schedule[name].every is None:
            yield f"{check}: {name} is held once, at {schedule[name].at}; {HELD} decides that"
        elif check == HELD and schedule[name].at is None:
            yield f"{check}: {name} comes back every {schedule[name].every}; {KEPT_UP} decides that"
        elif check == KEPT_UP:
            yield from _window_faults(schedule[name].every, limits.get("window"))


def _window_faults(rhythm: Rhythm | None, window: object) -> Iterator[str]:
    """Yield what is wrong with the window of what comes back; what is no span is told by the check."""
    try:
        fault = too_short(rhythm, window) if rhythm and isinstance(window, str) else ""
    except ValueError:
        return
    if fault:
        yield f"{KEPT_UP}: window: {fault}"
