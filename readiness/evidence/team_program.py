"""A program of the team's: run without a shell, for a bounded time, and never waited for beyond that."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from readiness.evidence.signing import FILE_VARIABLE, VARIABLE
from readiness.redaction.secret import Secret, is_secret
from readiness.redaction.shown import shown

SECONDS_AT_MOST = 30.0
BYTES_AT_MOST = 64_000_000


class Failed(Exception):
    """It did not start, did not end in time, or ended with an error."""


def run(words: Sequence[str], folder: Path, given: str) -> str:
    """Return what a program prints, given a text on its standard input. Raises Failed."""
    # The key that signs the evidence is none of its business.
    variables = {name: value for name, value in os.environ.items() if name not in {VARIABLE, FILE_VARIABLE}}
    # Files and no pipes: a process that it leaves behind may hold a pipe open for ever.
    with tempfile.TemporaryFile() as entered, tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as told:
        entered.write(given.encode())
        entered.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603  the words of the environment file, which is reviewed
                list(words), cwd=folder, env=variables, stdin=entered, stdout=printed, stderr=told, process_group=0
            )
        except (OSError, ValueError) as error:
            raise Failed(f"{shown(words[0])} does not start: {error}") from None

        code = _ended(process)
        told.seek(0)
        printed.seek(0)
        if code != 0:
            _remember_secrets(variables)
            says = shown(told.read(BYTES_AT_MOST).decode("utf-8", "replace")) or "it says nothing"
            how = f"did not end in {SECONDS_AT_MOST:g} s" if code is None else f"ended with {code}"
            raise Failed(f"{shown(words[0])} {how}: {says}")
        output = printed.read(BYTES_AT_MOST + 1)
    if len(output) > BYTES_AT_MOST:
        raise Failed(f"{shown(words[0])} prints more than {BYTES_AT_MOST:,} bytes")
    return output.decode("utf-8", "replace")


def _remember_secrets(variables: Mapping[str, str]) -> None:
    """Have the secrets masked among the variables that it was given, also those that no environment names."""
    for name, value in variables.items():
        Secret(value, remembered=is_secret(name, value))


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    """Return the exit code of a process; None where it had to be stopped, with all that it started."""
    try:
        return process.wait(SECONDS_AT_MOST)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
