"""What people have said of a run's lines: whether its journal bears it out, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from readiness.evidence.journal import RecordedRun
from readiness.evidence.records import Result
from readiness.outcomes import Outcome
from readiness.runbook.attestations import Attestation, name_among
from readiness.runbook.waivers import WAIVABLE, Waiver

Entry = TypeVar("Entry", bound=BaseModel)
DECIDES, WAIVES, VOID, EXPIRED, UNUSED = "decides", "waives", "void", "expired", "unused"
ATTESTED = "attested by "
"""How the measurement begins that is a person's word."""


def speaks(run: RecordedRun, result: Result) -> bool:
    """Tell whether the run began with an attestation that decides this result."""
    entry = _entry(Attestation, result, result.attestation, run.start.attestations, DECIDES)
    return entry is not None and not entry.lapsed(run.start.as_of) and (entry.holds or result.outcome is Outcome.FAIL)


def waives(run: RecordedRun, result: Result, outcome: Outcome) -> bool:
    """Tell whether the run began with a waiver that covers this result."""
    if not result.waived or outcome not in WAIVABLE:
        return False
    entry = _entry(Waiver, result, result.waiver, run.start.waivers, WAIVES)
    return entry is not None and not entry.lapsed(run.start.as_of) and entry.covers(run.start.phase)


def contradictions(run: RecordedRun, result: Result, outcome: Outcome) -> Iterator[str]:
    """Tell where the flags of a result are not what its entries and the start of the run bear out."""
    word = _state(result.attestation) == DECIDES or any(one.name.startswith(ATTESTED) for one in result.measurements)
    if result.attested and not speaks(run, result):
        yield "recorded as attested, and the run began with no attestation that says so"
    elif not result.attested and word:
        yield "recorded as found by a machine, and it carries a person's word"
    if result.waived is not waives(run, result, outcome):
        yield "recorded as waived, and the run began with no waiver that covers it"
    elif not result.waived and _state(result.waiver) == WAIVES:
        yield "recorded as not waived, and it carries the waiver"


def _state(told: Mapping[str, Any] | None) -> str | None:
    return str(told["state"]) if told and "state" in told else None


def _entry(
    model: type[Entry], result: Result, told: Mapping[str, Any] | None, began: Mapping[str, Any], state: str
) -> Entry | None:
    """Read the entry that a result carries, where it is the one that the run began with."""
    name = name_among(list(began), result.key.name)
    if told is None or name is None or told.get("entry") != name or told.get("state") != state:
        return None
    if {key: value for key, value in told.items() if key not in {"entry", "state"}} != dict(began[name]):
        return None
    try:
        return model.model_validate(began[name])
    except ValidationError:
        return None


@dataclass(frozen=True)
class Said:
    """One entry, and what it was good for in this run."""

    kind: str
    """waived, attested, void, expired or unused."""
    entry: str
    text: str


_ORDER = ("void", "expired", "unused", "waived", "attested")


def said(results: Iterable[Result]) -> list[Said]:
    """Return the state of each entry that some results carry, first what somebody should look after."""
    found: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for result in results:
        for field, told in (("attestation", result.attestation), ("waiver", result.waiver)):
            if told:
                found.setdefault((field, told["entry"]), {})[told["state"]] = told
    listed = [_said(field, entry, states) for (field, entry), states in found.items()]
    return sorted(listed, key=lambda one: (_ORDER.index(one.kind), one.entry))


def _said(field: str, entry: str, states: Mapping[str, Mapping[str, Any]]) -> Said:
    state = next(one for one in (VOID, EXPIRED, DECIDES, WAIVES, UNUSED) if one in states)
    told = states[state]
    if field == "waiver":
        people = f"asked for by {told['requested_by']}, approved by {told['approved_by']} on {told['at']}"
        text = f"until {told['until']} ({told['reason']}): {told['because']}; {people}"
        kind, unused = "waived", "the line is well: remove the waiver"
    else:
        word = "" if told["holds"] else "that it does not hold, "
        text = f"by {told['who']} on {told['at']}, {word}valid until {told['valid_until']}: {told['statement']}"
        text += f" ({told['evidence']})"
        kind, unused = "attested", "a machine decides the line: remove the attestation"
    if state == VOID:
        return Said("void", entry, f"a machine found otherwise; attested {text}")
    if state == EXPIRED:
        return Said("expired", entry, f"{kind} {text}")
    return Said("unused", entry, f"{unused}; {kind} {text}") if state == UNUSED else Said(kind, entry, text)
