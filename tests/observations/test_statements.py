"""Statements are shown without what may be secret in them, from a real server."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.environment.schema import Reading
from readiness.observations.statements import longest_queries, slowest_statements, without_literals
from readiness.outcomes import Unknown
from readiness.sandbox import Sandbox
from readiness.sources.table import Clients
from tests.clients.conftest import Make

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("select *\n  from t where id = $1 and n = 7", "select * from t where id = $1 and n = ?"),
        ("select 'hunter2', E'it\\'s hunter2', 'it''s hunter2'", "select ?, ?, ?"),
        ("select $$hunter2$$, $tag$hunter2 $$ $tag$, $1", "select ?, ?, $1"),
        ("/* hunter2 /* nested */ hunter2 */ select 1 -- hunter2", "select ?"),
        ("select 1 /* hunter2", "select ?"),
        ("select 'hunter2", "select ?"),
        ('select "col 1", t2.x1 from "t"', 'select "col 1", t2.x1 from "t"'),
        ("select 1.5e3, .5, 0x1F, 1_000", "select ?, ?, ?, ?"),
        ("select 'a\\' , 'hunter2'", "select ..."),
        ("select a::text || U&'hunter2' || x'ff'", "select a::text || U&? || x?"),
    ],
)
def test_literals_and_comments_are_gone(text: str, shown: str) -> None:
    assert without_literals(text) == shown


LITERALS = ["'hunter2'", "E'\\' hunter2'", "$$ ' hunter2 $$", "$x$ $$ hunter2 $x$", "'\\hunter2'", "'''hunter2'"]
HARMLESS = [
    "select",
    "a",
    "$1",
    '"q\'x"',
    "e",
    "''",
    "7",
    "(",
    "/* ' hunter2 */",
    "-- ' hunter2\n",
    "/* /* */ $$ */",
    "::",
]


@given(st.lists(st.sampled_from([*LITERALS, *HARMLESS]), max_size=12))
def test_no_literal_is_seen_whatever_stands_around_it(pieces: list[str]) -> None:
    assert SECRET not in without_literals(" ".join(pieces))


@pytest.fixture
def clients(launched_sandbox: Sandbox, make: Make) -> Clients:
    return make(dsn=launched_sandbox.variables["SANDBOX_DATABASE_URL"], postgres={"statement_timeout_seconds": 5.0})


def test_the_ten_slowest_are_shown_normalised_and_without_utility_statements(
    clients: Clients, launched_sandbox: Sandbox
) -> None:
    with launched_sandbox.plant("statements-slow"):
        found = slowest_statements(clients.readings)
    assert 0 < len(found) <= 10
    assert [one.mean_seconds for one in found] == sorted((one.mean_seconds for one in found), reverse=True)
    assert "pg_sleep($1)" in found[0].statement
    assert {one.statement.split()[0].lower() for one in found} <= {"select", "insert", "update", "delete", "with"}


def test_texts_that_are_hidden_are_unknown(make: Make, launched_sandbox: Sandbox) -> None:
    dsn = launched_sandbox.variables["SANDBOX_DATABASE_URL"]
    hidden = Reading(
        sql="select null as queryid, 1 as calls, 1 as mean_seconds, '<insufficient privilege>' as statement"
    )
    clients = make(dsn=dsn, readings={"slowest_statements": hidden})
    with pytest.raises(Unknown, match="hidden from the probe's role"):
        slowest_statements(clients.readings)


def test_a_reading_of_ones_own_is_shown_without_literals_too(make: Make, launched_sandbox: Sandbox) -> None:
    texts = f"(1, $$select '{SECRET}'$$), (2, $$alter role app password '{SECRET}'$$)"
    sql = f"select n as queryid, 2 as calls, 0.5 as mean_seconds, t as statement from (values {texts}) as x(n, t)"
    dsn = launched_sandbox.variables["SANDBOX_DATABASE_URL"]
    clients = make(dsn=dsn, readings={"slowest_statements": Reading(sql=sql)})
    assert [one.statement for one in slowest_statements(clients.readings)] == ["select ?"]


def test_what_runs_is_listed_by_its_first_word(clients: Clients, launched_sandbox: Sandbox) -> None:
    with psycopg.connect(launched_sandbox.variables["SANDBOX_DATABASE_URL"]) as held:
        held.execute("select 1 as hunter2")
        found = longest_queries(clients.postgres)
    (mine,) = (one for one in found if one.role == "readiness_probe" and one.state == "idle in transaction")
    assert mine.verb == "select"
    assert mine.transaction_seconds >= 0
    assert SECRET not in repr(found)
