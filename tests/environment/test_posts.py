"""What is sent by POST only reads: a query of GraphQL, a statement of SQLite, or what its team says to be a read."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from pydantic import ValidationError

from readiness.config.graphql_operation import page_sizes, why_no_query
from readiness.config.sqlite_statement import names_no_table, why_it_may_write
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
}


@pytest.mark.parametrize("document", QUERIES)
def test_a_query_is_sent(document: str) -> None:
    assert why_no_query(document) == ""


@pytest.mark.parametrize(("document", "says"), NO_QUERIES.items())
def test_what_is_more_than_a_query_is_not(document: str, says: str) -> None:
    assert says in why_no_query(document)


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript("create table orders (id integer, state text); insert into orders values (1, 'paid');")
    return connection


@pytest.mark.parametrize("statement", READS)
def test_a_statement_that_reads_is_sent_and_reads(statement: str) -> None:
    assert why_it_may_write(statement) == ""
    connection = database()
    connection.execute("pragma query_only = on")
    connection.execute(statement).fetchall()
    assert connection.total_changes == 1


@pytest.mark.parametrize(("statement", "says"), WRITES.items())
def test_a_statement_that_may_write_is_not_sent(statement: str, says: str) -> None:
    assert says in why_it_may_write(statement)


def test_a_statement_without_a_table() -> None:
    assert names_no_table("select 5 as n, 'from orders' as text -- from orders")
    assert not names_no_table("select 1 from orders")


@pytest.mark.parametrize(
    ("document", "variables", "sizes"),
    [
        ("{ a(limit: 10) { b(first: $n) { c } } }", {"n": 5}, {5, 10}),
        ("{ a(limit: $n) }", {}, set()),
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
        ({"http": HTTP, "window": "1h"}, "window is of {from} and {until}"),
        ({"http": HTTP, "post": {"graphql": QUERY, "variables": {"a": "{form}"}}}, "did you mean 'from'"),
        ({"http": HTTP, "post": {"graphql": QUERY, "variables": SPAN}, "window": "0h"}, "no time at all"),
        ({"http": HTTP, "at": "updated_at"}, "at is a pointer such as /updated_at"),
        ({"value": 3, "at": "when asked"}, "at is not for a value that stands here"),
        ({"metric": "depth", "at": "when asked"}, "at is not for a metric, whose samples carry theirs"),
        ({"file": "x.json", "at": "when asked"}, "a file is of when it was written"),
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
    ("figure", "says"),
    [
        ({"http": HTTP}, "neither the address nor what is sent has {from}"),
        ({"http": f"{HTTP}?from={{from}}"}, "neither the address nor what is sent has {until}"),
        ({"http": f"{HTTP}?from={{from}}&until={{untill}}"}, "did you mean 'until'"),
        ({"promql": "sum(increase(a[{window}]))", "pointer": "/n"}, "pointer goes with http, and here is promql"),
        ({"promql": "a[{window}]", "http": HTTP}, "one source of promql, sql and http"),
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
