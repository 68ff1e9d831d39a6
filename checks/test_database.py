"""The database is healthy, complete and protected, and it holds the launch load."""

import pytest

from readiness import Limits, Measure, Share
from readiness.observations.database import (
    ConnectionPool,
    DatabaseAnswer,
    IdleSession,
    Minimum,
    OpenTables,
    PoolCapacity,
    QueryTimes,
    Replication,
    RoleTimeout,
    SlowQueryLog,
    Tables,
)


class ProjectHealthy(Limits):
    status: str  # the provider's own word for it


class PoolHeadroom(Limits):
    share_below: Share | None = None
    connections_below: int | None = None


class RequiredTables(Limits):
    table: str


class MigrationsApplied(Limits):
    migration: str


class Reachable(Limits):
    seconds_below: float | None = None
    tables_at_least: int | None = None


class PoolSize(Limits):
    connections_at_least: int


class ReadReplicas(Limits):
    replicas_at_least: int
    lag_seconds_below: float


class StatementTimeout(Limits):
    seconds_at_most: float


class SlowQueries(Limits):
    seconds_at_most: float


class QueryLatency(Limits):
    mean_seconds_below: float
    calls_at_least: Minimum
    running_seconds_below: float | None = None


class RowLevelSecurity(Limits):
    readable_by_anyone: tuple[str, ...] = ()  # tables that are public on purpose


class IdleConnections(Limits):
    minutes_below: float


class ExpiredSessions(Limits):
    sessions_at_most: int


class CacheHitRatio(Limits):
    share_at_least: Share
    blocks_at_least: Minimum


class Cpu(Limits):
    share_below: Share


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_project_healthy(database_status: str, limits: ProjectHealthy, measure: Measure) -> None:
    """The database's provider reports the project healthy.

    Remedy: open the project in the provider's console; restore or restart it, or open a support case.
    """
    measure(database_status, "status of the database project").is_(limits.status)


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_pool_headroom(connection_pool: ConnectionPool, limits: PoolHeadroom, measure: Measure) -> None:
    """Connections in use leave headroom in the pool.

    Remedy: raise the pool size, or end sessions that have been idle for more than five minutes.
    """
    if limits.share_below is not None:
        share = connection_pool.share_against(limits.share_below)
        measure(share, connection_pool.summary).below(limits.share_below)

    # The pool itself is a limit, whatever number the line allows.
    connections_below = connection_pool.allowed_connections(limits.connections_below)
    in_use = connection_pool.in_use_against(connections_below)
    measure(in_use, "in use", "connections").below(connections_below)


@pytest.mark.preflight
def test_row_level_security(
    tables: Tables, open_tables: OpenTables, limits: RowLevelSecurity, measure: Measure
) -> None:
    """Row-level security is on, with a policy, for every table, and shows no row to whoever is not signed in.

    Remedy: alter table NAME enable row level security; create policy ... on NAME to the roles that are meant.
    """
    measure(tables.unprotected, "tables without row-level security").is_none_of_them()
    measure(tables.without_policy, "tables without a policy").is_none_of_them()
    if open_tables.role is not None:
        readable = open_tables.beyond(limits.readable_by_anyone)
        measure(readable, f"tables of which {open_tables.role} reads rows").is_none_of_them()


@pytest.mark.preflight
def test_required_tables(tables: Tables, limits: RequiredTables, measure: Measure) -> None:
    """The table exists.

    Remedy: apply the migration that creates it.
    """
    measure(limits.table in tables.names, f"table {limits.table} exists").is_(True)


@pytest.mark.preflight
def test_migrations_applied(applied_migrations: list[str], limits: MigrationsApplied, measure: Measure) -> None:
    """The migration is recorded as applied.

    Remedy: apply the pending migrations, in their order.
    """
    measure(limits.migration in applied_migrations, f"migration {limits.migration} applied").is_(True)


@pytest.mark.preflight
@pytest.mark.smoke
@pytest.mark.postlaunch
def test_reachable(database_answer: DatabaseAnswer, limits: Reachable, measure: Measure) -> None:
    """A new connection is made and a query answered, and the rows of tables are on record where the line wants that.

    Remedy: look at the database's load and at its connections; a slow log-in comes before a refused one.
    """
    # A line that states no time has the probe's own deadline for a limit: what does not answer by then is away.
    seconds_below = database_answer.allowed_seconds(limits.seconds_below)
    measure(database_answer.seconds, "seconds until a query was answered", "s").below(seconds_below)

    if limits.tables_at_least is not None:
        rows_on_record = len(database_answer.rows)
        measure(rows_on_record, "tables with their rows on record", "tables").at_least(limits.tables_at_least)


