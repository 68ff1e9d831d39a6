"""How a limit may be stated: by the shipped runbooks, which state each that their checks need."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from readiness.runbook.lines import load, locate, shipped


@cache
def _stated() -> dict[tuple[str, str], Any]:
    """Return a value that a shipped line states for each limit of each check."""
    items = (item for name in shipped() for item in load(locate(name, Path())).items())
    return {(item.check, key): value for item in items for key, value in item.limits.items()}


def example_of(check: str, keys: Iterable[str]) -> str:
    """Return how a line states some limits of a check; the empty text where no shipped line states all of them.

    >>> example_of("workers.cron_ran", ["schedule", "minutes_at_most"])
    'workers.cron_ran: {schedule: "0 0 * * *", minutes_at_most: 30}'
    >>> example_of("orders.few_refused", ["share_below"])
    ''
    """
    known = _stated()
    wanted = [(key, known.get((check, key))) for key in keys]
    if any(value is None for _, value in wanted):
        return ""
    # JSON is YAML too: a text with a colon or a star needs its quotes.
    limits = ", ".join(f"{key}: {json.dumps(value)}" for key, value in wanted)
    return f"{check}: {{{limits}}}"
