"""The service's metrics: the four that the runbook names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from readiness.sandbox.database import Database

STATES = {"closed": 0, "half_open": 1, "open": 2}
BUCKETS = (1, 5, 10, 30, 60, 120, 300, 600, 1800)


class Telemetry:
    """A registry of its own; the counters go on from the database's history."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.frozen = False
        self.hidden: str | None = None
        """A metric that this build does not emit."""
        self._registry = CollectorRegistry()
        self._uploads = Counter("ingestion_uploads", "Uploads by their end", ["status"], registry=self._registry)
        self._errors = Counter("ingestion_errors", "Failed uploads by error", ["code"], registry=self._registry)
        self._seconds = Histogram(
            "ingestion_duration_seconds", "Seconds from start to end", buckets=BUCKETS, registry=self._registry
        )
        self._breakers = Gauge(
            "ingestion_circuit_breaker_state", "0 closed, 1 half open, 2 open", ["name"], registry=self._registry
        )
        for row in database.rows("select status, error_code, count(*) as n from data_uploads group by 1, 2"):
            self._uploads.labels(row["status"]).inc(row["n"])
            if row["error_code"]:
                self._errors.labels(row["error_code"]).inc(row["n"])
        for row in database.rows(
            "select extract(epoch from completed_at - created_at)::float as seconds from data_uploads"
            " where completed_at is not null"
        ):
            self._seconds.observe(row["seconds"])
        self.breakers(
            {row["name"]: row["state"] for row in database.rows("select name, state from circuit_breaker_state")}
        )

    def ended(self, status: str, seconds: float, error: str | None = None) -> None:
        """Count an upload that has ended."""
        if self.frozen:
            return
        self._uploads.labels(status).inc()
        self._seconds.observe(seconds)
        if error:
            self._errors.labels(error).inc()

    def breakers(self, states: dict[str, str]) -> None:
        """Show where the breakers stand."""
        for name, state in states.items():
            self._breakers.labels(name).set(STATES.get(state, 2))

    def page(self) -> bytes:
        """Write the exposition page."""
        page = generate_latest(self._registry)
        if self.hidden is None:
            return page
        hidden = self.hidden.encode()
        return b"".join(line for line in page.splitlines(keepends=True) if hidden not in line)
