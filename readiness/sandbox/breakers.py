"""Circuit breakers that are kept in the database, so that all processes see the same state."""

from __future__ import annotations

from readiness.sandbox.database import Database
from readiness.sandbox.log import Log

OPENS_AFTER = 3
HALF_OPEN_AFTER_SECONDS = 5


class Breakers:
    """One breaker for each thing that the service depends on."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database = database
        self._log = log
        self.opens_after = OPENS_AFTER

    def allows(self, name: str) -> bool:
        """Check whether the dependency may be used; an open breaker lets one try through after a while."""
        rows = self._database.rows(
            "select state, extract(epoch from now() - opened_at) > %s as rested from circuit_breaker_state"
            " where name = %s",
            HALF_OPEN_AFTER_SECONDS,
            name,
        )
        # Nothing is kept of a dependency that nobody has named yet.
        is_open = bool(rows) and rows[0]["state"] == "open"
        if not is_open:
            return True

        has_rested = rows[0]["rested"]
        if has_rested:
            self._move(name, "half_open")
            return True
        return False

    def failed(self, name: str) -> None:
        """Count a failure; enough of them in a row open the breaker."""
        rows = self._database.rows(
            "update circuit_breaker_state set failures = failures + 1, updated_at = now() where name = %s"
            " returning state, failures",
            name,
        )
        if not rows:
            return

        was_trying = rows[0]["state"] == "half_open"
        failed_too_often = rows[0]["failures"] >= self.opens_after
        if was_trying or failed_too_often:
            self._move(name, "open")

    def succeeded(self, name: str) -> None:
        """Forget the failures, and close a breaker that was trying."""
        rows = self._database.rows(
            "update circuit_breaker_state set failures = 0 where name = %s and (failures > 0 or state = 'half_open')"
            " returning state",
            name,
        )
        was_trying = bool(rows) and rows[0]["state"] == "half_open"
        if was_trying:
            self._move(name, "closed")

    def _move(self, name: str, to: str) -> None:
        moved = self._database.rows(
            "with before as (select name, state from circuit_breaker_state where name = %s for update),"
            " moved as (update circuit_breaker_state s set state = %s, updated_at = now(),"
            "  opened_at = case when %s = 'open' then now() else s.opened_at end"
            "  from before where s.name = before.name and before.state <> %s returning s.name, before.state)"
            " insert into circuit_breaker_events (name, from_state, to_state) select name, state, %s from moved"
            " returning from_state",
            *(name, to, to, to, to),
        )
        if moved:
            self._log.write("state_change", breaker=name, from_state=moved[0]["from_state"], to_state=to)
