"""What slows, fills or misconfigures the database, and what hides its own figures."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import WAIT_SECONDS, fault, turning, wait_until
from readiness.sandbox.faults.database import (
    BLOCKS,
    CONNECTIVITY,
    EXPIRED,
    IDLE,
    INDEXES,
    LATENCIES,
    POOL_SIZES,
    POOLS_AFTER,
    POOLS_EXHAUSTED,
    QUICK,
    REPLICAS,
    RUNNING,
    SLOW_LOG,
    TIMEOUT,
    held,
)

if TYPE_CHECKING:
    from readiness.sandbox.database import Database
    from readiness.sandbox.target import SandboxTarget

LOOKS = 10
"""So many with the same count say that nobody comes or goes."""
CLIENTS = "select count(*) as n from pg_stat_activity where backend_type = 'client backend'"
BLOCKS_READ = 40_000
"""So many tell a share: see `blocks_at_least` of the lines."""
SLEEPERS, SLEEP_SECONDS = 30, 1.0
CALLS = 300
COUNTED_CALLS = 100
"""So many tell a mean: see `calls_at_least` of the line."""
WITHOUT_REPLICA = "there is no replica: start the sandbox with --replica"
FORGOTTEN = "forgotten"
TIMES = ("backend_start", "xact_start", "query_start", "state_change")


def _fill(target: SandboxTarget, connections: int) -> Iterator[None]:
    """Hold so many client connections that there are that many in all."""
    with held(target, connections - _settled(target)):
        yield


def _settled(target: SandboxTarget) -> int:
    """Count the client connections once nobody comes or goes: those of a client that has ended stay for a moment."""
    seen: deque[int] = deque(maxlen=LOOKS)

    def same() -> bool:
        seen.append(target.admin.one(CLIENTS)["n"])
        return len(seen) == LOOKS and len(set(seen)) == 1

    wait_until(same, "as many connections all the time")
    return seen[-1]


@fault("postlaunch", turns=turning("fail", *POOLS_AFTER) | turning("warn", *POOLS_EXHAUSTED))
def pool_at_81(target: SandboxTarget) -> Iterator[None]:
    """Of a hundred connections 81 are in use, and those of the probe."""
    yield from _fill(target, 81)


@fault("postlaunch", turns=turning("fail", *POOLS_AFTER, *POOLS_EXHAUSTED))
def pool_at_96(target: SandboxTarget) -> Iterator[None]:
    """Of a hundred connections others hold 95: those of the probe are not counted."""
    yield from _fill(target, 95)


@fault("smoke", turns={CONNECTIVITY: "fail"})
def login_too_late(target: SandboxTarget) -> Iterator[None]:
    """The database takes longer over a log-in than the probe waits; for 1.2 s nobody has to wait, says no document."""
    target.admin.rows(
        "create function doze() returns event_trigger language plpgsql as $$ begin"
        " if session_user = 'readiness_probe' then perform pg_sleep(6); end if; end $$"
    )
    target.admin.rows("create event trigger doze on login execute function doze()")
    yield
    target.admin.rows("drop event trigger doze")
    target.admin.rows("drop function doze()")


@fault("postlaunch", turns=turning("unknown", IDLE, QUICK, *LATENCIES, *POOLS_AFTER, *POOLS_EXHAUSTED))
def sessions_hidden(target: SandboxTarget) -> Iterator[None]:
    """The probe's role has lost pg_monitor: it no longer sees what others do."""
    target.admin.rows("revoke pg_monitor from readiness_probe")
    yield
    target.admin.rows("grant pg_monitor to readiness_probe")


@contextlib.contextmanager
def _aged(target: SandboxTarget) -> Iterator[None]:
    """Show the forgotten session 35 minutes older than it is.

    Nobody can wait that long, and the server lets nobody set its clock: the probe's role looks at the sessions through
    a view of the same name that lies before the server's own in its search path.
    """
    rows = target.admin.rows(
        "select attname as name from pg_attribute where attrelid = 'pg_catalog.pg_stat_activity'::regclass"
        " and attnum > 0 order by attnum"
    )
    older = f"case when application_name = '{FORGOTTEN}' then interval '35 minutes' else interval '0' end"
    columns = [row["name"] for row in rows]
    shown = [f"{column} - {older} as {column}" if column in TIMES else column for column in columns]

    target.admin.rows("create schema aged")
    view = f"select {', '.join(shown)} from pg_catalog.pg_stat_activity"  # noqa: S608  our own words
    target.admin.rows(f"create view aged.pg_stat_activity as {view}")
    target.admin.rows("alter role readiness_probe set search_path = aged, pg_catalog, public")
    yield
    target.admin.rows("alter role readiness_probe reset search_path")
    target.admin.rows("drop schema aged cascade")


