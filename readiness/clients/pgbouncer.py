"""PgBouncer's admin console: its pools, their sizes, and who waits for them.

It takes no transaction and no prepared statement, only a few commands that it shows something by. Only those are sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from readiness.environment.poolers import Pooler
from readiness.errors import nearest
from readiness.measurements import Plain, is_digits
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.redaction.shown import shown
from readiness.transport.guard import Guard

if TYPE_CHECKING:
    from readiness.transport.rows import Row

COMMANDS = ("SHOW DATABASES", "SHOW POOLS", "SHOW USERS")
OWN = "pgbouncer"
"""The console itself, which it lists among the databases."""
BYTES_AT_MOST = 5_000_000
BUSY = ("sv_active", "sv_active_cancel", "sv_being_canceled", "sv_tested", "sv_login")
"""Connections to the server that nobody else is given just now; which of them there are depends on the release."""
_CLOSED = ("disabled", "paused")
"""The columns of SHOW DATABASES that say that PAUSE or DISABLE was sent."""
NAME_SHOWN = 60


@dataclass(frozen=True)
class Pool:
    """The connections to one database as one user."""

    database: str
    user: str
    """Empty where nobody has connected yet."""
    busy: int
    """Connections to the server that are in use."""
    waiting: int
    """Clients that wait for one."""
    size: int
    """How many connections to the server there may be."""
    closed: str = ""
    """`paused` or `disabled` where somebody has closed its database: no client gets a connection then."""

    @property
    def name(self) -> str:
        """The pool, for a person."""
        return f"{shown(self.database, NAME_SHOWN)} as {shown(self.user, NAME_SHOWN)}" if self.user else self.database

    @property
    def wanted(self) -> int:
        """How many connections are wanted at once: those in use, and one for each client that waits."""
        return self.busy + self.waiting


class PgBouncer:
    """The pooler that the environment names."""

    def __init__(self, settings: Pooler | None, guard: Guard) -> None:
        self._given = settings
        self._guard = guard

    @property
    def configured(self) -> bool:
        """Whether the environment names a pooler."""
        return self._given is not None

    @property
    def settings(self) -> Pooler:
        """What the environment says. Raises NotConfigured."""
        if self._given is None:
            raise NotConfigured("no pooler is configured", "set pooler.url in the environment file")
        return self._given

    def require_configured(self) -> None:
        """Raise NotConfigured where the environment does not name it."""
        _ = self.settings

    def pools(self) -> list[Pool]:
        """Return the pools of the service's database, or of all; each database has one at least. Raises Unknown."""
        databases, pools, users = self._ask()
        wanted = self.settings.database
        names = [name for row in databases if (name := str(row["name"])) != OWN]
        if not names:
            raise Unknown("PgBouncer has no database", "is it the pooler that the service uses?")
        if wanted is not None and wanted not in names:
            near = nearest(wanted, names)
            hint = f"; did you mean {near}?" if near else ""
            raise Unknown(f"PgBouncer has no database {wanted}{hint}", "correct pooler.database")

        sizes_of_users = {str(row["name"]): size for row in users if (size := _number(row, "pool_size", 0))}
        return [
            pool
            for row in databases
            if (name := str(row["name"])) != OWN and wanted in {None, name}
            for pool in _pools_of(row, [pool for pool in pools if pool["database"] == name], sizes_of_users)
        ]

    def _ask(self) -> list[list[Row]]:
        """Return what each command shows. Raises Unknown."""
        # psycopg is slow to load: who asks pays.
        import psycopg  # noqa: PLC0415  see above

        from readiness.environment import schema  # noqa: PLC0415  see above
        from readiness.transport.admin_console import answers  # noqa: PLC0415  see above
        from readiness.transport.database_address import DatabaseAddress  # noqa: PLC0415  see above
        from readiness.transport.sql_errors import explained  # noqa: PLC0415  see above

        settings = self.settings
        place = DatabaseAddress.of(schema.Postgres(url=settings.url), "pooler.url")
        target = f"{place}: {', '.join(COMMANDS)}"
        for host in place.hosts[1:]:
            self._guard.permit("pgbouncer", "SHOW", target, host, Effect.READ)
        with self._guard.request("pgbouncer", "SHOW", target, place.hosts[0], Effect.READ) as entry:
            try:
                address = self._guard.database_tls.applied(settings.url.reveal())
                shown_rows = answers(address, str(place), COMMANDS, settings.seconds_at_most, BYTES_AT_MOST)
            except psycopg.Error as error:
                raise explained(error, str(place), place.only_host) from None
            entry.status = f"{len(shown_rows[1])} pools"
        return shown_rows


def _pools_of(database: Row, pools: list[Row], sizes_of_users: dict[str, int]) -> list[Pool]:
    """Return the pools of a database; one that nobody uses where nobody has connected yet. Raises Unknown."""
    name = str(database["name"])
    used = pools or [{"database": name, "user": ""}]
    return [_pool(database, pool, sizes_of_users.get(str(pool["user"]))) for pool in used]


def _pool(database: Row, pool: Row, size_of_user: int | None) -> Pool:
    """Return a pool with its size: its user's, else its database's, and no more than all of the database may have."""
    name, user = str(database["name"]), str(pool["user"])
    size = size_of_user or _number(database, "pool_size")
    of_database = _number(database, "max_connections", 0)
    if of_database:  # 0 is any number
        size = min(size, of_database)
    if size < 1:
        raise Unknown(f"PgBouncer gives its pool {shown(name, NAME_SHOWN)} no size", "look at SHOW DATABASES there")
    closed = next((word for word in _CLOSED if _number(database, word, 0)), "")
    busy = sum(_number(pool, column, 0) for column in BUSY)
    return Pool(name, user, busy, _number(pool, "cl_waiting", 0), size, closed)


def _number(row: Row, column: str, without: int | None = None) -> int:
    """Return a whole number of a row; `without` where the release has no such column, or no value. Raises Unknown."""
    value: Plain = row.get(column, without)
    if value is None or value == "":
        value = without
    if isinstance(value, str) and is_digits(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise Unknown(f"PgBouncer shows {shown(str(value), NAME_SHOWN)!r} for {column}", "is it PgBouncer? ask it by psql")
