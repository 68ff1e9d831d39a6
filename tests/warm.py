"""Whole runs, each in a process of its own that is forked from a warm interpreter: as `python -m` runs them, but cheap.

`run` is forked and `run_cold` is a true process; both take and give the same, and test_warm compares them. What is
about starting, dying or not importing stays a true process.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SERVER = Path(__file__).with_name("warm_server.py")
NEVER_SECONDS = 600.0
"""How long a run may take before it is held for hung: far longer than any takes on a busy machine."""
Ran = subprocess.CompletedProcess[str]


def run(
    module: str,
    *words: str,
    folder: Path = ROOT,
    variables: Mapping[str, str] | None = None,
    seconds: float = NEVER_SECONDS,
) -> Ran:
    """Run `python -m module words` in a fork of the warm interpreter. Raises TimeoutExpired when it hangs."""
    return here().run(module, words, folder, os.environ if variables is None else variables, seconds)


def run_cold(
    module: str,
    *words: str,
    folder: Path = ROOT,
    variables: Mapping[str, str] | None = None,
    seconds: float = NEVER_SECONDS,
) -> Ran:
    """Run the same as a process from its start."""
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=folder,
        env=os.environ if variables is None else variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def here() -> Warm:
    """Return the server of this process; it is started when it is first asked for."""
    return _servers.here()


def cpu_seconds() -> float:
    """Return the processor time that the forked runs of this process have taken so far."""
    return _servers.cpu_seconds


class Warm:
    """This side of the server: one run at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,  # Ctrl-C is for the tests; the server ends when they have
        )
        if not self._answer().get("ready"):
            raise RuntimeError("the warm interpreter did not start")

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    def tell(self) -> dict[str, Any]:
        """Return what the server says of itself."""
        with self._lock:
            self._ask({"tell": True})
            return self._answer()

    def run(
        self, module: str, words: tuple[str, ...], folder: Path, variables: Mapping[str, str], seconds: float
    ) -> Ran:
        """Have one run forked, and wait for its end."""
        with self._lock, tempfile.TemporaryDirectory(prefix="readiness-ran-") as kept:
            out, err = Path(kept, "stdout"), Path(kept, "stderr")
            out.touch()
            err.touch()
            job = {"module": module, "words": words, "folder": str(folder.resolve()), "variables": dict(variables)}
            self._ask({**job, "stdout": str(out), "stderr": str(err)})
            begun = self._answer()
            if "refused" in begun:
                raise RuntimeError(f"the warm interpreter is not as new: {begun['refused']}")
            hung = threading.Event()
            kill = threading.Timer(seconds, _kill, (begun["pid"], hung))
            kill.start()
            ended = self._answer()
            kill.cancel()
            told = {"output": out.read_text("utf-8", "replace"), "stderr": err.read_text("utf-8", "replace")}
        command = [module, *words]
        if hung.is_set():
            raise subprocess.TimeoutExpired(command, seconds, **told)
        _servers.cpu_seconds += ended["cpu_seconds"]
        return subprocess.CompletedProcess(command, ended["status"], told["output"], told["stderr"])

    def close(self) -> None:
        """End the server."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, what: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the warm interpreter ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _kill(pid: int, hung: threading.Event) -> None:
    hung.set()
    os.killpg(pid, signal.SIGKILL)


@dataclass
class _Servers:
    """The one server of this process, started when it is first needed."""

    started: Warm | None = None
    cpu_seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def here(self) -> Warm:
        with self.lock:
            if self.started is None:
                self.started = Warm()
                atexit.register(self.started.close)
            return self.started


_servers = _Servers()