@fault("postlaunch", turns={IDLE: "fail"})
def session_idle(target: SandboxTarget) -> Iterator[None]:
    """A session has idled for 35 minutes inside a transaction."""
    forgotten = target.admin.fresh()
    forgotten.execute(f"set application_name = '{FORGOTTEN}'".encode())
    forgotten.execute("begin")
    forgotten.execute("select 1")
    with _aged(target):
        yield
    forgotten.close()


@fault("postlaunch", turns=turning("fail", *RUNNING))
def session_long_running(target: SandboxTarget) -> Iterator[None]:
    """A statement has run for 35 minutes."""
    forgotten = target.admin.fresh()
    forgotten.execute(f"set application_name = '{FORGOTTEN}'".encode())
    running = threading.Thread(target=_until_cancelled, args=(forgotten, "select pg_sleep(3600)"), daemon=True)
    running.start()
    with _aged(target):
        yield
    forgotten.cancel()
    running.join(WAIT_SECONDS)
    forgotten.close()


def _until_cancelled(connection: object, sql: str) -> None:
    import psycopg  # noqa: PLC0415  faults are listed without the sandbox's packages

    assert isinstance(connection, psycopg.Connection)
    with contextlib.suppress(psycopg.errors.QueryCanceled):
        connection.execute(sql.encode())


@fault("postlaunch", turns=turning("fail", *LATENCIES))
def statements_slow(target: SandboxTarget) -> Iterator[None]:
    """Thirty clients send nothing but statements of a second; the mean of all lies above 100 ms and below 1 s."""
    with _sleeping(target, SLEEP_SECONDS):
        time.sleep(2 * SLEEP_SECONDS)
        yield


@fault("postlaunch", turns=turning("fail", QUICK, *LATENCIES))
def statements_take_seconds(target: SandboxTarget) -> Iterator[None]:
    """Hardly anything but statements of two seconds is sent: the mean of all is above 1 s."""
    working = [worker for worker in target.workers.values() if worker.works]
    for worker in working:
        worker.works = False  # they ask all the time, and are answered at once
    with _sleeping(target, 2 * SLEEP_SECONDS):
        time.sleep((COUNTED_CALLS / SLEEPERS + 1) * 2 * SLEEP_SECONDS)
        yield
    for worker in working:
        worker.works = True


@contextlib.contextmanager
def _sleeping(target: SandboxTarget, seconds: float) -> Iterator[None]:
    """Send nothing but statements of so many seconds by all sleepers, and count on from nothing."""
    ended = threading.Event()
    sleepers = [
        threading.Thread(target=_sleep_on, args=(target.admin, ended, seconds), daemon=True) for _ in range(SLEEPERS)
    ]
    target.admin.rows("select pg_stat_statements_reset()")
    for sleeper in sleepers:
        sleeper.start()
    yield
    ended.set()
    for sleeper in sleepers:
        sleeper.join(WAIT_SECONDS)
    target.admin.rows("select pg_stat_statements_reset()")
    for _ in range(CALLS):
        target.admin.rows("select 1")


def _sleep_on(database: Database, ended: threading.Event, seconds: float) -> None:
    with database.fresh() as connection:
        while not ended.is_set():
            connection.execute("select pg_sleep(%s)", [seconds])


@fault("postlaunch", turns=turning("unknown", QUICK, *LATENCIES))
def statements_not_counted(target: SandboxTarget) -> Iterator[None]:
    """The extension pg_stat_statements is gone."""
    target.admin.rows("drop extension pg_stat_statements")
    yield
    target.admin.rows("create extension pg_stat_statements")


@fault("postlaunch", turns={BLOCKS: "fail"})
def blocks_read_from_disk(target: SandboxTarget) -> Iterator[None]:
    """Somebody reads a table from end to end again and again that the memory does not hold."""
    target.admin.rows("create schema cold")
    target.admin.rows("create unlogged table cold.pages (words text storage plain)")
    target.admin.rows("insert into cold.pages select repeat('x', 8000) from generate_series(1, 5000)")
    target.admin.rows("vacuum full cold.pages")  # past the memory, in which the rows were a moment ago
    _read_until(target, "select count(*) from cold.pages", lambda share: share < 0.88)  # noqa: PLR2004  beyond the line's limit
    yield
    target.admin.rows("drop schema cold cascade")
    one_block = "select from workspaces where n > 0 limit 1"
    again = f"select count(*) from generate_series(1, 100000) as n, lateral ({one_block}) as hit"  # noqa: S608  our own words
    _read_until(target, again, lambda share: share > 0.95)  # noqa: PLR2004  beyond the line's limit


def _read_until(target: SandboxTarget, sql: str, enough: Callable[[float], bool]) -> None:
    """Count from nothing: a share of all that was read since the start would take the longer the older the sandbox."""

    def read() -> bool:
        target.admin.rows(sql)
        target.admin.rows("select pg_stat_force_next_flush()")
        counts = target.admin.one(
            "select blks_hit, blks_hit + blks_read as blocks from pg_stat_database where datname = current_database()"
        )
        if counts["blocks"] <= BLOCKS_READ:
            return False
        return enough(counts["blks_hit"] / counts["blocks"])

    target.admin.rows("select pg_stat_reset()")
    wait_until(read, "another share of the blocks comes from memory")


