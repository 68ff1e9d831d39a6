"""What spoils the alerts: their rules, their way to people, and what they said lately."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.sandbox.catcher import routing
from readiness.sandbox.faults import fault, turning, wait_until

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

CONFIGURED = "alerts.configured[{}]"
OWN = tuple(
    CONFIGURED.format(line)
    for line in (
        "alert-circuit-open",
        *(f"alerts-configured:{name}" for name in ("IngestionHighErrorRate", "IngestionStagingBacklog")),
    )
)
ERRORS = CONFIGURED.format("launch400k/alert-error-rate")
SLOW = CONFIGURED.format("launch400k/alert-response-time")
CPU = CONFIGURED.format("launch400k/alert-cpu")
CONNECTIONS = CONFIGURED.format("launch400k/alert-connections")
DISK = CONFIGURED.format("launch400k/alert-disk")
HEALTH = CONFIGURED.format("umbrella/alert-health")
P95 = CONFIGURED.format("umbrella/alert-p95")
SERVER_ERRORS = CONFIGURED.format("umbrella/alert-errors")
QUERIES = CONFIGURED.format("umbrella/alert-database")
CRON = CONFIGURED.format("umbrella/alert-cron")
TRAFFIC = CONFIGURED.format("umbrella/alert-traffic-drop")
ANY = "alerts.fires_on_any[umbrella/alert-database]"
FIRST_WARNINGS = tuple(
    CONFIGURED.format(f"launch400k/alert-{name}-warning")
    for name in ("error-rate", "response-time", "cpu", "connections", "memory")
)
LAST_WARNINGS = tuple(CONFIGURED.format(f"launch400k/alert-{name}") for name in ("memory", "disk-critical"))
"""The further thresholds of the launch: what only warns, and what is critical."""
RULES_OF_OTHERS = (
    *(ERRORS, SLOW, CPU, CONNECTIONS, DISK, HEALTH, P95, SERVER_ERRORS, CRON, TRAFFIC, ANY),
    *(*FIRST_WARNINGS, *LAST_WARNINGS),
)
ROUTING = "alerts.routing_delivers[alert-routing]"
ROUTING_400K = "alerts.routing_delivers[launch400k/enhanced-monitoring]"
RECENT = "alerts.none_critical_recently[launch400k/go-no-critical-alerts]"
RULES = Path(__file__).parents[1] / "alert-rules.yml"
FIRED_SECONDS = 10.0
LAPSE = "SandboxLapse"


Change = tuple[str, str, str]
"""A rule's name, what stands in it, and what shall."""


@contextmanager
def _rules(target: SandboxTarget, *changes: Change) -> Iterator[None]:
    """Evaluate other rules for a while."""
    text = RULES.read_text(encoding="utf-8")
    for name, old, new in changes:
        before, begin, rest = text.partition(f"- alert: {name}\n")
        rule, end, after = rest.partition("- alert: ")
        if old not in begin + rule:
            raise ValueError(f"the alert rule {name} does not say {old}")
        text = before + (begin + rule).replace(old, new) + end + after
    target.monitoring.rules(text)
    yield
    target.monitoring.rules()


@fault("preflight", turns={OWN[0]: "fail", ERRORS: "fail", CRON: "fail", ANY: "fail"})
def alert_rule_missing(target: SandboxTarget) -> Iterator[None]:
    """Four rules have other names than the environment says."""
    names = ("IngestionCircuitOpen", "HighErrorRate", "CronMissed", "DatabaseErrors")
    with _rules(target, *((name, name, f"{name}Now") for name in names)):
        yield


@fault("preflight", turns=turning("fail", ERRORS, SERVER_ERRORS, SLOW, P95, CPU, CONNECTIONS, DISK, TRAFFIC))
def alert_threshold_loosened(target: SandboxTarget) -> Iterator[None]:
    """The rules fire a little later than the lines want."""
    changes = (
        ("HighErrorRate", "> 0.05", "> 0.06"),
        ("ServerErrors", "> 5", "> 6"),
        ("SlowResponses", "> 2", "> 2.1"),
        ("HighLatency", "> 1", "> 1.1"),
        ("HighCpu", "> 90", "> 91"),
        ("DatabaseConnectionsExhausted", "> 0.95", "> 0.96"),
        ("DiskFilling", "< 0.2", "< 0.19"),
        ("TrafficHalved", "< 0.5", "< 0.4"),
    )
    with _rules(target, *changes):
        yield


@fault("preflight", turns=turning("fail", *FIRST_WARNINGS, *LAST_WARNINGS))
def alert_warnings_loosened(target: SandboxTarget) -> Iterator[None]:
    """The first warnings and the last ones fire a little later than the lines want."""
    changes = (
        ("ErrorRateRising", "> 0.02", "> 0.03"),
        ("ResponsesSlowing", "> 1", "> 1.1"),
        ("CpuBusy", "> 70", "> 71"),
        ("ConnectionsFilling", "> 0.8", "> 0.81"),
        ("MemoryFilling", "> 75", "> 76"),
        ("MemoryExhausted", "> 90", "> 91"),
        ("DiskFull", "< 0.05", "< 0.04"),
    )
    with _rules(target, *changes):
        yield


@fault("preflight", turns=turning("fail", ERRORS, CPU, DISK))
def alert_severity_wrong(target: SandboxTarget) -> Iterator[None]:
    """Two critical rules only warn, and a warning wakes people."""
    changes = (
        ("HighErrorRate", "critical", "warning"),
        ("HighCpu", "critical", "warning"),
        ("DiskFilling", "warning", "critical"),
    )
    with _rules(target, *changes):
        yield


