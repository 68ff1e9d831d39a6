"""What is expected of a fault beyond the lines that it turns, and of the healthy target."""

from __future__ import annotations

NOT_FOR_THE_SANDBOX = {
    "configuration.required_variables",  # of vendors that the sandbox does not stand for
    "configuration.no_placeholder_secrets",
    "database.required_tables",  # of other products
    "database.migrations_applied",
    "health.live",  # at paths of other products
    "load.capacity",  # proven in test_rehearsal
    "load.error_rate",
    "load.rehearsal_passed",
    "load.response_time",
    "workers.cron_scheduled",
}
"""Checks with lines of the other runbooks that a healthy sandbox does not pass."""
VERDICTS = {
    "error-rate-7": "ALERT",
    "error-rate-15": "PAUSE",
    "error-rate-25": "ROLLBACK",
    "breaker-open": "PAGE",
    "breaker-flapping": "ROLLBACK",
    "rows-lost": "ROLLBACK",
    "stuck-upload": "ALERT",
    "staging-backlog-grown": "ALERT",
    "health-500": "ALERT",
    "health-behind-a-wall": "INCOMPLETE",
    "service-refuses": "ALERT",
    "no-uploads": "INCOMPLETE",
    "probe-locked-out": "INCOMPLETE",
    "slow-upload": "OK",  # a warning is told and does not decide
}
"""What the postlaunch phase of the sandbox's own runbook recommends while a fault is planted."""
DAILY, LAUNCH = "slo.error_rate[umbrella/daily-error-rate]", "slo.error_rate[launch400k/sla-error-rate]"
SUCCESS = "slo.success_rate[umbrella/success-rate]"
P95_DAILY, P95_LAUNCH = "slo.response_time[umbrella/daily-p95]", "slo.response_time[launch400k/sla-response-time]"
STEPS = {
    "errors-4-9": {LAUNCH: "warn"},
    "errors-5-1": {LAUNCH: "critical", SUCCESS: "alert"},
    "errors-10-1": {LAUNCH: "critical", SUCCESS: "alert"},
    "errors-20-1": {LAUNCH: "critical", SUCCESS: "alert"},
    "errors-of-the-day-4-9": {LAUNCH: "critical", SUCCESS: "alert"},
    "errors-of-the-day-5-1": {LAUNCH: "critical", SUCCESS: "alert", DAILY: "alert"},
    "errors-of-the-day-10-1": {LAUNCH: "critical", SUCCESS: "alert", DAILY: "incident"},
    "errors-of-the-day-20-1": {LAUNCH: "critical", SUCCESS: "alert", DAILY: "rollback"},
    "p95-1-1": {P95_LAUNCH: "warn"},
    "p95-1-4": {P95_LAUNCH: "warn"},
    "p95-1-6": {P95_LAUNCH: "warn"},
    "p95-2-1": {P95_LAUNCH: "critical"},
    "p95-4-4": {P95_LAUNCH: "critical"},
    "p95-5-3": {P95_LAUNCH: "critical"},
    "p95-of-the-day-1-1": {P95_LAUNCH: "warn", P95_DAILY: "alert"},
    "p95-of-the-day-2-1": {P95_LAUNCH: "critical", P95_DAILY: "incident"},
}
"""The steps of the ladders of the service levels that a fault reaches; without an entry none."""
DIAGNOSTICS = {"recent_failures", "error_distribution", "uploads_stuck", "staging_health", "uploads_in_flight"}
"""The runbook's incident queries (5.5): its line says `diagnostics_always`. All others are of lines that failed."""
