"""Sessions of PostgreSQL that only read: few, shared, with limits on time, locks and rows.

It imports psycopg, which is slow to load, and is therefore itself imported with the first statement.
"""

from __future__ import annotations

import queue
import select
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row

from readiness.environment import schema
from readiness.measurements import is_digits
from readiness.outcomes import Late, Silent, Unknown
from readiness.transport.connecting import NoSlots, is_there
from readiness.transport.deadline import Deadline, DeadlinePassed, Wire, within
from readiness.transport.guard import Guard
from readiness.transport.rows import Row, plain_row
from readiness.transport.sql_errors import explained

Connection = psycopg.Connection[tuple[Any, ...]]
ROWS_AT_MOST = 100_000
_READ_ONLY = "default_transaction_read_only"
AGAIN_SECONDS = 0.1
LEAVING_SECONDS = 1.0
"""A session that was closed may hold its slot so long."""
GRACE_SECONDS = 1.0
"""For the server to end a statement by itself, before we end the connection."""


@dataclass(frozen=True)
class DatabaseAddress:
    """Where the database is, as the record of requests shows it."""

    hosts: tuple[str, ...]
    port: str
    database: str
    options: str

    @classmethod
    def of(cls, settings: schema.Postgres) -> DatabaseAddress:
        """Return the place of an address. Raises Unknown for what libpq does not take as one."""
        try:
            parts = conninfo_to_dict(settings.url.reveal())
        except psycopg.Error:  # its message would hold a part of the address
            raise Unknown(
                "postgres.url is not the address of a database", "write it as postgresql://role:password@host:port/name"
            ) from None

        if parts.get("service"):
            raise Unknown(
                "postgres.url names a service: which host that is stands in another file",
                "write the host itself: postgresql://role:password@host:port/name",
            )

        # libpq tries several hosts in turn, and connects to `hostaddr` where it is given: all must be allowed.
        hosts = f"{parts.get('host') or ''},{parts.get('hostaddr') or ''}".rstrip(",").split(",")
        return cls(
            hosts=tuple(hosts),
            port=str(parts.get("port") or 5432),
            database=str(parts.get("dbname") or ""),
            options=str(parts.get("options") or ""),
        )

    @property
    def only_host(self) -> str | None:
        """The host, where there is no more than one."""
        return self.hosts[0] if len(self.hosts) == 1 else None

    @property
    def only_door(self) -> tuple[str, int] | None:
        """The host and port, where it is asked over the network and at no other place besides."""
        # Without a name, and with a folder for one, it is asked over a socket of this machine.
        host = self.only_host
        is_over_network = bool(host) and not str(host).startswith("/")
        if host is None or not is_over_network or not is_digits(self.port):
            return None
        return host, int(self.port)

    def __str__(self) -> str:
        return f"postgres://{','.join(self.hosts)}:{self.port}/{self.database}"


