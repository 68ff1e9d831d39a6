"""What is written on a terminal, or into the log of a pipeline: one line, without secrets and without commands."""

from __future__ import annotations

import json
import sys
from typing import Any

from readiness.redaction.redactor import REDACTOR
from readiness.redaction.shown import printable


def line_of(text: str) -> str:
    """Return a text as one line for a terminal: its indentation stays, nothing secret, nothing that is obeyed."""
    return printable(REDACTOR.text(text))


def say(text: str = "") -> None:
    """Print one line, at once. Of a text from outside no part becomes a line of its own."""
    sys.stdout.write(f"{line_of(text)}\n")
    sys.stdout.flush()


def say_json(value: Any) -> None:
    """Print a value for machines, masked before it is JSON: so it stays JSON."""
    sys.stdout.write(f"{json.dumps(REDACTOR.plain(value), indent=2)}\n")
    sys.stdout.flush()
