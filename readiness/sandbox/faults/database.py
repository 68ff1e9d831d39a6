"""What breaks the database, or the view of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning, wait_until
from readiness.sandbox.faults.backup import BY_SUPABASE
from readiness.sandbox.faults.flags import STAGE
from readiness.sandbox.faults.health import EMITTING, OTHERS_READY, READY
from readiness.sandbox.faults.schedule import BY_RECORD
from readiness.sandbox.faults.signoff import INCIDENTS_OF_OTHERS

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

HEALTHY = "database.project_healthy[database-project-healthy]"
HEALTHY_AGENCY = "database.project_healthy[agency/project-status]"
POOL = "database.pool_headroom[pool-available]"
RLS = "database.row_level_security[rls-on-all-tables]"
TABLE = "database.required_tables[staging-tables:{}]"
MIGRATION = "database.migrations_applied[staging-tables:008_staging_tables]"
POOLS_BEFORE = [f"database.pool_headroom[{line}]" for line in ("agency/pool", "launch400k/no-go-database")]
POOLS_EXHAUSTED = [f"database.pool_headroom[launch400k/{line}]" for line in ("pool-not-exhausted", "diagnose-pool")]
POOLS_AFTER = [f"database.pool_headroom[{line}]" for line in ("agency/pool", "playbook/database-health")]
CONNECTIVITY = "database.reachable[agency/connectivity]"
REACHABLE = [
    CONNECTIVITY,
    *(f"database.reachable[{line}]" for line in ("launch400k/no-go-database", "umbrella/d1-reachable")),
]
REPLICAS = [f"database.read_replicas[{line}]" for line in ("agency/replica", "launch400k/read-replicas")]
ALL_TABLES = [
    TABLE.format(name) for name in ("staging_rows", "data_uploads", "workspace_settings", "circuit_breaker_state")
]
POOL_SIZES = [f"database.pool_size[{line}]" for line in ("launch400k/pool-size", "launch400k/scaled-up")]
TIMEOUT = "database.statement_timeout[launch400k/query-timeout]"
SLOW_LOG = "database.slow_query_log[launch400k/slow-query-log]"
INDEXES = "database.indexes_valid[launch400k/migrations]"
QUICK = "database.query_latency[agency/query-time]"
RUNNING = [f"database.query_latency[{line}]" for line in ("launch400k/query-time", "playbook/database-health")]
"""They say how long a statement may run, too."""
LATENCIES = [*RUNNING, "database.query_latency[umbrella/database-latency]"]
IDLE = "database.idle_connections[agency/idle-connections]"
EXPIRED = "database.expired_sessions[agency/expired-sessions]"
BLOCKS = "database.cache_hit_ratio[launch400k/cache-hit]"
SCALE = "database.migrations_applied[launch400k/migrations:010_scale_400k_indexes]"
OF_THE_ENVIRONMENT = [
    *(f"database.migrations_applied[{line}]" for line in ("agency/recent-migrations", "umbrella/d1-migrations")),
    "database.migrations_applied[umbrella/forward-fix]",
]
"""What an environment states for lines that leave it to the product."""
TABLES_OF_THE_ENVIRONMENT = [
    f"database.required_tables[umbrella/d1-tables:{name}]" for name in ("workspaces", "campaign_metrics")
]
OF_OTHERS = [
    *(*POOLS_BEFORE, *POOLS_EXHAUSTED, *POOLS_AFTER, *REACHABLE, *REPLICAS, *POOL_SIZES, TIMEOUT, SLOW_LOG),
    SCALE,
    "workers.cron_scheduled[umbrella/cron-configured]",
    "resilience.breakers_closed[launch400k/breakers]",
    *(INDEXES, QUICK, *LATENCIES, IDLE, EXPIRED, BLOCKS, *OF_THE_ENVIRONMENT, *TABLES_OF_THE_ENVIRONMENT),
]


@contextlib.contextmanager
def held(target: SandboxTarget, connections: int) -> Iterator[None]:
    """Hold connections, and end when the server no longer counts them: it does for a moment after they were closed."""
    opened = [target.admin.fresh() for _ in range(connections)]
    yield
    pids = [connection.info.backend_pid for connection in opened]
    for connection in opened:
        connection.close()
    still_there = "select from pg_stat_activity where pid = any(%s)"
    wait_until(lambda: not target.admin.rows(still_there, pids), "no connection is left of those it held")


@fault("preflight", turns=turning("fail", HEALTHY, HEALTHY_AGENCY))
def project_unhealthy(target: SandboxTarget) -> Iterator[None]:
    """The provider reports the database project unhealthy."""
    target.management.status = "ACTIVE_UNHEALTHY"
    yield
    target.management.status = None


@fault("preflight", turns=turning("unknown", HEALTHY, HEALTHY_AGENCY, *BY_SUPABASE))
def management_denied(target: SandboxTarget) -> Iterator[None]:
    """The provider no longer takes the token: 401."""
    token, target.management.token = target.management.token, "sbp_another"
    yield
    target.management.token = token


@fault("preflight", turns=turning("unknown", HEALTHY, HEALTHY_AGENCY, *BY_SUPABASE))
def management_html(target: SandboxTarget) -> Iterator[None]:
    """The provider answers 200 with a sign-in page."""
    target.management.html = True
    yield
    target.management.html = False


@fault("preflight", turns=turning("fail", POOL, *POOLS_BEFORE))
def pool_exhausted(target: SandboxTarget) -> Iterator[None]:
    """A leak holds most of the connections."""
    with held(target, 80):
        yield


@fault("preflight", turns={RLS: "fail"})
def rls_off(target: SandboxTarget) -> Iterator[None]:
    """Row-level security is switched off on one table."""
    target.admin.rows("alter table data_uploads disable row level security")
    yield
    target.admin.rows("alter table data_uploads enable row level security")


@fault("preflight", turns={RLS: "fail"})
def rls_open_to_anyone(target: SandboxTarget) -> Iterator[None]:
    """A policy shows all rows of a table to whoever is not signed in."""
    target.admin.rows("create policy everybody on workspaces for select to anon using (true)")
    yield
    target.admin.rows("drop policy everybody on workspaces")


@fault("preflight", turns={RLS: "fail"})
def rls_open_by_a_condition(target: SandboxTarget) -> Iterator[None]:
    """A policy without a role shows the rows that are there to everybody, by a condition that always holds."""
    target.admin.rows("create policy everybody on workspaces for select using (id is not null)")
    yield
    target.admin.rows("drop policy everybody on workspaces")


@fault("preflight", turns={RLS: "unknown"})
def anonymous_role_denied(target: SandboxTarget) -> Iterator[None]:
    """The probe's role may no longer act as the anonymous one."""
    target.admin.rows("revoke anon from readiness_probe")
    yield
    target.admin.rows("grant anon to readiness_probe")


