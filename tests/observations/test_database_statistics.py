"""The database's own figures on a real server: the pool at each limit, and settings as the service's role gets them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from readiness import Measure
from readiness.environment.schema import Reading
from readiness.ladder import reached
from readiness.observations.database import ConnectionPool, connection_pool
from readiness.observations.database_statistics import (
    block_hit_share,
    pool_capacity,
    query_times,
    replication,
    statement_timeout,
)
from readiness.outcomes import EscalationStep, NotConfigured, Unknown
from readiness.runbook import lines as runbook_lines
from readiness.sandbox import Sandbox
from readiness.sandbox.postgres import Server
from tests.clients.conftest import Make
from tests.house.test_catalogue import CHECKS
from tests.observations.conftest import of_target
from tests.observations.conftest import reached as reached_database

ROOT = Path(__file__).parents[2]
HERE = of_target("http://127.0.0.1")


@pytest.mark.parametrize(
    ("in_use", "size", "holds", "step"),
    [
        (79, 100, True, None),
        (81, 100, True, EscalationStep.WARN),
        (94, 100, True, EscalationStep.WARN),
        (96, 100, False, EscalationStep.CRITICAL),
        (96, 500, True, None),
        (401, 500, True, EscalationStep.WARN),
        (476, 500, False, EscalationStep.CRITICAL),
        (15, 15, False, EscalationStep.CRITICAL),
    ],
)
@pytest.mark.parametrize("line", ["pool-not-exhausted", "diagnose-pool"])
def test_the_pool_reaches_its_steps(
    line: str, in_use: int, size: int, holds: bool, step: EscalationStep | None
) -> None:
    book = runbook_lines.load(runbook_lines.locate("launch400k", ROOT))
    (item,) = (one for one in book.items() if one.local_id == line)
    check, measure = CHECKS[item.check], Measure()
    model = check.__annotations__["limits"]
    failed = False
    try:
        check(
            connection_pool=ConnectionPool(in_use, size), limits=runbook_lines.limits_of(item, model), measure=measure
        )
    except AssertionError:
        failed = True
    assert failed is not holds
    assert reached(item.line.ladder, measure.taken) == step


@pytest.mark.parametrize("wanted", [79, 81])
def test_the_pool_is_counted_exactly(wanted: int, sandbox: Sandbox, make: Make) -> None:
    dsn = sandbox.variables["SANDBOX_DATABASE_URL"]
    clients = make(dsn=dsn)
    held: list[psycopg.Connection[tuple[object, ...]]] = []
    try:
        for _ in range(20):  # the service has connections of its own, which come and go
            found = connection_pool(clients.postgres, clients.pooler, HERE)
            if found.in_use == wanted:
                break
            for _ in range(found.in_use - wanted):
                held.pop().close()
            held += [psycopg.connect(dsn) for _ in range(wanted - found.in_use)]
    finally:
        for connection in held:
            connection.close()
    reserved_for_superusers = 1
    assert (found.in_use, found.size) == (wanted, 100 - reserved_for_superusers)


@pytest.fixture
def settle(database: Server) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Give the superuser's hand on the settings of a role, and undo them."""
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute("create role app")
        yield connection
        connection.execute("alter database postgres reset statement_timeout")
        connection.execute("drop role app")


def test_the_nearest_setting_counts(settle: psycopg.Connection[object], database: Server, make: Make) -> None:
    postgres = make(dsn=database.dsn("probe", "probe-password"), postgres={"application_role": "app"}).postgres
    with pytest.raises(Unknown, match="the probe's own hides the server's"):
        statement_timeout(postgres)
    for change, seconds in (
        ("alter database postgres set statement_timeout = '2min'", 120),
        ("alter role app set statement_timeout = 1500", 1.5),
        ("alter role app in database postgres set statement_timeout = 0", 0),
        ("alter role app in database postgres set statement_timeout = '250ms'", 0.25),
        ("alter role app in database postgres reset statement_timeout", 1.5),
    ):
        settle.execute(change.encode())
        assert statement_timeout(postgres).seconds == seconds


