"""The guard that every client passes: which hosts, which effects, and a record of every request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from readiness.errors import nearest
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Effect, Unknown
from readiness.provenance import Asked, Provenance, note
from readiness.transport.database_tls import DatabaseTls
from readiness.transport.silence import Silences

_UNDER_WAY = "no answer"
"""Also what is recorded of a request before it is sent."""
HERE = "this machine"


class HostNotAllowed(Unknown):
    """Nothing is sent to this host."""


@dataclass(frozen=True)
class Request:
    """One thing that was sent, or refused before it was sent."""

    client: str
    method: str
    target: str
    """Where it went, without anything secret."""
    status: str
    seconds: float
    effect: Effect
    at: datetime

    def record(self) -> JsonObject:
        """Return it as plain JSON: the journal's record `request`."""
        return {
            "client": self.client,
            "method": self.method,
            "target": self.target,
            "status": self.status,
            "seconds": round(self.seconds, 4),
            "effect": str(self.effect),
            "at": self.at.isoformat(),
        }


@dataclass
class GuardedRequest:
    """The request under way; the client that sends it sets its status."""

    came_from: Provenance
    """How a value is come by that it brings; a client may know more of it in the end."""
    status: str = _UNDER_WAY


@dataclass
class Guard:
    """Lets through what the environment and the command line allow.

    >>> guard = Guard(allowed_hosts=["shop.example.com"])
    >>> with guard.request("http", "GET", "/health", "shop.example.com", Effect.READ) as entry:
    ...     entry.status = "200"
    >>> with guard.request("http", "POST", "/orders", "shop.example.com", Effect.WRITE):
    ...     raise AssertionError("never sent")
    Traceback (most recent call last):
    readiness.outcomes.Unknown: this has the effect write, which is not allowed here (run with --allow write)
    >>> [(request.method, request.status) for request in guard.requests]
    [('GET', '200'), ('POST', 'refused: this has the effect write, which is not allowed here')]
    """

    allowed_hosts: Collection[str]
    allowed: Collection[Effect] = (Effect.READ,)
    record: Callable[[Request], None] | None = None
    """Takes each request when it ends, and one that does more than read also before it is sent, in its own thread:
    whatever becomes of this process, there is a record of what it did to the other side."""
    requests: list[Request] = field(default_factory=list)
    """What was sent or refused, in the order in which it ended."""
    database_tls: DatabaseTls = field(default_factory=DatabaseTls)
    """How the databases are trusted."""
    silences: Silences = field(default_factory=Silences)
    """Which hosts have taken no connection."""
    ends_at: float | None = None
    """When a look must be back, by the monotonic clock; what is asked after that undoes something, and has its time."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def seconds_for(self, effect: Effect, at_most: float) -> float:
        """Return how long a request may take: one that only reads is cut when the run's looks end, and is told so."""
        if effect is not Effect.READ or self.ends_at is None:
            return at_most
        left = self.ends_at - time.monotonic()
        return min(at_most, left) if left > 0 else at_most

    def permit(self, client: str, method: str, target: str, host: str | None, effect: Effect) -> None:
        """Raise Unknown where this may not be sent, and record the refusal. `host` None is this machine itself."""
        refusal = self._refusal(host, effect)
        if refusal is None:
            return

        status = f"refused: {refusal.reason}"
        self._add(Request(client, method, target, status, 0.0, effect, datetime.now(UTC)))
        raise refusal

    @contextmanager
    def request(
        self,
        client: str,
        method: str,
        target: str,
        host: str | None,
        effect: Effect,
        came_from: Provenance | None = None,
    ) -> Iterator[GuardedRequest]:
        """Permit, time and record one request. Raises Unknown where it is not permitted.

        What it brings rests on `came_from`; None is the client that asks, by the target.
        """
        self.permit(client, method, target, host, effect)
        entry = GuardedRequest(came_from or Asked(client, host or HERE, f"{method} {target}"))
        at = datetime.now(UTC)
        started = time.monotonic()

        # Before it is sent: a process that dies over it leaves a record of what it did to the other side.
        if effect is not Effect.READ and self.record:
            self.record(Request(client, method, target, entry.status, 0.0, effect, at))

        try:
            yield entry
        except Unknown as unknown:
            if entry.status == _UNDER_WAY:
                entry.status = unknown.reason
            raise
        finally:
            seconds = time.monotonic() - started
            self._add(Request(client, method, target, entry.status, seconds, effect, at))
            note(entry.came_from)

    def _refusal(self, host: str | None, effect: Effect) -> Unknown | None:
        hosts = {allowed.lower() for allowed in self.allowed_hosts}
        if host is not None and host.lower() not in hosts:
            near = nearest(host, self.allowed_hosts)
            hint = f" (did you mean {near}?)" if near else ""
            return HostNotAllowed(
                f"the host {host or 'without a name'} is not allowed{hint}",
                "add it to allowed_hosts in the environment file, if it is ours",
            )

        if effect is not Effect.READ and effect not in self.allowed:
            return Unknown(f"this has the effect {effect}, which is not allowed here", f"run with --allow {effect}")
        return None

    def _add(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
            if self.record:
                self.record(request)
