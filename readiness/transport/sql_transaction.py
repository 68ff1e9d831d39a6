"""One statement in a read-only transaction of its own, whose limits are set, read back and then relied on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from readiness.environment import schema
from readiness.outcomes import Unknown
from readiness.transport.deadline import Wire
from readiness.transport.rows import Row, plain_row
from readiness.transport.sql_connecting import Connection
from readiness.transport.sql_roles import QUESTION, RoleSeen, require_reading_only

ROWS_AT_MOST = 100_000
IDLE_MILLISECONDS = 60_000
_POOLER = "is a pooler in between? give postgres.url the database's direct port, or a pool in transaction mode"
# Session-wide locks are the one thing of a query that outlasts a rollback. Behind a pooler only this transaction is
# sure to be in the session that took them: DISCARD ALL, which is no part of a transaction, may reach another one.
_END = b"select pg_catalog.pg_advisory_unlock_all(); rollback"


@dataclass(frozen=True)
class Terms:
    """What a statement is asked under."""

    statement_milliseconds: int
    lock_milliseconds: int
    bytes_at_most: int
    accepted_roles: Collection[str] | None
    """The roles that may do more than read; None where any may, because it is not production."""
    section: str
    """Where the database stands in the environment file."""
    role: str | None = None
    """Whom the statement is asked as; None is the role that logged in."""

    @classmethod
    def of(cls, settings: schema.Postgres, accepted_roles: Collection[str] | None, section: str) -> Terms:
        """Return the terms of an environment's settings."""
        return cls(
            statement_milliseconds=round(settings.statement_timeout_seconds * 1000),
            lock_milliseconds=round(settings.lock_timeout_seconds * 1000),
            bytes_at_most=settings.answer_bytes_at_most,
            accepted_roles=accepted_roles,
            section=section,
        )

    @property
    def switches(self) -> dict[str, str]:
        """What must hold in the session beside the limits on time.

        What a policy would leave out is an error: nobody counts what nobody shows. Whoever asks as another role asks
        what the policies show it.
        """
        return {"transaction_read_only": "on", "row_security": "off" if self.role is None else "on"}

    @property
    def timeouts(self) -> dict[str, int]:
        """The limits on time in milliseconds, as PostgreSQL calls them."""
        return {
            "statement_timeout": self.statement_milliseconds,
            "lock_timeout": self.lock_milliseconds,
            "idle_in_transaction_session_timeout": IDLE_MILLISECONDS,
        }


def read(connection: Connection, wire: Wire, sql: str, parameters: tuple[object, ...], terms: Terms) -> list[Row]:
    """Return the rows of a statement; the connection is in no transaction before and after. Raises psycopg.Error."""
    wire.hold(connection.pgconn.socket)
    try:
        _begin(connection, terms)
        try:
            rows = _rows(connection, wire, sql, parameters)
        except ValueError:  # a number of some thousand digits in JSON; what no PostgreSQL would send
            raise Unknown("the query answers a value that cannot be read", "take a part of it in SQL") from None
        _require_open_transaction(connection)
        connection.execute(_END)
    except psycopg.Error:
        if wire.has_too_much():
            raise _too_large(terms) from None
        raise
    if wire.has_too_much():  # it came faster than anybody looked
        raise _too_large(terms)
    return rows


def _begin(connection: Connection, terms: Terms) -> None:
    """Open a read-only transaction with the limits, all in one message. Raises Unknown where they do not hold.

    Set in each transaction, and not with the connection: a pooler may have dropped what a connection asked for, and
    give the next transaction another session.
    """
    commands = ["begin transaction read only", "set local default_transaction_read_only = on"]
    commands += [f"set local {name} = {value}" for name, value in terms.timeouts.items()]
    commands += [f"set local row_security = {terms.switches['row_security']}", _read_back(terms)]
    if terms.accepted_roles is not None:
        commands.append(QUESTION)
    if terms.role is not None:
        quoted = terms.role.replace('"', '""')
        commands.append(f'set local role "{quoted}"')

    with connection.cursor() as cursor:
        cursor.execute("; ".join(commands).encode())
        answers = list(_answers(cursor))
    _require_open_transaction(connection)
    _require_limits(answers[0], terms)
    if terms.accepted_roles is not None:
        roles = [
            RoleSeen(name, is_superuser, is_replication, groups)
            for name, is_superuser, is_replication, groups in answers[1]
        ]
        require_reading_only(roles, terms.accepted_roles, terms.section)


def _answers(cursor: psycopg.Cursor[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of each command that has some; the others only say that they were done."""
    goes_on: bool | None = True
    while goes_on:
        if cursor.description is not None:
            yield cursor.fetchall()
        goes_on = cursor.nextset()


def _read_back(terms: Terms) -> str:
    """Return the question for what holds in this session: the switches, and the limits in milliseconds."""
    switches = [f"pg_catalog.current_setting('{name}')" for name in terms.switches]
    # The server shows 60000 as `1min`; it also reads that.
    timeouts = [
        f"extract(epoch from pg_catalog.current_setting('{name}')::interval)::float8 * 1000" for name in terms.timeouts
    ]
    return f"select {', '.join([*switches, *timeouts])}"


def _require_limits(answer: list[tuple[Any, ...]], terms: Terms) -> None:
    """Raise Unknown where the session does not have the limits that were set."""
    wanted: dict[str, str | int] = {**terms.switches, **terms.timeouts}
    (values,) = answer
    for (name, limit), value in zip(wanted.items(), values, strict=True):
        holds = value == limit if isinstance(limit, str) else 0 < value <= limit
        if not holds:
            raise Unknown(f"the session has {name} = {value}, not {limit} as it was told to", _POOLER)


def _require_open_transaction(connection: Connection) -> None:
    """Raise Unknown where the session that answered last was in no transaction: then nothing of it holds."""
    if connection.pgconn.transaction_status != TransactionStatus.INTRANS:
        raise Unknown("the statement was not run in the transaction that was opened for it", _POOLER)


def _rows(connection: Connection, wire: Wire, sql: str, parameters: tuple[object, ...]) -> list[Row]:
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
    return rows


def _too_large(terms: Terms) -> Unknown:
    return Unknown(
        f"the database answers more than {terms.bytes_at_most:,} bytes",
        "count in SQL, or add a limit; else raise postgres.answer_bytes_at_most",
    )
