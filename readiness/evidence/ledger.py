"""The ledger of an environment: an entry when a run opens and one when it is sealed, each with the digest of the last.

A line of `reports/<env>/ledger.jsonl` is a DSSE envelope around an in-toto Statement. Who has no key leaves entries
without a signature: they are no evidence, and nobody can hide that the run took place.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from readiness.errors import BadRun
from readiness.evidence.key_standing import with_key_rules
from readiness.evidence.ledger_lines import parsed
from readiness.evidence.ledger_reading import FIRST, LedgerLine, LedgerReading, LedgerRecord
from readiness.evidence.lost_history import traces
from readiness.evidence.sealed_folder import file_digest, files_of
from readiness.evidence.signing import PublicKey, Signer, signer_of
from readiness.evidence.statements import (
    KINDS,
    STATEMENT,
    Tear,
    What,
    enveloped,
)
from readiness.evidence.torn_lines import hold_to_mends, is_torn, tear_of
from readiness.files import atomic_write, bounded_read
from readiness.files.canonical_json import JsonObject, to_json
from readiness.redaction.redactor import REDACTOR, Hit, scan, scan_file

FILE = "ledger.jsonl"
ASKED = "asked-"
"""Before the id of what a gate asked for: the name of such an entry."""
MENDED = "mended-"
"""Before the number of torn entries that it seals: the name of such an entry."""
PAGE = "sign-off.html"
"""The page that approvers sign. It may be rendered often: the newest entry counts."""


BESIDE_AT_MOST = 20
"""So many older runs are named in a ledger that is begun anew."""
BYTES_AT_MOST = 1_000_000_000
"""A run an hour makes some sixty million a year."""


class NotSealed(BadRun):
    """What is to be sealed holds a secret."""


class Ledger:
    """Writes the ledger of one environment. Several processes may do so at once."""

    def __init__(self, home: Path, signer: Signer | None) -> None:
        self._home, self._signer = home, signer
        self.path = home / FILE

    def open(self, folder: Path, **facts: Any) -> str:
        """Write the entry of a beginning, and return its digest. Raises OSError."""
        name = self._name(folder)
        # A statement has a subject with a digest: what has no plan gives that of its name.
        digest = facts.get("limits_digest") or hashlib.sha256(name.encode()).hexdigest()
        return self._append("opened", name, [(f"{self._home.name}/{name}#plan", digest)], facts)

    def seal(self, folder: Path, **facts: Any) -> str:
        """Write the entry of an end, with the digest of each file, and return its own. Raises OSError, NotSealed."""
        _refuse(scan(folder, REDACTOR))
        name = self._name(folder)
        subjects = [(f"{self._home.name}/{name}/{file}", digest) for file, digest in files_of(folder).items()]
        return self._append("sealed", name, subjects, facts)

    def ask(self, invocation: str, **facts: Any) -> str:
        """Write the entry of a gate before its run begins, and return its digest. Raises OSError."""
        name = f"{ASKED}{invocation}"
        return self._append("asked", name, [_named(self._home, name)], {"invocation": invocation, **facts})

    def prune(self, folder: Path, **facts: Any) -> str:
        """Write the entry of a folder that is about to be removed, and return its digest. Raises OSError."""
        name = self._name(folder)
        return self._append("pruned", name, [_named(self._home, name)], facts)

    def end_red(self, folder: Path, **facts: Any) -> str:
        """Write the entry that pytest ended red after a good run was sealed, and return its digest. Raises OSError."""
        name = self._name(folder)
        return self._append("ended", name, [_named(self._home, name)], facts)

    def refuse(self, name: str, **facts: Any) -> str:
        """Write the entry of a start that was refused, and return its digest. Raises OSError."""
        return self._append("refused", name, [_named(self._home, name)], facts)

    def mend(self, seen: bytes, tears: Sequence[Tear]) -> str:
        """Write the entry that seals torn ones, which stay where they are, and return its digest.

        `seen` is the ledger as it was looked at. Raises OSError, and BadRun where somebody has written since.
        """
        facts = {"torn": [tear.model_dump(mode="json") for tear in tears]}
        name = f"{MENDED}{len(tears)}"
        return self._append("mended", name, [_named(self._home, name)], facts, seen)

    def enter(self, page: Path) -> str:
        """Write the entry of a page as it was rendered, and return the head of the ledger.

        Who has no key and renders the same page again leaves the entry of whoever signed it. Raises OSError, NotSealed,
        BadRun.
        """
        _refuse(scan_file(page, REDACTOR))
        name = self._name(page)
        digest = file_digest(page)

        ledger = read(self.path, {})
        if self._signer is None and ledger.page and digest in ledger.page.files.values():
            return ledger.head
        return self._append("page", name, [(f"{self._home.name}/{name}", digest)], {"kind": "page"})

    def _name(self, folder: Path) -> str:
        return folder.relative_to(self._home).as_posix()

    def _append(
        self,
        what: What,
        name: str,
        subjects: list[tuple[str, str]],
        facts: Mapping[str, Any],
        seen: bytes | None = None,
    ) -> str:
        """Append a line and return its digest.

        `subjects` are names with their digests, `facts` fields of `LedgerEntry`. `seen` is what the ledger must be.
        """
        is_new = not self.path.exists()
        if is_new:
            facts = {**self._begun_beside(name), **facts}
        handle = os.open(atomic_write.place_of(self.path), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # Several processes may append: who holds the lock reads the last line and writes the next.
            fcntl.flock(handle, fcntl.LOCK_EX)
            data = bounded_read.read_bytes(self.path, BYTES_AT_MOST)
            if seen is not None and data != seen:
                raise BadRun(f"somebody has written to {self.path} meanwhile: run it again")
            # A line that was cut off stays as it is, and is ended, so that this one begins a line of its own.
            ending = b"\n" if data and not data.endswith(b"\n") else b""
            lines = (data + ending).split(b"\n")[:-1]

            statement = self._statement(what, name, subjects, facts, lines)
            line = to_json(enveloped(statement, self._signer)).encode() + b"\n"
            _write_whole(handle, ending + line, len(data))
        finally:
            os.close(handle)

        if is_new:
            atomic_write.sync(self._home)
        return hashlib.sha256(line).hexdigest()

    def _begun_beside(self, name: str) -> Mapping[str, Any]:
        """Return what lies there of older runs, as a ledger that is begun anew says it first of all."""
        lying = [trace for trace in traces(self._home) if trace != name]
        return {"beside": lying[:BESIDE_AT_MOST]} if lying else {}

    def _statement(
        self, what: What, name: str, subjects: list[tuple[str, str]], facts: Mapping[str, Any], lines: list[bytes]
    ) -> JsonObject:
        """Return the statement that follows some lines, given without their ends."""
        return {
            "_type": STATEMENT,
            "subject": [{"name": title, "digest": {"sha256": digest}} for title, digest in subjects],
            "predicateType": f"urn:readiness:ledger:{what}:1",
            "predicate": {
                "entry": len(lines),
                "prev": hashlib.sha256(lines[-1] + b"\n").hexdigest() if lines else FIRST,
                "at": datetime.now(UTC).isoformat(),
                "env": self._home.name,
                "run": name,
                **facts,
            },
        }


def _write_whole(handle: int, data: bytes, before: int) -> None:
    """Append all of some bytes to a file that had so many before, or none. Raises OSError."""
    try:
        written = os.write(handle, data)
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, before)
        raise
    if written != len(data):
        # A full disk leaves a part of the line. The lock is held, so that nothing of others is taken back with it.
        os.ftruncate(handle, before)
        raise OSError(f"only {written} of {len(data)} bytes of the ledger could be written")


def _named(home: Path, name: str) -> tuple[str, str]:
    """Return the subject of an entry that has no file: a statement has one with a digest, here that of its name."""
    return f"{home.name}/{name}#start", hashlib.sha256(name.encode()).hexdigest()


def _refuse(hits: Iterable[Hit]) -> None:
    """Raise NotSealed where a secret was found."""
    problems = [f"{hit.file.name} holds {hit.what}" for hit in hits]
    if problems:
        raise NotSealed("; ".join(problems))


def seal_evidence(folder: Path, verdict: str, code: int, **facts: Any) -> str:
    """Write the entry of a rehearsal or a drill that has ended, and return its digest.

    Its folder is `reports/<env>/rehearsals/<name>` or `.../drills/<name>`. The entry is signed with the key of this
    process where it has one. Who could open it before it began does so with `open_evidence`. Raises OSError, NotSealed
    and BadInput.
    """
    home = folder.parents[1]
    path = home / FILE
    name = folder.relative_to(home).as_posix()
    if not path.exists() or name not in read(path, {}).runs:
        open_evidence(folder, **facts)

    sealed = {"kind": KINDS[folder.parent.name], "verdict": verdict, "exit": code, **facts}
    return Ledger(home, signer_of(os.environ)).seal(folder, **sealed)


def open_evidence(folder: Path, **facts: Any) -> str:
    """Write the entry of a rehearsal or a drill as it begins, and return its digest.

    So one that is broken off stays visible. Raises as `seal_evidence`.
    """
    opened = {"kind": KINDS[folder.parent.name], "started_at": datetime.now(UTC).isoformat(), **facts}
    return Ledger(folder.parents[1], signer_of(os.environ)).open(folder, **opened)


def read(path: Path, trusted: Mapping[str, PublicKey], *, is_named_otherwise: bool = False) -> LedgerReading:
    """Read a ledger; what is wrong with it is in `problems`. Raises BadRun where there is none.

    It must be that of the environment that its folder is called like. `is_named_otherwise` says that nobody named the
    environment, and that its folder may be called anything: then it is that of its first entry.
    """
    try:
        data = bounded_read.read_bytes(path, BYTES_AT_MOST)
    except OSError as error:
        raise BadRun(f"there is no ledger to read: {error.strerror}: {path}") from None

    ledger = LedgerReading(path, path.parent.name)
    whole, _, rest = data.rpartition(b"\n")
    raw_lines = whole.split(b"\n") if whole else []

    prev = FIRST
    lines: list[tuple[LedgerLine, str]] = []
    torn: dict[int, Tear] = {}
    for number, raw in enumerate(raw_lines):
        digest = hashlib.sha256(raw + b"\n").hexdigest()
        ledger.digests.append(digest)
        if is_torn(raw):
            torn[number] = tear_of(number, raw)
        elif line := parsed(number, digest, raw, trusted, ledger.problems):
            lines.append((line, prev))
        prev = digest

    if is_named_otherwise and lines:
        ledger.env = lines[0][0].entry.env
    for line, before in with_key_rules(lines, ledger.digests, datetime.now(UTC)):
        _add(ledger, line, before)

    _add_rest(ledger, len(raw_lines), rest, torn)
    hold_to_mends(ledger, raw_lines, torn, trusts=bool(trusted))
    return ledger


def _add_rest(ledger: LedgerReading, number: int, rest: bytes, torn: dict[int, Tear]) -> None:
    """Add what lies behind the last entry to what is torn, or note that no torn entry leaves it."""
    # A whole entry without the end of its line is torn too: the next one would end it, and nobody would know.
    if rest and (is_torn(rest) or parsed(number, "", rest, {}, [])):
        torn[number] = tear_of(number, rest)
    elif rest:
        ledger.problems.append(
            f"behind the last entry lies what is none, and what no torn entry leaves: {len(rest)} bytes"
        )


def _add(ledger: LedgerReading, line: LedgerLine, prev: str) -> None:
    """Add a line to what was read so far; note what is wrong with its place, `prev` being the digest before it."""
    entry = line.entry
    where = f"entry {line.number} ({entry.run})"
    if entry.prev != prev:
        ledger.problems.append(f"{where} does not follow the entry before: one was changed, moved or removed")
    if entry.entry != line.number:
        ledger.problems.append(f"{where} carries the number {entry.entry}: entries are missing or moved")
    if entry.beside:
        ledger.began_late = line
    if entry.first:
        ledger.began_late = None
    if entry.env != ledger.env:
        ledger.problems.append(f"{where} is of the environment {entry.env}, this is the ledger of {ledger.env}")

    if line.what == "page":
        ledger.page = line
    elif line.what == "mended":
        ledger.mended.append(line)
    elif line.what in {"asked", "refused"}:
        _add_start(ledger, line)
    else:
        _add_to_record(ledger, line, where)


def _add_to_record(ledger: LedgerReading, line: LedgerLine, where: str) -> None:
    """Add a line about one run, rehearsal or drill."""
    entry = line.entry
    record = ledger.runs.setdefault(entry.run, LedgerRecord(entry.run))
    if line.what == "pruned":
        record.pruned = record.pruned or line
        return
    if line.what == "ended":
        record.red_end = record.red_end or line
        return
    ledger.problems += [f"{where}: {problem}" for problem in _out_of_place(record, line)]
    # The first of each counts: a second seal must not replace what was sealed.
    if line.what == "sealed":
        record.sealed = record.sealed or line
    else:
        record.opened = record.opened or line


def _add_start(ledger: LedgerReading, line: LedgerLine) -> None:
    """Add a start that a gate asked for, or that was refused; where its run had begun already, it is that run's."""
    begun = ledger.runs.get(line.entry.run)
    if begun:
        begun.refused = begun.refused or line
    else:
        ledger.starts.append(line)


def _out_of_place(record: LedgerRecord, line: LedgerLine) -> Iterator[str]:
    if line.what == "opened":
        if record.opened:
            yield "opened for the second time"
        return

    if record.opened is None:
        yield "sealed without having been opened"
    elif record.opened.entry.limits_digest != line.entry.limits_digest:
        yield "sealed with other limits than it was opened with"
    if record.sealed:
        yield "sealed for the second time"
