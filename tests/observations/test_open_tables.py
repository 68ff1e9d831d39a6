"""What whoever is not signed in reads, tried on a real PostgreSQL as the anonymous role itself."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from readiness.observations.open_tables import OpenTables, open_tables
from readiness.outcomes import Unknown
from readiness.sandbox.postgres import Server as Database
from readiness.sources.table import Clients
from tests.clients.conftest import Make

TABLES = """
create role visitor nologin;
grant visitor to probe;
create schema shop;
grant usage on schema shop to visitor, probe;
create table shop.secret (id int); insert into shop.secret values (1);
create table shop.plans (id int, hidden int); insert into shop.plans values (1, 2);
create table shop.empty (id int);
alter table shop.secret enable row level security;
alter table shop.plans enable row level security;
alter table shop.empty enable row level security;
grant select on shop.secret, shop.empty to visitor;
grant select (id) on shop.plans to visitor;
"""
GONE = "drop schema shop cascade; drop owned by visitor; drop role visitor"


@pytest.fixture
def admin(database: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute(TABLES)
        yield connection
        connection.execute(GONE)


def seen(make: Make, database: Database, role: str | None = "visitor") -> OpenTables:
    settings = {"anonymous_role": role, "schemas": ["shop"]}
    clients: Clients = make(dsn=database.dsn("probe", "probe-password"), postgres=settings)
    return open_tables(clients.postgres)


@pytest.mark.parametrize(
    ("policies", "readable"),
    [
        ("", []),
        ("create policy p on shop.secret for select using (true)", ["secret"]),
        ("create policy p on shop.secret for select to visitor using (true)", ["secret"]),
        ("create policy p on shop.secret to visitor using (id > 0)", ["secret"]),
        ("create policy p on shop.secret to visitor using (id > 7)", []),
        ("create policy p on shop.secret to pg_monitor using (true)", []),
        ("create policy p on shop.secret for insert with check (true)", []),
        # Of an empty table nobody reads a row: the policy's own words say what will be.
        ("create policy p on shop.empty for select using (true)", ["empty"]),
        ("create policy p on shop.empty for select using (id > 0)", []),
        (
            """create policy p on shop.secret using (true);
            create policy only_mine on shop.secret as restrictive using (id > 7)""",
            [],
        ),
        ("create policy p on shop.plans using (id = 1)", ["plans"]),
        ("create policy p on shop.secret using (true); revoke select on shop.secret from visitor", []),
        ("create policy p on shop.secret using (true); revoke usage on schema shop from visitor", []),
        ("alter table shop.secret disable row level security", ["secret"]),
        # A view shows what its owner may read, and no policy of its tables holds for it.
        ("create view shop.shown as select * from shop.secret; grant select on shop.shown to visitor", ["shown"]),
        ("create view shop.shown as select * from shop.secret", []),
        (
            """create view shop.shown with (security_invoker = on) as select * from shop.secret;
            grant select on shop.shown to visitor""",
            [],
        ),
        (
            "create materialized view shop.kept as select * from shop.secret; grant select on shop.kept to visitor",
            ["kept"],
        ),
        # Not the service's own: what an extension brings is public on purpose.
        ("create extension pg_stat_statements schema shop; grant select on shop.pg_stat_statements to visitor", []),
    ],
)
def test_what_is_readable(
    make: Make, database: Database, admin: psycopg.Connection[tuple[object, ...]], policies: str, readable: list[str]
) -> None:
    admin.execute(policies.encode())
    assert seen(make, database) == OpenTables("visitor", readable)


def test_what_cannot_be_tried_decides_nothing_and_hides_nothing(
    make: Make, database: Database, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    admin.execute("create policy p on shop.secret using (1 / (id - 1) > 0)")
    found = seen(make, database)
    with pytest.raises(Unknown, match=r"shop\.secret as visitor: .*division by zero"):
        found.beyond(())

    admin.execute("create policy q on shop.plans using (true)")
    found = seen(make, database)
    assert found.beyond(()) == ["plans"]
    with pytest.raises(Unknown, match="division by zero"):
        found.beyond(("plans",))


@pytest.mark.parametrize(
    ("statement", "role", "says"),
    [
        ("revoke visitor from probe", "visitor", "the probe's role may not act as visitor"),
        ("select 1", "visitors", "there is no role visitors"),
    ],
)
def test_a_role_that_cannot_be_taken_is_unknown(
    make: Make,
    database: Database,
    admin: psycopg.Connection[tuple[object, ...]],
    statement: str,
    role: str,
    says: str,
) -> None:
    admin.execute(statement.encode())
    with pytest.raises(Unknown, match=says):
        seen(make, database, role).beyond(())


def test_what_a_policy_says_in_words_needs_no_trial(
    make: Make, database: Database, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    admin.execute("create policy p on shop.secret using (true); revoke visitor from probe")
    assert seen(make, database).beyond(()) == ["secret"]


def test_where_nobody_asks_without_signing_in_nothing_is_looked_at(make: Make, database: Database) -> None:
    assert seen(make, database, None) == OpenTables(None)


def test_the_session_is_the_probe_s_again(
    make: Make, database: Database, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    del admin
    settings = {"anonymous_role": "visitor", "connections_at_most": 1}
    postgres = make(dsn=database.dsn("probe", "probe-password"), postgres=settings).postgres
    asked = "select current_user::text as who, current_setting('row_security') as security"
    assert postgres.rows_as("visitor", asked) == [{"who": "visitor", "security": "on"}]
    assert postgres.rows(asked) == [{"who": "probe", "security": "off"}]
    with pytest.raises(Unknown, match="read-only"):
        postgres.rows_as("visitor", "with gone as (delete from upload returning 1) select count(*) from gone")
