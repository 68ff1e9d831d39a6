"""What the service answers on its health endpoints."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.clients.http import Http
from readiness.observations import observation


@dataclass(frozen=True)
class HealthAnswer:
    """The status, and the seconds from the first byte sent to the last received."""

    status: int
    seconds: float


@observation(quiet=True)
def health_answer(http: Http, path: str) -> HealthAnswer:
    """Ask one health endpoint."""
    answer = http.get(path)
    return HealthAnswer(answer.status, answer.seconds)