@fault("postlaunch", turns={EXPIRED: "fail"})
def sessions_pile_up(target: SandboxTarget) -> Iterator[None]:
    """The clean-up of expired log-in sessions has not run: 1,500 are kept."""
    target.admin.rows(
        "insert into auth.sessions (user_id, created_at, not_after)"
        " select gen_random_uuid(), now() - interval '9 days', now() - interval '2 days' from generate_series(1, 1500)"
    )
    yield
    target.admin.rows("delete from auth.sessions where created_at < now() - interval '8 days'")


@fault("postlaunch", turns={EXPIRED: "unknown"})
def sessions_elsewhere(target: SandboxTarget) -> Iterator[None]:
    """The table of the log-in sessions is not where it was."""
    target.admin.rows("alter table auth.sessions rename to sessions_2026")
    yield
    target.admin.rows("alter table auth.sessions_2026 rename to sessions")


@fault("preflight", turns=turning("fail", *POOL_SIZES))
def pool_small(target: SandboxTarget) -> Iterator[None]:
    """The database takes no more than fifty connections."""
    target.admin.rows("alter database postgres connection limit 50")
    yield
    target.admin.rows("alter database postgres connection limit -1")


@fault("preflight", turns={TIMEOUT: "fail"})
def statement_timeout_off(target: SandboxTarget) -> Iterator[None]:
    """The service's statements may take for ever; the server's own default does not help, the role's setting counts."""
    target.admin.rows("alter role ingestion_service set statement_timeout = 0")
    yield
    target.admin.rows("alter role ingestion_service set statement_timeout = '30s'")


@fault("preflight", turns={TIMEOUT: "unknown"})
def statement_timeout_unset(target: SandboxTarget) -> Iterator[None]:
    """Neither the service's role nor the database has a timeout; the probe's own hides the server's."""
    target.admin.rows("alter role ingestion_service reset statement_timeout")
    yield
    target.admin.rows("alter role ingestion_service set statement_timeout = '30s'")


@fault("preflight", turns={SLOW_LOG: "fail"})
def slow_query_log_off(target: SandboxTarget) -> Iterator[None]:
    """Slow statements are not logged."""
    _log_from(target, "-1")
    yield
    _log_from(target, "500ms")


def _log_from(target: SandboxTarget, duration: str) -> None:
    target.admin.rows(f"alter system set log_min_duration_statement = '{duration}'")
    target.admin.rows("select pg_reload_conf()")
    wanted = "select current_setting('log_min_duration_statement') as value"
    wait_until(lambda: target.admin.one(wanted)["value"] == duration, f"statements are logged from {duration}")


@fault("preflight", turns={INDEXES: "fail"})
def index_invalid(target: SandboxTarget) -> Iterator[None]:
    """A unique index was built concurrently, met duplicates, and was left behind invalid."""
    import psycopg  # noqa: PLC0415  faults are listed without the sandbox's packages

    with contextlib.suppress(psycopg.errors.UniqueViolation):
        target.admin.rows("create unique index concurrently uploads_by_platform on data_uploads (platform)")
    yield
    target.admin.rows("drop index uploads_by_platform")


@fault("preflight", turns=turning("fail", *REPLICAS))
def replica_detached(target: SandboxTarget) -> Iterator[None]:
    """The replica answers, and no longer follows the primary."""
    primary = _on_replica(target, "select current_setting('primary_conninfo') as value")
    _follow(target, "", 0)
    yield
    _follow(target, primary, 1)


def _on_replica(target: SandboxTarget, sql: str) -> str:
    assert target.replica, WITHOUT_REPLICA
    with type(target.admin)(target.replica.dsn()).fresh() as connection:
        cursor = connection.execute(sql.encode())
        row = cursor.fetchone() if cursor.description else None
        return str(row["value"]) if row else ""


def _follow(target: SandboxTarget, primary: str, wanted: int) -> None:
    quoted = primary.replace("'", "''")
    _on_replica(target, f"alter system set primary_conninfo = '{quoted}'")
    _on_replica(target, "select pg_reload_conf() as value")
    streaming = "select count(*) as n from pg_stat_replication where state = 'streaming'"
    wait_until(lambda: target.admin.one(streaming)["n"] == wanted, f"{wanted} replicas follow the primary")


@fault("preflight", turns=turning("unknown", *REPLICAS))
def replica_frozen(target: SandboxTarget) -> Iterator[None]:
    """The replica takes connections and answers nobody."""
    assert target.replica, WITHOUT_REPLICA
    os.kill(target.replica.process.pid, signal.SIGSTOP)
    yield
    os.kill(target.replica.process.pid, signal.SIGCONT)
