"""The journal of a run: append-only, one JSON record a line, each with the digest of the line before.

The controller of a run is its only writer. What was written when a run is killed is its evidence.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from readiness.errors import BadRun, NoRun, wrong_value
from readiness.evidence.looks import Key, bind_again, bound, key_of
from readiness.evidence.recorded_deadline import RecordedDeadline
from readiness.evidence.recorded_look import RecordedLook
from readiness.evidence.recorded_request import RecordedRequest
from readiness.evidence.records import Finish, Plan, RecordedObservation, Result, Start
from readiness.files import atomic_write, bounded_read, strict_json
from readiness.files.canonical_json import JsonObject, dumped
from readiness.files.disk_sync import DiskSync
from readiness.outcomes import Effect
from readiness.redaction.redactor import Redactor

FILE = "journal.jsonl"
FIRST = "0" * 64
KINDS = {"start", "plan", "case", "observation", "request", "result", "finish"}
LOOKS = {"case", "observation", "request"}
"""The kinds that lead to a result: they are synced to the disk with it."""
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL
Kind = TypeVar("Kind", bound=BaseModel)
RawRecord = JsonObject
"""A record as JSON has it, before its model has seen it."""


class Journal:
    """Writes the records of one run. Safe to use from several threads."""

    def __init__(self, folder: Path, redactor: Redactor) -> None:
        self.path = folder / FILE
        self._redactor = redactor
        self._lock = threading.Lock()
        self._handle = os.open(self.path, _FLAGS, 0o600)
        self._sync = DiskSync(self._handle)
        self._seq, self._prev, self._open = 0, FIRST, True
        self.recorded: RecordedRun | None = None
        """The run as far as it was written. What can be proven is read back from the disk."""
        self._newest: dict[Key, RecordedObservation] = {}
        """What each look came to last."""
        atomic_write.sync(folder)

    def write(self, record: str, fields: Mapping[str, Any]) -> None:
        """Append one record. Raises OSError, and then takes nothing more.

        A result, and all that led to it, is soon on the disk; with the last record, the whole run is.

        What comes after the last record belongs to no run and is dropped: a look that outlived its run.
        """
        with self._lock:
            if not self._open:
                return
            head: JsonObject = {
                "seq": self._seq,
                "prev": self._prev,
                "at": datetime.now(UTC).isoformat(),
                "record": record,
            }
            plain = head | self._masked(fields)
            line = dumped(plain).encode() + b"\n"

            # A line that was cut off must stay the last: nothing is written until this one is whole.
            self._open = False
            written = os.write(self._handle, line)
            if written != len(line):
                raise OSError(f"only {written} of {len(line)} bytes of the journal could be written")
            if record not in LOOKS:
                self._sync.ask()
            if record == "finish":
                self._sync.finish()

            self._open = record != "finish"
            self._seq += 1
            self._prev = _digest(line)
            self._remember(plain)

    def _masked(self, fields: Mapping[str, Any]) -> JsonObject:
        """Return fields as plain JSON, their secrets masked."""
        return dict(self._redactor.plain(fields) or {})  # type: ignore[arg-type]  # what it makes of a mapping is one

    def _remember(self, record: RawRecord) -> None:
        """Add what was written to the run that is recorded."""
        # A record that does not fit is found when the journal is read back: its problems need nobody here.
        run = _added(self.recorded, self.path.parent, record, problems=[])
        if run:
            run.records = self._seq
            run.head = self._prev
        self.recorded = run
        self._index(run.observations[-1:] if run and record["record"] == "observation" else [])

    def _index(self, observations: Iterable[RecordedObservation]) -> None:
        self._newest.update({key_of(record): record for record in observations if record.has_value})

    def bound(self, looks: Iterable[RecordedLook]) -> tuple[RecordedLook, ...]:
        """Return looks with the digests of their records, as these stand in the journal now."""
        with self._lock:
            return bound(looks, self._newest)

    def mask(self) -> None:
        """Write the journal anew, masking what has become known as secret since, and go on."""
        with self._lock:
            records = [self._masked(json.loads(raw)) for raw in self.path.read_bytes().splitlines()]
            # What is masked has another digest.
            bind_again(records)

            lines = []
            prev = FIRST
            for record in records:
                line = dumped(record | {"prev": prev})
                lines.append(line)
                prev = _digest(line.encode() + b"\n")

            atomic_write.write_whole(self.path, "".join(f"{line}\n" for line in lines))
            # The old handle is that of the file that was replaced.
            self._sync.finish()
            os.close(self._handle)
            self._handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
            self._sync = DiskSync(self._handle)
            self._prev = prev
            self.recorded = read_run(self.path)
            self._newest.clear()
            self._index(self.recorded.observations)

    def close(self) -> None:
        """Close the file; nothing is written any more."""
        with self._lock:
            self._open = False
            try:
                self._sync.finish()
            finally:
                os.close(self._handle)


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


@dataclass
class RecordedRun:
    """A run as it was read from its journal."""

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
        """Return the record of an observation; None where the run did not make it."""
        for record in self.observations:
            if record.name == name and record.arguments == dict(arguments):
                return record
        return None

    @property
    def deadline(self) -> RecordedDeadline | None:
        """How long its looks had together; None where that is not on record."""
        at_the_end = self.finish.deadline if self.finish else None
        return at_the_end or self.start.deadline

    @property
    def holds_until(self) -> str:
        """The instant from which the verdict no longer holds, as ISO 8601; empty where nothing ends it."""
        ends = self.finish.holds_until if self.finish else None
        return ends.isoformat() if ends else ""

    @property
    def died_in(self) -> str | None:
        """The item that had begun and never came to a result."""
        settled = {result.nodeid for result in self.results}
        return next((nodeid for nodeid in reversed(self.cases) if nodeid not in settled), None)


def read_run(folder: Path) -> RecordedRun:
    """Read a run back. Raises BadRun, with every problem, where its journal cannot be trusted.

    A last line that is cut off and a missing last record are no problem: they are how a killed run looks.
    """
    path = folder if folder.is_file() else folder / FILE
    try:
        data = bounded_read.read_bytes(path)
    except OSError as error:
        raise NoRun(f"there is no journal to read: {error.strerror}: {path}") from None

    whole, _, rest = data.rpartition(b"\n")
    lines = whole.split(b"\n") if whole else []

    problems: list[str] = []
    records = list(_records(lines, problems))
    run = _assemble(path.parent, records, problems)
    if problems:
        raise BadRun("\n".join(problems))
    if run is None:
        raise NoRun("the journal is empty: the run died before it began")

    run.torn = bool(rest)
    run.records = len(records)
    run.head = _digest(lines[-1] + b"\n") if lines else FIRST
    return run


def _records(lines: list[bytes], problems: list[str]) -> Iterator[RawRecord]:
    """Yield the record of each line; where a line breaks the chain, or is none, note it."""
    prev = FIRST
    for number, line in enumerate(lines):
        record = _record(number, line, problems)
        if record is not None:
            if record.get("prev") != prev:
                problems.append(f"line {number + 1} does not follow the line before: one of the two was changed")
            if record.get("seq") != number:
                problems.append(f"line {number + 1} carries the number {record.get('seq')}: lines are missing or moved")
            yield record
        prev = _digest(line + b"\n")


def _record(number: int, line: bytes, problems: list[str]) -> RawRecord | None:
    try:
        record = strict_json.parse(line)
    except ValueError as error:
        problems.append(f"line {number + 1} is not JSON as the journal writes it: {error}")
        return None

    if not isinstance(record, dict):
        problems.append(f"line {number + 1} is not a record")
        return None
    return record


def _assemble(folder: Path, records: list[RawRecord], problems: list[str]) -> RecordedRun | None:
    """Return the run that some records make; None where there is none, or the first is no start."""
    if not records:
        return None

    run = _added(None, folder, records[0], problems)
    # Without a start nobody knows what the others are of.
    if run is None:
        return None

    for record in records[1:]:
        _sort_in(run, record, problems)
    return run


def _added(run: RecordedRun | None, folder: Path, record: RawRecord, problems: list[str]) -> RecordedRun | None:
    """Return a run with one record more; the first one makes it."""
    if run:
        _sort_in(run, record, problems)
        return run

    if record.get("record") != "start":
        problems.append("the first record is not a start")
    start = _parsed(Start, record, problems)
    return RecordedRun(folder, start) if start else None


def _sort_in(run: RecordedRun, record: RawRecord, problems: list[str]) -> None:
    """Add a record to its run, by its kind."""
    if run.finish:
        problems.append(f"record {record.get('seq')} stands after the finish")

    kind = record.get("record")
    if kind == "plan":
        if run.plan:
            problems.append("the plan stands twice")
        run.plan = _parsed(Plan, record, problems)
    elif kind == "result":
        _append(run.results, Result, record, problems)
    elif kind == "observation":
        _append(run.observations, RecordedObservation, record, problems)
    elif kind == "request":
        request = _parsed(RecordedRequest, record, problems)
        if request:
            _add_request(run.requests, request)
    elif kind == "case":
        run.cases.append(str(record.get("nodeid")))
    elif kind == "finish":
        run.finish = _parsed(Finish, record, problems)
    else:
        problems.append(
            f"record {record.get('seq')} is of the kind {kind!r}, which is none of {', '.join(sorted(KINDS))}"
        )


def _append(records: list[Kind], model: type[Kind], record: RawRecord, problems: list[str]) -> None:
    parsed = _parsed(model, record, problems)
    if parsed:
        records.append(parsed)


def _add_request(requests: list[RecordedRequest], request: RecordedRequest) -> None:
    """Add a request; how one that writes ended takes the place of the record from before it was sent."""
    if request.effect is not Effect.READ:
        requests[:] = [earlier for earlier in requests if earlier.key != request.key]
    requests.append(request)


def _parsed(model: type[Kind], record: RawRecord, problems: list[str]) -> Kind | None:
    """Return a record as its model; where it does not fit, note why and return None."""
    try:
        return model.model_validate(record)
    except ValidationError as error:
        for detail in error.errors():
            place = ".".join(str(part) for part in detail["loc"])
            problems.append(f"record {record.get('seq')} ({record.get('record')}): {place}: {wrong_value(detail)}")
        return None
