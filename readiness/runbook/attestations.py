"""Attestations: what only a person can know. Who says so, when, on what evidence, and until when it counts.

They lie in `<environment>.attestations.yaml` beside the environment file, and change by pull request as it does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, StringConstraints, model_validator

from readiness.config.documents import Document, read
from readiness.config.fields import STRICT, Day
from readiness.config.persons import what_is_wrong_with
from readiness.config.promises import is_still_to_come
from readiness.config.variables import filled
from readiness.config.wording import is_only_for_this_machine, is_placeholder_link, is_sentence
from readiness.errors import BadEnvironment, not_one_of
from readiness.files.canonical_json import JsonObject
from readiness.runbook.lines import Runbook, locate, shipped
from readiness.runbook.lines import load as load_runbook
from readiness.runbook.links import is_link
from readiness.shipped import RUNBOOKS
from readiness.timeline import AFTER_SIGN_OFF, end_of_day, has_come, parse_offset

SUFFIX = ".attestations.yaml"
DAYS_AT_MOST = 366
"""Nothing is attested for ever."""


def _one_line(text: str) -> str:
    """Return the text as one line. Raises ValueError for what a terminal would obey, or would turn the text around."""
    flat = " ".join(text.split())
    if not flat.isprintable():
        raise ValueError(f"{flat!r} holds a character that cannot be printed")
    return flat


Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=10, max_length=500), AfterValidator(_one_line)
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=100), AfterValidator(_one_line)]


def _link(text: str) -> str:
    if not is_link(text):
        raise ValueError(f"{text!r} is not a link such as https://wiki.shop.internal/launch")
    return text


Link = Annotated[str, AfterValidator(_link)]


class Attestation(BaseModel):
    """One person's word for one line."""

    model_config = STRICT

    statement: Words
    holds: bool = True
    """False: the line is not true; the person says so, or takes an earlier word back."""
    who: Name
    at: Day
    valid_until: Day
    """The last day that it counts, to its end in UTC."""
    evidence: Link

    @model_validator(mode="after")
    def _ends(self) -> Attestation:
        if self.valid_until < self.at:
            raise ValueError(f"valid_until {self.valid_until} is before at {self.at}")
        if self.valid_until - self.at > timedelta(days=DAYS_AT_MOST):
            raise ValueError(f"valid_until {self.valid_until} is more than {DAYS_AT_MOST} days after at {self.at}")
        return self

    @property
    def summary(self) -> str:
        """The attestation in one line, as a measurement's name."""
        made = f"attested by {self.who} on {self.at}, valid until {self.valid_until}"
        return f"{made}: {self.statement} ({self.evidence})"

    def lapsed(self, moment: datetime) -> str | None:
        """Return why it does not count at a moment; None where it does."""
        if moment >= end_of_day(self.valid_until):
            return f"the attestation of {self.who} on {self.at} expired on {self.valid_until}"
        if not has_come(self.at, moment):
            return f"the attestation of {self.who} is of {self.at}, after the moment that is judged"
        return None

    def of_another_time(self, due: str | None, launch_at: datetime | None, signed_at: datetime | None) -> str | None:
        """Return why it cannot speak for a line with this due time; None where it can.

        A word from before the launch says nothing of after it, and one from after it let nobody launch. The sign-off
        divides likewise what is due after it.
        """
        if due is None:
            return None
        event, at = ("sign-off", signed_at) if due == AFTER_SIGN_OFF else ("launch", launch_at)
        is_of_after = due == AFTER_SIGN_OFF or parse_offset(due) >= timedelta(0)
        made = f"the attestation of {self.who} is of {self.at}"
        if at is None:
            return f"{made}, and nobody knows when the {event} was, of which the line speaks" if is_of_after else None

        # A day counts to its end in UTC: on the day itself nobody knows which of the two came first.
        if is_of_after and end_of_day(self.at) <= at:
            return f"{made}, before the {event}, and the line speaks of after it"
        if not is_of_after and self.is_late(at):
            return f"{made}, after the {event}, and the line speaks of before it"
        return None

    def is_late(self, deadline: datetime) -> bool:
        """Check whether it was made after a deadline: its day began, in UTC, when that was over."""
        return end_of_day(self.at) - timedelta(days=1) > deadline


