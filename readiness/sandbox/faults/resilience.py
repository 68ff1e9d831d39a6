"""What the circuit breakers do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

CLOSED = "resilience.breakers_closed[breakers-closed]"
OF_THE_LAUNCH = "resilience.breakers_closed[launch400k/breakers]"
STABLE = "resilience.breakers_stable[rollback-recommended]"


@fault("preflight", "postlaunch", turns=turning("fail", CLOSED, OF_THE_LAUNCH))
def breaker_open(target: SandboxTarget) -> Iterator[None]:
    """The parser's circuit breaker is open."""
    target.admin.rows("update circuit_breaker_state set state = 'open', opened_at = now() where name = 'parser'")
    yield
    target.admin.rows("update circuit_breaker_state set state = 'closed', opened_at = null where name = 'parser'")


@fault("preflight", "postlaunch", turns=turning("fail", CLOSED, OF_THE_LAUNCH))
def breaker_half_open(target: SandboxTarget) -> Iterator[None]:
    """The parser's circuit breaker lets a try through, and nobody tries."""
    target.admin.rows("update circuit_breaker_state set state = 'half_open', opened_at = now() where name = 'parser'")
    yield
    target.admin.rows("update circuit_breaker_state set state = 'closed', opened_at = null where name = 'parser'")


@fault("postlaunch", turns={STABLE: "fail"})
def breaker_flapping(target: SandboxTarget) -> Iterator[None]:
    """A circuit breaker has opened three times in the last hour, and is closed again."""
    target.admin.rows(
        "insert into circuit_breaker_events (name, from_state, to_state, at)"
        " select 'storage', 'closed', 'open', now() - n * interval '10 minutes' from generate_series(1, 3) as n"
    )
    yield
    target.admin.rows("delete from circuit_breaker_events where at > now() - interval '1 hour'")
