"""The database by its own catalogue, and by its provider's status."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from readiness.clients.pgbouncer import PgBouncer, Pool
from readiness.clients.postgres import Postgres
from readiness.environment.schema import Environment
from readiness.observations import known_reading, observation
from readiness.observations.database_statistics import (
    DatabaseAnswer,
    IdleSession,
    PoolCapacity,
    QueryTimes,
    Replication,
    RoleTimeout,
    SlowQueryLog,
)
from readiness.observations.needs import either, system
from readiness.observations.open_tables import OpenTables
from readiness.observations.refusals import refusal
from readiness.outcomes import Refused, Unknown
from readiness.runbook.limits import Minimum, tightest
from readiness.sources.readings import Readings
from readiness.transport.connecting import NoSlots

__all__ = [
    "DatabaseAnswer",
    "IdleSession",
    "Minimum",
    "OpenTables",
    "PoolCapacity",
    "QueryTimes",
    "Replication",
    "RoleTimeout",
    "SlowQueryLog",
]

DATABASE_STATUS = known_reading("database_status", "the status that the database's provider reports")
APPLIED_MIGRATIONS = known_reading("applied_migrations", "the migrations that are applied (columns version, name)")


@observation(needs=DATABASE_STATUS)
def database_status(readings: Readings) -> str:
    """Return the provider's word for the project's state, such as ACTIVE_HEALTHY (Supabase Management API)."""
    return str(readings.value(DATABASE_STATUS))


_BOTH = "look at why it does not tell: postgres and pooler of the environment file"


@dataclass(frozen=True)
class ConnectionPool:
    """Connections of clients, and how many the server takes from them. Source: pg_stat_activity, pg_settings.

    What is reserved for superusers and for members of pg_use_reserved_connections no application gets.
    A server that takes no more has answered by that: all of its pool is in use, whatever the size.
    """

    in_use: int
    size: int
    exhausted: str = ""
    """What the server says of it, where that was its answer."""
    of: str = "the pool"
    """Whose connections they are, for a person."""
    unseen: str = ""
    """Why another pool could not be looked at: of that one more may be in use."""

    def allowed_connections(self, stated: int | None) -> float:
        """Return the limit of the connections: what the line states, and never more than the pool has."""
        return tightest(stated, self.size)

    def share_against(self, limit: float) -> float:
        """Return the share as it may be held against a limit. Raises Unknown where another pool may break that."""
        if self.unseen and self.share < limit:
            raise self._other_unseen()
        return self.share

    def in_use_against(self, limit: float) -> int:
        """Return the connections as they may be held against a limit. Raises Unknown as `share_against`."""
        if self.unseen and self.in_use < limit:
            raise self._other_unseen()
        return self.in_use

    def _other_unseen(self) -> Unknown:
        return Unknown(f"{self.summary} is {self.share:.3g}, and of another pool nobody knows: {self.unseen}", _BOTH)

    @property
    def share(self) -> float:
        """The share of the pool in use, 0 to 1."""
        return 1.0 if self.exhausted else self.in_use / self.size

    @property
    def summary(self) -> str:
        """What the share is of, and the server's own words where it takes no more."""
        return f"share of {self.of} in use ({self.exhausted})" if self.exhausted else f"share of {self.of} in use"


@observation(needs=either(system("pooler"), system("postgres")), optional=("postgres", "pooler"))
def connection_pool(postgres: Postgres, pooler: PgBouncer, environment: Environment) -> ConnectionPool:
    """Return the pool of which most is in use: of the pooler's, where there is one, and of PostgreSQL's own limit.

    A client waits where either of them has no connection left. So one that is full decides, whether the other one can
    be seen or not. Raises Unknown where neither can.
    """
    seen: list[ConnectionPool] = []
    unknowns: list[Unknown] = []
    for look in _looks(postgres, pooler, environment):
        try:
            seen += look()
        except Unknown as unknown:
            unknowns.append(unknown)
    if not seen:
        raise unknowns[0]
    fullest = max(seen, key=lambda pool: pool.share)
    return replace(fullest, unseen="; ".join(unknown.reason for unknown in unknowns))


