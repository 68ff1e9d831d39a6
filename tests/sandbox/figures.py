"""The figures of machines, cache, queues and database, as a probe could see them: rounded, so that only faults show."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import psycopg

from tests.sandbox.visitor import Visitor

QUERIES = {
    "cpu busy": 'sum(rate(node_cpu_seconds_total{mode="user"}[5m])) / sum(rate(node_cpu_seconds_total[5m])) > bool 0.6',
    "cache cold": 'sum(rate(cache_requests_total{result="miss"}[5m])) / sum(rate(cache_requests_total[5m])) > bool 0.4',
    "processes": "count(process_resident_memory_bytes)",
    "databases": "count(database_size_bytes)",
    "restarts": "sum(changes(process_start_time_seconds[1d]) and process_start_time_seconds)",
}
MOVING = ("_total", "_bucket", "_count", "_sum")
STATISTICS = """
select jsonb_build_object(
    'invalid indexes', (select count(*) from pg_index where not indisvalid),
    'extensions', (select jsonb_agg(extname order by extname) from pg_extension),
    'settings', (select jsonb_agg(setconfig::text order by setdatabase, setrole) from pg_db_role_setting),
    'slow log', current_setting('log_min_duration_statement'),
    'connections at most', (select datconnlimit from pg_database where datname = current_database()),
    'triggers', (select jsonb_agg(evtname) from pg_event_trigger),
    'filled', (select count(*) > 60 from pg_stat_activity where backend_type = 'client backend'),
    'in transaction', (select count(*) from pg_stat_activity where application_name = 'forgotten'),
    'asleep', (select count(*) > 10 from pg_stat_activity where query like 'select pg_sleep%%' and state = 'active'),
    'sessions', (select count(*) from {sessions} where not_after < now()),
    'cold', to_regnamespace('cold')::text,
    'streaming', (select count(*) from pg_stat_replication where state = 'streaming')
) as found"""


def front_figures(visitor: Visitor) -> dict[str, Any]:
    """Read the gauges of the front's own page, and what only Prometheus can tell."""
    known = visitor.sandbox.variables
    page = visitor.http.get(f"{known['SANDBOX_FRONT_URL']}/metrics").text
    gauges = dict(line.rsplit(" ", 1) for line in page.splitlines())
    shown: dict[str, Any] = {
        f"front {name}": round(time.time() - float(value), -3) if "cron" in name else value
        for name, value in gauges.items()
        if not name.partition("{")[0].endswith(MOVING)
    }
    shown["front names"] = str(sorted({name.partition("{")[0] for name in gauges}))
    for name, query in QUERIES.items():
        answer = visitor.http.get(f"{known['SANDBOX_PROMETHEUS_URL']}/api/v1/query", params={"query": query})
        shown[name] = [row["value"][1] for row in answer.json()["data"]["result"]]
    return shown


def database_figures(visitor: Visitor) -> dict[str, Any]:
    """Read the database's settings and statistics, and ask the replica."""
    there = visitor.read("select to_regclass('auth.sessions') is not null as found")[0]["found"]
    sessions = "auth.sessions" if there else "auth.sessions_2026"
    return {
        "statistics": visitor.read(STATISTICS.replace("{sessions}", sessions))[0]["found"] | {"there": there},
        "replica": _replica(visitor),
    }


def _replica(visitor: Visitor) -> bool:
    with contextlib.suppress(psycopg.Error):
        psycopg.connect(visitor.sandbox.variables["SANDBOX_REPLICA_DATABASE_URL"], connect_timeout=2).close()
        return True
    return False
