"""Output whose reader may leave: `readiness plan | head -1`. What is under way goes on to its end and its exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast


class LeavableStream:
    """A stream that, once nobody reads it any more, takes what is written and keeps nothing."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, as long as somebody reads. Raises OSError for a full disk."""
        with self._leaving():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, as long as somebody reads. Raises OSError for a full disk."""
        with self._leaving():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _leaving(self) -> Iterator[None]:
        """Let go of what takes nothing any more; that a reader has left is no error, that a disk is full is one."""
        try:
            yield
        except BrokenPipeError:
            self._let_go()
        except OSError:
            self._let_go()
            raise

    def _let_go(self) -> None:
        """Point the stream's descriptor nowhere, so that what it still holds raises nothing when Python ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        self._stream.flush()


STANDARD = ("stdin", "stdout", "stderr")
"""The standard streams, by the numbers of their descriptors."""


def reopen_closed() -> None:
    """Point the standard streams nowhere that were closed before the start (`>&-`), for this process and its children.

    The next file that is opened would take the number of a closed one, and what a child prints would go into it.
    """
    for number in range(len(STANDARD)):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)  # which is its number already
            os.set_inheritable(number, True)
    # Python has no stream where there was no descriptor when it began.
    for name in STANDARD:
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  it stays to the end


@contextlib.contextmanager
def leavable_output() -> Iterator[None]:
    """Let the reader of standard output and standard error leave. Raises OSError for a full disk."""
    before = sys.stdout, sys.stderr
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.ExitStack() as ending:
        streams = (LeavableStream(stream or nowhere) for stream in before)
        sys.stdout, sys.stderr = (cast("TextIO", stream) for stream in streams)
        # The last first, and each of them, whatever the one before has raised.
        ending.callback(_give_back, *before)
        ending.callback(sys.stderr.flush)
        ending.callback(sys.stdout.flush)
        yield


def _give_back(stdout: TextIO, stderr: TextIO) -> None:
    sys.stdout, sys.stderr = stdout, stderr
