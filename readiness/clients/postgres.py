"""PostgreSQL, read-only: one statement a call, with limits on time and locks, and rows of plain values or Unknown."""

from __future__ import annotations

import math
import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from readiness import environment
from readiness.clients.guard import Guard
from readiness.measurements import Plain
from readiness.outcomes import Effect, NotConfigured, Unknown

Row = dict[str, Plain]
Connection = psycopg.Connection[dict[str, Any]]
SQL_SHOWN = 200
GRACE_SECONDS = 1.0  # for the server to end a statement by itself, before we end the connection

_REMEDIES: tuple[tuple[type[psycopg.Error], str, str], ...] = (
    (errors.ReadOnlySqlTransaction, "the statement writes, and readings only read", "correct the query"),
    (
        errors.InsufficientPrivilege,
        "the probe's role may not see this",
        "grant it pg_read_all_data or select on the table",
    ),
    (errors.UndefinedTable, "the table does not exist", "is the schema migrated? else set the reading's own sql"),
    (errors.UndefinedColumn, "the column does not exist", "set the reading's own sql"),
    (
        errors.QueryCanceled,
        "the statement took too long",
        "give it an index, or raise postgres.statement_timeout_seconds",
    ),
    (errors.LockNotAvailable, "the statement waited for a lock", "look for who holds it: select * from pg_locks"),
    (errors.TooManyConnections, "the server takes no more connections", "free some: the pool is exhausted"),
    (errors.InvalidPassword, "the password is wrong", "renew the variable that postgres.url names"),
    (
        errors.InvalidAuthorizationSpecification,
        "the role may not log in",
        "look at the probe's role: alter role ... login",
    ),
    (errors.SyntaxError, "the query cannot be parsed", "correct it; a reading has exactly one statement"),
)


class Postgres:
    """Connections to one database, few and shared."""

    def __init__(self, settings: environment.Postgres | None, guard: Guard) -> None:
        self._given = settings
        self._guard = guard
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        self._places = threading.Semaphore(settings.connections_at_most if settings else 1)

    @property
    def configured(self) -> bool:
        """Tell whether the environment names a database."""
        return self._given is not None

    @property
    def schemas(self) -> tuple[str, ...]:
        """The schemas whose tables are looked at."""
        return self._settings.schemas

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        """Run one statement and give its rows. Raises Unknown."""
        settings = self._settings
        known = conninfo_to_dict(settings.url.reveal())
        where = f"postgres://{known.get('host', '')}:{known.get('port', 5432)}/{known.get('dbname', '')}"
        target = f"{where}: {' '.join(sql.split())[:SQL_SHOWN]}"
        with self._guard.request("postgres", "SQL", target, str(known.get("host", "")).lower(), Effect.READ) as entry:
            deadline = time.monotonic() + settings.connect_seconds + settings.statement_timeout_seconds + GRACE_SECONDS
            if not self._places.acquire(timeout=settings.connect_seconds + settings.statement_timeout_seconds):
                raise Unknown("our own queries took all connections", "raise postgres.connections_at_most")
            try:
                found = self._run(sql, parameters, deadline)
            except psycopg.Error as error:
                raise _unknown(error) from None
            finally:
                self._places.release()
            entry.status = f"{len(found)} rows"
            return found

    def value(self, sql: str, *parameters: object) -> Plain:
        """Run a statement that answers one value. Raises Unknown."""
        return only_value(self.rows(sql, *parameters), "the query")

    def close(self) -> None:
        """Close the idle connections."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    @property
    def _settings(self) -> environment.Postgres:
        if self._given is None:
            raise NotConfigured("no database is configured", "set postgres.url in the environment file")
        return self._given

    def _run(self, sql: str, parameters: tuple[object, ...], deadline: float) -> list[Row]:
        connection = self._connection()
        # A server that went silent answers neither the query nor its cancellation: then the socket is closed.
        watchdog = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, [connection])
        watchdog.daemon = True
        watchdog.start()
        try:
            # With prepare=True the statement goes through the extended protocol, which takes exactly one: no second
            # one can leave the read-only transaction.
            cursor = connection.execute(sql.encode(), parameters or None, prepare=True)
            found = (
                [{name: _plain(value) for name, value in row.items()} for row in cursor] if cursor.description else []
            )
            connection.rollback()
        except BaseException:
            connection.close()
            raise
        finally:
            watchdog.cancel()
        self._idle.put(connection)
        return found

    def _connection(self) -> Connection:
        while not self._idle.empty():
            known = self._idle.get_nowait()
            if not known.closed:
                return known
        settings = self._settings
        limits = {
            "default_transaction_read_only": "on",
            "statement_timeout": f"{settings.statement_timeout_seconds * 1000:.0f}",
            "lock_timeout": f"{settings.lock_timeout_seconds * 1000:.0f}",
            "idle_in_transaction_session_timeout": "60000",
        }
        connection = psycopg.connect(
            settings.url.reveal(),
            row_factory=dict_row,
            connect_timeout=max(2, round(settings.connect_seconds)),  # libpq's least
            tcp_user_timeout=round(settings.connect_seconds * 1000),
            application_name="readiness",
            options=" ".join(f"-c {name}={value}" for name, value in limits.items()),
        )
        connection.read_only = True
        return connection


def _cut(connection: Connection) -> None:
    """Shut the connection's socket: whoever waits on it then sees the end of it."""
    try:
        with socket.socket(fileno=os.dup(connection.pgconn.socket)) as ours:
            ours.shutdown(socket.SHUT_RDWR)
    except (OSError, psycopg.Error):
        return  # it has ended by itself


def _unknown(error: psycopg.Error) -> Unknown:
    first = (str(error).splitlines() or [""])[0].strip()
    for kind, reason, remedy in _REMEDIES:
        if isinstance(error, kind):
            return Unknown(f"{reason}: {first}", remedy)
    if "not permitted to log in" in str(error):
        return Unknown(f"the role may not log in: {first}", "look at the probe's role: alter role ... login")
    if isinstance(error, psycopg.OperationalError):
        return Unknown(f"the database cannot be reached: {first}", "is it up, and is postgres.url right?")
    return Unknown(f"the query failed: {first}", "correct the query")


def only_value(rows: list[Row], what: str) -> Plain:
    """Give the one value of a result. Raises Unknown for none, several, and NULL."""
    if len(rows) != 1 or len(rows[0]) != 1:
        columns = len(rows[0]) if rows else 0
        raise Unknown(f"{what} has {len(rows)} rows of {columns} columns, not one value", "correct the query")
    (value,) = rows[0].values()
    if value is None:
        raise Unknown(f"{what} has no value: there is nothing to measure yet", "is there data in the window?")
    return value


def _plain(value: Any) -> Plain:
    """Turn what psycopg gives into plain JSON; times become ISO text in UTC, durations seconds."""
    if value is None or isinstance(value, bool | int | str):
        return value
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    raise Unknown(f"the query answers a {type(value).__name__}", "cast it to text or to a number")


def _float(value: float | Decimal) -> Plain:
    if not math.isfinite(value):
        raise Unknown(f"the query answers {value}", "correct the query, or the data")
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else float(value)


_CONVERSIONS: tuple[tuple[type[Any] | tuple[type[Any], ...], Callable[[Any], Plain]], ...] = (
    ((float, Decimal), _float),
    (datetime, lambda value: (value.astimezone(UTC) if value.tzinfo else value).isoformat()),
    ((date, UUID), str),
    (timedelta, lambda value: value.total_seconds()),
    ((list, tuple), lambda value: [_plain(item) for item in value]),
    (dict, lambda value: {str(key): _plain(item) for key, item in value.items()}),
)
