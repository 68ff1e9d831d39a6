"""The database is healthy, complete and protected, and it holds the launch load."""

import pytest

from readiness import Limits, Measure
from readiness.observations.database import ConnectionPool, Tables


class ProjectHealthy(Limits):
    status: str = "ACTIVE_HEALTHY"


class PoolHeadroom(Limits):
    share_below: float = 0.80
    connections_below: int | None = None


class RequiredTables(Limits):
    table: str


class MigrationsApplied(Limits):
    migration: str


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
    measure(connection_pool.in_use / connection_pool.size, "share of the pool in use").below(limits.share_below)
    measure(connection_pool.in_use, "in use", "connections").below(limits.connections_below or connection_pool.size)


@pytest.mark.preflight
def test_row_level_security(tables: Tables, measure: Measure) -> None:
    """Row-level security is on, with a policy, for every table.

    Remedy: alter table NAME enable row level security; create policy ... on NAME.
    """
    measure(tables.unprotected, "tables without row-level security").is_none_of_them()
    measure(tables.without_policy, "tables without a policy").is_none_of_them()


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
