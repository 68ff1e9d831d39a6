"""What the sandbox starts stays for as long as the sandbox, and what goes wrong in it is said."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import cast

import pytest

from readiness.sandbox import Sandbox, SandboxFailed
from readiness.sandbox.control import Control
from readiness.sandbox.faults import FAULTS, Fault
from readiness.sandbox.processes import free_port, start_server
from readiness.sandbox.target import SandboxTarget

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_server_outlives_the_thread_that_asked_for_it() -> None:
    found: list[subprocess.Popen[bytes]] = []
    asking = threading.Thread(target=lambda: found.append(start_server(SLEEPER)))
    asking.start()
    asking.join()
    time.sleep(0.5)  # the system's signal would come at once
    (server,) = found
    assert server.poll() is None
    server.kill()
    server.wait()


def test_a_free_port_is_kept_for_who_names_it() -> None:
    kept = [free_port() for _ in range(20)]
    for _ in range(5_000):
        with socket.socket() as any_port:
            any_port.bind(("127.0.0.1", 0))
            assert any_port.getsockname()[1] not in kept
    for port in kept:
        socket.create_server(("127.0.0.1", port)).close()


class Ours:
    """A target of which nothing is there but what waits for faults."""

    class Monitoring:
        together = staticmethod(nullcontext)

        @staticmethod
        def forget_missed() -> None:
            """Nothing was looked at, so nothing was missed."""

    monitoring = Monitoring()

    def __str__(self) -> str:
        return "ours"


def _refuses(target: SandboxTarget) -> Iterator[None]:
    yield from ()
    raise TimeoutError(f"the disk of {target} is slow today")


def test_a_fault_that_cannot_be_planted_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "refuses", Fault("refuses", "", "", (), {}, _refuses))
    control = Control(cast("SandboxTarget", Ours()))
    sandbox = Sandbox({"SANDBOX_CONTROL_URL": control.web.url, "SANDBOX_CONTROL_TOKEN": control._token})
    why = r"TimeoutError: the disk of ours is slow today"
    said = rf"^PUT /faults\?name=refuses: {why} \(test_processes\.py:\d+ in _refuses\)$"
    with pytest.raises(SandboxFailed, match=said):
        sandbox.keep("refuses")
    control.web.stop()
