"""Changes by hand as SQL: quoted, with the rows that were found, in a transaction that is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.environment.tables import TableHere
from readiness.incident.walk import Repair
from readiness.rendering.repair_sql import LONGEST_KEY, ROWS_AT_MOST, RepairSql, repair_sql

FAIL = Repair.model_validate(
    {
        "name": "force-fail",
        "says": "fail what does not end",
        "table": "uploads",
        "key": "id",
        "set": {"status": "failed", "error": "it's by hand"},
        "rows": "stuck",
        "only_while": {"status": ["processing"]},
    }
)
CLEAR = Repair.model_validate(
    {"name": "clear", "says": "delete the rows", "table": "staged", "key": "upload_id", "rows": "stuck"}
)
HERE = TableHere.model_validate(
    {
        "table": 'in"gest.upload jobs',
        "columns": {"id": "job_id", "status": 'st"ate', "error": "failure"},
        "values": {"status": {"failed": "FAILED'--", "processing": "RUN"}},
    }
)


def sql(repair: Repair, rows: list[dict[str, Any]], here: TableHere | None = None, *, own: bool = True) -> RepairSql:
    return repair_sql(repair, here, rows, is_of_runbook=own)


def statement(made: RepairSql) -> str:
    lines = [line for line in made.sql.splitlines() if not line.startswith("--")]
    assert lines[0] == "begin;"
    assert lines[-1].startswith("rollback;")
    return " ".join(" ".join(lines[1:-1]).split())


WRITTEN = [
    (
        FAIL,
        None,
        [{"id": "a"}, {"id": "a"}, {"id": "b"}],
        (
            """update "uploads" set "status" = 'failed', "error" = 'it''s by hand' where "id" in ('a', 'b')"""
            """ and "status" in ('processing');"""
        ),
    ),
    (CLEAR, None, [{"id": 5}], 'delete from "staged" where "upload_id" in (5);'),
    (
        FAIL,
        HERE,
        [{"id": "x'); drop table uploads; --"}],
        (
            """update "in""gest"."upload jobs" set "st""ate" = 'FAILED''--', "failure" = 'it''s by hand'"""
            """ where "job_id" in ('x''); drop table uploads; --') and "st""ate" in ('RUN');"""
        ),
    ),
]


@pytest.mark.parametrize(("repair", "here", "rows", "written"), WRITTEN)
def test_names_and_values_are_quoted(
    repair: Repair, here: TableHere | None, rows: list[dict[str, Any]], written: str
) -> None:
    assert statement(sql(repair, rows, here)) == written


NOTHING = [
    ([], None, True, "has no row"),
    ([{"id": "a"}], None, False, "set tables.uploads in the environment file"),
    ([{"job": "a"}], None, True, "has no column id"),
    ([{"id": None}], None, True, "no value of id"),
    ([{"id": "a\u202eb"}], None, True, "no value of id"),
    ([{"id": "a\nb"}, {"id": "a\x00"}], None, True, "no value of id"),
    ([{"id": "a" * (LONGEST_KEY + 1)}], None, True, "no value of id"),
    ([{"id": True}, {"id": ["a"]}, {"id": {"b": 1}}], None, True, "no value of id"),
]


@pytest.mark.parametrize(("rows", "here", "own", "why"), NOTHING)
def test_where_nothing_can_be_written_it_says_why(
    rows: list[dict[str, Any]], here: TableHere | None, own: bool, why: str
) -> None:
    made = sql(FAIL, rows, here, own=own)
    assert made.sql == ""
    assert why in made.why


def test_what_cannot_be_reviewed_and_what_is_too_much_is_told() -> None:
    rows: list[dict[str, Any]] = [{"id": number} for number in range(ROWS_AT_MOST + 7)]
    made = sql(CLEAR, [*rows, {"id": "\u202e"}])
    assert f"{ROWS_AT_MOST} rows" in made.why
    assert "7 more were found" in made.why
    assert "1 were left out" in made.why
    assert str(ROWS_AT_MOST) not in statement(made)


def test_what_a_runbook_says_stays_a_comment() -> None:
    made = sql(FAIL.model_copy(update={"says": "fail\ndrop table uploads;"}), [{"id": "a"}])
    assert not any(line.startswith("drop") for line in made.sql.splitlines())
