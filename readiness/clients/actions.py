"""What a drill does to the target or its platform: a command of this machine, or a request."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from readiness.environment.drills import Action
from readiness.outcomes import Effect, Unknown
from readiness.transport.guard import Guard
from readiness.transport.http import Http

LINE_SHOWN = 200


class Actions:
    """Does what the environment names, where writing is allowed."""

    def __init__(self, http: Http, guard: Guard) -> None:
        self._http = http
        self._guard = guard

    def do(self, action: Action) -> str:
        """Do it and tell how it answered. Raises Unknown where it was not done, or where that is not known."""
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
        answer.expect(*action.status)
        return f"status {answer.status}"

    def _run(self, command: tuple[str, ...], seconds: float) -> str:
        name = Path(command[0]).name
        with self._guard.request("command", "RUN", name, None, Effect.WRITE) as entry:
            status, told = run_program(command, name, seconds)
            entry.status = f"exit {status}"
        if status:
            raise Unknown(f"{name} ended with status {status}: {told}", "run it by hand to see more")
        return "exit 0"


def run_program(
    command: Sequence[str], name: str, seconds: float, variables: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a program without a shell; give its status and what it complained of. Raises Unknown."""
    try:
        ran = subprocess.run(  # noqa: S603  the words of the environment, or of ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=variables,
            timeout=seconds,
            check=False,
            start_new_session=True,  # Ctrl-C is for the drill, which puts things back
        )
    except OSError as error:
        raise Unknown(f"{name} cannot be run: {error.strerror}", "correct the command") from None
    except subprocess.TimeoutExpired:
        raise Unknown(f"{name} did not end within {seconds:g} s", "run it by hand, or raise seconds_at_most") from None
    return ran.returncode, complaint(ran.stderr)


def complaint(text: str) -> str:
    """Give the line that says what is wrong: the first that speaks of an error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (telling or lines[-1:] or ["it said nothing"])[0][:LINE_SHOWN]
