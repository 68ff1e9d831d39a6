"""What the sandbox starts stays for as long as the sandbox, and what goes wrong in it is said."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import cast

import pytest

from readiness.sandbox import Sandbox, SandboxFailed
from readiness.sandbox.control import Control
from readiness.sandbox.faults import FAULTS, Fault
from readiness.sandbox.processes import start_server
from readiness.sandbox.target import Target

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


def _refuses(target: Target) -> Iterator[None]:
    yield from ()
    raise TimeoutError(f"the disk of {target} is slow today")


def test_a_fault_that_cannot_be_planted_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "refuses", Fault("refuses", "", "", (), {}, _refuses))
    control = Control(cast("Target", "ours"))
    sandbox = Sandbox({"SANDBOX_CONTROL_URL": control.web.url, "SANDBOX_CONTROL_TOKEN": control._token})
    said = r"^PUT /faults/refuses: TimeoutError: the disk of ours is slow today \(test_processes\.py:\d+ in _refuses\)$"
    with pytest.raises(SandboxFailed, match=said):
        sandbox.keep("refuses")
    control.web.stop()
