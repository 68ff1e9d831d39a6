"""What the log tells, or keeps to itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import Target

LINES = ("logs.no_errors_since_launch[no-log-errors]", "logs.no_errors_since_launch[recent-errors]")


@fault("smoke", "postlaunch", turns=turning("fail", *LINES))
def log_errors(target: Target) -> Iterator[None]:
    """The service logs errors."""
    log = target.service.plant.log
    before = log.path.read_bytes()
    log.write("ingestion.failed", "error", code="parse_error", message="unexpected end of file")
    yield
    log.path.write_bytes(before)


@fault("smoke", "postlaunch", turns=turning("unknown", *LINES))
def log_malformed(target: Target) -> Iterator[None]:
    """Another program writes to the log, and not in JSON."""
    log = target.service.plant.log
    before = log.path.read_bytes()
    log.path.write_bytes(b"Traceback (most recent call last):\n" + before)
    yield
    log.path.write_bytes(before)
