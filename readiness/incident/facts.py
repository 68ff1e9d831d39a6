"""The facts that a walk may ask for, by name: what each says, which look finds it, and how its value is read.

A name that is not here is refused where the runbook is loaded. What a look needs to know (which service level, which
path) a runbook states in `facts:` of its section `incident`, once, under a name of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.files.canonical_json import JsonObject
from readiness.incident import readers
from readiness.incident.found import Fact, Missing
from readiness.incident.readers import Reader

RED_LINES, VERDICT, MINUTES_TO_FIX = "red_lines", "verdict", "minutes_to_fix"
OF_THE_EVIDENCE = frozenset({RED_LINES, VERDICT})
"""What the suite's own runs tell."""
OF_PEOPLE = frozenset({MINUTES_TO_FIX})
"""What only somebody at the keyboard knows."""
FAILED_UPLOADS = "failed_uploads"
ANY = "*"
"""Told to a look that may take what it finds."""
IS_DOWN = "down"
"""The unit of what is well (0) or is not (1): only the words are told."""
HOUR_OF = ("of", "window")
_ANY_TIME: Mapping[str, object] = {"since": None}
"""An incident is about now, and not about the time since the launch."""


@dataclass(frozen=True)
class FactKind:
    """One of them."""

    name: str
    says: str
    look: str = ""
    """The observation that finds it; empty for what the evidence or people tell."""
    read: Reader = readers.text
    wants: tuple[str, ...] = ()
    """What a runbook states for the look."""
    fixed: Mapping[str, object] = field(default_factory=dict)
    """What the look takes besides, the same for every runbook."""
    unit: str = ""


@dataclass(frozen=True)
class Wanted:
    """A fact as a walk asks for it: its kind, and what the runbook states for its look."""

    kind: FactKind
    stated: JsonObject = field(default_factory=dict)

    @property
    def arguments(self) -> JsonObject:
        """Return all that its look is given."""
        return {**self.kind.fixed, **self.stated}

    @property
    def says(self) -> str:
        """Return what it is, with what the runbook states."""
        stated = ", ".join(str(value) for value in self.stated.values() if value != ANY)
        return f"{self.kind.says} ({stated})" if stated else self.kind.says


def _of_failed(name: str, says: str, read: Reader) -> FactKind:
    return FactKind(name, says, FAILED_UPLOADS, read)