@pytest.mark.preflight
def test_pool_size(pool_capacity: PoolCapacity, limits: PoolSize, measure: Measure) -> None:
    """The connection pool is as large as the launch needs it.

    Remedy: raise the pool size, and max_connections with it; the pooler's own size is readings.connection_pool_size.
    """
    measure(pool_capacity.connections, pool_capacity.summary, "connections").at_least(limits.connections_at_least)


@pytest.mark.preflight
def test_read_replicas(replication: Replication, limits: ReadReplicas, measure: Measure) -> None:
    """A replica is streamed to, answers queries, and is close behind.

    Remedy: read the replica's log; is its slot still there, and the WAL that it needs?
    """
    measure(replication.streaming, "replicas streamed to", "replicas").at_least(limits.replicas_at_least)
    measure(replication.in_recovery, "the replica follows a primary").is_(True)
    measure(replication.lag_seconds, "the replica's lag", "s").below(limits.lag_seconds_below)


@pytest.mark.preflight
def test_statement_timeout(statement_timeout: RoleTimeout, limits: StatementTimeout, measure: Measure) -> None:
    """The service's statements end by themselves.

    Remedy: alter role NAME set statement_timeout = '30s'; sessions get it when they connect again.
    """
    name = f"statement timeout of {statement_timeout.role}"
    # To PostgreSQL 0 is no time-out at all.
    measure(statement_timeout.seconds, name, "s").above(0)
    measure(statement_timeout.seconds, name, "s").at_most(limits.seconds_at_most)


@pytest.mark.preflight
def test_slow_query_log(slow_query_log: SlowQueryLog, limits: SlowQueries, measure: Measure) -> None:
    """Slow statements are logged.

    Remedy: alter system set log_min_duration_statement = '500ms', then select pg_reload_conf().
    """
    measure(slow_query_log.on, "slow statements are logged").is_(True)
    measure(slow_query_log.seconds, "logged from", "s").at_most(limits.seconds_at_most)


@pytest.mark.preflight
def test_indexes_valid(invalid_indexes: list[str], measure: Measure) -> None:
    """Every index is valid.

    Remedy: reindex index concurrently NAME; a failed `create index concurrently` leaves one behind that nobody uses.
    """
    measure(invalid_indexes, "invalid indexes").is_none_of_them()


@pytest.mark.postlaunch
def test_query_latency(query_times: QueryTimes, limits: QueryLatency, measure: Measure) -> None:
    """Statements are quick, and none runs for long where the line says how long.

    Remedy: order pg_stat_statements by total_exec_time, and pg_stat_activity by query_start; explain what leads.
    """
    measure(query_times.mean_seconds, "mean time of a statement", "s").below(limits.mean_seconds_below)

    # A unit of its own: a step of the ladder is about the mean.
    if limits.running_seconds_below is not None:
        longest = query_times.running_seconds
        measure(longest, "the longest statement runs for", "s running").below(limits.running_seconds_below)


@pytest.mark.postlaunch
def test_idle_connections(longest_idle_session: IdleSession, limits: IdleConnections, measure: Measure) -> None:
    """No session idles for long.

    Remedy: select pg_terminate_backend(PID); set idle_session_timeout, or mend the leak in the service's pool.
    """
    name = f"longest idle session ({longest_idle_session.who})"
    measure(longest_idle_session.minutes, name, "min").below(limits.minutes_below)


@pytest.mark.postlaunch
def test_expired_sessions(expired_session_count: float, limits: ExpiredSessions, measure: Measure) -> None:
    """Expired login sessions are cleaned up.

    Remedy: run the clean-up job, and find out why it no longer does so by itself.
    """
    measure(expired_session_count, "expired sessions", "sessions").at_most(limits.sessions_at_most)


@pytest.mark.postlaunch
def test_cache_hit_ratio(block_hit_share: float, limits: CacheHitRatio, measure: Measure) -> None:
    """The database finds most blocks in memory.

    Remedy: raise shared_buffers, or find the query that reads whole tables.
    """
    measure(block_hit_share, "share of blocks found in memory").at_least(limits.share_at_least)


@pytest.mark.postlaunch
def test_cpu(database_cpu_share: float, limits: Cpu, measure: Measure) -> None:
    """The database has CPU to spare.

    Remedy: order pg_stat_statements by total_exec_time; add an index, or a size of compute.
    """
    measure(database_cpu_share, "share of the database's CPU in use").below(limits.share_below)
