"""What PostgreSQL keeps of its own running: sessions, statements, blocks, settings, replication."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass

from readiness.clients.controls import Controls
from readiness.clients.pgbouncer import PgBouncer
from readiness.clients.postgres import Postgres, Row
from readiness.environment.schema import Environment, Reading
from readiness.environment.schema import Http as HttpSettings
from readiness.measurements import AtLeast, Refusal
from readiness.observations import known_reading, observation
from readiness.observations.needs import either, need, system
from readiness.observations.refusals import at_least, given_up_after, refusal, silence
from readiness.outcomes import Late, NotConfigured, Refused, Silent, Unknown
from readiness.runbook.limits import Minimum
from readiness.sources.readings import Readings

DATABASE_CPU = known_reading("database_cpu", "the share of the database's CPU in use, 0 to 1")
ROW_COUNTS = known_reading(
    "row_counts",
    "the rows of each table, counted or estimated (columns name, rows)",
    Reading(sql="select relname as name, n_live_tup as rows from pg_stat_user_tables order by 2 desc limit 50"),
)
EXPIRED_SESSIONS = known_reading("expired_sessions", "how many login sessions have expired and are still kept")
POOL_SIZE = known_reading("connection_pool_size", "how many connections the pooler may open")
QUERY_TIMES = known_reading(
    "query_times",
    "how long statements take (columns calls, mean_seconds, running_seconds)",
    Reading(
        sql="""
        select calls, mean_seconds, running_seconds from (
            select sum(calls)::bigint as calls, sum(total_exec_time) / 1000 / nullif(sum(calls), 0) as mean_seconds
            from pg_stat_statements
            where dbid = (select oid from pg_database where datname = current_database())
              and userid <> (select oid from pg_roles where rolname = current_user)
        ) as past, (
            select case when count(*) filter (where backend_type is null) = 0 then coalesce(
                max(extract(epoch from clock_timestamp() - query_start))
                filter (where state = 'active' and backend_type = 'client backend' and pid <> pg_backend_pid()), 0)
            end as running_seconds
            from pg_stat_activity
        ) as present"""
    ),
)
_OWN_SOURCES = {"client", "session", "user", "database user"}
"""Where a setting of the probe's own session comes from; it hides the server's."""


@dataclass(frozen=True)
class DatabaseAnswer:
    """The seconds until a new connection had answered a query, and how many rows each table has."""

    seconds: float | Refusal | AtLeast
    rows: dict[str, float]
    deadline_seconds: float = HttpSettings().deadline_seconds
    """So long is waited for: the limit of a line that states none."""

    def allowed_seconds(self, stated: float | None) -> float:
        """Return the limit of the time: what the line states, or else how long is waited for."""
        return self.deadline_seconds if stated is None else stated


@observation(needs=ROW_COUNTS, optional="postgres", quiet=True)
def database_answer(
    postgres: Postgres, readings: Readings, environment: Environment, controls: Controls, called_off: threading.Event
) -> DatabaseAnswer:
    """Return how long a new connection and a query take, and the row counts, for the record.

    Without a `postgres` section the reading is timed instead. A database that says no to the connection, or takes it
    and says nothing, has answered by that.
    """
    try:
        connection_seconds = postgres.reach() if postgres.configured else None
    except Refused as refused:
        return DatabaseAnswer(refusal(refused, environment), {})
    except Late as late:
        waited = at_least(late, environment)
        return DatabaseAnswer(waited, {}, given_up_after(waited, min(_waits(environment))))
    except Silent as silent:
        return DatabaseAnswer(silence(silent, environment, controls, called_off), {})

    started = time.monotonic()
    rows = readings.rows(ROW_COUNTS, "name", "rows")
    reading_seconds = time.monotonic() - started

    counts = {str(row["name"]): readings.as_number(ROW_COUNTS, row["rows"]) for row in rows}
    seconds = reading_seconds if connection_seconds is None else connection_seconds
    return DatabaseAnswer(seconds, counts, math.fsum(_waits(environment)))


def _waits(environment: Environment) -> tuple[float, ...]:
    """Return how long is waited for a new connection and for one statement, or for the reading in their place."""
    settings = environment.postgres
    if settings is None:
        return (environment.http.deadline_seconds,)
    return settings.connect_seconds, settings.statement_timeout_seconds


@dataclass(frozen=True)
class IdleSession:
    """The client session that has done nothing for longest; no session has idled: 0 minutes."""

    minutes: float
    who: str
    """Role, process and state, such as `app 4711, idle in transaction`."""


@observation
def longest_idle_session(postgres: Postgres) -> IdleSession:
    """Return the session that has idled for longest, also inside a transaction. Source: pg_stat_activity."""
    rows = postgres.rows(
        "select pid, usename as role, state, backend_type,"
        " extract(epoch from clock_timestamp() - state_change)::float / 60 as minutes from pg_stat_activity"
        " where backend_type is null or (backend_type = 'client backend' and state like 'idle%')"
        " order by state_change"
    )
    hidden = sum(row["backend_type"] is None for row in rows)
    if hidden:
        raise Unknown(f"{hidden} connections are hidden from the probe's role", "grant pg_monitor to it")
    if not rows:
        return IdleSession(0.0, "nobody")

    longest = rows[0]
    return IdleSession(_number(longest, "minutes"), f"{longest['role']} {longest['pid']}, {longest['state']}")


@dataclass(frozen=True)
class QueryTimes:
    """The mean over all calls since the statistics' last reset, and the statement that runs for longest just now."""

    mean_seconds: float
    running_seconds: float
    calls: float


