"""An admin console that speaks PostgreSQL's simple protocol and nothing else of it: commands, each with its rows."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from readiness.outcomes import Unknown
from readiness.transport.deadline import Deadline, DeadlinePassed, Wire, within
from readiness.transport.rows import Row, plain_row
from readiness.transport.sql_connecting import connect


def answers(address: str, place: str, commands: Sequence[str], seconds: float, bytes_at_most: int) -> list[list[Row]]:
    """Return the rows that each command shows, over one connection. Raises Unknown, psycopg.Error.

    `place` is how people are shown the address.
    """

    def work(wire: Wire) -> list[list[Row]]:
        # Without parameters psycopg sends a command as it is; in autocommit it adds none of its own.
        connection = connect(
            wire,
            address,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=max(2, round(seconds)),
            application_name="readiness",
        )
        with connection:
            return [_shown(connection.execute(command.encode())) for command in commands]

    try:
        return within(Deadline.after(seconds), work, bytes_at_most)
    except DeadlinePassed:
        raise Unknown(
            f"{place} did not answer within {seconds:g} s",
            "is it up, and is there a way to it? else raise seconds_at_most",
        ) from None


def _shown(cursor: psycopg.Cursor[tuple[object, ...]]) -> list[Row]:
    names = [column.name for column in cursor.description or ()]
    return [plain_row(names, values) for values in cursor]
