"""What a person can get wrong, one line of message for each.

ReadinessError
├── BadInput          files and options that cannot be used: every problem at once
│   ├── BadRunbook
│   └── BadEnvironment
└── BadRun            a run folder that cannot be read back
    └── NoRun         because nothing of a run is there
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class ReadinessError(Exception):
    """Base of the errors that end in a message, not in a traceback."""


class BadInput(ReadinessError):
    """One or more lines, each with its place, the value and what would be valid."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class BadRunbook(BadInput):
    """A runbook that cannot be used."""


class BadEnvironment(BadInput):
    """An environment that cannot be used."""


class BadRun(ReadinessError):
    """A run folder whose journal is missing or cannot be trusted."""


class NoRun(BadRun):
    """There is no such run, or it died before it wrote anything."""


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `name` was most likely meant to be."""
    matches = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.6)
    return matches[0] if matches else None


def not_one_of(name: str, choices: Iterable[str]) -> str:
    """Format that `name` is not among the choices, and what was probably meant.

    >>> not_one_of("preflihgt", ["smoke", "preflight"])
    "'preflihgt' is not known; did you mean 'preflight'? (known: preflight, smoke)"
    """
    names = sorted(choices)
    listed = ", ".join(names) or "none"
    near = nearest(name, names)
    hint = f"; did you mean {near!r}?" if near else ""
    return f"{name!r} is not known{hint} (known: {listed})"