@observation(needs=QUERY_TIMES)
def query_times(readings: Readings, calls_at_least: Minimum) -> QueryTimes:
    """Return how long statements take, by pg_stat_statements: totals since its last reset, not of a window.

    The probe's own are left out. The texts are left alone: utility statements stand there with their passwords.
    """
    rows = readings.rows(QUERY_TIMES, "calls", "mean_seconds", "running_seconds")
    if len(rows) != 1:
        raise Unknown(f"readings.query_times has {len(rows)} rows, one is wanted", "correct the query")
    row = rows[0]

    calls = readings.as_number(QUERY_TIMES, row["calls"] or 0)  # null where there is no statement yet
    if calls < calls_at_least:
        raise Unknown(
            f"{calls:g} statements are counted since the last reset, too few for a mean",
            f"wait for {calls_at_least}; were the statistics reset a moment ago?",
        )

    return QueryTimes(
        mean_seconds=readings.as_number(QUERY_TIMES, row["mean_seconds"]),
        running_seconds=readings.as_number(QUERY_TIMES, row["running_seconds"]),
        calls=calls,
    )


@observation
def block_hit_share(postgres: Postgres, blocks_at_least: Minimum) -> float:
    """Return the share of blocks found in memory since the statistics' last reset. Source: pg_stat_database."""
    (row,) = postgres.rows("select blks_hit, blks_read from pg_stat_database where datname = current_database()")
    hit = _number(row, "blks_hit")
    total = hit + _number(row, "blks_read")
    if total < blocks_at_least:
        raise Unknown(
            f"{total:g} blocks were asked for since the last reset, too few for a share",
            f"wait for {blocks_at_least}; were the statistics reset a moment ago?",
        )
    return hit / total


@observation(needs=DATABASE_CPU)
def database_cpu_share(readings: Readings) -> float:
    """Return the share of the database's CPU in use."""
    return readings.number(DATABASE_CPU)


@observation(needs=EXPIRED_SESSIONS)
def expired_session_count(readings: Readings) -> float:
    """Return how many expired login sessions nobody has cleaned up (Supabase Auth keeps them in auth.sessions)."""
    return readings.number(EXPIRED_SESSIONS)


@dataclass(frozen=True)
class PoolCapacity:
    """How many connections there may be, and by whose limit."""

    connections: float
    summary: str


@observation(needs=either(system("pooler"), system("postgres"), POOL_SIZE), optional=("postgres", "pooler"))
def pool_capacity(postgres: Postgres, pooler: PgBouncer, readings: Readings, connections_at_least: int) -> PoolCapacity:
    """Return the size of the pooler's smallest pool; PostgreSQL's own limit where that is too small for any pool.

    Raises Unknown where nothing says how large the pool is: what PostgreSQL takes is no pool's size.
    """
    if pooler.configured:
        smallest = min(pooler.pools(), key=lambda pool: pool.size)
        return PoolCapacity(smallest.size, f"size of PgBouncer's pool {smallest.name}")
    if readings.configured(POOL_SIZE):
        return PoolCapacity(readings.number(POOL_SIZE), "size of the pool")

    (row,) = postgres.rows(
        "select least(current_setting('max_connections')::int, nullif(datconnlimit, -1)) as connections"
        " from pg_database where datname = current_database()"
    )
    connections = _number(row, "connections")
    if connections < connections_at_least:
        return PoolCapacity(connections, "connections in all, PostgreSQL's own limit")

    place = (
        f"postgres.url leads through a pooler ({postgres.pooler})" if postgres.pooler else "a pooler is in no address"
    )
    raise Unknown(
        f"{place}: nothing says how large its pool is, and PostgreSQL's own limit of {connections:g} is none",
        "set pooler.url, or readings.connection_pool_size, in the environment file; without a pooler the service's",
    )


