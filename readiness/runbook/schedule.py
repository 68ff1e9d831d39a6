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
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from readiness import timeline
from readiness.outcomes import Phase

BEFORE = timedelta(minutes=15)
"""So long before its time may begin what is held then."""
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
        others = [other.at for other in by_time if other.phase == meeting.phase]
        begins_at = _border(max((at for at in others if at < meeting.at), default=None), meeting.at)
        later = min((at for at in others if at > meeting.at), default=None)
        ends_at = _border(meeting.at, later) if later else None

        belonging = [at for at in begun.get(meeting.phase, []) if begins_at <= at <= moment]
        if not any(ends_at is None or at < ends_at for at in belonging):
            is_over = ends_at is not None and ends_at <= moment
            found.append(Missed(meeting, ends_at if is_over else None))
    return found


def _border(earlier: datetime | None, later: datetime) -> datetime:
    """Return from when on a run belongs to the later of two meetings: one run shows one of them, and each its own."""
    return later - (min(BEFORE, (later - earlier) / 2) if earlier else BEFORE)
