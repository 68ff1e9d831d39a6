"""The journal of a run: append-only, one JSON record a line, each with the digest of the line before.

The controller of a run is its only writer. What is on the disk when a run is killed is its evidence.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from readiness.errors import BadRun
from readiness.evidence.records import Finish, Plan, Record, RecordedObservation, RecordedRequest, Result, Start
from readiness.files import atomic_write
from readiness.files.canonical_json import from_json, to_json
from readiness.outcomes import Effect
from readiness.redaction.redactor import Redactor

FILE = "journal.jsonl"
FIRST = "0" * 64
KINDS = {"start", "plan", "case", "observation", "request", "result", "finish"}
LOOKS = {"case", "observation", "request"}
"""What leads to a result is brought to the disk with it; a killed process loses none of it either way."""
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL
Kind = TypeVar("Kind", bound=Record)


class Journal:
    """Writes records. Safe to use from several threads."""

    def __init__(self, folder: Path, redactor: Redactor) -> None:
        self.path = folder / FILE
        self._redactor = redactor
        self._lock = threading.Lock()
        self._handle = os.open(self.path, _FLAGS, 0o600)
        self._seq, self._prev, self._open = 0, FIRST, True
        self.recorded: RecordedRun | None = None
        """The run as the journal tells it so far. What can be proven is read back from the disk."""
        atomic_write.sync(folder)

    def write(self, record: str, fields: Mapping[str, Any]) -> None:
        """Append one record. Raises OSError, and then takes nothing more.

        A result, and all that led to it, is on the disk when this returns.

        What comes after the last record belongs to no run and is dropped: a look that outlived its run.
        """
        with self._lock:
            if not self._open:
                return
            head = {"seq": self._seq, "prev": self._prev, "at": datetime.now(UTC).isoformat(), "record": record}
            line = to_json(head | dict(self._redactor.plain(fields) or {})).encode() + b"\n"  # type: ignore[arg-type]
            self._open = False  # a line that was cut off must stay the last
            written = os.write(self._handle, line)
            if written != len(line):
                raise OSError(f"only {written} of {len(line)} bytes of the journal could be written")
            if record not in LOOKS:
                os.fsync(self._handle)
            self._open = record != "finish"
            self._seq, self._prev = self._seq + 1, _digest(line)
            self._remember(line)

    def _remember(self, line: bytes) -> None:
        """Add a line to the run that is recorded; one that does not fit is found when the journal is read back."""
        problems: list[str] = []
        run = _added(self.recorded, self.path.parent, from_json(line), problems)
        if run:
            run.records, run.head = self._seq, self._prev
        self.recorded = run

    def mask(self) -> None:
        """Write the journal anew with what has become known as secret since, and go on."""
        with self._lock:
            lines, prev = [], FIRST
            for raw in self.path.read_bytes().splitlines():
                record = dict(self._redactor.plain(json.loads(raw)) or {})  # type: ignore[arg-type]
                line = to_json(record | {"prev": prev})
                lines.append(line)
                prev = _digest(line.encode() + b"\n")
            atomic_write.write_whole(self.path, "".join(f"{line}\n" for line in lines))
            os.close(self._handle)
            self._handle, self._prev = os.open(self.path, os.O_WRONLY | os.O_APPEND), prev
            self.recorded = read_run(self.path)

    def close(self) -> None:
        """Take nothing more."""
        with self._lock:
            self._open = False
            os.close(self._handle)


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


@dataclass
class RecordedRun:
    """A run as its journal tells it."""

    folder: Path
    start: Start
    plan: Plan | None = None
    observations: list[RecordedObservation] = field(default_factory=list)
    requests: list[RecordedRequest] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    finish: Finish | None = None
    torn: bool = False
    """The last line is cut off: the process died while it wrote."""
    records: int = 0
    head: str = FIRST
    """The digest of the last whole line."""

    def observation(self, name: str, arguments: Mapping[str, Any]) -> RecordedObservation | None:
        """Return what an observation found, or None where the run did not make it."""
        for record in self.observations:
            if record.name == name and record.arguments == dict(arguments):
                return record
        return None

    @property
    def died_in(self) -> str | None:
        """Name the item that had begun and never came to a result."""
        settled = {result.nodeid for result in self.results}
        return next((nodeid for nodeid in reversed(self.cases) if nodeid not in settled), None)


def read_run(folder: Path) -> RecordedRun:
    """Read a run back. Raises BadRun, with every problem, where its journal cannot be trusted.

    A last line that is cut off and a missing last record are no problem: they are how a killed run looks.
    """
    path = folder if folder.is_file() else folder / FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadRun(f"there is no journal to read: {error.strerror}: {path}") from None
    problems: list[str] = []
    whole, _, rest = data.rpartition(b"\n")
    lines = whole.split(b"\n") if whole else []
    records = list(_records(lines, problems))
    run = _assemble(path.parent, records, problems)
    if problems or run is None:
        raise BadRun("\n".join(problems or ["the journal is empty: the run died before it began"]))
    run.torn, run.records = bool(rest), len(records)
    run.head = _digest(lines[-1] + b"\n") if lines else FIRST
    return run


def _records(lines: list[bytes], problems: list[str]) -> Iterator[dict[str, Any]]:
    """Give each record whose line keeps the chain, and tell what does not."""
    prev = FIRST
    for number, line in enumerate(lines):
        try:
            record = from_json(line)
        except ValueError as error:
            problems.append(f"line {number + 1} is not JSON as the journal writes it: {error}")
            record = None
        else:
            if not isinstance(record, dict):
                problems.append(f"line {number + 1} is not a record")
        if isinstance(record, dict):
            if record.get("prev") != prev:
                problems.append(f"line {number + 1} does not follow the line before: one of the two was changed")
            if record.get("seq") != number:
                problems.append(f"line {number + 1} carries the number {record.get('seq')}: lines are missing or moved")
            yield record
        prev = _digest(line + b"\n")


def _assemble(folder: Path, records: list[dict[str, Any]], problems: list[str]) -> RecordedRun | None:
    run = _added(None, folder, records[0], problems) if records else None
    if run:
        for record in records[1:]:
            _added(run, folder, record, problems)
    return run


def _added(run: RecordedRun | None, folder: Path, record: dict[str, Any], problems: list[str]) -> RecordedRun | None:
    """Return a run with one record more; the first one makes it."""
    if run:
        _sort_in(run, record, problems)
        return run
    if record.get("record") != "start":
        problems.append("the first record is not a start")
    start = _parsed(Start, record, problems)
    return RecordedRun(folder, start) if start else None


def _sort_in(run: RecordedRun, record: dict[str, Any], problems: list[str]) -> None:
    kind = record.get("record")
    if run.finish:
        problems.append(f"record {record.get('seq')} stands after the finish")
    if kind == "plan":
        if run.plan:
            problems.append("the plan stands twice")
        run.plan = _parsed(Plan, record, problems)
    elif kind == "result":
        result = _parsed(Result, record, problems)
        run.results += [result] if result else []
    elif kind == "observation":
        observation = _parsed(RecordedObservation, record, problems)
        run.observations += [observation] if observation else []
    elif kind == "request":
        request = _parsed(RecordedRequest, record, problems)
        if request:
            _add(run.requests, request)
    elif kind == "case":
        run.cases.append(str(record.get("nodeid")))
    elif kind == "finish":
        run.finish = _parsed(Finish, record, problems)
    else:
        problems.append(
            f"record {record.get('seq')} is of the kind {kind!r}, which is none of {', '.join(sorted(KINDS))}"
        )


def _add(requests: list[RecordedRequest], request: RecordedRequest) -> None:
    """Add a request; how one that writes ended takes the place of the record from before it was sent."""
    if request.effect is not Effect.READ:
        requests[:] = [earlier for earlier in requests if earlier.key != request.key]
    requests.append(request)


def _parsed(model: type[Kind], record: dict[str, Any], problems: list[str]) -> Kind | None:
    try:
        return model.model_validate(record)
    except ValidationError as error:
        for found in error.errors():
            place = ".".join(str(part) for part in found["loc"])
            problems.append(f"record {record.get('seq')} ({record.get('record')}): {place}: {found['msg']}")
        return None