def _looks(
    postgres: Postgres, pooler: PgBouncer, environment: Environment
) -> Iterator[Callable[[], list[ConnectionPool]]]:
    """Yield how the pools of each system are looked at that the environment names."""
    if pooler.configured:
        yield lambda: _of_poolers(pooler, environment)
    if postgres.configured:
        yield lambda: [_of_postgres(postgres, environment)]


def _of_poolers(pooler: PgBouncer, environment: Environment) -> list[ConnectionPool]:
    """Return the pools of the pooler; one that takes no more clients has answered by that. Raises Unknown."""
    try:
        return [_of_pooler(pool) for pool in pooler.pools()]
    except Refused as no:
        return [ConnectionPool(1, 1, refusal(no, environment).refused, of="PgBouncer")]


def _of_pooler(pool: Pool) -> ConnectionPool:
    """Return a pool as it is judged; of one that is closed nobody gets a connection, however few are in use."""
    of = f"PgBouncer's pool {pool.name}"
    if pool.closed:
        return ConnectionPool(pool.size, pool.size, f"PgBouncer has {pool.closed} it", of)
    return ConnectionPool(pool.wanted, pool.size, of=of)


def _of_postgres(postgres: Postgres, environment: Environment) -> ConnectionPool:
    """Return how many client connections there are. Raises Unknown where some are hidden from the probe's role."""
    try:
        (row,) = postgres.rows(
            # Our own sessions are counted out, each with the name that the clients give them.
            "select count(*) filter (where backend_type = 'client backend'"
            " and application_name is distinct from 'readiness') as in_use,"
            " count(*) filter (where backend_type is null) as hidden,"
            " current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int"
            # PostgreSQL before 16 reserves none for roles.
            " - coalesce(current_setting('reserved_connections', true)::int, 0) as size from pg_stat_activity"
        )
    except NoSlots as full:
        return ConnectionPool(1, 1, refusal(full, environment).refused)
    if row["hidden"]:
        raise Unknown(f"{row['hidden']} connections are hidden from the probe's role", "grant pg_monitor to it")
    return ConnectionPool(_count(row["in_use"]), _count(row["size"]))


@dataclass(frozen=True)
class Tables:
    """The tables of the schemas that the environment names. Source: pg_class, pg_policy."""

    names: list[str]
    unprotected: list[str]
    """Row-level security is off."""
    without_policy: list[str]


@observation
def tables(postgres: Postgres) -> Tables:
    """Return the tables, and those whose rows are not protected. Raises Unknown where none is visible."""
    rows = postgres.rows(
        "select c.relname as name, c.relrowsecurity as protected,"
        " exists (select from pg_policy p where p.polrelid = c.oid) as has_policy"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p') and n.nspname = any(%s) order by 1",
        list(postgres.schemas),
    )
    if not rows:
        raise Unknown(f"no table is visible in {', '.join(postgres.schemas)}", "set postgres.schemas, or grant usage")
    return Tables(
        names=[str(row["name"]) for row in rows],
        unprotected=[str(row["name"]) for row in rows if not row["protected"]],
        without_policy=[str(row["name"]) for row in rows if not row["has_policy"]],
    )


@observation(needs=APPLIED_MIGRATIONS)
def applied_migrations(readings: Readings) -> list[str]:
    """Return the applied migrations as their files are called: 008_staging_tables. Raises Unknown for none."""
    rows = readings.rows(APPLIED_MIGRATIONS, "version", "name")
    if not rows:
        raise Unknown("the table of migrations is empty", "set readings.applied_migrations to where yours are recorded")
    return [f"{row['version']}_{row['name']}" for row in rows]


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise Unknown(f"{value!r} is not a count", "look at the query in the request log")
    return value
