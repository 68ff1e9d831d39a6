"""Which server libpq really asks: every host it may go to is asked of the allow-list, and none that nobody named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from readiness.clients.dumps import Dumps
from readiness.clients.postgres import Postgres
from readiness.environment import schema
from readiness.outcomes import Effect, Unknown
from readiness.redaction.secret import Secret, known_secrets
from readiness.transport import libpq_surroundings
from readiness.transport.guard import Guard
from readiness.transport.libpq_surroundings import REDIRECTING

ELSEWHERE = "192.0.2.7"
ADDRESSES = {
    "another host in the parameters": f"postgresql://probe:pw@127.0.0.1/shop?host={ELSEWHERE}",
    "another address in the parameters": f"postgresql://probe:pw@127.0.0.1/shop?hostaddr={ELSEWHERE}",
    "an address behind an allowed name": f"host=127.0.0.1 hostaddr={ELSEWHERE} user=probe dbname=shop",
    "the second of two hosts": f"postgresql://probe:pw@127.0.0.1,{ELSEWHERE}/shop",
    "the first of two hosts": f"postgresql://probe:pw@{ELSEWHERE},127.0.0.1/shop",
    "two hosts in the parameters": f"postgresql://probe:pw@/shop?host=127.0.0.1,{ELSEWHERE}",
    "in letters of a percent code": "postgresql://probe:pw@127.0.0.1/shop?host=192%2E0.2.7",
    "keywords and values": f"host='{ELSEWHERE}' user=probe dbname=shop",
}
LOCAL = "127.0.0.1"


@pytest.fixture
def guard() -> Guard:
    return Guard((LOCAL,), tuple(Effect))


def sql(address: str, guard: Guard, folder: Path) -> None:
    del folder
    Postgres(schema.Postgres(url=Secret(address)), guard, "postgres").rows("select 1")


def drop(address: str, guard: Guard, folder: Path) -> None:
    Dumps(guard, folder, 5).drop(Secret(address), "shop")


def dump(address: str, guard: Guard, folder: Path) -> None:
    Dumps(guard, folder, 5).make(Secret(address), folder / "made")


def create(address: str, guard: Guard, folder: Path) -> None:
    Dumps(guard, folder, 5).create(Secret(address), "shop")


WAYS: dict[str, Callable[[str, Guard, Path], None]] = {"sql": sql, "drop": drop, "dump": dump, "create": create}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Programs that leave a trace when they run: none may."""
    for name in ("pg_dump", "dropdb", "createdb", "pg_restore"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("way", WAYS)
def test_no_host_is_asked_that_is_not_allowed(way: str, address: str, guard: Guard, programs: Path) -> None:
    with pytest.raises(Unknown, match=f"{ELSEWHERE}.*allowed_hosts|allowed_hosts.*{ELSEWHERE}"):
        WAYS[way](ADDRESSES[address], guard, programs)
    assert not (programs / "ran").exists()


@pytest.mark.parametrize("way", WAYS)
def test_a_service_is_no_address(way: str, guard: Guard, programs: Path) -> None:
    with pytest.raises(Unknown, match="names a service: which host that is stands in another file"):
        WAYS[way]("postgresql:///shop?service=production", guard, programs)
    assert not (programs / "ran").exists()


SAYS_WHO_AND_HOW = {
    *("PGUSER", "PGPASSWORD", "PGPASSFILE", "PGAPPNAME", "PGCONNECT_TIMEOUT", "PGCLIENTENCODING", "PGKRBSRVNAME"),
    *("PGSSLMODE", "PGSSLNEGOTIATION", "PGSSLCOMPRESSION", "PGSSLCERT", "PGSSLKEY", "PGSSLCERTMODE", "PGSSLROOTCERT"),
    *("PGSSLCRL", "PGSSLCRLDIR", "PGSSLSNI", "PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION", "PGREQUIRESSL"),
    *("PGGSSENCMODE", "PGGSSLIB", "PGGSSDELEGATION", "PGCHANNELBINDING", "PGREQUIREPEER", "PGREQUIREAUTH"),
    *("PGMINPROTOCOLVERSION", "PGMAXPROTOCOLVERSION"),
}


def test_every_variable_of_libpq_is_sorted() -> None:
    """One that a newer libpq brings is looked at by somebody before it can lead elsewhere."""
    named = {option.envvar.decode() for option in psycopg.pq.Conninfo.get_defaults() if option.envvar}
    assert not named - SAYS_WHO_AND_HOW - set(REDIRECTING)


def test_what_leads_elsewhere_is_forgotten() -> None:
    variables = {"PGHOSTADDR": ELSEWHERE, "PGSERVICE": "production", "PGSSLROOTCERT": "/ca.pem", "HOME": "/"}
    assert libpq_surroundings.forget_redirections(variables) == ["PGHOSTADDR", "PGSERVICE"]
    assert variables == {"PGSSLROOTCERT": "/ca.pem", "HOME": "/"}
    assert libpq_surroundings.forget_redirections(variables) == []


def test_the_passwords_of_the_surroundings_are_masked(tmp_path: Path) -> None:
    (tmp_path / "pgpass").write_text(
        "# host:port:database:user:password\n"
        "db.example.com:5432:*:probe:open-sesame-41\n"
        "*:*:*:*:with\\:colon-and\\\\slash\n"
        "no password here\n"
    )
    libpq_surroundings.remember_passwords({"PGPASSWORD": "an0ther-of-psql", "PGPASSFILE": str(tmp_path / "pgpass")})
    assert {"open-sesame-41", "with:colon-and\\slash", "an0ther-of-psql"} <= known_secrets()
    libpq_surroundings.remember_passwords({"PGPASSFILE": str(tmp_path)})
