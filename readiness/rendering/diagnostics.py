"""What was attached to lines that are not well, as every report shows it: each diagnostic once, with its lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from readiness.measurements import show
from readiness.outcomes import Outcome

ROWS_AT_MOST = 10
Attaching = tuple[str, Outcome, Mapping[str, Any]]
"""A line, its outcome, and what is attached to it."""


@dataclass(frozen=True)
class Attached:
    """One diagnostic."""

    name: str
    lines: tuple[str, ...]
    rows: tuple[str, ...]

    @property
    def title(self) -> str:
        """Name it, and whom it concerns."""
        return f"diagnostic {self.name} ({', '.join(self.lines)})"


def attached(found: Iterable[Attaching]) -> Iterator[Attached]:
    """Give what was found for the lines that did not pass; lines that saw the same share it."""
    groups: dict[tuple[str, str], tuple[Any, dict[str, None]]] = {}
    for line, outcome, diagnostics in found:
        for name, value in (diagnostics or {}).items() if outcome is not Outcome.PASS else ():
            key = (name, json.dumps(value, sort_keys=True, default=str))
            groups.setdefault(key, (value, {}))[1][line] = None
    for (name, _), (value, lines) in groups.items():
        yield Attached(name, tuple(lines), tuple(rows(value)))


def rows(value: Any) -> Iterator[str]:
    """Write a diagnostic, a text for each row."""
    if isinstance(value, dict) and "unknown" in value:
        remedy = value.get("remedy")
        yield f"unknown: {value['unknown']}" + (f"; {remedy}" if remedy else "")
        return
    every = value if isinstance(value, list) else [value]
    yield from (show(row) for row in every[:ROWS_AT_MOST])
    if not every:
        yield "no rows"
    if len(every) > ROWS_AT_MOST:
        yield f"and {len(every) - ROWS_AT_MOST} more in the journal"
