"""A database of the tests' own, and clients that are pointed at whatever a test serves."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from readiness.environment.schema import Environment, Reading
from readiness.outcomes import Effect
from readiness.redaction.secret import Secret
from readiness.sandbox import postgres
from readiness.sandbox.processes import free_port
from readiness.sources.origins import OwnSources
from readiness.sources.provenance import Note
from readiness.sources.table import Clients
from readiness.transport.guard import Guard

DEADLINE = 0.4  # of the tests that wait for it; the others have time, also on a busy machine
NEVER = 120.0  # what has not ended by then would not end: a busy machine takes longer than the deadline
SHORT: dict[str, object] = {"deadline_seconds": DEADLINE}
Make = Callable[..., Clients]

SCHEMA = """
create table upload (id int primary key, status text);
insert into upload values (1, 'completed'), (2, 'failed');
create table denied (id int);
create role probe login password 'probe-password' in role pg_read_all_settings;
grant select on upload to probe;
create role writer login superuser password 'writer-password';
create role nologin password 'nologin-password';
create role crowded login password 'crowded-password' connection limit 0;
create function forget() returns int language sql as $$ delete from upload returning 1 $$;
create function forget_slyly() returns int language plpgsql as $$
begin
  perform set_config('transaction_read_only', 'off', false);
  delete from upload;
  return 1;
end $$;
"""


@pytest.fixture(scope="session")
def database(starts_servers: None) -> Iterator[postgres.Server]:
    del starts_servers
    folder = Path(tempfile.mkdtemp(prefix="readiness-clients-"))
    server = postgres.start(folder / "cluster")
    try:
        with _patiently(server.dsn()) as connection:
            connection.execute(SCHEMA)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _patiently(dsn: str) -> psycopg.Connection[Any]:
    end = time.monotonic() + 15
    while True:
        try:
            return psycopg.connect(dsn, autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@pytest.fixture
def closed_port() -> int:
    return free_port()


@pytest.fixture
def guard() -> Guard:
    return Guard(["127.0.0.1", "localhost"], frozenset({Effect.READ, Effect.WRITE, Effect.NOTIFY}))


@pytest.fixture
def make(guard: Guard) -> Iterator[Make]:
    """Make clients whose systems are all at one address, or nowhere."""
    made: list[Clients] = []

    def make_clients(
        url: str = "http://127.0.0.1:9",
        *,
        dsn: str | None = None,
        readings: dict[str, Reading] | None = None,
        systems: bool = True,
        reports: Path = Path("nowhere"),
        note: Note = lambda _: None,
        own: OwnSources | None = None,
        **changes: Any,
    ) -> Clients:
        key = Secret("storage-key-of-a-test")
        sections: dict[str, Any] = {
            "target": {"url": url, "token": Secret("target-token-of-a-test")},
            "http": {"deadline_seconds": 10.0, "body_bytes_at_most": 1_000_000},
        }
        if systems:
            sections |= {
                "metrics": {"url": f"{url}/metrics"},
                "storage": {"url": url, "key": key, "bucket": "uploads"},
                "prometheus": {"url": url},
                "grafana": {"url": url, "token": key, "dashboards": {"main": "shop"}},
                "sentry": {"url": url, "token": key, "organization": "sandbox", "project": "shop"},
                "loki": {"url": url, "query": '{app="shop"}'},
                "alertmanager": {"url": url},
                "communication": {
                    "slack": {"url": url, "token": key},
                    "discord": {"url": url, "token": key, "guild": "1100000000000000001"},
                },
                "support": {"url": url, "token": key, "repository": "sandbox/support"},
                "incidents": {"tracker": {"url": url, "token": key, "repository": "sandbox/support"}},
                "pagerduty": {"url": url, "token": key, "escalation_policy": "PSHOP01"},
                "github": {"url": url, "token": key, "repository": "sandbox/shop"},
                "backup": {"supabase": {"url": url, "project": "a" * 20, "token": key}},
            }
        if dsn:
            sections["postgres"] = {
                "url": Secret(dsn),
                "connect_seconds": 5.0,
                "statement_timeout_seconds": 0.6,
                "lock_timeout_seconds": 0.1,
            }
        for name, change in changes.items():
            sections[name] = sections.get(name, {}) | change
        environment = Environment(
            environment="test",
            runbooks=("ingestion",),
            allowed_hosts=tuple(guard.allowed_hosts),
            readings=readings or {},
            **sections,
        )
        made.append(Clients.of(environment, guard, reports, note).asking(own or {}))
        return made[-1]

    yield make_clients
    for clients in made:
        clients.close()
