"""Changes by hand as SQL: quoted, with the rows that were found, in a transaction that is taken back."""

from __future__ import annotations

import re
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
CHILDREN: dict[str, Any] = {
    "name": "clear",
    "says": "delete the rows",
    "table": "staged",
    "key": "upload_id",
    "rows": "stuck",
}
OF_FAILED = Repair.model_validate(
    {**CHILDREN, "parent": {"table": "uploads", "key": "id", "only_while": {"status": ["failed"]}}}
)
CLEAR = Repair.model_validate(CHILDREN)
HERE = TableHere.model_validate(
    {
        "table": 'in"gest.upload jobs',
        "columns": {"id": "job_id", "status": 'st"ate', "error": "failure"},
        "values": {"status": {"failed": "FAILED'--", "processing": "RUN"}},
    }
)


def sql(repair: Repair, rows: list[dict[str, Any]], here: TableHere | None = None, *, own: bool = True) -> RepairSql:
    return repair_sql(repair, {"uploads": here} if here else {}, rows, is_of_runbook=own)


def statement(made: RepairSql) -> str:
    lines = [line for line in made.sql.splitlines() if not line.startswith("--")]
    assert lines[0] == "begin;"
    assert lines[-1].startswith("rollback;")
    counted, changed = re.split("; (?=update |delete )", " ".join(" ".join(lines[1:-1]).split()), maxsplit=1)
    # What is counted is what is changed.
    assert counted.startswith("select count(*) from ")
    assert counted.partition(" where ")[2] == changed.partition(" where ")[2].removesuffix(";")
    return changed


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
    (
        OF_FAILED,
        None,
        [{"id": "a"}, {"id": "b"}],
        (
            """delete from "staged" where "upload_id" in ('a', 'b') and "upload_id" in ("""
            """ select "parent"."id" from "uploads" as "parent" where "parent"."id" in ('a', 'b')"""
            """ and "parent"."status" in ('failed'));"""
        ),
    ),
    (
        OF_FAILED,
        HERE,
        [{"id": 5}],
        (
            """delete from "staged" where "upload_id" in (5) and "upload_id" in ("""
            """ select "parent"."job_id" from "in""gest"."upload jobs" as "parent" where "parent"."job_id" in (5)"""
            """ and "parent"."st""ate" in ('FAILED''--'));"""
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
    assert f"{ROWS_AT_MOST} keys" in made.why
    assert "7 more were found" in made.why
    assert "1 were left out" in made.why
    assert str(ROWS_AT_MOST) not in statement(made)


@pytest.mark.parametrize("repair", [FAIL, CLEAR, OF_FAILED], ids=["update", "delete", "of a parent"])
def test_keys_are_not_told_as_rows(repair: Repair) -> None:
    made = sql(repair, [{"id": "a"}, {"id": "b"}, {"id": "c"}])
    assert "3 keys, as they were found" in made.why
    assert "about 3 keys, and not as many rows" in made.sql
    assert not re.search(r"(UPDATE|DELETE) [0-9]", made.sql)


def test_a_parent_that_nobody_names_here_is_asked_for() -> None:
    staged = {"staged": TableHere(table="a")}
    made = repair_sql(OF_FAILED, staged, [{"id": "a"}], is_of_runbook=False)
    assert (made.sql, "set tables.uploads in" in made.why) == ("", True)


def test_what_a_runbook_says_stays_a_comment() -> None:
    made = sql(FAIL.model_copy(update={"says": "fail\ndrop table uploads;"}), [{"id": "a"}])
    assert not any(line.startswith("drop") for line in made.sql.splitlines())
