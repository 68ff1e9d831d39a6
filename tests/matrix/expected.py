"""What is expected of a fault beyond the lines that it turns, and of the healthy target."""

from __future__ import annotations

from readiness.outcomes import Phase
from readiness.runbook.lines import planned_checks

BY_REHEARSALS = "a rehearsal of 2,000 users is no load for a sandbox: see tests/whole_runs/test_shipped_evidence.py"
NOT_FOR_THE_SANDBOX = {
    "load.capacity": BY_REHEARSALS,
    "load.error_rate": BY_REHEARSALS,
    "load.rehearsal_passed": BY_REHEARSALS,
    "load.response_time": BY_REHEARSALS,
}
"""Checks with lines of the other runbooks that a healthy sandbox does not pass, and why it cannot."""
NOT_ASKED_HERE = {"links.answers"}
"""Checks that ask where the host is allowed; some of the sandbox's links lead to hosts that are not."""
VERDICTS = {
    "error-rate-7": "ALERT",
    "error-rate-15": "PAUSE",
    "error-rate-25": "ROLLBACK",
    "breaker-open": "PAGE",
    "breaker-half-open": "ALERT",
    "breaker-flapping": "ROLLBACK",
    "rows-lost": "ROLLBACK",
    "stuck-upload": "ALERT",
    "staging-backlog-grown": "ALERT",
    "health-500": "ALERT",
    "health-behind-a-wall": "INCOMPLETE",
    "service-refuses": "ALERT",
    "no-uploads": "INCOMPLETE",
    "one-upload-and-it-failed": "INCOMPLETE",
    "five-uploads-and-all-failed": "ROLLBACK",
    "probe-locked-out": "INCOMPLETE",
    "slow-upload": "OK",  # a warning is told and does not decide
}
"""What the postlaunch phase of the sandbox's own runbook recommends while a fault is planted."""
LAUNCH, DIAGNOSED = "slo.error_rate[launch400k/sla-error-rate]", "slo.error_rate[launch400k/diagnose-errors]"
ERRORS = "slo.error_rate[umbrella/hourly-error-rate]"
SUCCESS = "slo.success_rate[umbrella/success-rate]"
P95_LAUNCH, P95_SLOW = "slo.response_time[launch400k/sla-response-time]", "slo.response_time[launch400k/diagnose-slow]"
P95 = "slo.response_time[umbrella/hourly-p95]"
ABOVE_5 = {LAUNCH: "critical", DIAGNOSED: "critical", SUCCESS: "alert"}
# umbrella/rollback-trigger takes a second failure in a row, and a look is the first.
ABOVE_20 = {**ABOVE_5, ERRORS: "rollback"}
ABOVE_1_S = {P95_LAUNCH: "warn", P95_SLOW: "warn", P95: "alert"}
ABOVE_2_S = {P95_LAUNCH: "critical", P95_SLOW: "critical", P95: "incident"}
STEPS = {
    "front-was-away-today": {"slo.availability_window[umbrella/uptime-alert]": "alert"},
    "errors-4-9": {DIAGNOSED: "warn"},
    "errors-5-1": {**ABOVE_5, ERRORS: "alert"},
    "errors-10-1": {**ABOVE_5, ERRORS: "incident"},
    "errors-20-1": ABOVE_20,
    # All of them in the last hour, of which they are more than half.
    "errors-of-the-day-4-9": ABOVE_20,
    "errors-of-the-day-5-1": ABOVE_20,
    "errors-of-the-day-10-1": ABOVE_20,
    "errors-of-the-day-20-1": ABOVE_20,
    "p95-1-1": ABOVE_1_S,
    "p95-1-4": ABOVE_1_S,
    "p95-1-6": ABOVE_1_S,
    "p95-2-1": ABOVE_2_S,
    "p95-4-4": ABOVE_2_S,
    "p95-5-3": ABOVE_2_S,
    "p95-of-the-day-1-1": ABOVE_1_S,
    "p95-of-the-day-2-1": ABOVE_2_S,
}
"""The steps of the ladders of the service levels that a fault reaches; without an entry none."""
DIAGNOSTICS = {"recent_failures", "error_distribution", "uploads_stuck", "staging_health", "uploads_in_flight"}
"""The runbook's incident queries (5.5): its line says `diagnostics_always`. All others are of lines that failed."""


def not_healthy(outcomes: dict[str, str], phase: str, part: str) -> dict[str, str]:
    """Return what a whole sandbox should have passed in a phase, among its own runbook's lines or the others'."""
    undecided = planned_checks() | (NOT_FOR_THE_SANDBOX.keys() if part == "others" else set())
    later = "not due" if phase == Phase.GA else None  # what is due after the sign-off: a fault signs
    not_passed = {key: outcome for key, outcome in outcomes.items() if outcome not in {"pass", later}}
    return {
        key: outcome
        for key, outcome in not_passed.items()
        if key.split("[")[0] not in undecided or outcome != "unknown"
    }