@fault("preflight", turns={RLS: "fail"})
def rls_without_policy(target: SandboxTarget) -> Iterator[None]:
    """A new table has row-level security, and no policy."""
    target.admin.rows("create table unguarded (id int)")
    target.admin.rows("alter table unguarded enable row level security")
    yield
    target.admin.rows("drop table unguarded")


@fault(
    "preflight",
    turns={TABLE.format("circuit_breaker_state"): "fail"}
    | turning("unknown", "resilience.breakers_closed[breakers-closed]", *EMITTING),
)
def table_missing(target: SandboxTarget) -> Iterator[None]:
    """The table of the circuit breakers is gone; the service cannot write its metrics page without it."""
    target.admin.rows("alter table circuit_breaker_state rename to circuit_breaker_gone")
    yield
    target.admin.rows("alter table circuit_breaker_gone rename to circuit_breaker_state")


@fault("preflight", turns={MIGRATION: "fail"})
def migration_missing(target: SandboxTarget) -> Iterator[None]:
    """The migration of the staging tables is not recorded as applied."""
    target.admin.rows("delete from supabase_migrations.schema_migrations where version = '008'")
    yield
    target.admin.rows("insert into supabase_migrations.schema_migrations values ('008', 'staging_tables')")


@fault("preflight", turns=turning("fail", SCALE, *OF_THE_ENVIRONMENT))
def later_migrations_missing(target: SandboxTarget) -> Iterator[None]:
    """The migrations that lines of other products name, and that the environment states for them, are not applied."""
    target.admin.rows("create table supabase_migrations.later as select * from supabase_migrations.schema_migrations")
    target.admin.rows("delete from supabase_migrations.schema_migrations where version in ('007', '009', '010', '011')")
    yield
    target.admin.rows(
        "insert into supabase_migrations.schema_migrations table supabase_migrations.later on conflict do nothing"
    )
    target.admin.rows("drop table supabase_migrations.later")


