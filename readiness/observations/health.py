"""What the service answers on its health endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from readiness.observations import observation
from readiness.outcomes import Unknown
from readiness.transport.answer import at_pointer
from readiness.transport.http import Http

_MILLISECONDS = 100_000_000_000
"""A number above it counts milliseconds since 1970: as seconds it would lie in the year 5138."""


@dataclass(frozen=True)
class HealthAnswer:
    """The status, and the seconds from the first byte sent to the last received."""

    status: int
    seconds: float
    redirects_to: str = ""

    def told(self, path: str) -> str:
        """Name the status for a person: a redirect to another page says where it leads."""
        return f"status of {path}" + (f", which redirects to {self.redirects_to}" if self.redirects_to else "")


@observation(quiet=True)
def health_answer(http: Http, path: str) -> HealthAnswer:
    """Ask one health endpoint. It answers itself: the page that a redirect leads to may be one to sign in."""
    answer = http.get(path, follow=False)
    return HealthAnswer(answer.status, answer.seconds, answer.redirects_to)


@observation
def health_word(http: Http, path: str, pointer: str) -> str:
    """Read one word of a health answer, whatever its status: `health.live` judges that."""
    return str(_told(http, path, pointer))


@dataclass(frozen=True)
class HealthTime:
    """The time that a health answer tells, and how far it is from ours, before or after."""

    told: str
    seconds_off: float


@observation
def health_time(http: Http, path: str, pointer: str) -> HealthTime:
    """Read the time of a health answer: ISO 8601 with its zone, or a number since 1970."""
    told = _told(http, path, pointer)
    return HealthTime(str(told), abs((datetime.now(UTC) - _instant(told)).total_seconds()))


def _told(http: Http, path: str, pointer: str) -> Any:
    answer = http.get(path, follow=False)
    if answer.redirects_to:
        raise Unknown(f"{path} redirects to {answer.redirects_to}", "state the path that answers itself in the line")
    found = at_pointer(answer.json(), pointer)
    if isinstance(found, dict | list | bool) or found in {None, ""}:
        raise Unknown(f"{path} says nothing at {pointer}", "state another pointer in the line, or mend the answer")
    return found


def _instant(told: Any) -> datetime:
    try:
        if isinstance(told, str):
            found = datetime.fromisoformat(told)
        else:
            found = datetime.fromtimestamp(told / 1000 if told > _MILLISECONDS else told, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unknown(f"{str(told)[:40]!r} is no time", "tell it as 2026-12-01T09:00:00Z") from None
    if found.tzinfo is None:
        raise Unknown(f"{told} has no time zone", "tell it in UTC: 2026-12-01T09:00:00Z")
    return found
