"""The ledger of an environment: an entry when a run opens and one when it is sealed, each with the digest of the last.

A line of `reports/<env>/ledger.jsonl` is a DSSE envelope around an in-toto Statement. Who has no key leaves entries
without a signature: they are no evidence, and nobody can hide that the run took place.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from readiness.errors import BadRun
from readiness.evidence.signing import SHOWN, PublicKey, Signer, signer_of
from readiness.files import atomic_write
from readiness.files.canonical_json import from_json, to_json
from readiness.redaction.redactor import REDACTOR, Hit, scan, scan_file

FILE = "ledger.jsonl"
FIRST = "0" * 64
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PAGE = "sign-off.html"
"""The page that approvers sign. It may be rendered often: the newest entry counts."""
KINDS = {"rehearsals": "rehearsal", "drills": "drill"}
"""The folders of what is not a run, and what it is called."""
Kind = Literal["run", "rehearsal", "drill", "page"]
What = Literal["opened", "sealed", "page"]


class NotSealed(BadRun):
    """What is to be sealed holds a secret."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Signature(_Model):
    """One signature of an envelope."""

    keyid: str
    sig: str


class Envelope(_Model):
    """A signed text (DSSE)."""

    payload_type: Literal["application/vnd.in-toto+json"] = Field(alias="payloadType")
    payload: str
    signatures: tuple[Signature, ...]


class Digest(_Model):
    """The digest of a subject."""

    sha256: str


class Subject(_Model):
    """A file that a statement is about."""

    name: str
    digest: Digest


class Entry(_Model):
    """What stands in the ledger of one run, rehearsal or drill, or of the page."""

    entry: int
    prev: str
    at: datetime
    env: str
    run: str
    """The folder, relative to that of the environment; or the page."""
    kind: Kind = "run"
    phase: str = ""
    target: str = ""
    revision: str | None = None
    started_at: datetime | None = None
    limits_digest: str = ""
    head: str = ""
    """The digest of the last line of the journal, once it is sealed."""
    verdict: str = ""
    exit: int | None = None


class Statement(_Model):
    """What is signed."""

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: tuple[Subject, ...]
    predicate_type: Literal[
        "urn:readiness:ledger:opened:1", "urn:readiness:ledger:sealed:1", "urn:readiness:ledger:page:1"
    ] = Field(alias="predicateType")
    predicate: Entry


