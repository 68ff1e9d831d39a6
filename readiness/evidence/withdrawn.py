"""The attestations and waivers that a recorded run rests on, held against the files that people keep today.

Today's files are read as a new run reads them: what that would refuse carries no good word. Of an entry counts who gave
it, of when it is, until when, and what it is about (`entry_fields`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from readiness.config.documents import Document, read
from readiness.config.persons import is_same_person
from readiness.config.variables import unset_in
from readiness.errors import BadEnvironment
from readiness.evidence.entry_fields import DECIDES_NOTHING
from readiness.evidence.journal import RecordedRun
from readiness.evidence.people import People
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Phase
from readiness.redaction.redactor import REDACTOR
from readiness.redaction.secret import MASK
from readiness.runbook import attestations, waivers
from readiness.runbook.attestations import Attestation, name_among
from readiness.runbook.sign_off import same_name
from readiness.runbook.waivers import Waiver

Entries = Mapping[str, Attestation] | Mapping[str, Waiver]
"""What a file says today: `runbook/line`, or `runbook/line:subject`, and the entry about it."""
RestsOn = Mapping[str, JsonObject]
"""An item of a run, and the entry of people that its result carries."""
_GIVEN_BY = ("who", "requested_by", "approved_by")
"""A waiver is given by two: what one has asked for is not what another one has."""
_DAYS = ("at", "valid_until", "until")
_WORDS = {*DECIDES_NOTHING[Attestation], *DECIDES_NOTHING[Waiver]}


def attested_otherwise(recorded: RecordedRun, people: People, path: Path, *, required: bool) -> Iterator[str]:
    """Yield what the file of attestations takes back today. `required`: the environment file names it."""
    carried = {result.key.name: result.attestation for result in recorded.results if result.attested}
    rests_on = {item: entry for item, entry in carried.items() if entry}

    def load(document: Document) -> Entries:
        return attestations.of_document(document, people.runbooks, os.environ).attestations

    entries, why_not = _today("attestations", path, rests_on, load, required=required)
    yield from why_not
    yield from _said_otherwise("attestation", rests_on, entries, people, path.name)


def waived_otherwise(recorded: RecordedRun, people: People, path: Path) -> Iterator[str]:
    """Yield what the file of waivers takes back today."""
    carried = {result.key.name: result.waiver for result in recorded.results if result.waived}
    rests_on = {item: entry for item, entry in carried.items() if entry}

    def load(document: Document) -> Entries:
        return waivers.of_document(document, people.runbooks, os.environ, people.approvers, people.owners).waivers

    entries, why_not = _today("waivers", path, rests_on, load)
    yield from why_not
    yield from _said_otherwise("waiver", rests_on, entries, people, path.name)


def _today(
    section: str, path: Path, rests_on: RestsOn, load: Callable[[Document], Entries], *, required: bool = False
) -> tuple[Entries | None, list[str]]:
    """Return what a file says today; where nobody can say, or a new run would refuse it, None and why.

    No file is as good as an empty one, unless it is required.
    """
    if not path.is_file() and not required:
        return {}, []
    try:
        return load(read(path)), []
    except BadEnvironment as error:
        if error.of_file:
            return None, [_refused(error.of_file)]

    # Only variables are in the way: what does not rest on them can be known.
    document = read(path)
    unset = list(_unset(document, section, rests_on))
    if unset:
        return None, unset
    try:
        return load(document), []
    except BadEnvironment as error:
        return None, [_refused(error.problems)]


def _refused(problems: Sequence[str]) -> str:
    return REDACTOR.text(f"a new run would be refused: {problems[0]}")


def _unset(document: Document, section: str, rests_on: RestsOn) -> Iterator[str]:
    """Yield where nobody knows from here what an entry decides, as a variable is not set; put aside all other ones.

    An entry that the run does not rest on is left out. For a text that decides nothing stands the recorded one.
    """
    entries = document.data.get(section) if isinstance(document.data, dict) else None
    if not isinstance(entries, dict):
        return

    speaking = {name_among(entries, item): entry for item, entry in rests_on.items()}
    for name, stated in list(entries.items()):
        if not unset_in(stated, os.environ):
            continue
        if name not in speaking or not isinstance(stated, dict):
            del entries[name]
            continue
        for key, value in stated.items():
            unset = unset_in(value, os.environ)
            if unset and key in _WORDS:
                stated[key] = speaking[name].get(key)
            elif unset:
                place = f"{document.where((section, name, key))}: {section}.{name}.{key}"
                yield f"{place}: {unset[0]} is not set here, so nobody knows what the entry says: set it, verify again"


def _said_otherwise(kind: str, rests_on: RestsOn, entries: Entries | None, people: People, file: str) -> Iterator[str]:
    """Yield what the entries of a file say otherwise today. None: nobody knows what they say."""
    if entries is None:
        return
    for item, then in rests_on.items():
        name = name_among(entries, item)
        if name is None:
            yield f"it rests on the {kind} of {then.get('entry')}, which {file} has no more"
            continue

        entry = entries[name]
        what = f"it rests on the {kind} of {name}"
        yield from _taken_back(what, then, entry.model_dump(mode="json"), file)
        if not people.has_come(entry.at):
            yield f"{what}: {file} says that it is of {entry.at}, which has not come"
        if isinstance(entry, Waiver):
            yield from _waives_less(what, entry, item, people.phase, file)


def _waives_less(what: str, waiver: Waiver, item: str, phase: Phase, file: str) -> Iterator[str]:
    """Yield that a waiver is no longer about the phase or the thing for which a run was waived by it."""
    if not waiver.covers(phase):
        yield f"{what}, which {file} limits to {', '.join(waiver.phases)}"
    subject = item.partition(":")[2] or None
    if not waiver.is_about(subject):
        yield f"{what} for {subject or 'the whole line'}: {file} has {', '.join(waiver.subjects)}"


def _taken_back(what: str, then: JsonObject, today: JsonObject, file: str) -> Iterator[str]:
    """Yield each key by which an entry says less today than it said then."""
    if then.get("holds") is True and today.get("holds") is False:
        yield f"{what}: holds was True, and {file} says False"
    for key in _GIVEN_BY:
        if key in then and not is_same_giver(str(then[key]), str(today[key])):
            yield f"{what}: {key} was {then[key]}, and {file} says {today[key]}"
    for key in _DAYS:
        if key in then and _is_earlier(today[key], then[key]):
            yield f"{what}: {key} was {then[key]}, and {file} says {today[key]}"


def is_same_giver(then: str, today: str) -> bool:
    """Check whether a name says the same person as a recorded one. Of what was masked the rest is compared."""
    if MASK not in then:
        return is_same_person(then, today)
    shown = ".+".join(re.escape(part) for part in same_name(then).split(MASK))
    return re.fullmatch(shown, same_name(today)) is not None


def _is_earlier(today: Any, then: Any) -> bool:
    # As ISO writes them, days are in the order of their texts.
    return str(today) < str(then)
