"""Who answers for a value that nobody measures: `declared`, key of the environment → who, since when, until when.

A literal in a file looks like a measurement, and is somebody's word. In production it ticks nothing unless it is said
whose word, as of an attestation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from readiness.config.documents import explain, read
from readiness.config.fields import STRICT, Day
from readiness.config.persons import what_is_wrong_with
from readiness.errors import BadEnvironment
from readiness.provenance import Declared, Provenance, declared, vouched_by
from readiness.runbook.attestations import DAYS_AT_MOST, Name
from readiness.timeline import end_of_day, has_come


class Declaration(BaseModel):
    """One person's word for a value that stands in a file."""

    model_config = STRICT

    who: Name
    at: Day
    valid_until: Day
    """The last day that it counts, to its end in UTC."""

    @model_validator(mode="after")
    def _ends(self) -> Declaration:
        if self.valid_until < self.at:
            raise ValueError(f"valid_until {self.valid_until} is before at {self.at}")
        if self.valid_until - self.at > timedelta(days=DAYS_AT_MOST):
            raise ValueError(f"valid_until {self.valid_until} is more than {DAYS_AT_MOST} days after at {self.at}")
        if wrong := what_is_wrong_with(self.who):
            raise ValueError(f"who: {self.who!r} {wrong}")
        return self

    def lapsed(self, moment: datetime) -> str:
        """Return why it does not count at a moment; empty where it does."""
        if moment >= end_of_day(self.valid_until):
            return f"what {self.who} declared on {self.at} expired on {self.valid_until}"
        if not has_come(self.at, moment):
            return f"what {self.who} declared is of {self.at}, after the moment that is judged"
        return ""


Declarations = Mapping[str, Declaration]


class _OfTheFile(BaseModel):
    """Of an environment file the one key that says who answers for what."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    declared: dict[str, Declaration] = {}


def stated_declarations(file: Path) -> Declarations | None:
    """Return who answers for what by an environment file as it stands there; None where a variable has a part of it.

    Raises BadEnvironment for an entry that a run would refuse.
    """
    document = read(file)
    if document.problems or not isinstance(document.data, dict):
        raise BadEnvironment(document.problems or [f"{file.name} says nothing"])
    if "${" in str(document.data.get("declared")):
        return None
    try:
        return _OfTheFile.model_validate(document.data).declared
    except ValidationError as error:
        raise BadEnvironment(explain(error, _OfTheFile, document)) from None


def about(key: str, declarations: Declarations) -> Declaration | None:
    """Return who answers for a key: by its own entry, or else by that of what it is a part of.

    >>> team = Declaration(who="Ada Example", at="2026-11-20", valid_until="2026-12-20")
    >>> about("service_levels.orders.count", {"service_levels.orders": team}).who
    'Ada Example'
    """
    name = entry_about(key, declarations)
    return declarations[name] if name else None


def entry_about(key: str, declarations: Declarations) -> str | None:
    """Return the name of the entry by which somebody answers for a key; None where nobody does."""
    parts = key.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in declarations), None)


def vouched(every: Iterable[Provenance], declarations: Declarations) -> Iterator[Provenance]:
    """Yield how values were come by; what was only declared with the person who answers for it."""
    for provenance in every:
        entry = about(provenance.key, declarations) if isinstance(provenance, Declared) else None
        if isinstance(provenance, Declared) and entry:
            yield vouched_by(provenance, entry.who, entry.at, entry.valid_until)
        else:
            yield provenance


def unanswered(
    stated: Iterable[str], every: Iterable[Provenance], declarations: Declarations, moment: datetime
) -> list[str]:
    """Return the sentences about declared values that nobody answers for at a moment, each with why."""
    by_sentence = {str(one): about(one.key, declarations) for one in declared(every)}
    sentences = []
    for sentence in stated:
        entry = by_sentence.get(sentence)
        lapsed = entry.lapsed(moment) if entry else ""
        if entry is None or lapsed:
            sentences.append(f"{sentence}; {lapsed}" if lapsed else sentence)
    return sentences
