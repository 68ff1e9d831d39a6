"""The changes by hand that a runbook names, as SQL for a review: quoted, with the rows that were found. Never run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from readiness.environment.tables import TableHere
from readiness.files.canonical_json import JsonObject
from readiness.incident.walk import Parent, Repair
from readiness.redaction.shown import shown

if TYPE_CHECKING:
    from psycopg.sql import Composable

ROWS_AT_MOST = 100
LONGEST_KEY = 200
"""Characters: what is longer nobody compares by eye."""
Key = str | int
Tables = Mapping[str, TableHere]
"""The document's name of a table → what it is called here."""


@dataclass(frozen=True)
class RepairSql:
    """One change, as it may be looked through."""

    name: str
    says: str
    sql: str
    """Empty where nothing can be written."""
    why: str
    """What it is about, or why there is nothing to write."""


def repair_sql(repair: Repair, tables: Tables, rows: Sequence[JsonObject], *, is_of_runbook: bool) -> RepairSql:
    """Return a change for the rows that were found.

    `is_of_runbook`: they were found by the document's own query, so the tables are called as the document has them.
    """

    def nothing(why: str) -> RepairSql:
        return RepairSql(repair.name, repair.says, "", why)

    unnamed = next((table for table in repair.columns if table not in tables), None)
    if unnamed and not is_of_runbook:
        return nothing(f"what {unnamed} is called here nobody says: set tables.{unnamed} in the environment file")
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
    return RepairSql(repair.name, repair.says, _script(repair, tables, chosen), _says(chosen, fit, every))


def _can_be_reviewed(key: Any) -> bool:
    """Check whether a key can be compared by eye, and is what the database stores."""
    if isinstance(key, bool):
        return False
    if isinstance(key, int):
        return True
    return isinstance(key, str) and bool(key) and key.isprintable() and len(key) <= LONGEST_KEY


def _says(chosen: Sequence[Key], fit: Sequence[Key], every: Sequence[Any]) -> str:
    parts = [f"{_keys(chosen)}, as they were found"]
    if len(fit) > len(chosen):
        parts.append(f"{len(fit) - len(chosen)} more were found: run the command again after these")
    left_out = sum(not _can_be_reviewed(key) for key in every)
    if left_out:
        parts.append(f"{left_out} were left out, whose key nobody can compare by eye")
    return "; ".join(parts)


def _keys(chosen: Sequence[Key]) -> str:
    return f"{len(chosen)} key" if len(chosen) == 1 else f"{len(chosen)} keys"


def _script(repair: Repair, tables: Tables, keys: Sequence[Key]) -> str:
    """Return the statement in a transaction that is taken back: whoever has looked through it writes `commit`.

    How many rows it is about nobody knows before: a key may have many, or none any more. So it counts them first.
    """
    verb = "UPDATE" if repair.change else "DELETE"
    where = _where(repair, tables, keys)
    return "\n".join(
        [
            # On one line: what follows a turn of the line would be no comment.
            f"-- {repair.name}: {shown(repair.says)}",
            f"-- For a review. Nothing ran it. It is about {_keys(keys)}, and not as many rows:",
            f"-- a key may have many, or none where it has gone on. Expect {verb} with the number that is counted.",
            *_on_parent(repair.parent),
            "begin;",
            f"{_count(repair, tables)}\n{where};",
            f"{_head(repair, tables)}\n{where};",
            "rollback;  -- write commit in its place once both numbers are the same, and right",
        ]
    )


def _on_parent(parent: Parent | None) -> Iterator[str]:
    """Yield which rows are left alone for the sake of others."""
    if parent:
        stated = " and ".join(f"{column} {' or '.join(values)}" for column, values in parent.only_while.items())
        yield f"-- Only rows whose {shown(parent.table)} has {shown(stated)} by then: all others stay."


class _Names:
    """What the document's names of a table and its columns are here, quoted."""

    def __init__(self, table: str, tables: Tables, alias: str = "") -> None:
        self._here = tables.get(table) or TableHere(table=table)
        self._alias = alias

    def table(self) -> Composable:
        from psycopg import sql  # noqa: PLC0415  psycopg is slow to load: who asks pays

        name = sql.Identifier(*self._here.table.split("."))
        return sql.SQL("{} as {}").format(name, sql.Identifier(self._alias)) if self._alias else name

    def column(self, name: str) -> Composable:
        from psycopg import sql  # noqa: PLC0415  as above

        own = self._here.columns.get(name, name)
        return sql.Identifier(self._alias, own) if self._alias else sql.Identifier(own)

    def value(self, column: str, value: Key) -> Composable:
        from psycopg import sql  # noqa: PLC0415  as above

        return sql.Literal(self._here.values.get(column, {}).get(str(value), value))

    def among(self, column: str, values: Iterable[Key]) -> Composable:
        """Return that a column has one of the document's values."""
        return self._in(column, (self.value(column, value) for value in values))

    def found(self, column: str, keys: Iterable[Key]) -> Composable:
        """Return that a column has one of the keys that were found here: these are nobody's words."""
        from psycopg import sql  # noqa: PLC0415  as above

        return self._in(column, map(sql.Literal, keys))

    def _in(self, column: str, values: Iterable[Composable]) -> Composable:
        from psycopg import sql  # noqa: PLC0415  as above

        return sql.SQL("{} in ({})").format(self.column(column), sql.SQL(", ").join(values))


def _count(repair: Repair, tables: Tables) -> str:
    from psycopg import sql  # noqa: PLC0415  as above

    return sql.SQL("select count(*) from {}").format(_Names(repair.table, tables).table()).as_string(None)


def _head(repair: Repair, tables: Tables) -> str:
    from psycopg import sql  # noqa: PLC0415  as above

    names = _Names(repair.table, tables)
    if not repair.change:
        return sql.SQL("delete from {}").format(names.table()).as_string(None)
    changes = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(names.column(column), names.value(column, value))
        for column, value in repair.change.items()
    )
    return sql.SQL("update {} set {}").format(names.table(), changes).as_string(None)


def _where(repair: Repair, tables: Tables, keys: Sequence[Key]) -> str:
    from psycopg import sql  # noqa: PLC0415  as above

    conditions = sql.SQL("\n  and ").join(_conditions(repair, tables, keys))
    return (sql.SQL("where ") + conditions).as_string(None)


def _conditions(repair: Repair, tables: Tables, keys: Sequence[Key]) -> Iterator[Composable]:
    names = _Names(repair.table, tables)
    yield names.found(repair.key, keys)
    yield from (names.among(column, values) for column, values in repair.only_while.items())
    if repair.parent:
        yield _of_parents(names.column(repair.key), repair.parent, tables, keys)


def _of_parents(child: Composable, parent: Parent, tables: Tables, keys: Sequence[Key]) -> Composable:
    """Return that a row hangs on a parent which is like so now."""
    from psycopg import sql  # noqa: PLC0415  as above

    # With its table before it: a column that the parent lacks would be the child's own, and every row would do.
    names = _Names(parent.table, tables, alias="parent")
    like_so = [names.found(parent.key, keys), *(names.among(*stated) for stated in parent.only_while.items())]
    return sql.SQL("{} in (\n    select {} from {} where {})").format(
        child, names.column(parent.key), names.table(), sql.SQL("\n    and ").join(like_so)
    )
