"""What is sent by POST only reads: a query of GraphQL, a statement of SQLite, or what its team says to be a read."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from typing import Any

import pytest
from pydantic import ValidationError

from readiness.config.graphql_operation import page_sizes, why_no_query
from readiness.config.sqlite_statement import why_it_may_write
from readiness.config.sqlite_tables import names_no_table, row_limits
from readiness.environment.readings import Reading
from readiness.environment.service_levels import Figure, ServiceLevel

QUERIES = [
    "{ viewer { id } }",
    "query { a }",
    "query Named($a: In = {x: [1, 2]}) @cached(for: {seconds: 1}) { a(of: $a) { ...part } } fragment part on T { b }",
    "# a comment, mutation { a }\nquery { a }",
    'query { a(text: "} mutation { b }") }',
    'query { a(text: """ } mutation { b(c: \\""" ) { """) }',
    "{ mutation }",
    "query subscription { a }",
    '{ a(x: "\\u007d\\"") b(y: -1.5e3) c(z: $none) }',
]
NO_QUERIES = {
    "mutation { a }": "it is a mutation",
    "subscription { a }": "it is a subscription",
    "query { a } mutation { b }": "it is a mutation",
    "{ a } query B { b }": "it has 2 queries",
    "# a comment ends here\rmutation { a }": "it is a mutation",
    "fragment part on T { b }": "it has 0 queries",
    "type A { b: C }": "'type' begins no query",
    "extend type A { b: C }": "'extend' begins no query",
    "": "it has 0 queries",
    "query { a": "its last part is not closed",
    "query { a ) }": "its brackets do not match",
    "query { a } }": "its brackets do not match",
    'query { a(x: "not closed) }': "cannot be read",
    'query { a(x: """ not closed) }': "cannot be read",
    'query { a(x: """ \\""") } mutation { b }': "cannot be read",
    "query { a } \x00 mutation { b }": "cannot be read",
    "\ufeffquery { a }": "cannot be read",
    "\uff51uery { a }": "cannot be read",
}
READS = [
    "select count(*) as n from orders",
    "select count(*) as n from orders;",
    "SELECT replace(state, 'a', 'b') as n from orders -- a comment; delete from orders",
    "with paid as (select * from orders where state = 'paid; delete') select count(*) as n from paid",
    "values (1)",
    'select "update" as n from (select 1 as "update")',
    "select 'it''s; fine' as n /* ; delete from orders */",
    "pragma table_info(orders)",
    "explain query plan select * from orders",
    "select [id] from orders where `state` = 'x'",
    "select case when id > 1 then 'a' else 'b' end as n from orders",
    "select count(*) as n from orders where id > ? and id < ?2",
    "select count(*) as n from orders where state in (:state, @state, $state, :größe)",
    "select '$a(' as n, '\ufeff' as text from orders",
]
WRITES = {
    "delete from orders": "it begins with delete",
    "insert into orders values (9, 'x')": "it begins with insert",
    "replace into orders values (9, 'x')": "it begins with replace",
    "with gone as (select 1) delete from orders": "the word delete may write",
    "with new as (select 9, 'x') insert into orders select * from new": "the word insert may write",
    "with new as (select 9, 'x') replace into orders select * from new": "the word replace into may write",
    "with x as (select 1) update orders set state = 'x'": "the word update may write",
    "select 1; delete from orders": "a second statement",
    "select 1;;": "a second statement",
    "select '1' ';' ; drop table orders": "a second statement",
    "create table more (id)": "it begins with create",
    "drop table orders": "it begins with drop",
    "pragma user_version = 7": "of the pragmas only these",
    "pragma writable_schema(1)": "of the pragmas only these",
    "pragma": "of the pragmas only these",
    "vacuum": "it begins with vacuum",
    "attach database 'x' as y": "it begins with attach",
    "begin": "it begins with begin",
    "": "it begins with nothing",
    "-- select 1": "it begins with nothing",
    "select 'not closed": "cannot be read",
    "select 1 \x00; delete from orders": "cannot be read",
    "select $a('); drop table orders; --'": "cannot be read at \"$a('); drop",
    "select @a('); drop table orders; --'": "cannot be read",
    "select :a('); drop table orders; --'": "cannot be read",
    "select #a('); drop table orders; --'": "cannot be read",
    "select $a::b('); drop table orders; --'": "cannot be read",
    "select $::a('); drop table orders; --'": "cannot be read",
    "select $a$b('); drop table orders; --'": "cannot be read",
    "select $größe('); drop table orders; --'": "cannot be read",
    "select $a::b": "cannot be read",
    "select : a": "cannot be read",
    "with x as (select 1) \ufeffdelete from orders": "cannot be read",
    "\ufeffselect 1": "cannot be read",
}


