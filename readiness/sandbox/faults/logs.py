"""What the log tells, or keeps to itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

STREAMING = "logs.streaming[launch400k/logs-streaming]"
LINES = ("logs.no_errors_since_launch[no-log-errors]", "logs.no_errors_since_launch[recent-errors]")


@fault("smoke", "postlaunch", turns=turning("fail", *LINES))
def log_errors(target: SandboxTarget) -> Iterator[None]:
    """The service logs errors."""
    log = target.service.plant.log
    before = log.path.read_bytes()
    log.write("ingestion.failed", "error", code="parse_error", message="unexpected end of file")
    yield
    log.path.write_bytes(before)


@fault("smoke", "postlaunch", turns=turning("unknown", *LINES))
def log_malformed(target: SandboxTarget) -> Iterator[None]:
    """Another program writes to the log, and not in JSON."""
    log = target.service.plant.log
    before = log.path.read_bytes()
    log.path.write_bytes(b"Traceback (most recent call last):\n" + before)
    yield
    log.path.write_bytes(before)


@fault("preflight", turns={STREAMING: "fail"})
def logs_stopped(target: SandboxTarget) -> Iterator[None]:
    """The shipper stopped half an hour ago."""
    target.watchers.loki.newest_age = 1_800
    yield
    target.watchers.loki.newest_age = 0


@fault("preflight", turns={STREAMING: "unknown"})
def logs_of_nobody(target: SandboxTarget) -> Iterator[None]:
    """No line of the stream has arrived for a day."""
    target.watchers.loki.empty = True
    yield
    target.watchers.loki.empty = False


@fault("preflight", turns={STREAMING: "unknown"})
def logs_unreadable(target: SandboxTarget) -> Iterator[None]:
    """Loki is saturated."""
    target.watchers.loki.status = 429
    yield
    target.watchers.loki.status = 200


@fault("preflight", turns={STREAMING: "unknown"})
def logs_behind_a_sign_in(target: SandboxTarget) -> Iterator[None]:
    """Loki's proxy answers HTML with status 200."""
    target.watchers.loki.html = True
    yield
    target.watchers.loki.html = False
