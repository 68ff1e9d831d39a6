"""Servers that the sandbox runs in processes of their own."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

_PR_SET_PDEATHSIG = 1
_STARTER = ThreadPoolExecutor(1, "starts-servers")
"""The thread that starts them: the system ends a server when the *thread* that started it ends, and this one stays."""


def free_port() -> int:
    """Find a port that nobody listens on, and keep it for a minute from whoever asks for any port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = listener.getsockname()
        with socket.create_connection(place):
            listener.accept()[0].close()
            # The side that closes first stays in TIME_WAIT: only who names the port, as a server does, gets it then.
    return int(place[1])


def start_server(arguments: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a server that does not outlive this process, whichever thread asks; options as for `Popen`."""
    return _STARTER.submit(_start, arguments, options).result()


def _start(arguments: Sequence[str], options: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    before = partial(end_with_parent, signal.SIGINT)  # runs after setuid, which would clear it
    return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, preexec_fn=before, **options)  # noqa: PLW1509, S603  one system call before it begins; our own words


def end_with_parent(number: signal.Signals) -> None:
    """Have the system send this process a signal when the thread that started it ends, also by a kill -9."""
    if sys.platform == "linux":  # no other system knows such a thing
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
