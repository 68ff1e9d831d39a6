"""The attestations and waivers that a recorded run rests on, held against the files that people keep today."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from readiness.config.documents import read
from readiness.evidence.journal import RecordedRun
from readiness.evidence.records import Result
from readiness.files.canonical_json import JsonObject
from readiness.runbook import attestations, waivers

_DECIDES = ("valid_until", "until", "holds")
"""What of an entry says whether it still counts; who corrects a sentence takes nothing back."""


def withdrawn(recorded: RecordedRun, environments: Path, attested_in: str) -> Iterator[str]:
    """Yield each entry that a run rests on and that is not there today, or says something else of itself.

    `attested_in` is what the environment file calls the file of attestations; empty for the usual place. Where a
    variable names it that is not set here, none of them is compared.
    """
    environment = recorded.start.env
    attested_path = attestations.path_of(environment, environments, Path(attested_in) if attested_in else None)
    waived_path = environments / f"{environment}{waivers.SUFFIX}"
    used = dict.fromkeys(_used(recorded.results, attested_path, waived_path))
    if "${" in attested_in:
        used = {entry: None for entry in used if entry[0] != "attestation"}
    for kind, name, path in used:
        carried = _carried(recorded.results, kind, name)
        stated = _entries(path, f"{kind}s").get(name)
        if not isinstance(stated, dict):
            yield f"it rests on the {kind} of {name}, which {path.name} has no more"
            continue
        for key in _DECIDES:
            if key in carried and _differs(carried[key], stated.get(key, carried[key])):
                yield f"it rests on the {kind} of {name}: {key} was {carried[key]}, and {path.name} says {stated[key]}"


def _used(results: list[Result], attested_path: Path, waived_path: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield the kind, the name and the file of each entry that decided something."""
    for result in results:
        if result.attested and result.attestation:
            yield "attestation", str(result.attestation.get("entry")), attested_path
        if result.waived and result.waiver:
            yield "waiver", str(result.waiver.get("entry")), waived_path


def _carried(results: list[Result], kind: str, name: str) -> JsonObject:
    carried = (getattr(result, kind) or {} for result in results)
    return next(entry for entry in carried if str(entry.get("entry")) == name)


def _entries(path: Path, key: str) -> JsonObject:
    """Return the entries of a file as they stand there; none where it cannot be read."""
    data = read(path).data if path.is_file() else None
    entries = data.get(key) if isinstance(data, dict) else None
    return entries if isinstance(entries, dict) else {}


def _differs(then: Any, today: Any) -> bool:
    # A variable is filled in where the run is: what it says is not known here.
    return "${" not in str(today) and str(then) != str(today)
