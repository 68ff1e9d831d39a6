"""Evidence in one file that carries its own digest: a rehearsal's, a drill's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from readiness.errors import BadRun, wrong_value
from readiness.files import bounded_read, strict_json
from readiness.files.atomic_write import write_whole
from readiness.files.canonical_json import JsonObject
from readiness.files.read_from import read_from
from readiness.provenance import note

FILE = "evidence.json"
NAMED_AT_MOST = 3
"""Of the pieces that do not count, the newest are named in a message; the older ones are not."""
Evidence = TypeVar("Evidence", bound=BaseModel)


def _nothing(_: Path) -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class EvidenceArchive:
    """The folder of all evidence."""

    reports: Path
    against: Callable[[Path], Iterable[str]] = _nothing
    """Yields why the folder of a rehearsal or a drill is no evidence: nobody sealed it, or it was changed since."""

    def newest(
        self,
        folders: Iterable[Path],
        read: Callable[[Path], Evidence],
        against: Callable[[Evidence], Iterable[str]],
    ) -> tuple[Evidence | None, str]:
        """Return the first piece that counts and "", or None and what speaks against each.

        `against` yields what speaks against a piece that could be read.
        """
        refused = []
        for folder in folders:
            try:
                evidence = read(folder)
            except BadRun as error:
                refused.append(str(error))
                continue

            reasons = [*self.against(folder), *against(evidence)]
            if not reasons:
                note(read_from(folder / FILE))
                return evidence, ""
            refused.append(f"{folder.name}: {', '.join(reasons)}")
        return None, "; ".join(refused[:NAMED_AT_MOST])


def digest_of(body: JsonObject) -> str:
    """Return the SHA-256 of the body without its digest, in canonical JSON."""
    bare = {key: value for key, value in body.items() if key != "digest"}
    return hashlib.sha256(_canonical(bare).encode()).hexdigest()


def to_json(evidence: BaseModel) -> str:
    """Return the evidence as JSON, with its own digest as the last key."""
    text = _canonical(evidence.model_dump(mode="json", by_alias=True, exclude={"digest"}))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f'{text[:-1]},"digest":"{digest}"}}'


def _canonical(body: JsonObject) -> str:
    return json.dumps(body, separators=(",", ":"), sort_keys=True)


def write(evidence: BaseModel, folder: Path) -> None:
    """Write the evidence whole: a reader sees the old file or the new one, never half of one."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / FILE, to_json(evidence))


def read(folder: Path, model: type[Evidence]) -> Evidence:
    """Return the evidence in a folder. Raises BadRun where it is missing, damaged or was altered."""
    try:
        body = strict_json.parse(bounded_read.read_bytes(folder / FILE))
    except (OSError, ValueError) as error:
        raise BadRun(f"{folder.name}: the evidence cannot be read: {type(error).__name__}") from None

    if not isinstance(body, dict) or body.get("digest") != digest_of(body):
        raise BadRun(f"{folder.name}: the evidence was altered after it was written: its digest does not fit")

    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadRun(
            f"{folder.name}: the evidence is not of this version: {first['loc']}: {wrong_value(first)}"
        ) from None


def folders(place: Path, name: str | None = None) -> Iterator[Path]:
    """Yield the folders `<utc time>-<name>` of a place, newest first; without a name all."""
    every = (path for path in place.glob("*") if path.is_dir())
    for path in sorted(every, key=lambda path: path.name, reverse=True):
        if name is None or path.name.partition("-")[2] == name:
            yield path