def test_without_the_services_role_nothing_is_judged(database: Server, make: Make) -> None:
    dsn = database.dsn("probe", "probe-password")
    with pytest.raises(NotConfigured, match="application_role"):
        statement_timeout(make(dsn=dsn).postgres)
    with pytest.raises(Unknown, match="there is no role ap"):
        statement_timeout(make(dsn=dsn, postgres={"application_role": "ap"}).postgres)


def test_too_little_on_record_is_unknown(sandbox: Sandbox, make: Make) -> None:
    clients = make(dsn=sandbox.variables["SANDBOX_DATABASE_URL"])
    with pytest.raises(Unknown, match="too few for a mean"):
        query_times(clients.readings, 10**9)
    with pytest.raises(Unknown, match="too few for a share"):
        block_hit_share(clients.postgres, 10**12)


def test_a_connection_is_timed_and_rows_are_counted(sandbox: Sandbox, make: Make) -> None:
    clients = make(dsn=sandbox.variables["SANDBOX_DATABASE_URL"])
    found = reached_database(clients, HERE)
    assert isinstance(found.seconds, float)
    assert 0 < found.seconds < 2
    assert "campaign_metrics" in found.rows  # the count itself follows the writes by some seconds


def test_a_closed_port_and_a_locked_role_are_unknown(make: Make, closed_port: int, database: Server) -> None:
    for dsn in (f"postgresql://probe@127.0.0.1:{closed_port}/x", database.dsn("nologin", "nologin-password")):
        with pytest.raises(Unknown):
            make(dsn=dsn).postgres.reach()


def test_a_replica_that_is_not_named_is_not_configured(sandbox: Sandbox, make: Make) -> None:
    clients = make(dsn=sandbox.variables["SANDBOX_DATABASE_URL"])
    with pytest.raises(NotConfigured, match=r"replica\.url"):
        replication(clients.postgres, clients.replica)


def test_what_postgresql_takes_is_no_pool_s_size(make: Make, database: Server) -> None:
    clients = make(dsn=database.dsn("probe", "probe-password"))
    limit = int(str(clients.postgres.value("select current_setting('max_connections')::int")))
    with pytest.raises(Unknown, match=rf"nothing says how large its pool is, and PostgreSQL's own limit of {limit} is"):
        pool_capacity(clients.postgres, clients.pooler, clients.readings, limit)
    # No pool in front of it is larger.
    found = pool_capacity(clients.postgres, clients.pooler, clients.readings, limit + 1)
    assert (found.connections, found.summary) == (limit, "connections in all, PostgreSQL's own limit")


@pytest.mark.parametrize("size", [15, 200])
def test_the_pooler_s_own_size_is_what_its_reading_says(make: Make, database: Server, size: int) -> None:
    stated = {"connection_pool_size": Reading(sql=f"select {size} from pg_class limit 1")}
    clients = make(dsn=database.dsn("probe", "probe-password"), readings=stated)
    found = pool_capacity(clients.postgres, clients.pooler, clients.readings, 100)
    assert (found.connections, found.summary) == (size, "size of the pool")


@pytest.mark.parametrize(
    ("url", "is_pooler"),
    [
        ("postgresql://probe:p@db.shop.internal/shop", False),
        ("postgresql://probe:p@db.shop.internal:5433/shop", False),
        ("postgresql://probe:p@spooler.shop.internal/shop", False),
        ("postgresql://probe:p@db.shop.internal:6543/shop", True),
        ("postgresql://probe:p@db.shop.internal:6432/shop", True),
        ("postgresql://probe:p@aws-0-eu-central-1.pooler.supabase.com/shop", True),
        ("postgresql://probe:p@ep-cool-1-pooler.eu-central-1.aws.neon.tech/shop", True),
        ("host=PGBOUNCER.shop.internal dbname=shop", True),
    ],
)
def test_a_pooler_is_known_by_its_address(make: Make, url: str, is_pooler: bool) -> None:
    assert bool(make(dsn=url).postgres.pooler) is is_pooler
