"""Attestations and waivers in a recorded run: whether its journal bears them out, and the state of each for reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from readiness.environment.declarations import unanswered
from readiness.evidence.journal import RecordedRun
from readiness.evidence.recorded_ahead import WELL, will_fail
from readiness.evidence.records import Result
from readiness.outcomes import DecisionKey, Outcome
from readiness.provenance import declared
from readiness.runbook.attestations import Attestation, name_among
from readiness.runbook.waivers import WAIVABLE, Waiver
from readiness.timeline import Ending, end_of_day, parse_day

Entry = TypeVar("Entry", bound=BaseModel)
DECIDES, WAIVES, VOID, EXPIRED, UNUSED = "decides", "waives", "void", "expired", "unused"
HALF = "half"
"""A word that counts, for a line that needs the machine's part as well, which is missing."""
ATTESTED = "attested by "
"""How the measurement begins that is a person's word."""
_OF_THE_RESULT = {"entry", "state"}
"""What a result adds to the entry that it carries."""


def is_attested(run: RecordedRun, result: Result) -> bool:
    """Check whether the run began with an attestation that decides this result."""
    attestation = _entry(Attestation, result, result.attestation, run.start.attestations, DECIDES)
    if attestation is None or attestation.lapsed(run.start.as_of):
        return False

    # Who says that the line does not hold can only fail it.
    return attestation.holds or result.outcome is Outcome.FAIL


def lacks_a_word(run: RecordedRun, result: Result) -> bool:
    """Check whether a good result needs or carries a person's word that the start of its run does not bear out."""
    if result.attested and not is_attested(run, result):
        return True

    # What a machine sees is a half of such a line, and so is what a person says.
    line = run.plan.line(result.line) if run.plan else None
    if line and line.needs_both and not (result.attested and result.rests_on):
        return True

    # In production nobody has looked at what is only stated; a person who attests or declares it vouches for it.
    alone = unanswered(result.stated, result.provenance or (), run.start.declared, run.start.as_of)
    return bool(alone) and bool(run.start.production) and not result.attested


def is_waived(run: RecordedRun, result: Result, outcome: Outcome) -> bool:
    """Check whether the run began with a waiver that covers this result."""
    if not result.waived or outcome not in WAIVABLE:
        return False

    waiver = _entry(Waiver, result, result.waiver, run.start.waivers, WAIVES)
    if waiver is None or waiver.lapsed(run.start.as_of):
        return False
    return waiver.covers(run.start.phase) and waiver.is_about(result.subject)


def expiries(results: Iterable[Result]) -> dict[DecisionKey, Ending]:
    """Return when what a decision rests on ends: an attestation, a waiver, a limit; the first where it has several."""
    first: dict[DecisionKey, Ending] = {}
    for result in results:
        for ending in _endings(result):
            earlier = first.get(result.key)
            if earlier is None or ending.at < earlier.at:
                first[result.key] = ending
    return first


def _endings(result: Result) -> Iterator[Ending]:
    """Yield the instant from which an entry that decides a result no longer counts."""
    stated: list[tuple[str, object]] = []
    if result.attested and result.attestation:
        stated.append(("an attestation expires", result.attestation.get("valid_until")))
    if result.waived and result.waiver:
        stated.append(("a waiver expires", result.waiver.get("until")))

    if result.stated and not result.attested:
        stated += [("a declared value's word expires", one.valid_until) for one in declared(result.provenance or ())]

    for cause, day in stated:
        # An entry without a day, which only a hand can write, decides nothing: see `_entry`.
        with suppress(ValueError):
            yield Ending(end_of_day(parse_day(str(day))), cause)

    # A limit that binds from a day and is not kept ends what is well until then.
    if result.outcome in WELL and not result.waived:
        cause = "a later limit binds that will not be kept"
        yield from (Ending(part.begins, cause) for part in will_fail(result.ahead or ()))


