"""Programs that are asked: what one prints is the answer. No shell, few variables, an end in time, and nothing stays.

What a program has started is ended with it: all of its group, which it was put into when it began.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from readiness.clients.actions import complaint
from readiness.environment.commands import ByCommand
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.redaction.secret import Secret, is_secret
from readiness.redaction.shown import shown
from readiness.redaction.surroundings import is_in_the_open
from readiness.transport.guard import Guard

COMMAND_SHOWN = 200
ERRORS_AT_MOST = 65_536
PART_BYTES = 65_536
LOOK_SECONDS = 0.01
LAST_WORDS_SECONDS = 2.0


def path_of(word: str) -> str:
    """Return where a program lies, by the PATH of this process; empty where there is none."""
    return shutil.which(word) or ""


def shown_command(words: Sequence[str]) -> str:
    """Return a command line for a person, its program by the path that it has here."""
    return shown(" ".join([path_of(words[0]) or words[0], *words[1:]]), COMMAND_SHOWN)


@dataclass
class _Output:
    """What a program prints, up to a limit; one more byte is kept, so that it is known that there was more."""

    at_most: int
    data: bytearray = field(default_factory=bytearray)
    is_too_long: threading.Event = field(default_factory=threading.Event)

    def read(self, stream: IO[bytes]) -> None:
        """Read until nobody writes any more; what is beyond the limit is read and dropped."""
        with stream, suppress(OSError):
            while part := os.read(stream.fileno(), PART_BYTES):
                self.data += part[: self.at_most + 1 - len(self.data)]
                if len(self.data) > self.at_most:
                    self.is_too_long.set()


class Programs:
    """Runs what an environment names as a source, where the guard lets it."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def output(self, source: ByCommand, what: str) -> str:
        """Return what a program prints that ends by itself with status 0; `what` names the source. Raises Unknown."""
        words = source.command or ()
        path = path_of(words[0])
        if not path:
            raise NotConfigured(f"there is no program {words[0]} on this machine", f"install it, or correct {what}")

        variables = _variables(source.env, what)
        with self._guard.request("command", "RUN", shown_command(words), None, Effect.READ) as entry:
            seconds = self._guard.seconds_for(Effect.READ, source.seconds_at_most)
            status, output, errors = _run([path, *words[1:]], variables, source.bytes_at_most, seconds)
            entry.status = f"exit {status}"
        if status:
            message = complaint(errors.decode("utf-8", "replace"))
            raise Unknown(f"{Path(path).name} ended with status {status}: {message}", "run it by hand to see more")
        try:
            return output.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Unknown(f"{Path(path).name} printed what is not UTF-8 text", "have it print JSON or text") from None


def _variables(names: Sequence[str], what: str) -> dict[str, str]:
    """Return the variables of a program: what it is given by name, and what every program needs. Raises NotConfigured.

    What may be secret among them is masked in all output, whatever its name: a program may print it.
    """
    variables = {"PATH": os.environ.get("PATH", ""), "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    for name in names:
        value = os.environ.get(name)
        if value is None:
            raise NotConfigured(f"the variable {name}, which {what} gives its program, is not set", f"set {name}")
        Secret(value, remembered=is_secret(name, value) or not is_in_the_open(value))
        variables[name] = value
    return variables


def _run(
    words: Sequence[str], variables: Mapping[str, str], bytes_at_most: int, seconds_at_most: float
) -> tuple[int, bytes, bytes]:
    """Return a program's exit status, its output and what it complained of. Raises Unknown where it did not end."""
    name = Path(words[0]).name
    try:
        process = subprocess.Popen(  # noqa: S603  the words of the environment, no shell
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables,
            start_new_session=True,  # a group of its own, which ends as one
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Unknown(f"{name} cannot be run: {reason}", "correct the command") from None

    output, errors = _Output(bytes_at_most), _Output(ERRORS_AT_MOST)
    readers = [
        threading.Thread(target=each.read, args=(stream,), daemon=True)
        for each, stream in ((output, process.stdout), (errors, process.stderr))
    ]
    for reader in readers:
        reader.start()
    try:
        why_ended = _wait(process, output, seconds_at_most)
    finally:
        _end(process)
    for reader in readers:
        reader.join(LAST_WORDS_SECONDS)
    if output.is_too_long.is_set():  # it may come faster than anybody looks
        why_ended = _why_too_long(output)
    if why_ended:
        raise Unknown(f"{name} {why_ended[0]}", why_ended[1])
    if readers[0].is_alive():
        raise Unknown(f"what {name} has started still holds its output", "have it wait for what it starts")
    return process.returncode, bytes(output.data), bytes(errors.data)


def _wait(process: subprocess.Popen[bytes], output: _Output, seconds: float) -> tuple[str, str] | None:
    """Wait for a program's end; return why it must be ended instead, and what to do, where it does not end in time."""
    ends = time.monotonic() + seconds
    # Not reaped yet: as long as its number is taken, the group of that number is its own.
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > ends:
            return f"did not end within {seconds:.3g} s", "run it by hand, or raise seconds_at_most"
        if output.is_too_long.wait(LOOK_SECONDS):
            return _why_too_long(output)
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End all of a program's group: itself, if it still runs, and what it has started."""
    with suppress(ProcessLookupError, PermissionError):  # nobody is left of it
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _why_too_long(output: _Output) -> tuple[str, str]:
    return f"printed more than {output.at_most:,} bytes", "have it print less, or raise bytes_at_most"