class Sessions:
    """Connections to one database, few and shared."""

    def __init__(self, settings: schema.Postgres, guard: Guard) -> None:
        self._settings = settings
        self._guard = guard
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        self._places = threading.Semaphore(settings.connections_at_most)
        self._closed = False
        self._own: list[Connection] = []
        """The connections that were opened and, when somebody last looked, not closed."""
        self._last_closed = -LEAVING_SECONDS
        self._lock = threading.Lock()
        self._connects = threading.Lock()

    def place(self) -> DatabaseAddress:
        """Return where the database is. Raises Unknown for what libpq does not take as an address."""
        return DatabaseAddress.of(self._settings)

    def rows(
        self, place: DatabaseAddress, sql: str, parameters: tuple[object, ...] = (), *, new: bool = False
    ) -> list[Row]:
        """Return the rows of one statement, of a new connection where that is asked for. Raises Unknown."""
        settings = self._settings
        if not self._places.acquire(timeout=settings.connect_seconds + settings.statement_timeout_seconds):
            raise Unknown(
                f"the query was not sent: our own took all {settings.connections_at_most} connections",
                "raise postgres.connections_at_most",
            )
        try:
            connection = None if new else self._take_idle()
            if connection is None:
                connection = self._connect_beside_our_own(place, new=new)
            rows = self._run(place, connection, sql, parameters)
        except psycopg.Error as error:
            raise explained(error, str(place), place.only_host) from None
        finally:
            self._places.release()
        return rows

    def close(self) -> None:
        """Close the connections: the idle ones now, the others when they come back."""
        self._closed = True
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def _take_idle(self) -> Connection | None:
        """Return an open connection that has not died meanwhile; None where there is none."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return None
            if not connection.closed and not _is_readable(connection):
                return connection
            connection.close()

    def _connect_beside_our_own(self, place: DatabaseAddress, *, new: bool) -> Connection:
        """Return a connection; where our own have taken the last slots, one of these once it is back.

        Raises Unknown, psycopg.Error: that the server takes no more is its own no only where we hold none.
        """
        gives_up_at = time.monotonic() + self._settings.connect_seconds + self._settings.statement_timeout_seconds
        while True:
            # One after the other, so that one of our own that is about to be opened is not taken for somebody else's.
            with self._connects:
                ours = self._ours()
                try:
                    return self._connect(place)
                except psycopg.Error as error:
                    full = explained(error, str(place), place.only_host)
                    if not isinstance(full, NoSlots) or not ours:
                        raise
            if time.monotonic() > gives_up_at:
                raise Unknown(
                    f"{full.reason}; and {ours} of them are our own",
                    "lower postgres.connections_at_most to 1, or run without -n",
                )
            idle = self._take_idle()
            if idle and not new:
                return idle
            if idle:
                idle.close()
            time.sleep(AGAIN_SECONDS)

    def _ours(self) -> int:
        """Return how many connections of our own the server still holds, as far as that is known from here."""
        with self._lock:
            open_ones = [connection for connection in self._own if not connection.closed]
            if len(open_ones) < len(self._own):
                # Its process at the server ends a moment later, and holds the slot until then.
                self._last_closed = time.monotonic()
            self._own = open_ones
            leaving = time.monotonic() - self._last_closed < LEAVING_SECONDS
            return len(open_ones) + leaving

    def _connect(self, place: DatabaseAddress) -> Connection:
        """Return a new read-only connection with the settings' limits. Raises Unknown, psycopg.Error."""
        settings, silences = self._settings, self._guard.silences
        if place.only_door:
            silences.require_worth_asking(*place.only_door)

        try:
            connection = within(Deadline.after(settings.connect_seconds), lambda wire: self._opened(place, wire))
        except DeadlinePassed:
            reason = f"{place} did not take the connection within {settings.connect_seconds:g} s"
            remedy = "is it up, and is there a way to it from here? else raise postgres.connect_seconds"
            raise self._silent(place, reason, remedy, settings.connect_seconds) from None

        if place.only_door:
            silences.answered(*place.only_door)
        with self._lock:
            self._own.append(connection)
        connection.read_only = True
        return connection

    def _limits(self) -> dict[str, str]:
        """Return the limits of each session, as PostgreSQL calls them."""
        settings = self._settings
        return {
            _READ_ONLY: "on",
            "statement_timeout": f"{settings.statement_timeout_seconds * 1000:.0f}",
            "lock_timeout": f"{settings.lock_timeout_seconds * 1000:.0f}",
            "idle_in_transaction_session_timeout": "60000",
            "row_security": "off",  # what a policy would leave out is an error: nobody counts what nobody shows
        }

    def _opened(self, place: DatabaseAddress, wire: Wire) -> Connection:
        """Return a connection as libpq opens it, in a thread of its own. Raises psycopg.Error."""
        settings = self._settings
        limit_options = [f"-c {name}={value}" for name, value in self._limits().items()]
        connection = psycopg.connect(
            self._guard.database_tls.applied(settings.url.reveal()),
            row_factory=tuple_row,
            connect_timeout=max(2, round(settings.connect_seconds)),  # libpq's least; our own deadline is exact
            tcp_user_timeout=round(settings.connect_seconds * 1000),
            application_name="readiness",
            prepare_threshold=None,  # a pooler in between may give each statement another server connection
            options=" ".join([place.options, *limit_options]).strip(),
        )
        if wire.cut_off:  # nobody waits for it any more
            connection.close()
        return connection

    def _silent(self, place: DatabaseAddress, reason: str, remedy: str, seconds: float) -> Unknown:
        """Return what a missing answer means: that it is late, where the host takes connections all the same."""
        if place.only_door is None:
            return Unknown(reason, remedy)

        host, port = place.only_door
        if is_there(self._guard, "postgres", host, port):
            return Late(reason, remedy, seconds, host)
        self._guard.silences.was_silent(host, port)
        return Silent(reason, remedy, host, port)

    def _run(
        self, place: DatabaseAddress, connection: Connection, sql: str, parameters: tuple[object, ...]
    ) -> list[Row]:
        """Return a statement's rows, and put the connection back or close it. Raises Unknown, psycopg.Error."""

        # A server that went silent answers neither the query nor its cancellation: then the socket is cut. Only the
        # thread that uses the connection may close it; libpq would else close its descriptor twice.
        def work(wire: Wire) -> list[Row]:
            is_whole = False
            try:
                limits = self._limits() if _lost_its_options(connection) else {}
                rows = _read(connection, wire, sql, parameters, limits)
                is_whole = True
            finally:
                if is_whole and not wire.cut_off and not self._closed:
                    self._idle.put(connection)
                else:
                    connection.close()
            return rows

        seconds = self._settings.statement_timeout_seconds + GRACE_SECONDS
        try:
            return within(Deadline.after(seconds), work)
        except DeadlinePassed:
            reason = f"the database went silent: no answer within {seconds:g} s"
            raise self._silent(place, reason, "is it up, and the network with it?", seconds) from None


def _lost_its_options(connection: Connection) -> bool:
    """Check whether a pooler in between has dropped the options that the connection was opened with.

    PgBouncer does so where it is told to ignore them. PostgreSQL reports this setting since release 14.
    """
    return connection.pgconn.parameter_status(_READ_ONLY.encode()) == b"off"


def _read(
    connection: Connection, wire: Wire, sql: str, parameters: tuple[object, ...], limits: Mapping[str, str]
) -> list[Row]:
    """Return the rows of a statement, in a transaction of its own that has these limits. Raises psycopg.Error."""
    wire.hold(connection.pgconn.socket)
    if limits:
        # The pooler may give the next transaction another session: they are set in each.
        connection.execute("; ".join(f"set local {name} = '{value}'" for name, value in limits.items()).encode())
    rows: list[Row] = []
    names: list[str] = []
    with connection.cursor() as cursor:
        # Streaming goes through the extended protocol, which takes exactly one statement: no second one can leave
        # the read-only transaction. It also lets us stop in a table that is too large.
        for values in cursor.stream(sql.encode(), parameters or None):
            if not names:
                names = [column.name for column in cursor.description or ()]
            rows.append(plain_row(names, values))
            if len(rows) > ROWS_AT_MOST:
                wire.cut()
                raise Unknown(f"the query answers more than {ROWS_AT_MOST:,} rows", "count in SQL, or add a limit")
    connection.rollback()
    return rows


def _is_readable(connection: Connection) -> bool:
    """Check whether there is anything to read from an idle connection: of one that asked nothing, that is its end."""
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))
