"""What spoils the service's own figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

EMITTING = "metrics.emitting[metrics-emitting:{}]"
NAMES = (
    "ingestion_uploads_total",
    "ingestion_errors_total",
    "ingestion_duration_seconds",
    "ingestion_circuit_breaker_state",
)
INCREMENTING = "metrics.incrementing[metrics-incrementing]"


@fault("preflight", turns={EMITTING.format("ingestion_errors_total"): "fail"})
def metric_missing(target: SandboxTarget) -> Iterator[None]:
    """One of the four metrics is not emitted."""
    target.service.plant.telemetry.hidden = "ingestion_errors"
    yield
    target.service.plant.telemetry.hidden = None


@fault("preflight", turns=turning("unknown", *map(EMITTING.format, NAMES)))
def metrics_denied(target: SandboxTarget) -> Iterator[None]:
    """The exposition page is closed to the probe."""
    target.service.metrics_status = 403
    yield
    target.service.metrics_status = 200


@fault("smoke", turns={INCREMENTING: "fail"})
def counters_frozen(target: SandboxTarget) -> Iterator[None]:
    """The counters no longer move."""
    target.service.plant.telemetry.frozen = True
    yield
    target.service.plant.telemetry.frozen = False
