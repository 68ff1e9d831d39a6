"""A pooler by its own console: recorded answers of two releases, and each line that they decide.

tests/on_production/test_pgbouncer.py asks PgBouncer itself.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from readiness.clients.pgbouncer import COMMANDS, Pool
from readiness.observations.database import ConnectionPool, connection_pool
from readiness.observations.database_statistics import pool_capacity
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox.postgres import Server as Database
from readiness.sources.table import Clients
from readiness.transport.guard import Guard
from tests.clients.conftest import Make
from tests.clients.postgres_wire import console
from tests.observations.conftest import of_target

Row = dict[str, Any]
POOLS_1_18 = "database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req sv_active sv_active_cancel"
POOLS_1_18 += " sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait maxwait_us pool_mode"
DATABASES_1_18 = "name host port database force_user pool_size min_pool_size reserve_pool pool_mode max_connections"
DATABASES_1_18 += " current_connections paused disabled"
USERS = {"1.18": "name pool_mode", "1.24": "name pool_size reserve_pool_size pool_mode max_user_connections"}


def row(columns: str, **values: Any) -> Row:
    """Return a row of a recorded table: what a test does not name is 0."""
    return {**dict.fromkeys(columns.split(), 0), **values}


def database(name: str = "shop", **values: Any) -> Row:
    return row(DATABASES_1_18, **{"name": name, "host": "10.0.0.4", "database": name, "pool_size": 20, **values})


def pool(user: str = "app", name: str = "shop", **values: Any) -> Row:
    return row(POOLS_1_18, database=name, user=user, pool_mode="transaction", **values)


CONSOLE = database("pgbouncer", host=None)


@contextmanager
def asked(
    make: Make,
    databases: list[Row],
    pools: list[Row],
    users: list[Row] | None = None,
    release: str = "1.18",
    dsn: str | None = None,
    **settings: Any,
) -> Iterator[Clients]:
    """Give clients whose pooler shows these tables."""
    tables = {
        "SHOW DATABASES": (DATABASES_1_18.split(), [*databases, CONSOLE]),
        "SHOW POOLS": (POOLS_1_18.split(), [*pools, pool("pgbouncer", "pgbouncer", cl_active=1)]),
        "SHOW USERS": (USERS[release].split(), users or []),
    }
    with console(tables, release) as port:
        url = Secret(f"postgresql://stats:stats-password@127.0.0.1:{port}/pgbouncer")
        yield make(dsn=dsn, pooler={"url": url, **settings})


@pytest.mark.parametrize(
    ("databases", "pools", "expected"),
    [
        ([database()], [], [Pool("shop", "", 0, 0, 20)]),
        ([database()], [pool(sv_active=7, sv_idle=9, cl_active=40)], [Pool("shop", "app", 7, 0, 20)]),
        ([database()], [pool(sv_active=17, sv_login=2, sv_tested=1, cl_waiting=5)], [Pool("shop", "app", 20, 5, 20)]),
        (
            [database(max_connections=10)],
            [pool(sv_active=7), pool("jobs", sv_active=1)],
            [Pool("shop", "app", 7, 0, 10), Pool("shop", "jobs", 1, 0, 10)],
        ),
        (
            [database(), database("other")],
            [pool(name="other")],
            [Pool("shop", "", 0, 0, 20), Pool("other", "app", 0, 0, 20)],
        ),
    ],
)
def test_its_pools(make: Make, databases: list[Row], pools: list[Row], expected: list[Pool]) -> None:
    with asked(make, databases, pools) as clients:
        assert clients.pooler.pools() == expected


def test_a_user_may_have_a_size_of_its_own(make: Make) -> None:
    users = [row(USERS["1.24"], name="app", pool_size=5), row(USERS["1.24"], name="jobs", pool_size=None)]
    with asked(make, [database()], [pool(), pool("jobs")], users, "1.24") as clients:
        assert [each.size for each in clients.pooler.pools()] == [5, 20]


def test_the_database_that_is_named_alone(make: Make) -> None:
    tables = [database(), database("shop_jobs")], [pool(name="shop_jobs", sv_active=20)]
    with asked(make, *tables, database="shop") as clients:
        assert clients.pooler.pools() == [Pool("shop", "", 0, 0, 20)]
    no_such = pytest.raises(Unknown, match="PgBouncer has no database shops; did you mean shop")
    with asked(make, *tables, database="shops") as clients, no_such:
        clients.pooler.pools()


@pytest.mark.parametrize(
    ("databases", "pools", "says"),
    [
        ([], [], "PgBouncer has no database"),
        ([database() | {"pool_size": 0}], [], "gives its pool shop no size"),
        ([database() | {"pool_size": "many"}], [], "shows 'many' for pool_size"),
        ([database()], [pool(cl_waiting=-1)], "shows '-1' for cl_waiting"),
    ],
)
def test_what_it_does_not_say_is_unknown(make: Make, databases: list[Row], pools: list[Row], says: str) -> None:
    with asked(make, databases, pools) as clients, pytest.raises(Unknown, match=says):
        clients.pooler.pools()


def test_only_its_commands_are_sent_and_they_read(make: Make, guard: Guard) -> None:
    with asked(make, [database()], []) as clients:
        clients.pooler.pools()
    (request,) = guard.requests
    assert (request.method, str(request.effect), request.status) == ("SHOW", "read", "1 pools")
    assert request.target.endswith(", ".join(COMMANDS))
    assert "stats-password" not in request.target


def test_a_silent_console_is_unknown_in_time(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = Secret(f"postgresql://stats:stats-password@127.0.0.1:{server.getsockname()[1]}/pgbouncer")
        with pytest.raises(Unknown, match=r"did not answer within 0\.5 s"):
            make(pooler={"url": url, "seconds_at_most": 0.5}).pooler.pools()


def test_without_a_pooler_the_key_is_told(make: Make) -> None:
    with pytest.raises(NotConfigured, match=r"set pooler\.url"):
        make().pooler.pools()


# The lines


@pytest.mark.parametrize(("busy", "waiting", "share"), [(7, 0, 0.35), (16, 0, 0.8), (20, 0, 1.0), (20, 30, 2.5)])
def test_the_headroom_is_that_of_the_pool(make: Make, busy: int, waiting: int, share: float) -> None:
    with asked(make, [database()], [pool(sv_active=busy, cl_waiting=waiting), pool("jobs", sv_active=1)]) as clients:
        found = connection_pool(clients.postgres, clients.pooler, of_target("http://127.0.0.1:9"))
    assert found.share == pytest.approx(share)
    assert found.summary == "share of PgBouncer's pool shop as app in use"
    assert (found.in_use, found.size) == (busy + waiting, 20)


def test_the_fuller_of_the_two_decides(make: Make, database: Database) -> None:
    dsn = database.dsn()
    here = of_target("http://127.0.0.1:9")
    shop = row(DATABASES_1_18, name="shop", pool_size=20)
    held = psycopg.connect(database.dsn())
    with asked(make, [shop], [], dsn=dsn) as clients:
        of_server: ConnectionPool = connection_pool(clients.postgres, clients.pooler, here)
    held.close()
    assert of_server.of == "the pool"
    with asked(make, [shop], [pool(sv_active=20)], dsn=dsn) as clients:
        of_pooler = connection_pool(clients.postgres, clients.pooler, here)
    assert of_pooler.share == 1


HERE = of_target("http://127.0.0.1:9")


@pytest.mark.parametrize(("word", "busy"), [("paused", 0), ("disabled", 0), ("paused", 20)])
def test_a_closed_pool_has_no_connection_left_however_few_are_in_use(make: Make, word: str, busy: int) -> None:
    with asked(make, [database() | {word: 1}], [pool(sv_active=busy)]) as clients:
        found = connection_pool(clients.postgres, clients.pooler, HERE)
    assert (found.share, found.in_use, found.size) == (1, 20, 20)
    assert found.summary == f"share of PgBouncer's pool shop as app in use (PgBouncer has {word} it)"


def test_a_pooler_that_refuses_has_no_connection_left(make: Make, database: Database) -> None:
    url = Secret("postgresql://stats:stats-password@127.0.0.1:1/pgbouncer")
    clients = make(dsn=database.dsn(), pooler={"url": url})
    found = connection_pool(clients.postgres, clients.pooler, HERE)
    assert (found.of, found.share) == ("PgBouncer", 1)
    assert "refused" in found.exhausted


UNSEEN = "connection to PgBouncer timed out"


@pytest.mark.parametrize(
    ("in_use", "unseen", "limit", "outcome"),
    [
        # What is full is full, whatever the other one is.
        (19, UNSEEN, 0.8, 0.95),
        (16, UNSEEN, 0.8, 0.8),
        (3, UNSEEN, 0.8, None),
        (3, "", 0.8, 0.15),
        (19, "", 0.8, 0.95),
    ],
)
def test_of_two_pools_one_may_decide_alone(in_use: int, unseen: str, limit: float, outcome: float | None) -> None:
    found = ConnectionPool(in_use, 20, unseen=unseen)
    if outcome is None:
        for ask in (lambda: found.share_against(limit), lambda: found.in_use_against(16)):
            with pytest.raises(Unknown, match=f"of another pool nobody knows: {unseen}"):
                ask()
        return
    assert found.share_against(limit) == pytest.approx(outcome)
    assert found.in_use_against(int(20 * limit)) == in_use


def test_a_silent_pooler_hides_no_full_database(make: Make, database: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = Secret(f"postgresql://stats:stats-password@127.0.0.1:{server.getsockname()[1]}/pgbouncer")
        clients = make(dsn=database.dsn(), pooler={"url": url, "seconds_at_most": 0.5})
        found = connection_pool(clients.postgres, clients.pooler, HERE)
    assert found.of == "the pool"
    assert "did not answer within 0.5 s" in found.unseen
    assert found.share_against(0.0) == found.share


@pytest.mark.parametrize(("sizes", "size"), [([100], 100), ([100, 15], 15)])
def test_the_size_is_that_of_the_smallest_pool(make: Make, sizes: list[int], size: int) -> None:
    databases = [row(DATABASES_1_18, name=f"shop{number}", pool_size=each) for number, each in enumerate(sizes)]
    with asked(make, databases, []) as clients:
        capacity = pool_capacity(clients.postgres, clients.pooler, clients.readings, 100)
    assert capacity.connections == size
    assert capacity.summary == f"size of PgBouncer's pool shop{sizes.index(size)}"
