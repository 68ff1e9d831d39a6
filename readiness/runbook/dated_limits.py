"""A limit that binds from a day: `{value: 0.6, from: 2026-12-15, until_then: 0.7}`. What binds, and what is ahead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from readiness.errors import not_one_of
from readiness.files.canonical_json import JsonObject
from readiness.timeline import end_of_day, parse_day

KEYS = ("value", "from", "until_then")
_NEEDED = {"value", "from"}


@dataclass(frozen=True)
class LimitsAhead:
    """What binds otherwise from a day on."""

    day: date
    limits: JsonObject
    """Each limit that is another one than today's."""

    @property
    def begins(self) -> datetime:
        """The instant from which it binds: the beginning of its day, in UTC."""
        return begin_of_day(self.day)


@dataclass(frozen=True)
class LimitsInForce:
    """What a line demands of one check at a moment, and what it will demand."""

    limits: JsonObject
    ahead: tuple[LimitsAhead, ...] = field(default=())
    """The nearest first."""


def begin_of_day(day: date) -> datetime:
    """Return the instant at which a day begins, in UTC."""
    return end_of_day(day) - timedelta(days=1)


def in_force(stated: JsonObject, moment: datetime) -> LimitsInForce:
    """Return which limits bind at a moment, and which ones later. Limits without a date bind always.

    >>> from datetime import UTC, datetime
    >>> stated = {"share_below": {"value": 0.6, "from": "2026-12-15", "until_then": 0.7}, "window": "1h"}
    >>> in_force(stated, datetime(2026, 12, 1, tzinfo=UTC)).limits
    {'share_below': 0.7, 'window': '1h'}
    >>> in_force(stated, datetime(2026, 12, 15, tzinfo=UTC)).limits
    {'share_below': 0.6, 'window': '1h'}
    """
    days = sorted({parse_day(str(value["from"])) for value in stated.values() if is_dated(value)})
    now = _at(stated, moment)
    ahead = [LimitsAhead(day, _otherwise(_at(stated, begin_of_day(day)), now)) for day in days]
    return LimitsInForce(now, tuple(part for part in ahead if part.begins > moment))


def is_dated(value: object) -> bool:
    """Check whether a limit says from when it binds."""
    return isinstance(value, dict) and bool(value.keys() & set(KEYS))


def faults(stated: JsonObject) -> Iterator[str]:
    """Yield what is wrong with the limits that have a date, each by its key."""
    for name, value in stated.items():
        if name == "each" or not is_dated(value):
            continue

        yield from (f"{name}: {not_one_of(str(key), KEYS)}" for key in value if key not in KEYS)
        yield from (f"{name}: {key} is missing: {_EXAMPLE}" for key in sorted(_NEEDED - value.keys()))
        yield from _not_one_day(name, value)


_EXAMPLE = "write {value: 0.6, from: 2026-12-15, until_then: 0.7}"


def _not_one_day(name: str, value: JsonObject) -> Iterator[str]:
    try:
        parse_day(str(value.get("from", "2026-12-15")))
    except ValueError as error:
        yield f"{name}: from: {error}"
    if "value" in value and value["value"] == value.get("until_then"):
        yield f"{name}: it is the same until then; leave the date out"


def _at(stated: JsonObject, moment: datetime) -> JsonObject:
    """Return the limits that bind at a moment; one that is not stated until its day is the check's own until then."""
    limits: JsonObject = {}
    for name, value in stated.items():
        if name == "each" or not is_dated(value):
            limits[name] = value
        elif begin_of_day(parse_day(str(value["from"]))) <= moment:
            limits[name] = value["value"]
        elif "until_then" in value:
            limits[name] = value["until_then"]
    return limits


def _otherwise(then: JsonObject, now: JsonObject) -> JsonObject:
    return {name: value for name, value in then.items() if name not in now or now[name] != value}
