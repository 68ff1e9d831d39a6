"""What the service answers on its health endpoints."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from readiness.clients.controls import Controls
from readiness.environment.schema import Environment
from readiness.environment.schema import Http as HttpSettings
from readiness.measurements import AtLeast, Refusal
from readiness.observations import observation
from readiness.observations.refusals import at_least, given_up_after, refusal, silence
from readiness.outcomes import Late, Refused, Silent, Unknown
from readiness.redaction.shown import shown
from readiness.transport.answer import at_pointer
from readiness.transport.challenges import require_let_through
from readiness.transport.http import Http

_MILLISECONDS = 100_000_000_000
"""A number above it counts milliseconds since 1970: as seconds it would lie in the year 5138."""


@dataclass(frozen=True)
class HealthAnswer:
    """The status, and the seconds from the first byte sent to the last received."""

    status: int | Refusal | AtLeast
    """`AtLeast` where there was none after so long."""
    seconds: float | Refusal | AtLeast
    redirects_to: str = ""
    deadline_seconds: float = HttpSettings().deadline_seconds
    """So long was waited for: the limit of a line that states none. Runs recorded before it was had the usual one."""

    def allowed_seconds(self, stated: float | None) -> float:
        """Return the limit of the time: what the line states, or else how long was waited for."""
        return self.deadline_seconds if stated is None else stated

    def status_for(self, wanted: int) -> int | Refusal | AtLeast:
        """Return the status; one that is not wanted is a no of the target itself, as a refused connection is."""
        if isinstance(self.status, int) and self.status != wanted:
            return Refusal(str(self.status))
        return self.status

    def summary(self, path: str) -> str:
        """Return what the status is of: the path, and where it redirects to."""
        if self.redirects_to:
            return f"status of {path}, which redirects to {self.redirects_to}"
        return f"status of {path}"


@observation(quiet=True)
def health_answer(
    http: Http, environment: Environment, controls: Controls, called_off: threading.Event, path: str
) -> HealthAnswer:
    """Return the answer of a health endpoint itself: the page that a redirect leads to may be one to sign in.

    A service that refuses the connection, or takes it and does not answer in time, has answered by that.
    """
    try:
        answer = http.get(path, follow=False)
    except Refused as refused:
        said = refusal(refused, environment)
        return HealthAnswer(said, said)
    except Late as late:
        waited = at_least(late, environment)
        deadline_seconds = given_up_after(waited, environment.http.deadline_seconds)
        return HealthAnswer(waited, waited, deadline_seconds=deadline_seconds)
    except Silent as silent:
        said = silence(silent, environment, controls, called_off)
        return HealthAnswer(said, said)

    require_let_through(answer)
    deadline_seconds = environment.http.deadline_seconds
    return HealthAnswer(answer.status, answer.seconds, answer.redirects_to, deadline_seconds)


@observation
def health_word(http: Http, path: str, pointer: str) -> str:
    """Return one value of a health answer as text, whatever the status: `health.live` judges that."""
    return str(_value(http, path, pointer))


@dataclass(frozen=True)
class HealthTime:
    """The time of a health answer, and how far it is from ours, before or after."""

    told: str
    seconds_off: float


@observation
def health_time(http: Http, path: str, pointer: str) -> HealthTime:
    """Return the time of a health answer: ISO 8601 with its zone, or a number since 1970."""
    value = _value(http, path, pointer)
    difference = datetime.now(UTC) - _instant(value)
    return HealthTime(str(value), abs(difference.total_seconds()))


def _value(http: Http, path: str, pointer: str) -> Any:
    """Return the text or number at a pointer of a health answer. Raises Unknown."""
    answer = http.get(path, follow=False)
    if answer.redirects_to:
        raise Unknown(f"{path} redirects to {answer.redirects_to}", "state the path that answers itself in the line")

    value = at_pointer(answer.json(), pointer)
    if isinstance(value, dict | list | bool) or value in {None, ""}:
        raise Unknown(f"{path} says nothing at {pointer}", "state another pointer in the line, or mend the answer")
    return value


def _instant(value: Any) -> datetime:
    """Return a text or number as a moment with its zone. Raises Unknown."""
    try:
        if isinstance(value, str):
            instant = datetime.fromisoformat(value)
        else:
            seconds = value / 1000 if value > _MILLISECONDS else value
            instant = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unknown(f"{shown(str(value), 40)!r} is no time", "tell it as 2026-12-01T09:00:00Z") from None

    if instant.tzinfo is None:
        raise Unknown(f"{value} has no time zone", "tell it in UTC: 2026-12-01T09:00:00Z")
    return instant
