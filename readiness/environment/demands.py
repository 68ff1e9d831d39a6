"""What an environment's file demands of evidence, and where nobody knows that: no demand falls away in silence."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from readiness.config.documents import Document, read
from readiness.config.misnamed import files_of
from readiness.config.variables import filled_where_set
from readiness.environment.running import EvidenceSettings
from readiness.environment.schema import Environment, load
from readiness.errors import BadEnvironment, meant, nearest

Demand = Literal["signed", "anchor"]
"""A key of `evidence`."""
_DEMANDS = tuple(EvidenceSettings.model_fields)


def signature_demand(path: Path) -> str:
    """Return what demands that an environment's evidence is signed, for people; empty where nothing does.

    Where nobody knows what the file demands, it may have demanded it.
    """
    why = unknown_demand(path, "signed")
    if why:
        return f"whether evidence must be signed cannot be read ({why})"
    if not path.is_file():
        return ""
    section = read(path).data.get("evidence")
    is_demanded = isinstance(section, dict) and _is_yes(section.get("signed", False))
    return f"{path.name}: evidence.signed" if is_demanded else ""


def _is_yes(stated: Any) -> bool:
    """Check whether a run reads a value as yes. What it refuses may be meant as that: until then it is a demand."""
    value = filled_where_set(stated, os.environ) if isinstance(stated, str) else stated
    try:
        return EvidenceSettings.model_validate({"signed": value}).signed
    except ValidationError:
        return True


def unknown_demand(path: Path, demand: Demand) -> str:
    """Return why nobody knows whether an environment's file demands something of evidence; empty where that is known.

    Evidence that lies alone, with no file of a project beside it, is under no demand.
    """
    if not path.is_file():
        return _not_there(path)
    document = read(path)
    if document.problems:
        return document.problems[0]
    if not isinstance(document.data, dict):
        return f"{path.name} says nothing"
    if _is_taken(path):
        return ""
    return _in_section(document, demand) or _in_other_keys(document, demand) or _in_other_sections(document, demand)


def _is_taken(path: Path) -> bool:
    """Check whether a run takes a file, wherever it has its variables: then each key of it is known."""
    try:
        load(path.stem, path.parent)
    except BadEnvironment as error:
        return not error.of_file
    return True


def _not_there(path: Path) -> str:
    """Return that a file is not where others of its project are."""
    files = [file for file in files_of(path.parent) if _is_of_project(file, path)]
    if not files:
        return ""
    alike = [file.name for file in files if _is_set_aside(file, path) or file.stem.casefold() == path.stem.casefold()]
    hint = f"; rename {alike[0]} to {path.name}" if alike else ""
    return f"{path.name} is not in {path.parent.name}/{hint}"


def _is_of_project(file: Path, wanted: Path) -> bool:
    return file.suffix.casefold() in {".yaml", ".yml"} or _is_set_aside(file, wanted)


def _is_set_aside(file: Path, wanted: Path) -> bool:
    """Check whether a file is the wanted one under a name that nobody reads: `prod.yaml.bak`, `prod.yaml~`."""
    return file.name.casefold().startswith(wanted.name.casefold())


def _in_section(document: Document, demand: Demand) -> str:
    """Return what is wrong with the section `evidence`, where it may be about a demand."""
    if "evidence" not in document.data:
        return ""
    section = document.data["evidence"]
    # A run refuses it as well: somebody began to write a demand.
    if section is None:
        return f"{document.where(('evidence',))}: evidence: it is empty; write what it demands, or remove the key"
    if not isinstance(section, dict):
        return f"{document.where(('evidence',))}: evidence: keys with their values are wanted"
    for key in section:
        if _may_mean(str(key), demand):
            return f"{document.where(('evidence', str(key)))}: evidence: key {meant(str(key), _DEMANDS)}"
    return ""


def _in_other_keys(document: Document, demand: Demand) -> str:
    """Return that a key is not known which may be meant to be `evidence`."""
    for key, value in document.data.items():
        if key not in Environment.model_fields and _may_be_evidence(str(key), value, demand):
            return f"{document.where((str(key),))}: key {meant(str(key), Environment.model_fields)}"
    return ""


def _in_other_sections(document: Document, demand: Demand) -> str:
    """Return that the section `evidence`, or a key of it, stands in another one: a step of indentation too far."""
    for loc, value in _nested(document.data, ()):
        inner = [str(part) for part in value] if isinstance(value, Mapping) else []
        is_section = loc[-1] == "evidence" and any(nearest(part, _DEMANDS) == demand for part in inner)
        # Something may be called `signed`, a reading for instance; it would have keys of its own.
        is_key = loc[-1] == demand and value is True
        if is_section or is_key:
            return f"{document.where(loc)}: {'.'.join(loc)} is not known; did you mean evidence.{demand}?"
    return ""


def _nested(data: Mapping[Any, Any], loc: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the place of each key below the first level, and what stands there."""
    for key, value in data.items():
        place = (*loc, str(key))
        if loc and loc[0] != "evidence":
            yield place, value
        if isinstance(value, Mapping):
            yield from _nested(value, place)


def _may_be_evidence(key: str, value: Any, demand: Demand) -> bool:
    parts = [str(part) for part in value] if isinstance(value, Mapping) else []
    names_demand = any(nearest(part, _DEMANDS) == demand for part in parts)
    # What is surely another key demands nothing, unless it says so.
    if nearest(key, Environment.model_fields) not in {None, "evidence"} or names_demand:
        return names_demand
    return not parts or any(_may_mean(part, demand) for part in parts)


def _may_mean(key: str, demand: Demand) -> bool:
    """Check whether a key is none that is known, and may be meant to be this one."""
    return key not in _DEMANDS and nearest(key, _DEMANDS) in {None, demand}
