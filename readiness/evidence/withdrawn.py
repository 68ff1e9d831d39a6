"""What people wrote that a recorded run rests on, held against the files that they keep today."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from readiness.config.documents import read
from readiness.evidence.journal import RecordedRun
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Phase
from readiness.redaction.shown import shown
from readiness.runbook import attestations, waivers
from readiness.runbook.sign_off import SignOff

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
    attested_today = {} if "${" in attested_in else _entries(attested_path, "attestations")
    waived_today = _entries(waived_path, "waivers")

    sentences: dict[str, None] = {}
    for result in recorded.results:
        item = result.key.name
        if result.attested and result.attestation and "${" not in attested_in:
            sentences |= dict.fromkeys(_of_attestation(item, result.attestation, attested_today, attested_path.name))
        if result.waived and result.waiver:
            since = _of_waiver(item, result.waiver, waived_today, waived_path.name, recorded.start.phase)
            sentences |= dict.fromkeys(since)
    yield from sentences


def decided_otherwise(then: SignOff, path: Path) -> Iterator[str]:
    """Yield where an approval that a run rests on is not given any more by the sign-off file, as it stands today."""
    if then.decision != "approved":
        return
    if not path.is_file():
        yield f"it rests on the decision in {path.name}, which is there no more"
        return

    data = read(path).data
    stated = data if isinstance(data, dict) else {}
    decision = stated.get("decision", "open")
    if decision != then.decision:
        yield f"it rests on a decision that was {then.decision}, and {path.name} says {shown(str(decision))}"

    listed = stated.get("approvals")
    approvals = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    given_today = {(str(one.get("role")), str(one.get("name"))) for one in approvals}
    for approval in then.approvals:
        if (approval.role, approval.name) not in given_today:
            yield f"it rests on the approval of {approval.name} as {approval.role}, which {path.name} has no more"


def _of_attestation(item: str, carried: JsonObject, today: JsonObject, file: str) -> Iterator[str]:
    """Yield what an attestation says otherwise today."""
    name, stated = _stated_for(item, carried, today)
    if stated is None:
        yield f"it rests on the attestation of {name}, which {file} has no more"
    else:
        yield from _otherwise(f"it rests on the attestation of {name}", carried, stated, file)


def _of_waiver(item: str, carried: JsonObject, today: JsonObject, file: str, phase: Phase) -> Iterator[str]:
    """Yield what a waiver says otherwise today, and that it is no longer about what the run waived by it."""
    name, stated = _stated_for(item, carried, today)
    if stated is None:
        yield f"it rests on the waiver of {name}, which {file} has no more"
        return

    yield from _otherwise(f"it rests on the waiver of {name}", carried, stated, file)
    phases, subjects = _listed(stated, "phases"), _listed(stated, "subjects")
    if phases and phase not in phases:
        yield f"it rests on the waiver of {name}, which {file} limits to {', '.join(phases)}"
    subject = item.partition(":")[2]
    if subjects and subject not in subjects:
        yield f"it rests on the waiver of {name} for {subject or 'the whole line'}: {file} has {', '.join(subjects)}"


def _stated_for(item: str, carried: JsonObject, today: JsonObject) -> tuple[str, JsonObject | None]:
    """Return the name of the entry that speaks for an item today, and what it says; None where there is none."""
    name = attestations.name_among(today, item)
    stated = today[name] if name else None
    return str(name or carried.get("entry")), stated if isinstance(stated, dict) else None


def _otherwise(what: str, carried: JsonObject, stated: JsonObject, file: str) -> Iterator[str]:
    for key in _DECIDES:
        if key in carried and _differs(carried[key], stated.get(key, carried[key])):
            yield f"{what}: {key} was {carried[key]}, and {file} says {stated[key]}"


def _listed(stated: JsonObject, key: str) -> list[str]:
    values = stated.get(key)
    return [str(value) for value in values] if isinstance(values, list) else []


def _entries(path: Path, key: str) -> JsonObject:
    """Return the entries of a file as they stand there; none where it cannot be read."""
    data = read(path).data if path.is_file() else None
    entries = data.get(key) if isinstance(data, dict) else None
    return entries if isinstance(entries, dict) else {}


def _differs(then: Any, today: Any) -> bool:
    # A variable is filled in where the run is: what it says is not known here.
    return "${" not in str(today) and str(then) != str(today)