@fault("preflight", turns={**turning("fail", ERRORS, SLOW, CPU, CONNECTIONS, *LAST_WARNINGS), RECENT: "unknown"})
def alert_nothing_critical(target: SandboxTarget) -> Iterator[None]:
    """No rule at all is critical: that none fired says nothing."""
    critical = (
        *("HighErrorRate", "SlowResponses", "HighCpu", "DatabaseConnectionsExhausted", "IngestionHighErrorRate"),
        *("MemoryExhausted", "DiskFull"),
    )
    with _rules(target, *((name, "critical", "page") for name in critical)):
        yield


@fault("preflight", turns=turning("fail", P95, SERVER_ERRORS))
def alert_holds_too_long(target: SandboxTarget) -> Iterator[None]:
    """The conditions must hold for ten minutes before anybody is told."""
    names = ("HighLatency", "ServerErrors")
    with _rules(target, *((name, "for: 5m", "for: 10m") for name in names)):
        yield


@fault("preflight", turns=turning("fail", *OWN, ERRORS, SLOW, CPU, CONNECTIONS, DISK, CRON, TRAFFIC))
def alert_holds_for_an_hour(target: SandboxTarget) -> Iterator[None]:
    """The conditions must hold for an hour, that of the circuit breaker for a minute, before anybody is told."""
    names = (
        *("IngestionHighErrorRate", "IngestionStagingBacklog", "HighErrorRate", "SlowResponses", "HighCpu"),
        *("DatabaseConnectionsExhausted", "DiskFilling", "CronMissed", "TrafficHalved"),
    )
    circuit = ("IngestionCircuitOpen", "labels:", "for: 1m\n        labels:")
    with _rules(target, *((name, "for: 5m", "for: 60m") for name in names), circuit):
        yield


@fault("preflight", turns=turning("fail", HEALTH, ANY))
def alert_hold_wrong(target: SandboxTarget) -> Iterator[None]:
    """One failed health check pages; a single database error must last for longer than it is seen."""
    changes = (
        ("FrontDown", "for: 1m", "for: 0s"),
        ("DatabaseErrors", "> 0\n", "> 0\n        for: 6m\n"),
    )
    with _rules(target, *changes):
        yield


@fault("preflight", turns=turning("fail", OWN[1], CONNECTIONS, ANY))
def alert_rule_in_error(target: SandboxTarget) -> Iterator[None]:
    """Three rules join series that do not match one to one, so that they can never fire."""
    twice = "http_requests_total / on (job) http_requests_total"
    changes = (
        ("IngestionHighErrorRate", 'sum(rate(ingestion_uploads_total{status="failed"}[5m]))', twice),
        ("DatabaseConnectionsExhausted", "sum(pg_stat_activity_count)", twice),
        ("DatabaseErrors", "increase(database_errors_total[5m])", twice),
    )
    with _rules(target, *changes):
        yield


@fault("preflight", turns=turning("unknown", ERRORS, DISK, HEALTH, TRAFFIC, ANY))
def alert_expression_unreadable(target: SandboxTarget) -> Iterator[None]:
    """The expressions do not tell when they fire."""
    changes = (
        ("HighErrorRate", "> 0.05", "> 0.05 and sum(rate(http_requests_total[5m])) > 100"),
        ("DiskFilling", "/ node_filesystem_size_bytes < 0.2", "< 2e10"),
        ("FrontDown", 'up{job="front"} == 0', 'absent(up{job="front"})'),
        ("TrafficHalved", "/ sum(rate(http_requests_total[1h] offset 1d)) < 0.5", "< 3"),
        ("DatabaseErrors", "increase(database_errors_total[5m]) > 0", "database_errors_total > 0 unless up"),
    )
    with _rules(target, *changes):
        yield


@fault("preflight", turns=turning("fail", ROUTING, ROUTING_400K))
def alert_route_drops(target: SandboxTarget) -> Iterator[None]:
    """The route ends at a receiver that tells nobody."""
    usual = routing(target.monitoring.catcher_web.url)
    target.monitoring.routing({**usual, "route": {**usual["route"], "receiver": "nobody"}})
    yield
    target.monitoring.routing(usual)


@fault("preflight", turns=turning("fail", ROUTING))
def alert_receiver_away(target: SandboxTarget) -> Iterator[None]:
    """The receiver refuses what Alertmanager sends."""
    target.monitoring.catcher.away = True
    yield
    target.monitoring.catcher.away = False


@fault("preflight", turns=turning("fail", ROUTING))
def alert_silenced(target: SandboxTarget) -> Iterator[None]:
    """Somebody silenced everything that is critical."""
    name = target.monitoring.silence(severity="critical")
    yield
    target.monitoring.unsilence(name)


@fault("preflight", turns=turning("unknown", ROUTING, ROUTING_400K))
def alert_receiver_hidden(target: SandboxTarget) -> Iterator[None]:
    """What has arrived is not shown to the probe."""
    target.monitoring.catcher.denied = True
    yield
    target.monitoring.catcher.denied = False


@fault("preflight", turns={RECENT: "fail"})
def alert_fired_lately(target: SandboxTarget) -> Iterator[None]:
    """A critical alert fired, and has ended since."""
    lapse = f"- {{alert: {LAPSE}, expr: vector(1), labels: {{severity: critical}}}}"
    with _rules(target, ("HighCpu", "- alert: HighCpu", f"{lapse}\n      - alert: HighCpu")):
        fired = f'ALERTS{{alertname="{LAPSE}"}}'
        wait_until(lambda: not target.monitoring.real or target.monitoring.ask(fired), f"{LAPSE} fires", FIRED_SECONDS)
    yield
    target.monitoring.forget(0, time.time(), f'{{alertname="{LAPSE}"}}')