def enveloped(statement: Mapping[str, Any], signer: Signer | None) -> dict[str, Any]:
    """Put a statement into an envelope, signed where there is a key."""
    payload = to_json(statement).encode()
    signed = [{"keyid": signer.key_id, "sig": _text(signer.sign(_signed_bytes(payload)))}] if signer else []
    return {"payloadType": PAYLOAD_TYPE, "payload": _text(payload), "signatures": signed}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _signed_bytes(payload: bytes) -> bytes:
    """Give what DSSE signs: the type and the payload, each with its length."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_of(folder: Path) -> dict[str, str]:
    """Give the digest of every file of a folder, by its name in it."""
    return {
        path.relative_to(folder).as_posix(): file_digest(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


class Ledger:
    """Writes the ledger of one environment. Several processes may do so at once."""

    def __init__(self, home: Path, signer: Signer | None) -> None:
        self._home, self._signer = home, signer
        self.path = home / FILE

    def open(self, folder: Path, **facts: Any) -> str:
        """Enter that something begins; return the digest of the entry. Raises OSError."""
        name = self._name(folder)
        plan = facts.get("limits_digest") or hashlib.sha256(name.encode()).hexdigest()
        return self._append("opened", name, [(f"{self._home.name}/{name}#plan", plan)], facts)

    def seal(self, folder: Path, **facts: Any) -> str:
        """Enter how it ended, with the digest of each file; return that of the entry. Raises OSError, NotSealed."""
        _refuse(scan(folder, REDACTOR))
        name = self._name(folder)
        subjects = [(f"{self._home.name}/{name}/{file}", digest) for file, digest in files_of(folder).items()]
        return self._append("sealed", name, subjects, facts)

    def enter(self, page: Path) -> str:
        """Enter a page as it was rendered; return the head of the ledger. Raises OSError, NotSealed, BadRun.

        Who has no key and renders the same page again leaves the entry of whoever signed it.
        """
        _refuse(scan_file(page, REDACTOR))
        name, digest = self._name(page), file_digest(page)
        book = read(self.path, {})
        if self._signer is None and book.page and digest in book.page.files.values():
            return book.head
        return self._append("page", name, [(f"{self._home.name}/{name}", digest)], {"kind": "page"})

    def _name(self, folder: Path) -> str:
        return folder.relative_to(self._home).as_posix()

    def _append(self, kind: What, name: str, subjects: list[tuple[str, str]], facts: dict[str, Any]) -> str:
        new = not self.path.exists()
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            data = self.path.read_bytes()
            torn = b"\n" if data and not data.endswith(b"\n") else b""
            lines = (data + torn).splitlines(keepends=True)
            predicate = {
                "entry": len(lines),
                "prev": hashlib.sha256(lines[-1]).hexdigest() if lines else FIRST,
                "at": datetime.now(UTC).isoformat(),
                "env": self._home.name,
                "run": name,
                **facts,
            }
            statement = {
                "_type": STATEMENT,
                "subject": [{"name": title, "digest": {"sha256": digest}} for title, digest in subjects],
                "predicateType": f"urn:readiness:ledger:{kind}:1",
                "predicate": predicate,
            }
            line = to_json(enveloped(statement, self._signer)).encode() + b"\n"
            written = os.write(handle, torn + line)
            if written != len(torn) + len(line):
                raise OSError(f"only {written} of {len(line)} bytes of the ledger could be written")
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            atomic_write.sync(self._home)
        return hashlib.sha256(line).hexdigest()


def _refuse(hits: Iterable[Hit]) -> None:
    """Refuse what holds a secret. Raises NotSealed."""
    if told := [f"{hit.file.name} holds {hit.what}" for hit in hits]:
        raise NotSealed("; ".join(told))


def keep(folder: Path, verdict: str, code: int, **facts: Any) -> str:
    """Enter a rehearsal or a drill that has ended, from `reports/<env>/rehearsals/<name>` or `.../drills/<name>`.

    Signed with the key of this process where it has one; who could open the entry before it began does so with
    `begin`. Returns the digest of the entry. Raises OSError, NotSealed and BadInput.
    """
    home = folder.parents[1]
    path = home / FILE
    name = folder.relative_to(home).as_posix()
    if not path.exists() or name not in read(path, {}).runs:
        begin(folder, **facts)
    stated = {"kind": KINDS[folder.parent.name], "verdict": verdict, "exit": code, **facts}
    return Ledger(home, signer_of(os.environ)).seal(folder, **stated)


def begin(folder: Path, **facts: Any) -> str:
    """Enter a rehearsal or a drill as it begins, so that one which is broken off stays visible. Raises as `keep`."""
    facts = {"kind": KINDS[folder.parent.name], "started_at": datetime.now(UTC).isoformat(), **facts}
    return Ledger(folder.parents[1], signer_of(os.environ)).open(folder, **facts)


@dataclass(frozen=True)
class Line:
    """An entry as it was read."""

    number: int
    digest: str
    what: What
    entry: Entry
    files: Mapping[str, str]
    """Of a seal: each file's name in the folder, and its digest. Of a page: its own."""
    key: PublicKey | None
    """The trusted key that signed it; None where nobody did, or nobody whom the project trusts."""
    signed: bool
    """Whether it carries a signature, of whomever."""


@dataclass
class Kept:
    """The entries of one run."""

    name: str
    opened: Line | None = None
    sealed: Line | None = None

    @property
    def entry(self) -> Entry:
        """What it says of the run; of the seal where there is one."""
        found = self.sealed or self.opened
        assert found
        return found.entry

    @property
    def key(self) -> PublicKey | None:
        """The key that signed it, from its beginning to its end."""
        if self.opened and self.sealed and self.opened.key:
            return self.sealed.key
        return None

    @property
    def signed(self) -> bool:
        """Tell whether somebody signed a part of it, trusted or not."""
        return any(line.signed for line in (self.opened, self.sealed) if line)

    @property
    def ended(self) -> str:
        """Its verdict, in a word."""
        return self.sealed.entry.verdict if self.sealed else "abandoned"


