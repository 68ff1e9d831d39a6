"""Whether a host takes connections: what tells a late answer from silence."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from readiness.outcomes import Effect, Refused
from readiness.transport.deadline import Deadline, DeadlinePassed, Wire, within
from readiness.transport.guard import Guard

CONNECT_SECONDS = 2.0
"""A host that is there takes a connection at once, and refuses one as quickly."""


class NoSlots(Refused):
    """All connections that a database or its pooler takes are in use."""


@dataclass
class Attempt:
    """How far a request came, noted by the thread that sends it."""

    started: float = 0.0
    """By the monotonic clock: when the request began. Waiting for a place of our own comes before it."""
    connecting_since: float | None = None
    """None also once the other side has taken the connection, whatever became of TLS on it."""
    is_connected: bool = False
    """The other side took the connection; with https it has shown its certificate besides."""


def is_there(guard: Guard, client: str, host: str, port: int) -> bool:
    """Check whether a host takes or refuses a connection just now: either is an answer, and there is a way to it."""
    with guard.request(client, "CONNECT", f"{host}:{port}", host, Effect.READ) as entry:
        try:
            within(Deadline.after(CONNECT_SECONDS), lambda wire: _connect(wire, host, port))
        except ConnectionRefusedError:
            entry.status = "connection refused"
            return True
        except (DeadlinePassed, OSError):
            guard.silences.was_silent(host, port)
            return False
        entry.status = "connected"
    return True


def _connect(wire: Wire, host: str, port: int) -> None:
    with socket.create_connection((host, port), CONNECT_SECONDS) as connection:
        wire.hold(connection.fileno())
