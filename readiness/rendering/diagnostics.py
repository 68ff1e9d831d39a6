"""What was attached to lines that are not well, as every report shows it: each diagnostic once, with its lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from readiness.measurements import show
from readiness.outcomes import Outcome

ROWS_AT_MOST = 10
Attachment = tuple[str, Outcome, Mapping[str, Any]]
"""A line, its outcome, and what is attached to it: diagnostic → value."""


@dataclass(frozen=True)
class Attached:
    """One diagnostic."""

    name: str
    lines: tuple[str, ...]
    rows: tuple[str, ...]

    @property
    def title(self) -> str:
        """Return its name, and whom it concerns."""
        return f"diagnostic {self.name} ({', '.join(self.lines)})"


def attached(attachments: Iterable[Attachment]) -> Iterator[Attached]:
    """Yield the diagnostics of the lines that did not pass; lines with the same value share one."""
    values: dict[tuple[str, str], Any] = {}
    lines: dict[tuple[str, str], dict[str, None]] = {}
    for line, outcome, diagnostics in attachments:
        if outcome is Outcome.PASS:
            continue
        for name, value in (diagnostics or {}).items():
            key = (name, json.dumps(value, sort_keys=True, default=str))
            values.setdefault(key, value)
            lines.setdefault(key, {})[line] = None

    for key, value in values.items():
        name, _ = key
        yield Attached(name, tuple(lines[key]), tuple(rows(value)))


def rows(value: Any) -> Iterator[str]:
    """Yield a diagnostic as text, row by row."""
    if isinstance(value, dict) and "unknown" in value:
        remedy = value.get("remedy")
        yield f"unknown: {value['unknown']}" + (f"; {remedy}" if remedy else "")
        return

    every = value if isinstance(value, list) else [value]
    if not every:
        yield "no rows"
    yield from (show(row) for row in every[:ROWS_AT_MOST])
    if len(every) > ROWS_AT_MOST:
        yield f"and {len(every) - ROWS_AT_MOST} more in the journal"
