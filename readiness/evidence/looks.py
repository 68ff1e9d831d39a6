"""Observations and those who name them: two of one name and the same arguments are the same look."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from readiness.evidence.recorded_look import RecordedLook
from readiness.evidence.records import RecordedObservation
from readiness.files.canonical_json import JsonObject, to_json

_STATED = {"name", "arguments", "at", "value", "unknown", "source", "seconds", "run", "provenance"}
"""What an observation says; where it stands in its journal is not part of it. Older ones have no provenance."""
Key = tuple[str, str]
"""The name of an observation, and its arguments as text."""


def bound(looks: Iterable[RecordedLook], newest: Mapping[Key, RecordedObservation]) -> tuple[RecordedLook, ...]:
    """Return looks with the digests of their records, of which the newest of each are given."""
    return tuple(_bound(look, newest.get(key_of(look))) for look in looks)


def _bound(look: RecordedLook, record: RecordedObservation | None) -> RecordedLook:
    return look.model_copy(update={"digest": digest_of(record) if record else ""})


def key_of(look: RecordedLook | RecordedObservation) -> Key:
    """Return what two looks of the same thing have in common."""
    return look.name, to_json(dict(sorted(look.arguments.items())))


def digest_of(record: RecordedObservation) -> str:
    """Return the digest of all that an observation says."""
    stated: Mapping[str, Any] = record.model_dump(mode="json", include=_STATED, exclude_unset=True)
    return hashlib.sha256(to_json({name: stated[name] for name in sorted(stated)}).encode()).hexdigest()


def bind_again(records: Iterable[JsonObject]) -> None:
    """Give each result among the records of a journal the digests that its observations have now."""
    newest: dict[Key, RecordedObservation] = {}
    for record in records:
        if record["record"] == "observation":
            observation = RecordedObservation.model_validate(record)
            if observation.has_value:
                newest[key_of(observation)] = observation
        elif record["record"] == "result" and record.get("rests_on"):
            looks = [RecordedLook.model_validate(look) for look in record["rests_on"]]
            record["rests_on"] = [look.model_dump(mode="json") for look in bound(looks, newest)]