@fault("preflight", turns={TABLES_OF_THE_ENVIRONMENT[0]: "fail"})
def stated_table_missing(target: SandboxTarget) -> Iterator[None]:
    """A table that the environment states for a line of another product is gone."""
    target.admin.rows("alter table workspaces rename to workspaces_gone")
    yield
    target.admin.rows("alter table workspaces_gone rename to workspaces")


NEED_THE_DATABASE = (
    *(POOL, RLS, *ALL_TABLES, MIGRATION),
    "workers.heartbeats_fresh[heartbeats]",
    "workers.cron_scheduled[cleanup-scheduled:CleanupWorker]",
    *("flags.configured[flag-configured]", "flags.allowlist_internal_only[flag-internal-only]"),
    *("flags.allowlist_internal_only[flag-p0]", "storage.retention_policy[retention-policy]"),
    *("resilience.breakers_closed[breakers-closed]", "resilience.breakers_stable[rollback-recommended]"),
    "ingestion.no_workspace_paused[no-workspace-paused]",
    *(f"ingestion.synthetic_upload_completes[{line}]" for line in ("test-upload", "test-upload-verified")),
    *(f"ingestion.synthetic_rows_promoted[{line}]" for line in ("rows-promoted", "production-updated")),
    "metrics.incrementing[metrics-incrementing]",
    *(
        f"ingestion.error_rate_last_hour[{line}]"
        for line in ("hourly-error-rate", "pause-recommended", "rollback-recommended", "incident-queries")
    ),
    "ingestion.uploads_by_status[uploads-by-status]",
    *(f"ingestion.staging_backlog[{line}]" for line in ("staging-backlog", "incident-queries")),
    "ingestion.no_slow_uploads[slow-uploads]",
    *(f"ingestion.no_stuck_uploads[{line}]" for line in ("stuck-uploads", "incident-queries")),
    "ingestion.data_integrity[rollback-recommended]",
    *OF_OTHERS,
    *INCIDENTS_OF_OTHERS,
    *(STAGE, *BY_RECORD),
)


@fault("preflight", "smoke", "postlaunch", turns=turning("unknown", *NEED_THE_DATABASE))
def probe_locked_out(target: SandboxTarget) -> Iterator[None]:
    """The role of the probe may no longer log in."""
    target.admin.rows("alter role readiness_probe nologin")
    target.admin.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'readiness_probe'")
    yield
    target.admin.rows("alter role readiness_probe login")


@fault(
    "preflight",
    turns=turning("unknown", *NEED_THE_DATABASE, *EMITTING)
    | turning("fail", POOL, *POOLS_BEFORE, *REACHABLE, READY, *OTHERS_READY),
    cuts_off=True,
)
def connections_refused(target: SandboxTarget) -> Iterator[None]:
    """The database takes no connection any more, neither the probe's nor the service's."""
    target.admin.rows("alter database postgres connection limit 0")
    # Each thread of the service has a connection from before, or has not: what it answers must not depend on that.
    target.admin.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'ingestion_service'")
    yield
    target.admin.rows("alter database postgres connection limit -1")
    target.service.plant.database.renew()


@fault("preflight", turns=turning("unknown", POOL, *POOLS_BEFORE, *REPLICAS))
def connections_hidden(target: SandboxTarget) -> Iterator[None]:
    """The probe's role has lost pg_monitor, so the connections of others are hidden from it."""
    target.admin.rows("revoke pg_monitor from readiness_probe")
    yield
    target.admin.rows("grant pg_monitor to readiness_probe")
