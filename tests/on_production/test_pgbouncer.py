"""PgBouncer itself, in each of its modes: the limits hold, nothing stays, and what cannot work is told."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from readiness.clients.pgbouncer import Pool
from readiness.clients.postgres import Postgres
from readiness.outcomes import Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox.postgres import Server
from readiness.sandbox.processes import free_port
from readiness.tools import BY_NAME, find
from tests.clients.conftest import NEVER, Make

PROGRAM = find(BY_NAME["pgbouncer"])
HOW = "there is no PgBouncer here: readiness tools --fetch --only pgbouncer, or make lab"
pytestmark = pytest.mark.skipif(PROGRAM is None, reason=HOW)

WORKING = {
    "session": "pool_mode = session",
    "transaction": "pool_mode = transaction",
    "transaction, options dropped": "pool_mode = transaction\nignore_startup_parameters = options",
}
CONFIGURATION = """
[databases]
postgres = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
default_pool_size = 1
stats_users = probe
{mode}
"""
LIMITS = {"statement_timeout": "600ms", "lock_timeout": "100ms", "row_security": "off", "transaction_read_only": "on"}


@pytest.fixture
def bouncer(request: pytest.FixtureRequest, database: Server) -> Iterator[int]:
    """Give the port of a PgBouncer in the mode that the test names."""
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="readiness-bouncer-"))
    (folder / "users").write_text('"probe" "probe-password"\n', encoding="utf-8")
    configuration = CONFIGURATION.format(server=database.port, port=port, folder=folder, mode=request.param)
    (folder / "configuration").write_text(configuration, encoding="utf-8")
    if os.geteuid() == 0:  # as which it refuses to run
        shutil.chown(folder, "nobody")
    as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = [str(PROGRAM), "-q", *as_user, str(folder / "configuration")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _wait_for(port: int) -> None:
    end = time.monotonic() + NEVER
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("PgBouncer took no connection")


@pytest.fixture
def postgres(make: Make, bouncer: int) -> Postgres:
    return make(dsn=f"postgresql://probe:probe-password@127.0.0.1:{bouncer}/postgres").postgres


@pytest.mark.parametrize("bouncer", WORKING.values(), ids=list(WORKING), indirect=True)
def test_the_limits_hold_and_nothing_stays(postgres: Postgres, database: Server) -> None:
    for _ in range(2):
        assert {name: postgres.value(f"select current_setting('{name}')") for name in LIMITS} == LIMITS
    with pytest.raises(Unknown, match="took too long"):
        postgres.rows("select pg_sleep(20)")
    assert postgres.rows("select pg_advisory_lock(4711)::text as lock") == [{"lock": ""}]
    with pytest.raises(Unknown, match="division by zero"):
        postgres.rows("select 1 / 0")
    with psycopg.connect(database.dsn(), autocommit=True) as other:
        # PgBouncer ends what its client has left a moment after that has gone.
        none_left(other, "select count(*) from pg_locks where locktype = 'advisory'")
        none_left(other, "select count(*) from pg_stat_activity where usename = 'probe' and state like 'idle in%'")


def none_left(database: psycopg.Connection, query: LiteralString) -> None:
    """Wait until a count is zero."""
    until = time.monotonic() + NEVER
    while (count := database.execute(query).fetchone()) != (0,):
        assert time.monotonic() < until, f"{count}: {query}"
        time.sleep(0.05)


@pytest.mark.parametrize("bouncer", ["pool_mode = statement"], indirect=True)
def test_a_pool_without_transactions_is_told(postgres: Postgres) -> None:
    with pytest.raises(Unknown, match="a pooler in statement mode is in between"):
        postgres.rows("select 1")


@pytest.mark.parametrize("bouncer", ["pool_mode = session"], indirect=True)
def test_it_is_asked_about_its_own_pools(make: Make, bouncer: int) -> None:
    address = f"postgresql://probe:probe-password@127.0.0.1:{bouncer}"
    pooler = make(pooler={"url": Secret(f"{address}/pgbouncer")}).pooler
    assert pooler.pools() == [Pool("postgres", "", busy=0, waiting=0, size=1)]

    with psycopg.connect(f"{address}/postgres", autocommit=True) as one:
        one.execute("select 1")
        assert pooler.pools() == [Pool("postgres", "probe", busy=1, waiting=0, size=1)]
        other = threading.Thread(target=_ask_in_vain, args=(f"{address}/postgres",), daemon=True)
        other.start()
        end = time.monotonic() + NEVER
        while pooler.pools()[0].waiting < 1 and time.monotonic() < end:
            time.sleep(0.05)
        assert pooler.pools() == [Pool("postgres", "probe", busy=1, waiting=1, size=1)]
    other.join(NEVER)


def _ask_in_vain(address: str) -> None:
    """Ask for a connection that another client has."""
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("select 1")


@pytest.mark.parametrize("bouncer", ["pool_mode = session"], indirect=True)
def test_whoever_may_not_look_is_told(make: Make, bouncer: int) -> None:
    address = f"postgresql://probe:wrong-password@127.0.0.1:{bouncer}/pgbouncer"
    with pytest.raises(Unknown, match=r"password|SASL|auth"):
        make(pooler={"url": Secret(address)}).pooler.pools()