@observation
def invalid_indexes(postgres: Postgres) -> list[str]:
    """Return the indexes that a failed build has left behind. Source: pg_index."""
    rows = postgres.rows(
        "select c.relname as name, i.indisvalid and i.indisready as good from pg_index i"
        " join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = any(%s) order by 1",
        list(postgres.schemas),
    )
    if not rows:
        raise Unknown(f"no index is visible in {', '.join(postgres.schemas)}", "set postgres.schemas, or grant usage")
    return [str(row["name"]) for row in rows if not row["good"]]


@need("postgres.application_role")
def service_role(postgres: Postgres) -> str:
    """Return the role that the service logs in with. Raises NotConfigured."""
    postgres.require_configured()
    if not postgres.application_role:
        raise NotConfigured(
            "nothing says which role the service logs in with", "set postgres.application_role in the environment file"
        )
    return postgres.application_role


@dataclass(frozen=True)
class RoleTimeout:
    """How long a statement of the service may take; 0 is without end."""

    role: str
    seconds: float


@observation(needs=service_role)
def statement_timeout(postgres: Postgres) -> RoleTimeout:
    """Return the timeout that the service's role gets: its own setting, else the database's, else the server's."""
    return RoleTimeout(service_role(postgres), _effective_seconds(postgres, "statement_timeout"))


@dataclass(frozen=True)
class SlowQueryLog:
    """Whether slow statements are logged, and from which duration on (0: all of them)."""

    on: bool
    seconds: float


@observation(needs=service_role)
def slow_query_log(postgres: Postgres) -> SlowQueryLog:
    """Return log_min_duration_statement as the service's role gets it; it is negative where nothing is logged."""
    seconds = _effective_seconds(postgres, "log_min_duration_statement")
    return SlowQueryLog(seconds >= 0, max(seconds, 0.0))


@dataclass(frozen=True)
class Replication:
    """What the primary sends, and what the replica answers."""

    streaming: int
    """Replicas that the primary streams to."""
    in_recovery: bool
    """The replica that answered follows a primary, and is none itself."""
    lag_seconds: float


@observation
def replication(postgres: Postgres, replica: Postgres) -> Replication:
    """Return the state of replication by both sides: pg_stat_replication on the primary, a query on the replica."""
    rows = postgres.rows(
        "select r.state, pg_current_wal_lsn()::text as lsn from pg_stat_activity a"
        " left join pg_stat_replication r using (pid)"
        " left join pg_replication_slots s on s.active_pid = a.pid and s.slot_type = 'logical'"
        " where (a.backend_type is null or a.backend_type = 'walsender') and s.slot_name is null"
    )
    if any(row["state"] is None for row in rows):
        raise Unknown("replication is hidden from the probe's role", "grant pg_monitor to it")

    # A replica that has replayed all that was sent has no lag, however long ago the last transaction was.
    lsn = rows[0]["lsn"] if rows else postgres.value("select pg_current_wal_lsn()::text")
    (on_replica,) = replica.rows(
        "select pg_is_in_recovery() as in_recovery, case"
        " when not pg_is_in_recovery() or pg_last_wal_replay_lsn() >= %s::pg_lsn then 0"
        " else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float end as lag",
        str(lsn),
    )
    streaming = sum(row["state"] == "streaming" for row in rows)
    return Replication(streaming, on_replica["in_recovery"] is True, _number(on_replica, "lag"))


def _effective_seconds(postgres: Postgres, name: str) -> float:
    """Return a setting as a new session of the service's role gets it: what is set for the role beats the server's."""
    role = service_role(postgres)
    (row,) = postgres.rows(
        """
        with own as (
            select split_part(entry, '=', 2) as value from pg_db_role_setting, unnest(setconfig) as entry
            where split_part(entry, '=', 1) = %s
              and setrole in (0, (select oid from pg_roles where rolname = %s))
              and setdatabase in (0, (select oid from pg_database where datname = current_database()))
            order by setrole <> 0 desc, setdatabase <> 0 desc limit 1
        ), chosen as (
            select coalesce((select value from own), setting) as value,
                   case when exists (select from own) then 'role' else source end as source
            from pg_settings where name = %s
        )
        select exists (select from pg_roles where rolname = %s) as known, source,
               case when value ~ '^-?[0-9]+$' then value::float / 1000
                    else extract(epoch from value::interval)::float end as seconds
        from chosen""",
        *(name, role, name, role),
    )
    if not row["known"]:
        raise Unknown(f"there is no role {role}", "correct postgres.application_role")
    if row["source"] in _OWN_SOURCES:
        raise Unknown(
            f"{name} is set neither for {role} nor for the database, and the probe's own hides the server's",
            f"alter role {role} set {name} = ...: so it is certain, whatever the server's default",
        )
    return _number(row, "seconds")


def _number(row: Row, column: str) -> float:
    value = row[column]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unknown(f"{column} is not a number but {value!r}", "look at the query in the request log")
    return float(value)
