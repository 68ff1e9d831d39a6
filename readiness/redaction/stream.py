"""An output stream through which nothing secret passes: the last net, whoever writes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TextIO, cast

from readiness.files.output import LeavableStream
from readiness.redaction.redactor import REDACTOR


class MaskedStream(LeavableStream):
    """A stream that masks what is written to it, and lets its reader leave."""

    def write(self, text: str) -> int:
        """Mask and write."""
        super().write(REDACTOR.text(text))
        return len(text)


@contextlib.contextmanager
def masked_output() -> Iterator[None]:
    """Mask what this process writes to standard output and standard error."""
    stdout, stderr = MaskedStream(sys.stdout), MaskedStream(sys.stderr)
    with contextlib.redirect_stdout(cast("TextIO", stdout)), contextlib.redirect_stderr(cast("TextIO", stderr)):
        yield
