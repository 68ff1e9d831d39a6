"""What a drill must find: they turn no line, as the lines of drills judge the evidence that the drill then leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget


@fault(turns={})
def switch_ignored(target: SandboxTarget) -> Iterator[None]:
    """The service takes uploads, whatever its kill switch says."""
    target.service.heeds_switch = False
    yield
    target.service.heeds_switch = True


@fault(turns={})
def switch_aborts(target: SandboxTarget) -> Iterator[None]:
    """Switching off ends the uploads that are in flight."""
    target.operations.aborts_uploads = True
    yield
    target.operations.aborts_uploads = False


@fault(turns={})
def rollback_slow(target: SandboxTarget) -> Iterator[None]:
    """A deployment takes two minutes: the version before is served until it is called off."""
    seconds, target.operations.deploy_seconds = target.operations.deploy_seconds, 120.0
    yield
    target.operations.deploy_seconds = seconds
    target.operations.as_at_the_beginning()


@fault(turns={})
def rollback_wrong_version(target: SandboxTarget) -> Iterator[None]:
    """A deployment brings an older version than was asked for."""
    target.operations.deploys_instead = "2026.10.30-77d0c4e"
    yield
    target.operations.deploys_instead = ""
    target.operations.as_at_the_beginning()


@fault(turns={})
def breaker_never_opens(target: SandboxTarget) -> Iterator[None]:
    """The circuit breakers count, and do not act on it."""
    opens, target.service.plant.breakers.opens_after = target.service.plant.breakers.opens_after, 1_000_000
    yield
    target.service.plant.breakers.opens_after = opens
    target.admin.rows("update circuit_breaker_state set failures = 0")


@fault(turns={})
def fallback_gone(target: SandboxTarget) -> Iterator[None]:
    """Where the object store is away, nothing is served in its place."""
    target.service.falls_back = False
    yield
    target.service.falls_back = True


@fault(turns={})
def incident_unseen(target: SandboxTarget) -> Iterator[None]:
    """The metrics do not show that the object store is away."""
    target.operations.tells_monitoring = False
    yield
    target.operations.tells_monitoring = True
