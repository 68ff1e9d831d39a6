"""Output whose reader may leave: `readiness plan | head -1`. What is under way goes on to its end and its exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast


class LeavableStream:
    """A stream that, once nobody reads it any more, takes what is written and keeps nothing."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, as long as somebody reads."""
        try:
            self._stream.write(text)
        except BrokenPipeError:
            self._let_go()
        return len(text)

    def flush(self) -> None:
        """Flush, as long as somebody reads."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._let_go()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _let_go(self) -> None:
        """Point the stream's descriptor nowhere, so that what it still holds raises nothing when Python ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        self._stream.flush()


@contextlib.contextmanager
def leavable_output() -> Iterator[None]:
    """Let the reader of standard output and standard error leave."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", LeavableStream(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before
