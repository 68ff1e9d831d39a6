"""The changes by hand that a runbook names, as SQL for a review: quoted, with the rows that were found. Never run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from readiness.environment.tables import TableHere
from readiness.files.canonical_json import JsonObject
from readiness.incident.walk import Repair
from readiness.redaction.shown import shown

if TYPE_CHECKING:
    from psycopg.sql import Composable

ROWS_AT_MOST = 100
LONGEST_KEY = 200
"""Characters: what is longer nobody compares by eye."""
Key = str | int


@dataclass(frozen=True)
class RepairSql:
    """One change, as it may be looked through."""

    name: str
    says: str
    sql: str
    """Empty where nothing can be written."""
    why: str
    """What it is about, or why there is nothing to write."""


def repair_sql(repair: Repair, here: TableHere | None, rows: Sequence[JsonObject], *, is_of_runbook: bool) -> RepairSql:
    """Return a change for the rows that were found.

    `is_of_runbook`: they were found by the document's own query, so the tables are called as the document has them.
    """

    def nothing(why: str) -> RepairSql:
        return RepairSql(repair.name, repair.says, "", why)

    if here is None and not is_of_runbook:
        key = f"tables.{repair.table}"
        return nothing(f"what {repair.table} is called here nobody says: set {key} in the environment file")
    if not rows:
        return nothing(f"readings.{repair.rows} has no row: there is nothing to change")
    if not any(repair.rows_key in row for row in rows):
        column = repair.rows_key
        return nothing(f"readings.{repair.rows} has no column {column}: name it so in its SQL (`as {column}`)")

    keys: list[Any] = [row.get(repair.rows_key) for row in rows]
    every = [key for key in keys if key is not None]
    fit = list(dict.fromkeys(key for key in every if _can_be_reviewed(key)))
    if not fit:
        return nothing(f"no value of {repair.rows_key} is one that can be reviewed")
    chosen = fit[:ROWS_AT_MOST]
    return RepairSql(repair.name, repair.says, _script(repair, here, chosen), _says(chosen, fit, every))


def _can_be_reviewed(key: Any) -> bool:
    """Check whether a key can be compared by eye, and is what the database stores."""
    if isinstance(key, bool):
        return False
    if isinstance(key, int):
        return True
    return isinstance(key, str) and bool(key) and key.isprintable() and len(key) <= LONGEST_KEY


def _says(chosen: Sequence[Key], fit: Sequence[Key], every: Sequence[Any]) -> str:
    parts = [f"{len(chosen)} rows, as they were found"]
    if len(fit) > len(chosen):
        parts.append(f"{len(fit) - len(chosen)} more were found: run the command again after these")
    left_out = sum(not _can_be_reviewed(key) for key in every)
    if left_out:
        parts.append(f"{left_out} were left out, whose key nobody can compare by eye")
    return "; ".join(parts)


def _script(repair: Repair, here: TableHere | None, keys: Sequence[Key]) -> str:
    """Return the statement in a transaction that is taken back: whoever has looked through it writes `commit`."""
    verb = "UPDATE" if repair.change else "DELETE"
    return "\n".join(
        [
            # On one line: what follows a turn of the line would be no comment.
            f"-- {repair.name}: {shown(repair.says)}",
            f"-- For a review. Nothing ran it. Expect {verb} {len(keys)}, or fewer where a row has gone on meanwhile.",
            "begin;",
            f"{_statement(repair, _Names(repair, here), keys)};",
            "rollback;  -- write commit in its place once the count is right",
        ]
    )


class _Names:
    """What the document's names are here, quoted."""

    def __init__(self, repair: Repair, here: TableHere | None) -> None:
        self._here = here or TableHere(table=repair.table)

    def table(self) -> Composable:
        from psycopg import sql  # noqa: PLC0415  psycopg is slow to load: who asks pays

        return sql.Identifier(*self._here.table.split("."))

    def column(self, name: str) -> Composable:
        from psycopg import sql  # noqa: PLC0415  as above

        return sql.Identifier(self._here.columns.get(name, name))

    def value(self, column: str, value: Key) -> Composable:
        from psycopg import sql  # noqa: PLC0415  as above

        return sql.Literal(self._here.values.get(column, {}).get(str(value), value))


def _statement(repair: Repair, names: _Names, keys: Sequence[Key]) -> str:
    from psycopg import sql  # noqa: PLC0415  as above

    changes = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(names.column(column), names.value(column, value))
        for column, value in repair.change.items()
    )
    head = sql.SQL("update {} set {}").format(names.table(), changes)
    if not repair.change:
        head = sql.SQL("delete from {}").format(names.table())
    conditions = sql.SQL("\n  and ").join(_conditions(repair, names, keys))
    return (head + sql.SQL("\nwhere ") + conditions).as_string(None)


def _conditions(repair: Repair, names: _Names, keys: Sequence[Key]) -> Iterator[Composable]:
    from psycopg import sql  # noqa: PLC0415  as above

    def among(column: str, values: Iterable[Key]) -> Composable:
        listed = sql.SQL(", ").join(names.value(column, value) for value in values)
        return sql.SQL("{} in ({})").format(names.column(column), listed)

    yield sql.SQL("{} in ({})").format(names.column(repair.key), sql.SQL(", ").join(map(sql.Literal, keys)))
    yield from (among(column, values) for column, values in repair.only_while.items())
