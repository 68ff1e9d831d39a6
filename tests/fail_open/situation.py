"""A situation in which another tool has said yes without having seen it: lines, servers, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.clients import servers
from tests.clients.servers import Behaviour, document, whole

HERE, DOWN = "HERE", "DOWN"
"""In an environment: the address of the server, and one that nothing listens at."""
NOW = datetime.now(UTC).isoformat()
SECRET = "${A_TOKEN}"

Line = dict[str, dict[str, Any]]
"""What decides a line: a check, and its limits."""
HEALTHY: Line = {"health.live": {"path": "/health", "seconds_below": 60}}
NUMBER: Line = {"readings.number_at_most": {"reading": "n", "at_most": 5}}
COMPLAINTS: Line = {"support.no_open_complaints": {"answer_is_enough": False}}
CI: Line = {"release.ci_green": {}}
BLOCKERS: Line = {"release.no_open_blockers": {"priorities": ["P1", "P2"]}}
VENDORS: Line = {"vendors.status_page_operational": {}}
ERRORS: Line = {"errors.count": {"events_at_most": 0, "window_seconds": 3600}}
NEW_ERRORS: Line = {"errors.none_new": {"window_seconds": 86_400}}
ALERTS: Line = {"alerts.none_critical_recently": {"hours": 1, "severity": "critical"}}
STREAM: Line = {"logs.streaming": {"age_seconds_at_most": 300}}
LOG: Line = {"logs.no_errors_since_launch": {"errors_at_most": 0}}
ERROR_RATE: Line = {"slo.error_rate": {"share_below": 0.01, "of": "requests", "window": "1h"}}
AVAILABILITY: Line = {"slo.availability_window": {"share_above": 0.99, "of": "requests", "window": "7d"}}
PAGES_PUBLISHED: Line = {"signoff.documentation_published": {}}
ATTESTED: Line = {"signoff.client_feedback": {}}
DRILL: Line = {"drills.restore": {"hours_below": 1, "days_at_most": 31}}
INCIDENTS: Line = {"signoff.incidents_reviewed": {"fields": ["summary", "root_cause"], "days_back": 14}}
REHEARSAL: Line = {
    "load.rehearsal_passed": {"stage": "launch", "days_at_most": 14, "p95_seconds_below": 1.5, "share_below": 0.01}
}

GITHUB = {"url": HERE, "token": SECRET, "repository": "example/shop", "required_checks": ["test"]}
SENTRY = {"url": HERE, "token": SECRET, "organization": "example", "project": "shop", "environment": "production"}
SUPPORT = {"url": HERE, "token": SECRET, "repository": "example/support", "complaints": ["complaint", "angry"]}
LEVELS = {
    "requests": {
        "count": {"promql": "count[{window}]"},
        "failed": {"promql": "failed[{window}]"},
        "available": {"promql": "up[{window}]"},
    }
}


def rows_at(pointer: str = "") -> dict[str, Any]:
    return {"readings": {"open_complaints": {"http": f"{HERE}/complaints", "pointer": pointer}}}


def vector(*values: float) -> Behaviour:
    """Answer as Prometheus does: a sample for each value."""
    return servers.vector(*({"value": str(value)} for value in values))


def issue(number: int, **changes: Any) -> dict[str, Any]:
    issue = {"number": number, "title": f"issue {number}", "created_at": "2026-01-01T00:00:00Z", "comments": 0}
    return {**issue, "labels": ["complaint"], **changes}


def checks(*runs: tuple[str, str, str | None], total: int | None = None) -> Behaviour:
    check_runs = [{"name": name, "status": status, "conclusion": conclusion} for name, status, conclusion in runs]
    return document({"total_count": len(check_runs) if total is None else total, "check_runs": check_runs})


STATUSES = document({"sha": "a" * 40, "statuses": [], "total_count": 0})
FINE_PAGE = document(
    {
        "page": {"name": "Vendor", "updated_at": NOW},
        "status": {"indicator": "none"},
        "components": [{"name": "API", "status": "operational"}],
        "incidents": [],
        "scheduled_maintenances": [],
    }
)
FORBIDDEN = whole(403, '{"message": "Resource not accessible by personal access token"}')
NO_NEXT = {"Link": '<http://127.0.0.1/>; rel="next"; results="false"; cursor="0:0:0"'}
NO_ISSUES = whole(200, "[]", NO_NEXT)
PROJECT = document({"id": "1", "firstEvent": NOW})
SILENT_PROJECT = document({"id": "1", "firstEvent": None})
FULL_PAGE = document([issue(number, pull_request={}) for number in range(100)])
"""A hundred pull requests, which are no issues; the issue is on the page behind."""


NO_NUMBERS = ("{}", "[]", "null", '""', "", "[0]", "false", '"none"', "NaN")


@dataclass(frozen=True)
class Row:
    """A situation, and the outcome of each line in it."""

    thread: str
    situation: str
    lines: dict[str, Line]
    outcomes: str
    """One for each line."""
    answers: dict[str, Behaviour] = field(default_factory=dict)
    """Part of a path, with its query → what is answered; the first that is met."""
    environment: dict[str, Any] = field(default_factory=dict)
    phase: str = "preflight"
    words: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    message: str = ""

    def __str__(self) -> str:
        return f"{self.thread}: {self.situation}"


TIMED_OUT, DENIED, UNSEEN = "kubescape#2423", "kubescape#2996", "trivy#6013"
NOTHING, NOTHING_TO_SCAN, SKIPPED_HOST = "zaproxy#8004", "zaproxy#5347", "nuclei#5652"
AWAITED, EMPTY, ALL_SKIPPED, DROPPED = "chaos-operator#346", "auditree-framework#16", "Vultron#2298", "krkn"