@dataclass
class Book:
    """A ledger as it was read."""

    path: Path
    runs: dict[str, Kept] = field(default_factory=dict)
    """In the order in which they were opened."""
    page: Line | None = None
    """The newest entry of the page that approvers sign."""
    digests: list[str] = field(default_factory=list)
    """Of each line, the oldest first."""
    problems: list[str] = field(default_factory=list)

    @property
    def head(self) -> str:
        """The digest of the last line."""
        return self.digests[-1] if self.digests else FIRST

    def anchored(self, head: str) -> int | None:
        """Find an older head; return how many entries followed it, or None where the ledger never had it."""
        for after, digest in enumerate(reversed(self.digests)):
            if len(head) >= SHOWN and digest.startswith(head.lower()):
                return after
        return None


def read(path: Path, trusted: Mapping[str, PublicKey]) -> Book:
    """Read a ledger; what is wrong with it is in `problems`. Raises BadRun where there is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadRun(f"there is no ledger to read: {error.strerror}: {path}") from None
    book = Book(path)
    whole, _, rest = data.rpartition(b"\n")
    prev = FIRST
    for number, raw in enumerate(whole.split(b"\n") if whole else []):
        digest = hashlib.sha256(raw + b"\n").hexdigest()
        book.digests.append(digest)
        line = _parsed(number, digest, raw, trusted, book.problems)
        if line:
            _sort_in(book, line, prev)
        prev = digest
    if rest:
        book.problems.append(f"entry {len(book.digests)} is torn: the ledger was cut, or the process died as it wrote")
    return book


def _parsed(number: int, digest: str, raw: bytes, trusted: Mapping[str, PublicKey], problems: list[str]) -> Line | None:
    try:
        envelope = Envelope.model_validate(from_json(raw))
        payload = base64.b64decode(envelope.payload, validate=True)
        found = Statement.model_validate(from_json(payload))
    except (ValidationError, ValueError, binascii.Error) as error:
        told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        problems.append(f"entry {number} is not one that a ledger has, or it is torn: {told}")
        return None
    entry = found.predicate
    key = _key(envelope, payload, trusted, f"entry {number} ({entry.run})", problems)
    start = f"{entry.env}/{entry.run}/"
    files = {one.name.removeprefix(start): one.digest.sha256 for one in found.subject}
    what = cast("What", found.predicate_type.split(":")[3])
    return Line(number, digest, what, entry, {} if what == "opened" else files, key, bool(envelope.signatures))


def _key(
    envelope: Envelope, payload: bytes, trusted: Mapping[str, PublicKey], where: str, problems: list[str]
) -> PublicKey | None:
    """Find the trusted key that signed; a signature that is not to be trusted is a problem."""
    for one in envelope.signatures if trusted else ():
        key = trusted.get(one.keyid)
        if key is None:
            problems.append(f"{where}: signed with the foreign key {one.keyid[:SHOWN]}, which no keys/*.pub has")
            continue
        try:
            signature = base64.b64decode(one.sig, validate=True)
        except binascii.Error:
            signature = b""
        if key.verifies(signature, _signed_bytes(payload)):
            return key
        problems.append(f"{where}: the signature with the key {key.name} is not of this text: it was changed")
    return None


def _sort_in(book: Book, line: Line, prev: str) -> None:
    entry, number = line.entry, line.number
    where = f"entry {number} ({entry.run})"
    if entry.prev != prev:
        book.problems.append(f"{where} does not follow the entry before: one was changed, moved or removed")
    if entry.entry != number:
        book.problems.append(f"{where} carries the number {entry.entry}: entries are missing or moved")
    home = book.path.parent.name
    if entry.env != home:
        book.problems.append(f"{where} is of the environment {entry.env}, this is the ledger of {home}")
    if line.what == "page":
        book.page = line
        return
    kept = book.runs.setdefault(entry.run, Kept(entry.run))
    for problem in _out_of_place(kept, line):
        book.problems.append(f"{where}: {problem}")
    if line.what == "sealed":
        kept.sealed = kept.sealed or line
    else:
        kept.opened = kept.opened or line


def _out_of_place(kept: Kept, line: Line) -> Iterator[str]:
    if line.what == "opened":
        if kept.opened:
            yield "opened for the second time"
        return
    if kept.opened is None:
        yield "sealed without having been opened"
    elif kept.opened.entry.limits_digest != line.entry.limits_digest:
        yield "sealed with other limits than it was opened with"
    if kept.sealed:
        yield "sealed for the second time"
