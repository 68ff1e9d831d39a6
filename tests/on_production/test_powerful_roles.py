"""On production nobody asks with a role whose queries could do what no rollback undoes, unless the file says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from readiness.clients.dumps import Dumps
from readiness.outcomes import Effect, Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox.postgres import Server
from readiness.transport.database_tls import DatabaseTls
from readiness.transport.guard import Guard
from readiness.transport.sql_roles import RoleSeen, require_reading_only
from tests.clients.conftest import Make

PASSWORD = "role-of-a-test"

# How the role is made → what is told of it; None where it may ask.
ROLES = {
    "plain": ("", None),
    "reads_all": ("in role pg_read_all_data, pg_monitor", None),
    "past_policies": ("bypassrls", None),
    "makes_roles": ("createrole createdb", None),
    "writes_all": ("in role pg_write_all_data", None),
    "all_powerful": ("superuser", "is a superuser"),
    "replicates": ("replication", "may make replication slots"),
    "signals": ("in role pg_signal_backend", "ends the sessions of others"),
    "reads_files": ("in role pg_read_server_files", "reads the server's files"),
    "writes_files": ("in role pg_write_server_files", "writes the server's files"),
    "runs_programs": ("in role pg_execute_server_program", "runs programs on the server"),
    "through_another": ("noinherit in role all_powerless", "ends the sessions of others"),
    "two_at_once": ("replication in role pg_signal_backend", r"\(REPLICATION\), ends the sessions of others"),
}


@pytest.fixture(scope="module", autouse=True)
def roles(database: Server) -> Iterator[None]:
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute("create role all_powerless in role pg_signal_backend")
        for name, (options, _) in ROLES.items():
            connection.execute(f"create role {name} login password '{PASSWORD}' {options}".encode())
        yield
        for name in (*ROLES, "all_powerless"):
            connection.execute(f"drop role {name}".encode())


@pytest.mark.parametrize("name", ROLES)
def test_who_may_ask(name: str, make: Make, database: Server) -> None:
    postgres = make(dsn=database.dsn(name, PASSWORD)).postgres
    words = ROLES[name][1]
    if words is None:
        assert postgres.value("select 1") == 1
        return

    for ask in (lambda: postgres.rows("select 1"), postgres.reach):
        with pytest.raises(Unknown, match=words) as refusal:
            ask()
        assert name in refusal.value.reason
        assert "grant pg_monitor, pg_read_all_data" in refusal.value.remedy
        assert f"postgres.powerful_roles: [{name}]" in refusal.value.remedy


@pytest.mark.parametrize("name", [name for name, (_, words) in ROLES.items() if words])
def test_a_role_that_the_file_names_may_ask(name: str, make: Make, database: Server) -> None:
    dsn = database.dsn(name, PASSWORD)
    assert make(dsn=dsn, postgres={"powerful_roles": (name,)}).postgres.value("select 1") == 1
    with pytest.raises(Unknown):
        make(dsn=dsn, postgres={"powerful_roles": ("another",)}).postgres.value("select 1")


def test_a_role_that_is_only_put_on_covers_nobody(make: Make, database: Server) -> None:
    dsn = f"{database.dsn('all_powerful', PASSWORD)}?options=-c%20role%3Dplain"
    with pytest.raises(Unknown, match=r"all_powerful of postgres\.url is a superuser"):
        make(dsn=dsn).postgres.value("select 1")


def test_the_replica_is_asked_the_same(make: Make, database: Server) -> None:
    address = Secret(database.dsn("all_powerful", PASSWORD))
    clients = make(dsn=database.dsn("plain", PASSWORD), replica={"url": address})
    with pytest.raises(Unknown, match=r"all_powerful of replica\.url is a superuser"):
        clients.replica.value("select 1")


def test_what_is_no_production_is_asked_with_any_role(make: Make, database: Server, guard: Guard) -> None:
    guard.database_tls = DatabaseTls()
    assert make(dsn=database.dsn("all_powerful", PASSWORD)).postgres.value("select 1") == 1


def test_a_drill_asks_the_live_database_the_same_and_its_scratch_server_not(database: Server) -> None:
    guard = Guard(["127.0.0.1"], tuple(Effect), database_tls=DatabaseTls(is_production=True))
    address = Secret(database.dsn("all_powerful", PASSWORD))
    dumps = Dumps(guard, Path("nowhere"), 60)
    with pytest.raises(Unknown, match="is a superuser"):
        dumps.fingerprints(address)
    assert dumps.fingerprints(address, "postgres")
    assert Dumps(guard, Path("nowhere"), 60, ("all_powerful",)).fingerprints(address)


def test_who_cannot_be_seen_does_not_ask() -> None:
    with pytest.raises(Unknown, match="cannot be seen"):
        require_reading_only([], (), "postgres")


def test_the_name_of_a_role_is_shown_on_one_line() -> None:
    role = RoleSeen("a\nverdict GO\x1b[8m", is_superuser=True, is_replication=False, member_of=[])
    with pytest.raises(Unknown) as refusal:
        require_reading_only([role], (), "postgres")
    assert not {"\n", "\x1b"} & set(str(refusal.value))