@pytest.mark.parametrize("document", QUERIES)
def test_a_query_is_sent(document: str) -> None:
    assert why_no_query(document) == ""


@pytest.mark.parametrize(("document", "says"), NO_QUERIES.items())
def test_what_is_more_than_a_query_is_not(document: str, says: str) -> None:
    assert says in why_no_query(document)


READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_PRAGMA}


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript("create table orders (id integer, state text); insert into orders values (1, 'paid');")
    return connection


@pytest.mark.parametrize("statement", READS)
def test_a_statement_that_reads_is_sent_and_reads(statement: str) -> None:
    assert why_it_may_write(statement) == ""
    connection = database()
    actions: set[int] = set()

    def note(action: int, *_: object) -> int:
        actions.add(action)
        return sqlite3.SQLITE_OK

    connection.set_authorizer(note)
    # As D1 runs it: what would be a second statement is run too, and what is not bound is null.
    connection.executescript(statement)
    assert actions <= READING
    assert connection.total_changes == 1


@pytest.mark.parametrize(("statement", "says"), WRITES.items())
def test_a_statement_that_may_write_is_not_sent(statement: str, says: str) -> None:
    assert says in why_it_may_write(statement)


HIDES = ("$a(", "@a(", ":a(", "#a(", "?1(", "$a::(", "'", '"', "`", "[", "--", "/*", "\ufeff", "x")
CLOSES = ("", "'", '"', "`", "]", "*/", ")", "\n", " ")


@pytest.mark.parametrize("hides", HIDES)
def test_nothing_hides_a_second_statement(hides: str) -> None:
    """SQLite itself is asked of each text that is let through."""
    for more, closes, end in itertools.product(HIDES, CLOSES, CLOSES):
        statement = f"select {hides}{more}{closes}; drop table orders; --{end}"
        if why_it_may_write(statement):
            continue
        connection = database()
        with contextlib.suppress(sqlite3.Error):
            connection.executescript(statement)
        assert connection.execute("select count(*) from orders").fetchone() == (1,), statement


@pytest.mark.parametrize(
    ("statement", "is_without"),
    [
        ("select 5 as n, 'from orders' as text -- from orders", True),
        ("select 1 from orders", False),
        ("select 5 as value from (select 1)", True),
        ("select 5 as value from (values (1), (2)) as x", True),
        ("select a.n from (select 1 as n) a join (select 1 as n) b on a.n = b.n", True),
        ("with x as (select 5 as n) select n from x", True),
        ('with x(n) as materialized (values (5)), y as (select * from x) select n from Y, "x"', True),
        ("with recursive c(n) as (values (1) union all select n + 1 from c where n < 5) select count(*) from c", True),
        ("select value from json_each('[1, 2]')", True),
        ("select 5 is not distinct from 5 as same", True),
        ("select 5 in (select 5) as n", True),
        ("select 5 as n from (select 1), orders", False),
        ("select 5 as n from (select 1) x left join orders on true", False),
        ("select 5 as n from (orders)", False),
        ("select 5 as n from (select 1 from (select id from orders))", False),
        ('select 5 as n from "orders"', False),
        ("with x as (select n from orders) select n from x", False),
        ("with orders as (select 5 as n) select n from main.orders", False),
        ("select (select count(*) from orders) as n", False),
        ("select 5 in orders as n", False),
        ("select 5 as n where exists (select 1 from orders)", False),
        ("select value from json_each((select state from orders))", False),
        ("select name from pragma_table_info('orders')", False),
        ("pragma table_info(orders)", False),
    ],
)
def test_a_statement_without_a_table(statement: str, is_without: bool) -> None:
    assert names_no_table(statement) is is_without


