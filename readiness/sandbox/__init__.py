"""The sandbox: a real PostgreSQL and a working ingestion service that runs in a process of its own.

with Sandbox.start() as sandbox:
    os.environ.update(sandbox.variables)
    sandbox.launch()
    with sandbox.plant("rls-off"):
        ...
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from readiness.errors import ReadinessError

STOP_SECONDS = 20
ERROR_LINES = 15
PLANT_SECONDS = 120
"""Some faults wait until a server has started anew or has seen enough of them; theirs are the shorter waits."""
PREFIX = "SANDBOX_"
PAPERS = "sandbox"
"""The folder, among an environment's reports, in which stays what the sandbox's people attest and approve."""
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy of the machine cannot see our loopback


_LACKING = re.compile(r"^ModuleNotFoundError: No module named '([\w.]+)'$")


class SandboxFailed(ReadinessError):
    """The sandbox did not start or did not do as told; the message says why."""


class Sandbox:
    """The parent's side of a sandbox that runs in a child process."""

    def __init__(self, variables: Mapping[str, str], process: subprocess.Popen[str] | None = None) -> None:
        self.variables = dict(variables)
        self._process = process

    @classmethod
    def start(cls, *, launched: bool = False, replica: bool = False, papers: Path | None = None) -> Self:
        """Start one and wait until it answers (about two seconds). Raises SandboxFailed.

        What its people attest and approve lies in the folder `papers`, and stays there; None: it goes with the sandbox.
        """
        flags = {"--launched": launched, "--replica": replica, f"--papers={papers and papers.resolve()}": papers}
        arguments = [flag for flag, is_wanted in flags.items() if is_wanted]
        with tempfile.TemporaryFile("w+", prefix="readiness-sandbox-") as errors:
            process = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", __name__, "--piped", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=Path(__file__).parents[2],
                start_new_session=True,  # Ctrl-C is for the run; we stop the sandbox when the run has ended
            )
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                process.communicate()
                errors.seek(0)
                raise SandboxFailed(_why_not_started(errors.read().splitlines()))
        return cls(json.loads(line), process)

    @classmethod
    def attach(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Use one that runs already, by its SANDBOX_* variables; `stop` then leaves it alone."""
        return cls({name: value for name, value in variables.items() if name.startswith(PREFIX)})

    def launch(self) -> None:
        """Launch: INGESTION_ENABLED becomes true, and the launch was six minutes ago."""
        self.variables = self._ask("POST", "/launch")

    def age(self, days: int) -> None:
        """Let so many days pass since the launch."""
        self.variables = self._ask("POST", f"/age/{days}")

    @contextmanager
    def plant(self, *faults: str) -> Iterator[None]:
        """Plant faults by name, and mend them again. Those that wait for something wait together."""
        try:
            self.keep(*faults)
            yield
        finally:
            self._ask("DELETE", f"/faults?{_named(faults)}")

    def keep(self, *faults: str) -> None:
        """Plant faults by name for as long as the sandbox lives."""
        self._ask("PUT", f"/faults?{_named(faults)}")

    def stop(self) -> None:
        """Stop the sandbox, its database included."""
        if self._process is None:
            return
        if self._process.stdin:
            self._process.stdin.close()  # it ends when nobody holds the other end any more
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _ask(self, method: str, path: str) -> Any:
        request = urllib.request.Request(  # noqa: S310  our own loopback address
            self.variables["SANDBOX_CONTROL_URL"] + path,
            method=method,
            headers={"Authorization": f"Bearer {self.variables['SANDBOX_CONTROL_TOKEN']}"},
        )
        try:
            with _DIRECT.open(request, timeout=PLANT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SandboxFailed(error.read().decode("utf-8", "replace")) from None
        except OSError as error:
            raise SandboxFailed(f"the sandbox does not answer: {error}") from None


def _named(faults: Iterable[str]) -> str:
    return urlencode([("name", fault) for fault in faults])


def lacking(package: str) -> str:
    """Return that a package of the sandbox is not installed, and how it is."""
    return f"{package} is missing: pip install 'production-readiness[sandbox]'"


def _why_not_started(errors: list[str]) -> str:
    """Return why it did not start, from what it wrote to its errors: in a line where its packages lack."""
    package = _LACKING.match(errors[-1]) if errors else None
    if package:
        return lacking(package[1])
    return "\n".join(["the sandbox did not start:", *errors[-ERROR_LINES:]])
