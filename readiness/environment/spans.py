"""The span of time that a question by HTTP is about: `{from}` and `{until}` in its address, its variables or its body.

A place that is all of a text becomes the value itself, so that a number arrives as a number:

    >>> filled({"since": "{from_unix}", "name": "until {until}"}, {"from_unix": 1764576000, "until": "noon"})
    {'since': 1764576000, 'name': 'until noon'}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from readiness.errors import not_one_of
from readiness.timeline import parse_span

_PLACE = re.compile(r"\{([A-Za-z_]\w*)\}", re.ASCII)
BEGINS, ENDS = frozenset({"from", "from_unix"}), frozenset({"until", "until_unix"})
QUANTILE = frozenset({"quantile", "percent"})
PLACES = BEGINS | ENDS | QUANTILE | {"path"}
NOW = "0s"
Values = Mapping[str, str | float]


@dataclass(frozen=True)
class Window:
    """What a figure is asked for: a span of time, how long ago it ended, and which part of the events."""

    window: str
    offset: str = NOW
    quantile: float | None = None
    path: str | None = None

    def __str__(self) -> str:
        until = "" if self.offset == NOW else f" until {self.offset} ago"
        path = f" of {self.path}" if self.path else ""
        return f"{self.window}{until}{path}"

    @property
    def seconds_ago(self) -> float:
        """How long ago it ended."""
        return parse_span(self.offset).total_seconds()

    @property
    def values(self) -> dict[str, str | float]:
        """The placeholders that are filled, with their values."""
        values = {"window": self.window, "offset": self.offset, "quantile": self.quantile, "path": self.path}
        return {name: value for name, value in values.items() if value is not None}

    def instants(self, now: datetime) -> dict[str, str | float]:
        """Return the placeholders of a question that names its instants, with their values."""
        until = now.astimezone(UTC).replace(microsecond=0) - timedelta(seconds=self.seconds_ago)
        begins = until - parse_span(self.window)
        values: dict[str, str | float] = {
            "from": f"{begins:%Y-%m-%dT%H:%M:%SZ}",
            "until": f"{until:%Y-%m-%dT%H:%M:%SZ}",
            "from_unix": int(begins.timestamp()),
            "until_unix": int(until.timestamp()),
        }
        if self.quantile is not None:
            values["quantile"] = self.quantile
            # As vendors name them: P95, P99, P999.
            values["percent"] = f"{self.quantile * 100:.10g}".replace(".", "")
        if self.path is not None:
            values["path"] = self.path
        return values


def places_of(value: Any) -> frozenset[str]:
    """Return the names of the places in the texts of a value. Raises ValueError for a name that is none."""
    if isinstance(value, Mapping):
        return frozenset[str]().union(*map(places_of, value.values()))
    if isinstance(value, list | tuple):
        return frozenset[str]().union(*map(places_of, value))
    if not isinstance(value, str):
        return frozenset()

    names = frozenset(_PLACE.findall(value))
    for name in sorted(names - PLACES):
        raise ValueError(f"the placeholder {not_one_of(name, PLACES)}")
    return names


def filled(value: Any, values: Values) -> Any:
    """Return a value with its places filled; without values as it stands."""
    if isinstance(value, Mapping):
        return {key: filled(part, values) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [filled(part, values) for part in value]
    if not isinstance(value, str) or not values:
        return value

    whole = _PLACE.fullmatch(value)
    if whole:
        return values.get(whole[1], value)
    return _PLACE.sub(lambda match: str(values.get(match[1], match[0])), value)


def filled_address(address: str, values: Values) -> str:
    """Return an address with its places filled, each escaped."""
    return _PLACE.sub(lambda match: quote(str(values.get(match[1], match[0])), safe=""), address) if values else address


def filled_pointer(pointer: str, values: Values) -> str:
    """Return a JSON pointer with its places filled, each escaped (RFC 6901, section 3)."""
    if not values:
        return pointer
    return _PLACE.sub(lambda match: _in_pointer(str(values.get(match[1], match[0]))), pointer)


def _in_pointer(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")
