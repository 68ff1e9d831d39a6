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
TOLD_AT_MOST = 240
_EXACT = 10**18  # beyond it a count is a float; JSON readers lose the digits anyway

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

# While connecting there is no SQLSTATE; the words are the server's and libpq's own.
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
    """Turn a database's error into what it means and what to do next; its detail, which can quote rows, is left out."""
    first = (str(error).splitlines() or [""])[0].strip()[:TOLD_AT_MOST]
    for kind, reason, remedy in _BY_CLASS:
        if isinstance(error, kind):
            return Unknown(f"{reason}: {first}", remedy)
    if not isinstance(error, psycopg.OperationalError):
        return Unknown(f"the query failed: {first}", "correct the query")
    told = first.rpartition("FATAL: ")[2].strip()
    for words, reason, remedy in _BY_WORDS:
        if any(word in told for word in words):
            return Unknown(f"{place}: {reason}: {told}", remedy)
    return Unknown(f"{place} cannot be asked: {told}", "is it up, and is postgres.url right?")


def only_value(rows: list[Row], what: str) -> Plain:
    """Give the one value of a result. Raises Unknown for none, several, and NULL."""
    if len(rows) != 1 or len(rows[0]) != 1:
        columns = f" of {len(rows[0])} columns" if rows else ""
        raise Unknown(f"{what} has {len(rows)} rows{columns}, not one value", "correct the query")
    (value,) = rows[0].values()
    if value is None or value == "":
        raise Unknown(f"{what} is empty: there is nothing to measure yet", "is there data in the window?")
    return value


def plain_row(names: Sequence[str], values: Sequence[Any]) -> Row:
    """Name the values of one row. Raises Unknown where two columns have the same name, or a value is not plain."""
    row = {name: plain(value) for name, value in zip(names, values, strict=True)}
    if len(row) != len(values):
        raise Unknown("the query answers two columns of the same name", "name each column with `as`")
    return row


def plain(value: Any) -> Plain:
    """Turn what psycopg gives into plain JSON; times become ISO text in UTC, durations seconds. Raises Unknown."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT:
        value = Decimal(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    raise Unknown(f"the query answers a {type(value).__name__}", "cast it to text or to a number")


def _number(value: float | Decimal) -> Plain:
    number = float(value) if isinstance(value, float) or value.is_finite() else math.nan
    if not math.isfinite(number):
        raise Unknown("the query answers what is no finite number", "correct the query, or the data")
    if isinstance(value, Decimal) and abs(value) <= _EXACT and value == value.to_integral_value():
        return int(value)
    return number


_CONVERSIONS: tuple[tuple[type[Any] | tuple[type[Any], ...], Callable[[Any], Plain]], ...] = (
    ((float, Decimal), _number),
    (datetime, lambda value: (value.astimezone(UTC) if value.tzinfo else value).isoformat()),
    ((date, UUID), str),
    (timedelta, lambda value: value.total_seconds()),
    ((list, tuple), lambda value: [plain(item) for item in value]),
    (dict, lambda value: {str(key): plain(item) for key, item in value.items()}),
)
