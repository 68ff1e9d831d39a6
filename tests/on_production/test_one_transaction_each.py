"""Each reading has a short transaction of its own: nothing of it stays, and what fails does not spoil the next."""

from __future__ import annotations

from contextlib import suppress

import psycopg
import pytest

from readiness.clients.postgres import Postgres
from readiness.outcomes import Unknown
from readiness.sandbox.postgres import Server
from tests.clients.conftest import Make

# A reading → what it would leave behind in a session that goes on.
LEAVES = {
    "a lock of the session": "select pg_advisory_lock(4711)",
    "a setting": "select set_config('work_mem', '3MB', false)",
    "another limit": "select set_config('statement_timeout', '0', false)",
    "writing": "select set_config('default_transaction_read_only', 'off', false)",
    "an error": "select 1 / 0",
    "a limit that it ran into": "select pg_sleep(20)",
    "too many rows": "select generate_series(1, 1000000)",
    "a value that is none": "select '10.0.0.0/8'::cidr",
    "two columns of one name": "select 1 as a, 2 as a",
}
SEEN = """
select count(*) filter (where l.pid is not null) as locks, count(*) filter (where a.state like 'idle in%%') as idle
from pg_stat_activity a left join pg_locks l on l.pid = a.pid and l.locktype = 'advisory' where a.usename = 'probe'
"""


@pytest.fixture
def postgres(make: Make, database: Server) -> Postgres:
    return make(dsn=database.dsn("probe", "probe-password"), postgres={"connections_at_most": 1}).postgres


@pytest.mark.parametrize("case", LEAVES)
def test_a_reading_leaves_nothing(case: str, postgres: Postgres, database: Server) -> None:
    settings = ("work_mem", "statement_timeout", "transaction_read_only", "default_transaction_read_only")
    before = [postgres.value(f"show {name}") for name in settings]
    with suppress(Unknown):
        postgres.rows(LEAVES[case])
    assert [postgres.value(f"show {name}") for name in settings] == before
    with psycopg.connect(database.dsn()) as other:
        assert other.execute(SEEN.replace("%%", "%").encode()).fetchone() == (0, 0)