class Attestations(BaseModel):
    """The file: `runbook/line`, or `runbook/line:subject`, and what is attested of it."""

    model_config = STRICT

    attestations: dict[str, Attestation] = {}

    def name_for(self, item: str) -> str | None:
        """Return the name of the entry for `runbook/line:subject`: its own, else that of the whole line."""
        return name_among(self.attestations, item)

    def of(self, item: str) -> Attestation | None:
        """Return what is attested of `runbook/line:subject`."""
        name = self.name_for(item)
        return self.attestations[name] if name else None

    def plain(self, items: Collection[str]) -> dict[str, JsonObject]:
        """Return the entries that speak for some of these items, name → its values as JSON has them."""
        names = [self.name_for(item) for item in items]
        return {name: self.attestations[name].model_dump(mode="json") for name in names if name}


def name_among(names: Collection[str], item: str) -> str | None:
    """Return the name of the entry about `runbook/line:subject`: its own, else that of the whole line."""
    if item in names:
        return item

    line = item.partition(":")[0]
    return line if line in names else None


def path_of(environment: str, folder: Path, stated: Path | None) -> Path:
    """Return the path of the file: beside the environment file unless that names another place."""
    return folder / (stated or f"{environment}{SUFFIX}")


def load(
    path: Path, runbooks: Collection[Runbook], variables: Mapping[str, str], *, required: bool = False
) -> Attestations:
    """Read the file; none is as good as an empty one unless it is required. Raises BadEnvironment."""
    if not path.is_file() and not required:
        return Attestations()

    return of_document(read(path), runbooks, variables)


def of_document(document: Document, runbooks: Collection[Runbook], variables: Mapping[str, str]) -> Attestations:
    """Return the attestations of a file that was read. Raises BadEnvironment with every problem."""
    file = filled(document, Attestations, variables)
    problems = [*unknown_lines(file.attestations, runbooks, "attestations", document), *_hollow(file, document)]
    if problems:
        raise BadEnvironment(problems)
    return file


def _hollow(file: Attestations, document: Document) -> Iterator[str]:
    """Yield a problem for each text that says nothing, each link that leads nowhere and each name of nobody.

    Asked of the file and not of the record in a journal: what was attested under earlier rules can be read for ever.
    """
    for name, entry in file.attestations.items():
        loc, key = ("attestations", name), f"attestations.{name}"
        if not is_sentence(entry.statement):
            place = document.where((*loc, "statement"))
            yield f"{place}: {key}.statement: {entry.statement!r} says nothing; write what is true, in a sentence"
        elif is_still_to_come(entry.statement):
            place = document.where((*loc, "statement"))
            yield f"{place}: {key}.statement: {entry.statement!r} is still to come; attest it when it is so"
        yield from _unseen(entry.evidence, f"{document.where((*loc, 'evidence'))}: {key}.evidence")
        if wrong := what_is_wrong_with(entry.who):
            yield f"{document.where((*loc, 'who'))}: {key}.who: {entry.who!r} {wrong}"


def _unseen(evidence: str, place: str) -> Iterator[str]:
    """Yield why nobody else can look at what is linked to."""
    if is_placeholder_link(evidence):
        yield f"{place}: {evidence!r} is a placeholder; write where it can be seen"
    elif is_only_for_this_machine(evidence):
        yield f"{place}: {evidence!r} opens on its own machine alone; write where others can see it"


def unknown_lines(names: Collection[str], runbooks: Collection[Runbook], key: str, document: Document) -> Iterator[str]:
    """Yield a problem for each entry of a line that no runbook has, with the nearest name."""
    # Entries of a runbook that ships, and that the environment does not follow, wait until it does.
    followed = {runbook.runbook for runbook in runbooks}
    named = {name.partition("/")[0] for name in names}
    waiting = named & set(shipped()) - followed

    all_runbooks = [*runbooks, *(load_runbook(locate(name, RUNBOOKS)) for name in sorted(waiting))]
    valid = {name for runbook in all_runbooks for name in names_in(runbook)}

    for name in names:
        if name in valid:
            continue
        # The runbooks have hundreds of lines: the nearest name suffices.
        unknown = not_one_of(name, valid).partition(" (known")[0]
        yield f"{document.where((key, name))}: {key}: line {unknown}"


def names_in(runbook: Runbook) -> Iterator[str]:
    """Yield the names of all that an entry may be about: each line, and each thing that a line names."""
    yield from (f"{runbook.runbook}/{line.id}" for line in runbook.lines)
    yield from (item.name for item in runbook.items())
