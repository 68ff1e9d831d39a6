"""A run at a glance: how it began, how it ended and its figures, without all that it looked at.

The chain of its journal is checked whole; what decides a sign-off is read and judged whole by `journal` and `judged`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from readiness.errors import BadRun
from readiness.evidence.journal import FILE, FIRST
from readiness.evidence.records import Finish, Start
from readiness.outcomes import DecisionKey, Outcome, Phase

_HEAD = 240
"""The bytes of a line in which its number, its digest and its kind stand."""


@dataclass(frozen=True)
class Figure:
    """The first number that a decision measured in one run."""

    says: str
    """The sentence of the line."""
    name: str
    value: float
    comparator: str
    limit: float | None
    unit: str
    ok: bool


@dataclass(frozen=True)
class Glance:
    """One run."""

    folder: Path
    start: Start
    finish: Finish | None
    figures: dict[DecisionKey, Figure]
    """Of a look after the launch."""
    records: int
    head: str
    """The digest of the last whole line: it stands for all of them."""

    @property
    def whole(self) -> bool:
        """Tell whether it ended by itself and answered everything that was due."""
        return bool(self.finish and self.finish.ended and not self.finish.counts.get(Outcome.NOT_RUN))

    @property
    def word(self) -> str:
        """Give the verdict that it recorded."""
        return str(self.finish.verdict) if self.finish else "ended early"

    @property
    def kind(self) -> str:
        """Say whether that is good, bad or open."""
        return kind_of(self.finish.exit if self.finish else None)


def kind_of(code: int | None) -> str:
    """Sort an exit code of a verdict."""
    return {0: "good", 1: "bad"}.get(code, "open") if code is not None else "open"


def glance(folder: Path) -> Glance:
    """Read the run in a folder. Raises BadRun where its chain is broken."""
    try:
        whole, _, _ = (folder / FILE).read_bytes().rpartition(b"\n")
    except OSError as error:
        raise BadRun(f"the journal cannot be read: {error.strerror}") from None
    if not whole:
        raise BadRun("the journal is empty: the run died before it began")
    lines = whole.split(b"\n")
    head = _chained(lines)
    try:
        start = Start.model_validate({**json.loads(lines[0]), "before": None})
        last = json.loads(lines[-1])
        ended = last.get("record") == "finish"
        finish = Finish.model_validate({**last, "standing": None}) if ended else None
        figures = dict(_figures(lines)) if start.phase is Phase.POSTLAUNCH else {}  # only those become trends
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise BadRun(f"the journal is not of this version: {type(error).__name__}") from None
    return Glance(folder, start, finish, figures, len(lines), head)


def _chained(lines: list[bytes]) -> str:
    """Follow the digests from line to line; give that of the last. Raises BadRun."""
    prev = FIRST
    for number, line in enumerate(lines):
        if not line.startswith(b'{"seq":%d,"prev":"%s",' % (number, prev.encode())):
            raise BadRun(f"line {number + 1} does not follow the line before: one of the two was changed")
        prev = hashlib.sha256(line + b"\n").hexdigest()
    return prev


def _figures(lines: list[bytes]) -> Iterator[tuple[DecisionKey, Figure]]:
    for line in lines:
        if b'"record":"result"' in line[:_HEAD]:
            record = json.loads(line)
            key = DecisionKey(record["line"], record["check"], record.get("subject"))
            found = next(filter(None, (_figure(record["says"], one) for one in record["measurements"])), None)
            if found:
                yield key, found


def _figure(says: str, one: dict[str, Any]) -> Figure | None:
    value, limit = number(one["value"]), number(one["limit"])
    return (
        Figure(says, one["name"], value, one["comparator"], limit, one["unit"], one["ok"])
        if value is not None
        else None
    )


def number(value: object) -> float | None:
    """Give what can be drawn; None for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
