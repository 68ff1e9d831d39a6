"""What makes the service fail its health checks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.configuration import SYNTHETIC
from readiness.sandbox.faults.release import OF_THIS_REVISION, OTHERS_OF_THIS_REVISION

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

LIVE, READY = "health.live[health-200]", "health.ready[ready-200]"
OF_OTHERS = (
    *("health.live[umbrella/health]", "health.live[playbook/api-health]"),
    *("health.live[launch400k/all-healthy]", "health.live[launch400k/go-health]"),
)
OTHERS_READY = tuple(f"health.ready[launch400k/{line}]" for line in ("all-healthy", "go-health"))
PHASES = ("preflight", "smoke", "postlaunch")
STATUS_PAGE = "communication.status_page_current[agency/incident-channels]"
"""It is held against what /health says."""
EMITTING = tuple(
    f"metrics.emitting[metrics-emitting:ingestion_{name}]"
    for name in ("uploads_total", "errors_total", "duration_seconds", "circuit_breaker_state")
)
"""What the service's page of metrics shows: it counts in its database."""
TOO_LATE_SECONDS = 11.0
"""Longer than a probe waits for an answer."""


@fault(*PHASES, turns={LIVE: "fail"} | turning("unknown", *OF_THIS_REVISION))
def health_500(target: SandboxTarget) -> Iterator[None]:
    """/health answers 500."""
    target.service.health_status = 500
    yield
    target.service.health_status = 200


@fault(
    "preflight",
    turns=turning("fail", LIVE, *OF_OTHERS)
    | turning("unknown", *OF_THIS_REVISION, *OTHERS_OF_THIS_REVISION, STATUS_PAGE),
)
def health_too_late(target: SandboxTarget) -> Iterator[None]:
    """/health takes longer than the probe waits. A second and a half turns nothing: no document says how soon."""
    target.service.health_seconds = TOO_LATE_SECONDS
    yield
    target.service.health_seconds = 0.0


@fault(
    "smoke",
    turns={READY: "fail"} | turning("fail", *SYNTHETIC),
)
def storage_gone_after_launch(target: SandboxTarget) -> Iterator[None]:
    """The object store is gone after the launch: the service is not ready, and refuses uploads."""
    target.storage_web.stop()
    yield
    target.storage_web.restart()
    target.admin.rows("update circuit_breaker_state set state = 'closed', failures = 0, opened_at = null")
    target.admin.rows("delete from circuit_breaker_events where at > now() - interval '1 day'")


@fault(
    "preflight",
    turns=turning("fail", READY, *OTHERS_READY) | turning("unknown", *EMITTING),
    cuts_off=True,
)
def database_gone_for_service(target: SandboxTarget) -> Iterator[None]:
    """The service's role may not log in any more; the probe's still may."""
    target.admin.rows("alter role ingestion_service nologin")
    target.admin.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'ingestion_service'")
    yield
    target.admin.rows("alter role ingestion_service login")
    target.service.plant.database.renew()


NAMED = "health.names_environment[umbrella/health-environment]"
CURRENT = "health.timestamp_current[umbrella/health-timestamp]"


@fault("smoke", "postlaunch", turns={NAMED: "fail"})
def health_names_staging(target: SandboxTarget) -> Iterator[None]:
    """At the address of production the staging deployment answers."""
    usual, target.service.environment = target.service.environment, "staging"
    yield
    target.service.environment = usual


@fault("smoke", "postlaunch", turns={CURRENT: "fail"})
def health_stale(target: SandboxTarget) -> Iterator[None]:
    """A cache answers in the service's place: the timestamp is an hour old."""
    target.service.clock_behind = timedelta(hours=1)
    yield
    target.service.clock_behind = timedelta(0)


@fault("smoke", "postlaunch", turns=turning("unknown", NAMED, CURRENT, *OTHERS_OF_THIS_REVISION))
def health_is_a_page(target: SandboxTarget) -> Iterator[None]:
    """/health answers 200 with a page that a proxy in front has made."""
    target.service.health_page = "<!doctype html><title>Welcome</title>"
    yield
    target.service.health_page = ""


@fault(*PHASES, turns=turning("unknown", LIVE, READY, *OF_THIS_REVISION))
def health_behind_a_wall(target: SandboxTarget) -> Iterator[None]:
    """A wall in front of /health and /ready asks the probe for a proof that only a browser gives."""
    target.service.is_walled = True
    yield
    target.service.is_walled = False
