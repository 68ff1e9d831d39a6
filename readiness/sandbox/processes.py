"""Servers that the sandbox runs in processes of their own."""

from __future__ import annotations

import ctypes
import signal
import socket
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def free_port() -> int:
    """Find a port that nobody listens on; somebody may before it is taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def with_parent() -> Callable[[], None] | None:
    """Give the `preexec_fn` of a process that must not outlive this one; None where the system knows no such thing."""
    return _die_with_parent if sys.platform == "linux" else None


def _die_with_parent() -> None:
    # After setuid, which would clear it. A kill -9 of this process then takes the server along.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