@pytest.mark.parametrize(
    ("statement", "params", "limits"),
    [
        ("select id from orders", (), set()),
        ("select id from orders limit 2", (), {2}),
        ("select id from orders LIMIT 2 offset 4;", (), {2}),
        ("select id from orders limit 4, 2", (), {2}),
        ("select id from orders where id > ? limit ?", (7, 2), {2}),
        ("select id from orders where id > ?2 limit ?1", (2, 7), {2}),
        ("select id from orders where id > :id limit :n", (7, "2"), {2}),
        ("select id from orders limit ? offset ?", (2, 4), {2}),
        ("select id from orders limit -1", (), set()),
        ("select id from orders limit ?", (-1,), set()),
        ("select id from orders limit 1 + 1", (), {None}),
        ("select id from orders limit (select 2)", (), {None}),
        ("select id from orders limit ?", (), {None}),
        ("select id from (select id from orders limit 2)", (), {2}),
        ("with x as (select id from orders limit 2) select id from x", (), {2}),
        ("select id from orders where id in (select id from orders limit 2)", (), {2}),
        ("select id, (select state from orders limit 1) as newest from orders", (), set()),
        ('select id as "limit" from orders -- limit 2', (), set()),
    ],
)
def test_how_many_rows_a_statement_lets_through(
    statement: str, params: tuple[Any, ...], limits: set[int | None]
) -> None:
    assert row_limits(statement, params) == limits


@pytest.mark.parametrize(
    ("document", "variables", "sizes"),
    [
        ("{ a(limit: 10) { b(first: $n) { c } } }", {"n": 5}, {5, 10}),
        ("{ a(limit: $n) }", {}, set()),
        ("query ($n: Int = 2) { a(first: $n) { id } }", {}, {2}),
        ("query ($n: Int = 2) { a(first: $n) { id } }", {"n": 3}, {3}),
        ("query ($x: [ID!]! = 5, $n: Int! = 2) { a(last: $n) { id } }", {}, {2}),
        ("query ($n: Int) { a(first: $n) { id } }", {}, set()),
        ("query ($p: Page = {limit: 2}) { a(page: $p) { id } }", {}, {2}),
        ("query ($p: Page) { a(page: $p) { id } }", {"p": {"of": [{"first": 2}]}}, {2}),
        ("query ($limit: Int) { a(at_least: $limit) { id } }", {"limit": 2}, set()),
        ("{ limit }", {}, set()),
        ('{ a(limit: "10") }', {}, set()),
    ],
)
def test_how_many_rows_a_query_asks_for(document: str, variables: dict[str, Any], sizes: set[int]) -> None:
    assert page_sizes(document, variables) == sizes


HTTP = "https://api.shop.internal/x"
SPAN = {"from": "{from}", "until": "{until}"}
QUERY = "query { a }"


