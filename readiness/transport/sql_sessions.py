"""Connections to PostgreSQL: few, shared, each statement in a read-only transaction of its own.

It imports psycopg, which is slow to load, and is therefore itself imported with the first statement.
"""

from __future__ import annotations

import queue
import select
import threading
import time
from dataclasses import replace

import psycopg
from psycopg.rows import tuple_row

from readiness.environment import schema
from readiness.outcomes import Late, Silent, Unknown
from readiness.transport.connecting import NoSlots, is_there
from readiness.transport.database_address import DatabaseAddress
from readiness.transport.deadline import Deadline, DeadlinePassed, Wire, within
from readiness.transport.guard import Guard
from readiness.transport.rows import Row
from readiness.transport.sql_connecting import GREETING_BYTES_AT_MOST, Connection, connect
from readiness.transport.sql_errors import explained
from readiness.transport.sql_transaction import Terms, read
from readiness.transport.sql_values import count_parts_first

AGAIN_SECONDS = 0.1
LEAVING_SECONDS = 1.0
"""A session that was closed may hold its slot so long."""
GRACE_SECONDS = 1.0
"""For the server to end a statement by itself, before we end the connection."""


class Sessions:
    """Connections to one database, few and shared."""

    def __init__(self, settings: schema.Postgres, guard: Guard, terms: Terms) -> None:
        self._settings = settings
        self._terms = terms
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
        self,
        place: DatabaseAddress,
        sql: str,
        parameters: tuple[object, ...] = (),
        *,
        new: bool = False,
        role: str | None = None,
    ) -> list[Row]:
        """Return the rows of one statement, of a new connection or as another role where asked for. Raises Unknown."""
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
            rows = self._run(place, connection, sql, parameters, replace(self._terms, role=role))
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
            connection = within(
                Deadline.after(settings.connect_seconds), self._opened, bytes_at_most=GREETING_BYTES_AT_MOST
            )
        except DeadlinePassed:
            reason = f"{place} did not take the connection within {settings.connect_seconds:g} s"
            remedy = "is it up, and is there a way to it from here? else raise postgres.connect_seconds"
            raise self._silent(place, reason, remedy, settings.connect_seconds) from None

        if place.only_door:
            silences.answered(*place.only_door)
        with self._lock:
            self._own.append(connection)
        return connection

    def _opened(self, wire: Wire) -> Connection:
        """Return a connection as libpq opens it, in a thread of its own. Raises psycopg.Error."""
        settings = self._settings
        connection = connect(
            wire,
            self._guard.database_tls.applied(settings.url.reveal()),
            row_factory=tuple_row,
            connect_timeout=max(2, round(settings.connect_seconds)),  # libpq's least; our own deadline is exact
            tcp_user_timeout=round(settings.connect_seconds * 1000),
            application_name="readiness",
            prepare_threshold=None,  # a pooler in between may give each statement another server connection
            autocommit=True,  # the words that open and end a transaction are ours, see sql_transaction
        )
        count_parts_first(connection)
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
        self,
        place: DatabaseAddress,
        connection: Connection,
        sql: str,
        parameters: tuple[object, ...],
        terms: Terms,
    ) -> list[Row]:
        """Return a statement's rows, and put the connection back or close it. Raises Unknown, psycopg.Error."""

        # A server that went silent answers neither the query nor its cancellation: then the socket is cut. Only the
        # thread that uses the connection may close it; libpq would else close its descriptor twice.
        def work(wire: Wire) -> list[Row]:
            is_whole = False
            try:
                rows = read(connection, wire, sql, parameters, terms)
                is_whole = True
            finally:
                if is_whole and not wire.cut_off and not self._closed:
                    self._idle.put(connection)
                else:
                    connection.close()
            return rows

        seconds = self._settings.statement_timeout_seconds + GRACE_SECONDS
        try:
            return within(Deadline.after(seconds), work, terms.bytes_at_most)
        except DeadlinePassed:
            reason = f"the database went silent: no answer within {seconds:g} s"
            raise self._silent(place, reason, "is it up, and the network with it?", seconds) from None


def _is_readable(connection: Connection) -> bool:
    """Check whether there is anything to read from an idle connection: of one that asked nothing, that is its end."""
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))
