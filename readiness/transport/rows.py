"""What comes back from a database: rows as plain values, and errors as what to do about them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors

from readiness.measurements import Plain
from readiness.outcomes import Unknown

Row = dict[str, Plain]
MESSAGE_SHOWN = 240
_EXACT = 10**18
"""Beyond it an integer becomes a float: most readers of JSON lose the digits anyway."""

_BY_CLASS: tuple[tuple[type[psycopg.Error], str, str], ...] = (
    (errors.ReadOnlySqlTransaction, "the statement writes, and readings only read", "correct the query"),
    (
        errors.InsufficientPrivilege,
        "the probe's role may not see this",
        "grant it pg_read_all_data, or select on the table",
    ),
    (errors.UndefinedTable, "the table does not exist", "is the schema migrated? else set the reading's own sql"),
    (errors.InvalidSchemaName, "the schema does not exist", "is the schema migrated? else correct the query"),
    (errors.UndefinedColumn, "the column does not exist", "is the schema migrated? else set the reading's own sql"),
    (
        errors.QueryCanceled,
        "the statement took too long",
        "give it an index, or raise postgres.statement_timeout_seconds",
    ),
    (errors.LockNotAvailable, "the statement waited for a lock", "look for who holds it: select * from pg_locks"),
    (errors.SyntaxError, "the query cannot be parsed", "correct it; a reading has exactly one statement"),
    (errors.AdminShutdown, "the server ended the connection", "is it being restarted? run again when it is up"),
)

# While connecting there is no SQLSTATE; the words are the server's and libpq's own. The first that fits counts: what is
# said of a role or a database in general stands below what is said of its password or its slots.
_BY_WORDS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("password authentication failed", "no password supplied", "SASL authentication failed"),
        "the password is wrong",
        "renew the variable that postgres.url names",
    ),
    (
        ("too many clients", "too many connections", "remaining connection slots", "max clients reached"),
        "the server takes no more connections",
        "free some: its slots are exhausted, also for the service itself",
    ),
    (
        ("not permitted to log in", "no pg_hba.conf entry", "authentication failed", "role ", "user "),
        "the role may not log in",
        "look at the probe's role: alter role ... login; and at pg_hba.conf",
    ),
    (("unsupported startup parameter",), "a pooler is in between", "give postgres.url the database's direct port"),
    (("starting up", "shutting down", "recovery mode"), "the server is not ready", "wait until it is up, run again"),
    (("could not translate host", "resolve", "Name or service"), "the host's name has no address", "is it right?"),
    (("onnection refused",), "the server refused the connection", "is it up, and is the port right?"),
    (("SSL", "certificate", "TLS"), "TLS failed", "look at sslmode in postgres.url, and at the certificate"),
    (("database ",), "the database is not there", "is the name at the end of postgres.url right?"),
    (("closed the connection", "connection is lost", "onnection reset"), "the connection broke off", "run again"),
)


def explained(error: psycopg.Error, place: str) -> Unknown:
    """Return what a database's error means and what to do next.

    Only the first line of its message is passed on: the detail below it can quote rows.
    """
    lines = str(error).splitlines()
    first = lines[0].strip()[:MESSAGE_SHOWN] if lines else ""

    for kind, reason, remedy in _BY_CLASS:
        if isinstance(error, kind):
            return Unknown(f"{reason}: {first}", remedy)

    # What is no matter of the server's operation is the statement's fault.
    if not isinstance(error, psycopg.OperationalError):
        return Unknown(f"the query failed: {first}", "correct the query")

    # libpq puts the address that was tried in front of the server's own words.
    message = first.rpartition("FATAL: ")[2].strip()
    for words, reason, remedy in _BY_WORDS:
        if any(word in message for word in words):
            return Unknown(f"{place}: {reason}: {message}", remedy)
    return Unknown(f"{place} cannot be asked: {message}", "is it up, and is postgres.url right?")


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