def contradictions(run: RecordedRun, result: Result, outcome: Outcome) -> Iterator[str]:
    """Yield where the flags of a result are not what its entries and the start of the run bear out."""
    by_a_person = any(measurement.name.startswith(ATTESTED) for measurement in result.measurements)
    carries_a_word = _state(result.attestation) == DECIDES or by_a_person
    if result.attested and not is_attested(run, result):
        yield "recorded as attested, and the run began with no attestation that says so"
    elif not result.attested and carries_a_word:
        yield "recorded as found by a machine, and it carries a person's word"

    if result.waived is not is_waived(run, result, outcome):
        yield "recorded as waived, and the run began with no waiver that covers it"
    elif not result.waived and _state(result.waiver) == WAIVES:
        yield "recorded as not waived, and it carries the waiver"


def _state(carried: Mapping[str, Any] | None) -> str | None:
    return str(carried["state"]) if carried and "state" in carried else None


def _entry(
    model: type[Entry], result: Result, carried: Mapping[str, Any] | None, began: Mapping[str, Any], state: str
) -> Entry | None:
    """Return the entry that a result carries in this state; None unless it is the one that the run began with."""
    name = name_among(list(began), result.key.name)
    if carried is None or name is None:
        return None
    if carried.get("entry") != name or carried.get("state") != state:
        return None

    # A journal that was written by hand may carry other words than those that were reviewed.
    values = {key: value for key, value in carried.items() if key not in _OF_THE_RESULT}
    if values != dict(began[name]):
        return None

    try:
        return model.model_validate(began[name])
    except ValidationError:
        return None


@dataclass(frozen=True)
class EntryStatus:
    """One attestation or waiver, and what it was good for in this run."""

    kind: str
    """waived, attested, void, expired or unused."""
    entry: str
    """`runbook/line` or `runbook/line:subject`."""
    text: str


_ORDER = ("void", "expired", "unused", "waived", "attested")


def entry_statuses(results: Iterable[Result]) -> list[EntryStatus]:
    """Return the state of each entry that some results carry, first what somebody should look after."""
    by_entry: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for result in results:
        for field, carried in (("attestation", result.attestation), ("waiver", result.waiver)):
            if carried:
                by_state = by_entry.setdefault((field, carried["entry"]), {})
                by_state[carried["state"]] = carried

    statuses = [_status(field, entry, by_state) for (field, entry), by_state in by_entry.items()]
    return sorted(statuses, key=lambda status: (_ORDER.index(status.kind), status.entry))


def _status(field: str, entry: str, by_state: Mapping[str, Mapping[str, Any]]) -> EntryStatus:
    """Return the gravest state of an entry that several results carry."""
    state = next(state for state in (VOID, EXPIRED, HALF, DECIDES, WAIVES, UNUSED) if state in by_state)
    carried = by_state[state]

    if field == "waiver":
        kind, text = "waived", _waiver_text(carried)
        unused = "the line is well: remove the waiver"
    else:
        kind, text = "attested", _attestation_text(carried)
        unused = "a machine decides the line: remove the attestation"

    if state == VOID:
        return EntryStatus("void", entry, f"a machine found otherwise; attested {text}")
    if state == EXPIRED:
        return EntryStatus("expired", entry, f"{kind} {text}")
    if state == HALF:
        return EntryStatus(kind, entry, f"{text}; the machine's part of the line is missing")
    if state == UNUSED:
        return EntryStatus("unused", entry, f"{unused}; {kind} {text}")
    return EntryStatus(kind, entry, text)


def _waiver_text(waiver: Mapping[str, Any]) -> str:
    people = f"asked for by {waiver['requested_by']}, approved by {waiver['approved_by']} on {waiver['at']}"
    # What earlier versions wrote is about the whole of what its name says.
    subjects = waiver.get("subjects") or ()
    scope = f"{', '.join(map(str, subjects))} alone, " if subjects else ""
    return f"{scope}until {waiver['until']} ({waiver['reason']}): {waiver['because']}; {people}"


def _attestation_text(attestation: Mapping[str, Any]) -> str:
    denial = "" if attestation["holds"] else "that it does not hold, "
    made = f"by {attestation['who']} on {attestation['at']}, {denial}valid until {attestation['valid_until']}"
    return f"{made}: {attestation['statement']} ({attestation['evidence']})"