_KINDS = (
    FactKind(RED_LINES, "what is red, and since when"),
    FactKind(VERDICT, "the newest verdict"),
    FactKind(MINUTES_TO_FIX, "how long the fix takes", unit="minutes"),
    # The pipeline
    FactKind("upload_failures", "the share of uploads that fail", "upload_outcomes", readers.outcomes, unit="share"),
    FactKind("uploads_by_status", "the last hour's uploads", "upload_outcomes", readers.statuses),
    _of_failed("affected_uploads", "how many uploads", readers.affected),
    _of_failed("affected_workspaces", "which workspaces", readers.by("workspace", "workspace_id")),
    _of_failed("affected_platforms", "which platforms", readers.by("platform")),
    _of_failed("failing_stages", "which stage fails", readers.by("stage")),
    _of_failed("first_failure", "when it began", readers.first_at),
    FactKind("recent_failures", "the newest failures", "recent_failures", readers.rows),
    FactKind("common_error", "the most common error", "error_distribution", readers.distribution),
    FactKind("stuck_uploads", "uploads that do not end", "uploads_stuck", readers.rows, unit="uploads"),
    FactKind("uploads_in_flight", "uploads under way", "uploads_in_flight", readers.rows),
    FactKind("staging", "the staging rows", "staging_health", readers.rows),
    FactKind("staged_rows", "rows in staging", "staged_rows", readers.number("rows"), unit="rows"),
    FactKind("lost_rows", "uploads that lost rows", "uploads_that_lost_rows", readers.number("uploads")),
    FactKind("orphaned_rows", "rows of no upload", "orphaned_rows", readers.number("rows")),
    # The service
    FactKind("failed_share", "the share that fails", "counted_events", readers.events, HOUR_OF, _ANY_TIME, "share"),
    FactKind("p95", "the 95th percentile", "p95", readers.slowness, HOUR_OF, unit="s"),
    FactKind("mean_time", "the mean time", "mean_latency", readers.slowness, HOUR_OF, unit="s"),
    FactKind("health", "the health answer", "health_answer", readers.health, ("path",), unit=IS_DOWN),
    FactKind("failing_endpoints", "where it fails", "failing_endpoints", readers.endpoints("errors")),
    FactKind("slowest_endpoints", "where it is slow", "slowest_endpoints", readers.endpoints("s")),
    FactKind("waiting_jobs", "jobs that wait", "jobs_waiting", readers.queues),
    FactKind("active_users", "users at once", "active_users", readers.number("users")),
    FactKind("failed_logins", "the share of log-ins that fail", "logins", readers.events, unit="share"),
    FactKind("failed_payments", "the share of payments that fail", "payments", readers.events, unit="share"),
    FactKind("log_errors", "errors in the log", "log_since_launch", readers.log, fixed=_ANY_TIME),
    FactKind("switch", "the switch", "kill_switch", readers.switch, ("variable",)),
    FactKind("workers", "the most silent worker", "oldest_heartbeat", readers.beat, unit="s"),
    FactKind("cron", "the last run of the job", "cron_run", readers.cron, ("job", "schedule", "minutes_at_most")),
    FactKind("versions", "what runs, and what one can go back to", "previous_version", readers.versions, ("tag",)),
    # What it stands on
    FactKind("open_breakers", "circuit breakers that are not closed", "breakers_not_closed", readers.names),
    FactKind("breaker_openings", "openings of breakers in the last hour", "breaker_openings", readers.number()),
    FactKind("database", "the database", "database_answer", readers.database, unit=IS_DOWN),
    FactKind("database_status", "the database by its provider", "database_status", readers.text),
    FactKind("pool", "the connection pool", "connection_pool", readers.pool, unit="share"),
    FactKind("connections", "the connections by state", "connections_by_state", readers.rows),
    FactKind("idle_sessions", "sessions idle for five minutes", "idle_sessions", readers.rows, unit="sessions"),
    FactKind("longest_queries", "the queries that run for longest", "longest_queries", readers.rows),
    FactKind("slowest_statements", "the slowest statements", "slowest_statements", readers.rows),
    FactKind("database_cpu", "the database's CPU", "database_cpu_share", readers.number("share"), unit="share"),
    FactKind("storage", "the object store", "bucket", readers.bucket, unit=IS_DOWN),
    FactKind("vendors", "the vendors' status pages", "vendor_outages", readers.vendors, fixed={"vendor": ""}),
    FactKind("vendor", "the status page", "vendor_outages", readers.vendors, ("vendor",)),
    FactKind("cpu", "the CPU", "cpu_share", readers.number("share"), unit="share"),
    FactKind("memory", "the memory", "memory_share", readers.number("share"), unit="share"),
    FactKind("memory_growth", "how the memory grows", "memory_trend", readers.growth, unit="share"),
    FactKind("disk", "the disk", "disk_share", readers.number("share"), unit="share"),
    # A team's own
    FactKind("number", "the reading", "own_number", readers.number(), ("reading",), {"window": None, **_ANY_TIME}),
    FactKind("text", "the reading", "own_fact", readers.text, ("reading",), {"window": None, **_ANY_TIME}),
)
FACTS: Mapping[str, FactKind] = {kind.name: kind for kind in _KINDS}


def read_fact(kind: FactKind, value: Any) -> Fact:
    """Return what the plain value of a look says; that it cannot be read where another version wrote it."""
    try:
        return kind.read(value)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return Missing(f"what {kind.look} told cannot be read ({type(error).__name__})", "look at it by hand")
