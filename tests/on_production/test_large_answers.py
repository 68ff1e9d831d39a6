"""What a database may answer: never more than the limit, whatever it is made of, and told in one line."""

from __future__ import annotations

import resource
import socket
import sys
from collections.abc import Callable

import psycopg
import pytest

from readiness.outcomes import Unknown
from readiness.sandbox.postgres import Server
from readiness.transport import sql_values
from readiness.transport.kernel_count import bytes_received
from tests.clients.conftest import Make
from tests.on_production.false_database import false_database, message

LIMIT = 200_000
MEGABYTES_MORE = 64
HUGE = "repeat('x', 100 * 1000 * 1000)"

# What is asked → what is told.
TOO_LARGE = {
    "one text": (f"select {HUGE}", "more than 200,000 bytes"),
    "one bytea": (f"select convert_to({HUGE}, 'utf8')", "more than 200,000 bytes"),
    "one JSON document": (f"select to_json({HUGE})", "more than 200,000 bytes"),
    "one list": ("select array_agg(n + 1000000) from generate_series(1, 90000) n", "more than 200,000 bytes"),
    "one name of a column": (f'select 1 as "{"x" * 60}", {HUGE}', "more than 200,000 bytes"),
    "many rows of some size": (
        "select repeat('x', 1000) from generate_series(1, 10000)",
        "more than 200,000 bytes",
    ),
    "many columns": (f"select {', '.join(['n'] * 1600)} from generate_series(1, 100000) n", "two columns of the same"),
    "a message of an error": (f"select {HUGE}::int", "more than 200,000 bytes"),
    "notices": ("select shout(100000)", "more than 200,000 bytes"),
}
# Small on the wire, and large in memory.
OF_PARTS = {
    "numbers in a list": "select array_fill(1.5::numeric, array[{parts}])",
    "texts in a list": "select array_fill('ab'::text, array[{parts}])",
    "lists in JSON": "select ('[' || repeat('[],', {parts}) || '0]')::jsonb",
    "objects in JSON": "select ('[' || repeat('{{}},', {parts}) || '0]')::json",
    "lists of JSON": "select array_fill('[1,2]'::jsonb, array[{parts}])",
    "ranges": "select range_agg(int4range(n * 2, n * 2 + 1)) from generate_series(1, {parts}) n",
    "records": "select array_agg(row(n, n)) from generate_series(1, {parts}) n",
    "many rows of short lists": "select array[n, n, n] from generate_series(1, {parts}) n",
}
SHOUT = """
create or replace function shout(times int) returns int language plpgsql as $$
begin
  for n in 1..times loop raise notice '%', repeat('x', 1000); end loop;
  return times;
end $$;
"""

if not sys.platform.startswith("linux"):  # there psycopg has a value whole before it can be counted
    TOO_LARGE.clear()


@pytest.fixture(scope="module", autouse=True)
def shouting(database: Server) -> None:
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute(SHOUT)


@pytest.fixture
def ask(make: Make, database: Server) -> Callable[[str], object]:
    limits = {"answer_bytes_at_most": LIMIT, "statement_timeout_seconds": 60.0}
    return make(dsn=database.dsn("probe", "probe-password"), postgres=limits).postgres.rows


def peak() -> float:
    """Return the most memory that this process has ever had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


@pytest.mark.parametrize("case", TOO_LARGE)
def test_more_than_the_limit_is_told_and_takes_no_memory(case: str, ask: Callable[[str], object]) -> None:
    sql, words = TOO_LARGE[case]
    ask("select 1")
    before = peak()
    with pytest.raises(Unknown, match=words) as refusal:
        ask(sql)
    assert "\n" not in str(refusal.value)
    assert peak() - before < MEGABYTES_MORE
    assert ask("select 1 as one") == [{"one": 1}], "a large answer must not spoil the next"


@pytest.mark.parametrize("case", OF_PARTS)
def test_many_parts_are_counted_before_they_are_built(
    case: str, make: Make, database: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_values, "PARTS_AT_MOST", 3000)
    settings = {"statement_timeout_seconds": 60.0}
    postgres = make(dsn=database.dsn("probe", "probe-password"), postgres=settings).postgres
    with pytest.raises(Unknown, match="of more than 3,000 parts"):
        postgres.rows(OF_PARTS[case].format(parts=4000))


ODD = {
    "deep JSON": "select (repeat('[', 5000) || repeat(']', 5000))::json",
    "a number of many digits in JSON": "select ('[' || repeat('9', 10000) || ']')::json",
}


@pytest.mark.parametrize("case", ODD)
def test_what_nobody_can_read_is_unknown(case: str, make: Make, database: Server) -> None:
    postgres = make(dsn=database.dsn("probe", "probe-password")).postgres
    with pytest.raises(Unknown):
        postgres.rows(ODD[case])
    assert postgres.value("select 1") == 1


def test_an_answer_within_the_limit_is_whole(ask: Callable[[str], object]) -> None:
    rows = ask("select repeat('x', 1000) as text from generate_series(1, 150)")
    assert rows == [{"text": "x" * 1000}] * 150


def test_each_statement_has_the_limit_for_itself(ask: Callable[[str], object]) -> None:
    for _ in range(4):
        assert ask("select repeat('x', 150000) as text") == [{"text": "x" * 150_000}]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts what came over a connection")
def test_the_kernel_counts_what_came(database: Server) -> None:
    with psycopg.connect(database.dsn()) as connection:
        wire = socket.fromfd(connection.pgconn.socket, socket.AF_INET, socket.SOCK_STREAM)
        before = bytes_received(wire)
        connection.execute("select repeat('x', 100000)")
        after = bytes_received(wire)
        wire.close()
    assert before is not None
    assert after is not None
    assert 100_000 < after - before < 101_000


# What a server that lets everybody in may go on sending before it is ready.
GREETINGS = {
    "settings": lambda number: message(b"S", b"setting_%d\0" % number + b"x" * 1000 + b"\0"),
    "notices": lambda _: message(b"N", b"SNOTICE\0M" + b"x" * 1000 + b"\0\0"),
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts what came over a connection")
@pytest.mark.parametrize("case", GREETINGS)
def test_a_greeting_without_an_end_is_cut(case: str, make: Make) -> None:
    with false_database(GREETINGS[case]) as port:
        postgres = make(dsn=f"postgresql://probe@127.0.0.1:{port}/shop", postgres={"connect_seconds": 60.0}).postgres
        before = peak()
        with pytest.raises(Unknown, match="more than 1,000,000 bytes before it was ready"):
            postgres.rows("select 1")
        assert peak() - before < MEGABYTES_MORE
