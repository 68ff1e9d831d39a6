"""The guard that every client passes: which hosts, which effects, and a record of every request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from readiness.errors import nearest
from readiness.outcomes import Effect, Unknown


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


@dataclass
class Entry:
    """The request under way; who makes it says how it ended."""

    status: str = "no answer"


@dataclass
class Guard:
    """Lets through what the environment and the command line allow."""

    allowed_hosts: Collection[str]
    allowed: Collection[Effect] = (Effect.READ,)
    record: Callable[[Request], None] | None = None
    requests: list[Request] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def request(self, client: str, method: str, target: str, host: str, effect: Effect) -> Iterator[Entry]:
        """Permit, time and record one request. Raises Unknown where it is not permitted."""
        refusal = self._refusal(host, effect)
        entry = Entry()
        at, started = datetime.now(UTC), time.monotonic()
        try:
            if refusal:
                entry.status = f"refused: {refusal.reason}"
                raise refusal
            yield entry
        except Unknown as unknown:
            if entry.status == "no answer":
                entry.status = unknown.reason
            raise
        finally:
            self._keep(Request(client, method, target, entry.status, time.monotonic() - started, effect, at))

    def _refusal(self, host: str, effect: Effect) -> Unknown | None:
        if host not in self.allowed_hosts:
            near = nearest(host, self.allowed_hosts)
            hint = f" (did you mean {near}?)" if near else ""
            return Unknown(f"the host {host or 'without a name'} is not allowed{hint}", "add it to allowed_hosts")
        if effect is not Effect.READ and effect not in self.allowed:
            return Unknown(f"this has the effect {effect}, and only reading is allowed", f"run with --allow {effect}")
        return None

    def _keep(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
            if self.record:
                self.record(request)
