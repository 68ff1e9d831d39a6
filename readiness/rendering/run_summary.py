"""A run in short: how it began, how it ended and its figures, without all that it observed.

The chain of its journal is checked whole; what decides a sign-off is read and judged whole by `journal` and `judged`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from readiness.errors import BadRun
from readiness.evidence.journal import FILE, FIRST
from readiness.evidence.records import Finish, Start
from readiness.files import bounded_read, strict_json
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import DecisionKey, Outcome, Phase

GOOD = "good"
_HEAD = 240
"""The bytes of a line in which its number, its digest and its kind stand."""


@dataclass(frozen=True)
class MeasuredFigure:
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
class RunSummary:
    """One run."""

    folder: Path
    start: Start
    finish: Finish | None
    figures: dict[DecisionKey, MeasuredFigure]
    """Of a run after the launch."""
    records: int
    head: str
    """The digest of the last whole line: it stands for all of them."""

    @property
    def whole(self) -> bool:
        """Whether it ended by itself and answered everything that was due."""
        return bool(self.finish and self.finish.ended and not self.finish.counts.get(Outcome.NOT_RUN))

    @property
    def word(self) -> str:
        """The verdict that it recorded."""
        return str(self.finish.verdict) if self.finish else "ended early"

    @property
    def kind(self) -> str:
        """Whether that is good, bad or open."""
        return kind_of(self.finish.exit if self.finish else None)


def kind_of(code: int | None) -> str:
    """Return whether the exit code of a verdict is good, bad or open; None is that of a run without an end."""
    if code == 0:
        return GOOD
    return "bad" if code == 1 else "open"


def read_summary(folder: Path) -> RunSummary:
    """Return the summary of the run in a folder. Raises BadRun where its chain is broken."""
    try:
        content = bounded_read.read_bytes(folder / FILE)
    except OSError as error:
        raise BadRun(f"the journal cannot be read: {error.strerror}") from None

    # What follows the last newline is a record that was cut off.
    whole, _, _ = content.rpartition(b"\n")
    if not whole:
        raise BadRun("the journal is empty: the run died before it began")
    lines = whole.split(b"\n")
    head = _last_digest(lines)

    try:
        # The states of all decisions are left out: they are long, and no summary shows them.
        start = Start.model_validate({**strict_json.parse(lines[0]), "before": None})
        last = strict_json.parse(lines[-1])
        has_ended = last.get("record") == "finish"
        finish = Finish.model_validate({**last, "standing": None}) if has_ended else None
        # Only the figures of runs after the launch become trends.
        figures = dict(_figures(lines)) if start.phase is Phase.POSTLAUNCH else {}
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise BadRun(f"the journal is not of this version: {type(error).__name__}") from None

    return RunSummary(folder, start, finish, figures, len(lines), head)


def _last_digest(lines: list[bytes]) -> str:
    """Return the digest of the last line, having followed the chain from the first. Raises BadRun where it breaks."""
    prev = FIRST
    for number, line in enumerate(lines):
        if not line.startswith(b'{"seq":%d,"prev":"%s",' % (number, prev.encode())):
            raise BadRun(f"line {number + 1} does not follow the line before: one of the two was changed")
        prev = hashlib.sha256(line + b"\n").hexdigest()
    return prev


def _figures(lines: list[bytes]) -> Iterator[tuple[DecisionKey, MeasuredFigure]]:
    """Yield the first number of each decision that measured one."""
    for line in lines:
        # Most records are observations and requests: they are not even parsed.
        if b'"record":"result"' not in line[:_HEAD]:
            continue

        record = strict_json.parse(line)
        figures = (_figure(record["says"], measurement) for measurement in record["measurements"])
        first = next(filter(None, figures), None)
        if first:
            yield DecisionKey(record["line"], record["check"], record.get("subject")), first


def _figure(says: str, measurement: JsonObject) -> MeasuredFigure | None:
    value = number(measurement["value"])
    if value is None:
        return None
    return MeasuredFigure(
        says=says,
        name=measurement["name"],
        value=value,
        comparator=measurement["comparator"],
        limit=number(measurement["limit"]),
        unit=measurement["unit"],
        ok=measurement["ok"],
    )


def number(value: object) -> float | None:
    """Return a value that can be drawn; None for anything else."""
    # True is an int to Python, and no quantity.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
