"""PostgreSQL, read-only: one statement a call, with limits on all that it takes, and plain values or Unknown."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

from readiness.environment import schema
from readiness.measurements import Plain
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.provenance import Asked
from readiness.redaction.shown import shown
from readiness.transport.guard import HERE, Guard
from readiness.transport.in_flight import InFlight
from readiness.transport.rows import Row, only_value

if TYPE_CHECKING:
    from readiness.transport.sql_sessions import Sessions

__all__ = ["Postgres", "Row", "only_value"]

SQL_SHOWN = 200
SYSTEM = "PostgreSQL"
# Comments and brackets may stand before the word. The transaction is read-only besides: this gives the better message.
_READS = re.compile(
    r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*(?:select|with|show|values|table|explain)\b", re.IGNORECASE | re.DOTALL
)


class Postgres:
    """One database, asked by statements that read."""

    def __init__(
        self, settings: schema.Postgres | None, guard: Guard, section: str = "postgres", *, is_scratch: bool = False
    ) -> None:
        """Make a client; a scratch server holds nothing that a powerful role could spoil."""
        self._given = settings
        self._is_scratch = is_scratch
        self._section = section
        self._guard = guard
        self._sessions: Sessions | None = None
        self._in_flight = InFlight[list[Row]]()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def configured(self) -> bool:
        """Whether the environment names a database."""
        return self._given is not None

    @property
    def schemas(self) -> tuple[str, ...]:
        """The schemas whose tables are looked at."""
        return self._settings.schemas

    @property
    def application_role(self) -> str | None:
        """The role that the service itself logs in with."""
        return self._settings.application_role

    @property
    def pooler(self) -> str:
        """The pooler that the address leads through, as far as the address itself tells; empty where it tells none."""
        from readiness.transport.database_address import DatabaseAddress  # noqa: PLC0415  psycopg is slow to load

        address = DatabaseAddress.of(self._settings)
        return str(address) if address.leads_to_pooler else ""

    @property
    def anonymous_role(self) -> str | None:
        """The role by which whoever is not signed in asks the database; None where nobody does."""
        return self._settings.anonymous_role

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        """Return the rows of one statement that reads; there may be none. Raises Unknown."""
        return self._once(sql, parameters)

    def rows_as(self, role: str, sql: str) -> list[Row]:
        """Return the rows of one statement that reads as another role is shown them. Raises Unknown."""
        return self._once(sql, (), role)

    def _once(self, sql: str, parameters: tuple[object, ...], role: str | None = None) -> list[Row]:
        """Return the rows of a statement, or of the same one where another thread waits for it. Raises Unknown."""
        rows = self._in_flight.once((sql, repr(parameters), role), lambda: self._rows(sql, parameters, role))
        return [dict(row) for row in rows]

    def _rows(self, sql: str, parameters: tuple[object, ...], role: str | None) -> list[Row]:
        sessions = self._open()
        place = sessions.place()
        query = shown(f"as {role}: {sql}" if role else sql, SQL_SHOWN)
        target = f"{place}: {query}"
        asked = Asked(SYSTEM, place.hosts[0] or HERE, query)
        for host in place.hosts[1:]:
            self._guard.permit("postgres", "SQL", target, host, Effect.READ)
        with self._guard.request("postgres", "SQL", target, place.hosts[0], Effect.READ, asked) as entry:
            if not _READS.match(sql):
                raise Unknown("the statement does not read: it begins with no select", "correct the query")
            rows = sessions.rows(place, sql, parameters, role=role)
            entry.status = f"{len(rows)} rows"
        return rows

    def reach(self) -> float:
        """Return the seconds that a new connection and one statement over it take. Raises Unknown."""
        sessions = self._open()
        place = sessions.place()
        target = f"{place}: connect, select 1"
        asked = Asked(SYSTEM, place.hosts[0] or HERE, "connect, select 1")
        with self._guard.request("postgres", "SQL", target, place.hosts[0], Effect.READ, asked) as entry:
            started = time.monotonic()
            rows = sessions.rows(place, "select 1 as answer", new=True)
            entry.status = f"{len(rows)} rows"
            return time.monotonic() - started

    def value(self, sql: str, *parameters: object) -> Plain:
        """Return the one value that a statement answers. Raises Unknown, also where it is NULL."""
        return only_value(self.rows(sql, *parameters), "the query")

    def close(self) -> None:
        """Close the connections: the idle ones now, the others when they come back."""
        with self._lock:
            self._closed = True
            if self._sessions:
                self._sessions.close()

    def require_configured(self) -> None:
        """Raise NotConfigured where the environment does not name it."""
        _ = self._settings

    @property
    def _settings(self) -> schema.Postgres:
        if self._given is None:
            what = "database" if self._section == "postgres" else self._section
            raise NotConfigured(f"no {what} is configured", f"set {self._section}.url in the environment file")
        return self._given

    def _open(self) -> Sessions:
        """Return the sessions, made when the first is needed. Raises NotConfigured."""
        settings = self._settings
        # psycopg is slow to load: who asks pays.
        from readiness.transport.sql_sessions import Sessions  # noqa: PLC0415  see above
        from readiness.transport.sql_transaction import Terms  # noqa: PLC0415  see above

        is_production = self._guard.database_tls.is_production and not self._is_scratch
        terms = Terms.of(settings, settings.powerful_roles if is_production else None, self._section)
        with self._lock:
            if self._sessions is None:
                self._sessions = Sessions(settings, self._guard, terms)
                if self._closed:
                    self._sessions.close()
            return self._sessions