@pytest.mark.parametrize(
    ("reading", "says"),
    [
        ({"http": HTTP, "post": {}}, "a post has one of graphql, d1 and body; here: none"),
        ({"http": HTTP, "post": {"graphql": QUERY, "d1": "select 1"}}, "here: graphql, d1"),
        ({"post": {"graphql": QUERY}, "sql": "select 1"}, "post needs http"),
        ({"http": HTTP, "post": {"graphql": "mutation { a }"}}, "only a query is sent; write one query"),
        ({"http": HTTP, "post": {"d1": "delete from orders"}}, "it begins with delete"),
        ({"http": HTTP, "post": {"body": {"a": 1}}}, "a POST may write: say in `reads` how it is known"),
        ({"http": HTTP, "post": {"body": {"a": 1}, "reads": "yes"}}, "says nothing; write in a sentence"),
        ({"http": HTTP, "post": {"graphql": QUERY, "reads": "a query only reads"}}, "reads goes with body"),
        ({"http": HTTP, "post": {"d1": "select 1", "variables": {"a": 1}}}, "variables goes with graphql"),
        ({"http": HTTP, "post": {"graphql": QUERY, "variables": SPAN}}, "state in `window` the span that is meant"),
        (
            {"http": f"{HTTP}?query=mutation%7Ba%7D", "post": {"graphql": QUERY}},
            "the address has query, which a server",
        ),
        ({"http": f"{HTTP}?a=1&Qu%65ry", "post": {"graphql": QUERY}}, "the address has Query"),
        ({"http": f"{HTTP}?a=1;query[]=b", "post": {"graphql": QUERY}}, r"the address has query\[\]"),
        ({"http": f"{HTTP}?operationName=b", "post": {"graphql": QUERY}}, "the address has operationName"),
        ({"http": f"{HTTP}?%76ariables=b", "post": {"graphql": QUERY}}, "the address has variables"),
        ({"http": f"{HTTP}?mutation=b", "post": {"graphql": QUERY}}, "the address has mutation"),
        ({"http": f"{HTTP}?extensions=b", "post": {"graphql": QUERY}}, "the address has extensions"),
        ({"http": f"{HTTP}?sql=drop", "post": {"d1": "select 1"}}, "the address has sql"),
        ({"http": f"{HTTP}?PARAMS=1", "post": {"d1": "select 1"}}, "the address has PARAMS"),
        ({"http": HTTP, "window": "1h"}, "window is of {from} and {until}"),
        ({"http": HTTP, "post": {"graphql": QUERY, "variables": {"a": "{form}"}}}, "did you mean 'from'"),
        ({"http": HTTP, "post": {"graphql": QUERY, "variables": SPAN}, "window": "0h"}, "no time at all"),
        ({"http": HTTP, "at": "updated_at"}, "at is a pointer such as /updated_at"),
        ({"value": 3, "at": "when asked"}, "at is not for a value that stands here"),
        ({"metric": "depth", "at": "when asked"}, "at is not for a metric, whose samples carry theirs"),
        ({"file": "x.json", "at": "when asked"}, "a file is of when it was written"),
        ({"command": ["ls"], "effect": "reads", "at": "when asked"}, "a program may print what was kept earlier"),
        ({"file": "x.txt", "format": "text", "at": "/at"}, "at is a pointer into JSON, and the format here is text"),
        ({"sql": "select 1", "age_seconds_at_most": 60}, "and of others by `at`"),
        ({"command": ["ls"]}, "state `effect: reads` where this one only reads"),
        ({"command": ["ls -l"], "effect": "reads"}, r"write each word by itself, \[ls, -l\]"),
        ({"command": [""], "effect": "reads"}, "the first word is the program"),
        ({"command": ["ls"], "effect": "reads", "format": "jsonl"}, "a command prints json or text"),
        ({"sql": "select 1", "env": ["HOME"]}, "env goes with command"),
        ({"sql": "select 1", "command": ["ls"], "effect": "reads"}, "a reading has one source"),
    ],
)
def test_each_mistake_is_told(reading: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Reading.model_validate(reading)


@pytest.mark.parametrize(
    ("address", "post"),
    [
        (f"{HTTP}?zone=query&my_query=1#query=1", {"graphql": QUERY}),
        (f"{HTTP}?query=a", {"d1": "select 1"}),
        (f"{HTTP}?query=a", {"body": {"a": 1}, "reads": "a search changes nothing"}),
        (f"{HTTP}?query=a", None),
    ],
)
def test_an_address_may_have_what_asks_nothing_else(address: str, post: dict[str, Any] | None) -> None:
    assert Reading.model_validate({"http": address, "post": post}).http == address


@pytest.mark.parametrize(
    ("figure", "says"),
    [
        ({"http": HTTP}, "neither the address nor what is sent has {from}"),
        ({"http": f"{HTTP}?from={{from}}"}, "neither the address nor what is sent has {until}"),
        ({"http": f"{HTTP}?from={{from}}&until={{untill}}"}, "did you mean 'until'"),
        ({"promql": "sum(increase(a[{window}]))", "pointer": "/n"}, "pointer goes with http, and here is promql"),
        ({"promql": "a[{window}]", "http": HTTP}, "one source of promql, sql and http"),
        ({"http": f"{HTTP}?query=b", "post": {"graphql": QUERY, "variables": SPAN}}, "the address has query"),
        ({"http": HTTP, "post": {"graphql": QUERY, "variables": SPAN}, "times": 0}, "greater than 0"),
    ],
)
def test_each_mistake_of_a_figure_is_told(figure: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Figure.model_validate(figure)


def test_the_quantile_by_http_stands_in_latency_alone() -> None:
    asked = {"http": f"{HTTP}?from={{from}}&until={{until}}"}
    latency = {**asked, "pointer": "/p{percent}"}
    assert ServiceLevel.model_validate({"count": asked, "latency": latency}).latency
    for level in ({"count": asked, "latency": asked}, {"count": latency}):
        with pytest.raises(ValidationError, match="quantile"):
            ServiceLevel.model_validate(level)
