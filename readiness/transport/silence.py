"""Hosts that take no connection: each is asked a few times, and not forty."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from readiness.outcomes import Silent

TIMES_AT_MOST = 2
"""So often in a row a host may be silent; each time costs a whole deadline."""


@dataclass
class Silences:
    """How often in a row each host and port of a run has been silent."""

    _times: Counter[tuple[str, int]] = field(default_factory=Counter)
    _answered: dict[tuple[str, int], None] = field(default_factory=dict)
    """What has answered a request in this run, in the order in which it first did."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def require_worth_asking(self, host: str, port: int) -> None:
        """Raise Silent where a host has been silent too often."""
        times = self._times[host, port]
        if times >= TIMES_AT_MOST:
            raise Silent(
                f"{host}:{port} was not asked again: it took no connection {times} times before",
                "is it up, and is there a way to it from here? run again then",
                host,
                port,
            )

    def has_been_silent(self, host: str, port: int) -> bool:
        """Check whether a host was silent when it was last asked."""
        return self._times[host, port] > 0

    def was_silent(self, host: str, port: int) -> None:
        """Count one more silence."""
        with self._lock:
            self._times[host, port] += 1

    def answered(self, host: str, port: int) -> None:
        """Forget the silences, and remember that there was an answer."""
        with self._lock:
            self._times.pop((host, port), None)
            self._answered[host, port] = None

    @property
    def answering(self) -> tuple[tuple[str, int], ...]:
        """The hosts and ports that have answered a request in this run."""
        with self._lock:
            return tuple(self._answered)
