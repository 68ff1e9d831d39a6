"""What a drill does to the target or its platform: a command of this machine, or a request."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from readiness.environment.drills import Action
from readiness.outcomes import Effect, Unknown
from readiness.redaction.shown import shown
from readiness.transport.guard import Guard
from readiness.transport.http import Http

LINE_SHOWN = 200
KEPT_BYTES = 65_536
"""Of the beginning and of the end of what a program complains of, each."""
LAST_WORDS_SECONDS = 2.0


class Actions:
    """Does what the environment names, where writing is allowed."""

    def __init__(self, http: Http, guard: Guard) -> None:
        self._http = http
        self._guard = guard

    def do(self, action: Action) -> str:
        """Do an action and return how it ended. Raises Unknown where it was not done, or where that is not known."""
        if action.command:
            return self._run(action.command, action.seconds_at_most)

        answer = self._http.send(
            action.method,
            action.http or "/",
            effect=Effect.WRITE,
            token=action.token,
            headers=action.headers,
            json=action.body,
        )
        answer.expect(*action.status, asked=f"the action's {action.method}")
        return f"status {answer.status}"

    def _run(self, command: tuple[str, ...], seconds: float) -> str:
        name = Path(command[0]).name
        with self._guard.request("command", "RUN", name, None, Effect.WRITE) as entry:
            status, message = run_program(command, name, seconds)
            entry.status = f"exit {status}"
        if status:
            raise Unknown(f"{name} ended with status {status}: {message}", "run it by hand to see more")
        return "exit 0"


@dataclass
class _Errors:
    """What a program complains of: the beginning and the end, however much comes between them."""

    beginning: bytes = b""
    end: bytes = b""

    def read(self, stream: IO[bytes]) -> None:
        """Read until nobody writes any more: a program whose complaints nobody reads would stand still."""
        with stream, suppress(OSError):
            while part := os.read(stream.fileno(), KEPT_BYTES):
                room = KEPT_BYTES - len(self.beginning)
                self.beginning += part[:room]
                self.end = (self.end + part[room:])[-KEPT_BYTES:]

    def text(self) -> str:
        """Return what was kept."""
        return b"\n".join(filter(None, (self.beginning, self.end))).decode("utf-8", "replace")


def run_program(
    command: Sequence[str], name: str, seconds: float, variables: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a program without a shell, and return its exit status and its error message. Raises Unknown."""
    try:
        process = subprocess.Popen(  # noqa: S603  the words of the environment, or of ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=variables,
            start_new_session=True,  # Ctrl-C is for the drill, which puts things back
        )
    except OSError as error:
        raise Unknown(f"{name} cannot be run: {error.strerror}", "correct the command") from None

    errors = _Errors()
    reading = threading.Thread(target=errors.read, args=(process.stderr,), daemon=True)
    reading.start()
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise Unknown(f"{name} did not end within {seconds:g} s", "run it by hand, or raise seconds_at_most") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    # What it has started may hold the other end, and go on.
    reading.join(LAST_WORDS_SECONDS)
    return status, complaint(errors.text())


def complaint(text: str) -> str:
    """Return the line of a program's output that says what is wrong: the first with an error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "it said nothing"

    for line in lines:
        if "error" in line.lower() or "fatal" in line.lower():
            return shown(line, LINE_SHOWN)
    return shown(lines[-1], LINE_SHOWN)
