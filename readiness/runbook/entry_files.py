"""The files of entries that people write beside an environment file, found by their names: one that is misspelled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from readiness.config.documents import read
from readiness.config.misnamed import files_of, nearly_named
from readiness.files.canonical_json import JsonObject
from readiness.runbook import attestations, sign_off, waivers

KINDS = {
    # What the entries are called → how the name of their file ends, and the key that names another place.
    "waivers": (waivers.SUFFIX, ""),
    "attestations": (attestations.SUFFIX, "attestations"),
    "the sign-off": (sign_off.SUFFIX, "sign_off"),
}


def misnamed_files(environment: str, folder: Path) -> Iterator[str]:
    """Yield each file that is nearly called as one of an environment's that would be read, and is therefore not."""
    stated = _stated(folder / f"{environment}.yaml")
    others = {*_read_for_others(environment, folder), *_named(stated)}
    for kind, (suffix, key) in KINDS.items():
        if not (key and stated.get(key)):
            wanted = f"{environment}{suffix}"
            for path in nearly_named(folder, wanted, others):
                yield f"{path.name}: {kind} of {environment} would be read from {wanted}: rename or remove this file"

    for path in files_of(folder):
        is_same_stem = path.stem == environment and path.suffix.casefold() in {".yaml", ".yml"}
        if is_same_stem and path.suffix != ".yaml" and path.name not in others:
            yield f"{path.name}: the environment is read from {environment}.yaml: rename or remove this file"


def _read_for_others(environment: str, folder: Path) -> Iterator[str]:
    """Yield the names of the files that are read for the other environments of a folder."""
    for path in folder.glob("*.yaml"):
        if "." not in path.stem and path.stem != environment:
            yield from (f"{path.stem}{suffix}" for suffix, _ in KINDS.values())


def _stated(path: Path) -> JsonObject:
    data = read(path).data if path.is_file() else None
    return data if isinstance(data, dict) else {}


def _named(stated: JsonObject) -> Iterator[str]:
    """Yield the files that an environment file names itself."""
    runbooks = stated.get("runbooks")
    yield from map(str, runbooks if isinstance(runbooks, list) else ())
    yield from (str(stated[key]) for _, key in KINDS.values() if key and stated.get(key))
