"""The last slots of a database: what our own connections take is not the target's fault, what others take is."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from readiness.measurements import Refusal
from readiness.observations.database import connection_pool
from readiness.sandbox import postgres
from readiness.sources.table import Clients
from readiness.transport.connecting import NoSlots
from tests.clients.conftest import Make, _patiently
from tests.observations.conftest import of_target, reached

SLOTS = 6
HERE = of_target("http://127.0.0.1:9")
CLIENTS = "select count(*) from pg_stat_activity where backend_type = 'client backend'"
SLOW = "select pg_sleep(0.4)::text"


@pytest.fixture(scope="module")
def small(starts_servers: None) -> Iterator[postgres.Server]:
    """Give a database that takes few connections."""
    del starts_servers
    folder = Path(tempfile.mkdtemp(prefix="readiness-small-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(postgres.SETTINGS, "max_connections", str(SLOTS))
        patch.setitem(postgres.SETTINGS, "superuser_reserved_connections", "0")
        patch.setitem(postgres.SETTINGS, "max_wal_senders", "0")
        server = postgres.start(folder / "cluster")
    try:
        _patiently(server.dsn()).close()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def others(small: postgres.Server) -> Iterator[ExitStack]:
    """Give a stack of the connections that others hold, once those of the test before have left the server."""
    with _patiently(small.dsn()) as connection:
        while connection.execute(CLIENTS).fetchone() != (1,):
            time.sleep(0.02)
    with ExitStack() as stack:
        yield stack


def hold(small: postgres.Server, others: ExitStack, number: int) -> None:
    for _ in range(number):
        others.enter_context(_patiently(small.dsn()))


def clients_of(make: Make, small: postgres.Server) -> Clients:
    return make(dsn=small.dsn())


@pytest.mark.parametrize("free", [1, 2, 3])
def test_looks_share_the_slots_that_are_left(free: int, make: Make, small: postgres.Server, others: ExitStack) -> None:
    """Four looks at once want four connections: they go one after the other where the server has fewer."""
    hold(small, others, SLOTS - free)
    clients = clients_of(make, small)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: clients.postgres.rows(SLOW), range(4)))
    assert len(answers) == 4
    assert connection_pool(clients.postgres, clients.pooler, HERE).in_use == SLOTS - free


@pytest.mark.parametrize("free", [1, 2])
def test_a_new_connection_takes_the_place_of_an_idle_one(
    free: int, make: Make, small: postgres.Server, others: ExitStack
) -> None:
    hold(small, others, SLOTS - free)
    clients = clients_of(make, small)
    with ThreadPoolExecutor(free) as pool:
        list(pool.map(lambda _: clients.postgres.rows(SLOW), range(free)))
    assert not isinstance(reached(clients, HERE).seconds, Refusal)


def test_slots_that_others_have_taken_are_the_target_s_own_no(
    make: Make, small: postgres.Server, others: ExitStack
) -> None:
    hold(small, others, SLOTS)
    clients = clients_of(make, small)
    with pytest.raises(NoSlots):
        clients.postgres.rows("select 1")
    assert connection_pool(clients.postgres, clients.pooler, HERE).share == 1
    assert isinstance(reached(clients, HERE).seconds, Refusal)


def test_a_new_connection_waits_for_the_look_in_the_last_slot(
    make: Make, small: postgres.Server, others: ExitStack
) -> None:
    """What the server would say without it is not known before it is back."""
    hold(small, others, SLOTS - 1)
    clients = clients_of(make, small)
    with ThreadPoolExecutor(1) as pool:
        look = pool.submit(lambda: clients.postgres.rows(SLOW))
        answer = reached(clients, HERE)
        look.result()
    assert not isinstance(answer.seconds, Refusal)


def test_our_own_are_counted_out_of_the_pool(make: Make, small: postgres.Server, others: ExitStack) -> None:
    hold(small, others, 2)
    clients = clients_of(make, small)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: clients.postgres.rows(SLOW), range(3)))
    assert connection_pool(clients.postgres, clients.pooler, HERE).in_use == 2
