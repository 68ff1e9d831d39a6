"""Runs that overlap, made of runs that came one after the other: the ledger of nobody's key is put in another order."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from readiness.evidence import ledger
from readiness.evidence.ledger_reading import FIRST
from readiness.files.canonical_json import to_json


def begin_first(home: Path, run: str) -> None:
    """Have a run begin before all others; it ends when it did."""
    lines = (home / ledger.FILE).read_bytes().splitlines(keepends=True)
    (opened,) = [line for line in lines if _says(line, "opened", run)]
    write_anew(home, [opened, *(line for line in lines if line is not opened)])


def end_last(home: Path, run: str) -> None:
    """Have a run end after all others; it began when it did."""
    lines = (home / ledger.FILE).read_bytes().splitlines(keepends=True)
    ended = [line for line in lines if _says(line, "sealed", run) or _says(line, "ended", run)]
    write_anew(home, [*(line for line in lines if line not in ended), *ended])


def write_anew(home: Path, lines: Sequence[bytes]) -> None:
    """Write a ledger of these entries, each behind the one before it."""
    prev, written = FIRST, b""
    for number, line in enumerate(lines):
        envelope = json.loads(line)
        statement = json.loads(base64.b64decode(envelope["payload"]))
        statement["predicate"] |= {"entry": number, "prev": prev}
        payload = base64.b64encode(to_json(statement).encode()).decode()
        entry = to_json({**envelope, "payload": payload}).encode() + b"\n"
        prev = hashlib.sha256(entry).hexdigest()
        written += entry
    (home / ledger.FILE).write_bytes(written)


def is_about(line: bytes, run: str) -> bool:
    """Check whether an entry is about a run."""
    statement = json.loads(base64.b64decode(json.loads(line)["payload"]))
    return bool(statement["predicate"]["run"] == run)


def _says(line: bytes, what: str, run: str) -> bool:
    statement = json.loads(base64.b64decode(json.loads(line)["payload"]))
    return is_about(line, run) and str(statement["predicateType"]).endswith(f"{what}:1")
