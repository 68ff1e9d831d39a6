"""What comes back from a database: rows as plain values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from readiness.measurements import Plain
from readiness.outcomes import Unknown

Row = dict[str, Plain]
_EXACT = 10**18
"""Beyond it an integer becomes a float: most readers of JSON lose the digits anyway."""


def only_value(rows: list[Row], what: str) -> Plain:
    """Return the one value of a result of one row and one column. Raises Unknown for none, several, and NULL."""
    if not rows:
        raise Unknown(f"{what} has 0 rows, not one value", "correct the query")
    if len(rows) != 1 or len(rows[0]) != 1:
        raise Unknown(f"{what} has {len(rows)} rows of {len(rows[0])} columns, not one value", "correct the query")

    (value,) = rows[0].values()
    if value is None or value == "":
        raise Unknown(f"{what} is empty: there is nothing to measure yet", "is there data in the window?")
    return value


def plain_row(names: Sequence[str], values: Sequence[Any]) -> Row:
    """Return a row as a mapping. Raises Unknown where two columns have the same name, or a value is not plain."""
    row = {name: plain(value) for name, value in zip(names, values, strict=True)}
    if len(row) != len(values):
        raise Unknown("the query answers two columns of the same name", "name each column with `as`")
    return row


def plain(value: Any) -> Plain:
    """Return psycopg's value as plain JSON: times as ISO 8601 in UTC, durations as seconds. Raises Unknown."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else _number(Decimal(value))

    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    raise Unknown(f"the query answers a {type(value).__name__}", "cast it to text or to a number")


def _number(value: float | Decimal) -> Plain:
    # A Decimal is asked first: its signalling NaN cannot be converted, and beyond the largest float it is infinite.
    is_not_finite = isinstance(value, Decimal) and not value.is_finite()
    if is_not_finite or not math.isfinite(float(value)):
        raise Unknown("the query answers what is no finite number", "correct the query, or the data")

    # numeric and sum(bigint) come as Decimal; what they count stays an integer.
    if isinstance(value, Decimal) and abs(value) <= _EXACT and value == value.to_integral_value():
        return int(value)
    return float(value)


def _instant(value: datetime) -> Plain:
    # A timestamp without a zone stays without: it is not known to be in UTC.
    in_utc = value.astimezone(UTC) if value.tzinfo else value
    return in_utc.isoformat()


def _seconds(value: timedelta) -> Plain:
    return value.total_seconds()


def _array(value: Sequence[Any]) -> Plain:
    return [plain(item) for item in value]


def _object(value: dict[Any, Any]) -> Plain:
    return {str(key): plain(item) for key, item in value.items()}


# In this order: a datetime is also a date.
_CONVERSIONS: tuple[tuple[type[Any] | tuple[type[Any], ...], Callable[[Any], Plain]], ...] = (
    ((float, Decimal), _number),
    (datetime, _instant),
    ((date, UUID), str),
    (timedelta, _seconds),
    ((list, tuple), _array),
    (dict, _object),
)
