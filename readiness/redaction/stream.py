"""An output stream through which nothing secret passes: the last net, whoever writes."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
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


def mask_prints(at_the_end: Callable[[Callable[[], None]], object]) -> None:
    """Mask what this process prints from now on, until what is handed to `at_the_end` is called.

    Pytest catches what a test prints, and nothing of what a thread prints between the tests.
    """
    before = sys.stdout, sys.stderr

    def give_back() -> None:
        sys.stdout, sys.stderr = before

    sys.stdout, sys.stderr = (cast("TextIO", MaskedStream(stream)) for stream in before)
    at_the_end(give_back)


class MaskingFilter(logging.Filter):
    """Masks what is logged, the traceback too."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask a record, and let it pass."""
        record.msg, record.args = REDACTOR.text(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = REDACTOR.text(record.exc_text)
        return True


def mask_all_output() -> None:
    """Mask what this process prints and logs from now on, whoever does it."""
    # Once: a worker is told to begin several times.
    if not isinstance(sys.stdout, MaskedStream):
        sys.stdout = cast("TextIO", MaskedStream(sys.stdout))
        sys.stderr = cast("TextIO", MaskedStream(sys.stderr))

    loggers = [logging.getLogger(), *map(logging.getLogger, logging.Logger.manager.loggerDict)]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        if not any(isinstance(each, MaskingFilter) for each in handler.filters):
            handler.addFilter(MaskingFilter())
