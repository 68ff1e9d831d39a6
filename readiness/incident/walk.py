"""The section `incident` of a runbook: what its document says of the first minutes, as data. See docs/incidents.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from readiness.errors import meant, not_one_of
from readiness.files.canonical_json import JsonObject
from readiness.incident.facts import FACTS, OF_THE_EVIDENCE, FactKind, Wanted
from readiness.incident.words import has_letters

_MINUTES = re.compile(r"([0-9]{1,3})-([0-9]{1,3})\Z")
NAMED = re.compile(r"\{([^{}]*)\}")
Sentence = Annotated[str, Field(min_length=1)]


class Move(StrEnum):
    """What is done at a decision point, the mildest first."""

    CONTINUE = "continue"
    FIX = "fix"
    MITIGATE = "mitigate"
    PAUSE = "pause"
    ROLL_BACK = "roll back"

    @property
    def rank(self) -> int:
        """Return how grave it is."""
        return list(Move).index(self)


class Part(BaseModel):
    """Base of all that stands in the section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _no_truth(stated: object) -> object:
    # Pydantic makes 1 of `true`.
    if isinstance(stated, bool):
        raise ValueError("a number is wanted, and this is true or false")  # noqa: TRY004  pydantic tells a ValueError
    return stated


Threshold = Annotated[float, BeforeValidator(_no_truth)]


def _word(stated: str) -> str:
    if not has_letters(stated):
        raise ValueError(f"{stated!r} is no word")
    return stated


class Condition(Part):
    """What a fact must be like. Exactly one way."""

    fact: str
    reaches: Threshold | None = None
    """Its number is this, or more."""
    under: Threshold | None = None
    """Its number is less."""
    names: Annotated[str, AfterValidator(_word)] | None = None
    """One of its texts has this word, in any case and as a whole; `pars*` is each that begins so."""
    unknown: bool = False
    """Somebody looked, or was asked, and does not know."""
    events_at_least: Annotated[int, Field(ge=1)] = 1
    """Of a share: so many events it takes to judge, unless those that failed are enough for it."""

    @model_validator(mode="after")
    def _one_way(self) -> Condition:
        ways = ("reaches", "under", "names", "unknown")
        # A limit of 0 is a limit.
        stated = [way for way in ways if getattr(self, way) is not None and getattr(self, way) is not False]
        if len(stated) != 1:
            raise ValueError(f"a condition has one of {', '.join(ways)}; here: {stated or 'none'}")
        return self


class Choice(Part):
    """One answer of a decision point; the first that holds is taken."""

    do: Move
    says: Sentence
    when: tuple[Condition, ...] = ()
    """Any one of them is enough; none: it is the answer where nothing above holds."""


class WalkStep(Part):
    """One thing that is done."""

    says: Sentence
    facts: tuple[str, ...] = ()
    """What is to be known for it: names of facts."""
    post: str = ""
    """What is posted; `{red_lines}` stands for a fact."""


def _span_of_minutes(stated: str) -> str:
    match = _MINUTES.match(stated)
    if not match or int(match[1]) >= int(match[2]):
        raise ValueError(f"{stated!r} is no span of minutes; write 0-5")
    return stated


class Window(Part):
    """Some minutes of the walk."""

    minutes: Annotated[str, AfterValidator(_span_of_minutes)]
    steps: Annotated[tuple[WalkStep, ...], Field(min_length=1)]
    decide: tuple[Choice, ...] = ()

    @property
    def begins(self) -> int:
        """Return the minute at which it begins."""
        return int(self.minutes.partition("-")[0])

    @property
    def ends(self) -> int:
        """Return the minute at which it ends."""
        return int(self.minutes.partition("-")[2])


class Symptom(Part):
    """One that the document knows, with its cause and what mends it."""

    symptom: Sentence
    cause: Sentence
    fix: Sentence
    when: tuple[Condition, ...] = ()
    """Any one of them marks it; none: only people see it."""
    unless: tuple[Condition, ...] = ()
    """Any one of them rules it out, whatever marks it."""


class Parent(Part):
    """Another table, whose row decides whether the rows that hang on it may be changed."""

    table: Sentence
    """The document's own name of it."""
    key: Sentence
    """Its column with the value of the key."""
    only_while: Annotated[dict[str, tuple[str, ...]], Field(min_length=1)]
    """Column → the values that it has by the time of the change."""


class Repair(Part):
    """A change by hand that the document names: it is printed as SQL for a review, and never run."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z-]*$")]
    says: Sentence
    table: Sentence
    """The document's own name of it; `tables` of the environment says what it is called there."""
    key: Sentence
    """The column that names the rows."""
    change: dict[str, str] = Field({}, alias="set")
    """Column → its new value; without any the rows are deleted."""
    rows: Sentence
    """The reading whose rows are meant."""
    rows_key: str = "id"
    """The column of that reading with the value of the key."""
    only_while: dict[str, tuple[str, ...]] = {}
    """Column → the values that it still has: a row that has gone on meanwhile is left alone."""
    parent: Parent | None = None
    """What the rows hang on: those of a parent that is otherwise by then are left alone."""

    @property
    def columns(self) -> dict[str, set[str]]:
        """Return the tables that it names, each with its columns."""
        named = {self.table: {self.key, *self.change, *self.only_while}}
        if self.parent:
            named.setdefault(self.parent.table, set()).update({self.parent.key, *self.parent.only_while})
        return named


class IncidentWalk(Part):
    """The section."""

    source: Sentence
    """Where in its document that stands, and what of it does not."""
    facts: dict[str, dict[str, JsonObject]] = {}
    """A name for the steps → one fact of the suite, with what its look is told."""
    walk: Annotated[tuple[Window, ...], Field(min_length=1)]
    symptoms: tuple[Symptom, ...] = ()
    captures: tuple[str, ...] = ()
    """The readings whose rows are saved before anybody changes anything."""
    repairs: tuple[Repair, ...] = ()

    @model_validator(mode="after")
    def _facts_known(self) -> IncidentWalk:
        problems = [*_wrong_facts(self.facts), *self._unknown_facts(), *self._wrong_windows()]
        # Of a fact that nobody knows nobody knows the unit.
        problems = problems or [*self._no_shares()]
        if problems:
            raise ValueError("; ".join(dict.fromkeys(problems)))
        return self

    def _no_shares(self) -> Iterator[str]:
        """Yield the thresholds of shares that are none: per cent in their place would never be reached."""
        for condition in self._conditions():
            threshold = condition.under if condition.reaches is None else condition.reaches
            is_share = self.wanted(condition.fact).kind.unit == "share"
            if is_share and threshold is not None and not 0 <= threshold <= 1:
                yield f"{condition.fact}: a share is 0 to 1, not {threshold:g}: for 10 % write 0.1"

    def _conditions(self) -> Iterator[Condition]:
        yield from (when for window in self.walk for choice in window.decide for when in choice.when)
        yield from (when for symptom in self.symptoms for when in (*symptom.when, *symptom.unless))

    def wanted(self, name: str) -> Wanted:
        """Return the fact that a name of this walk stands for."""
        if name not in self.facts:
            return Wanted(FACTS[name])
        ((known, stated),) = self.facts[name].items()
        return Wanted(FACTS[known], stated)

    @property
    def names(self) -> list[str]:
        """Return the names of all facts that it asks for, once each, in its order."""
        return list(dict.fromkeys(name for name, _ in self._asked()))

    @property
    def saved_readings(self) -> list[str]:
        """Return the readings whose rows it saves or changes by hand, once each."""
        return list(dict.fromkeys((*self.captures, *(repair.rows for repair in self.repairs))))

    @property
    def readings(self) -> list[str]:
        """Return all readings that it names: those, and the ones that its facts are made of."""
        stated = (arguments for known in self.facts.values() for arguments in known.values())
        of_facts = [str(arguments["reading"]) for arguments in stated if "reading" in arguments]
        return [*self.saved_readings, *of_facts]

    def _asked(self) -> Iterator[tuple[str, str]]:
        """Yield each name of a fact, and where it stands."""
        for window in self.walk:
            place = f"minutes {window.minutes}"
            for step in window.steps:
                yield from ((name, place) for name in (*step.facts, *NAMED.findall(step.post)))
            yield from ((when.fact, place) for choice in window.decide for when in choice.when)
        for symptom in self.symptoms:
            conditions = (*symptom.when, *symptom.unless)
            yield from ((when.fact, f"the symptom {symptom.symptom!r}") for when in conditions)

    def _unknown_facts(self) -> Iterator[str]:
        ready = [name for name, kind in FACTS.items() if not kind.wants]
        for name, place in self._asked():
            if name in self.facts or name in ready:
                continue
            if name in FACTS:
                yield f"{place}: fact {name!r} is told {_listed(FACTS[name])}: name it in `facts`, with these"
            else:
                yield f"{place}: fact {meant(name, [*self.facts, *ready])}"

    def _wrong_windows(self) -> Iterator[str]:
        for window in self.walk:
            plain = [choice for choice in window.decide if not choice.when]
            if plain and (len(plain) > 1 or window.decide[-1] is not plain[0]):
                yield f"minutes {window.minutes}: the choice without `when` is the last one, and the only one"
        ends = [window.ends for window in self.walk]
        if ends != sorted(set(ends)):
            yield "the minutes of the walk do not follow each other"


def _wrong_facts(facts: Mapping[str, Mapping[str, JsonObject]]) -> Iterator[str]:
    """Yield what is wrong with the facts that a walk gives a name."""
    for name, stated in facts.items():
        if len(stated) != 1:
            yield f"facts: {name}: one fact of the suite is wanted, such as {name}: {{health: {{path: /health}}}}"
            continue
        ((known, arguments),) = stated.items()
        if known not in FACTS:
            yield f"facts: {name}: fact {meant(known, FACTS)}"
        elif known in OF_THE_EVIDENCE:
            yield f"facts: {name}: {known} takes nothing; use it by its own name"
        else:
            yield from (f"facts: {name}: {known}: {problem}" for problem in _wrong_arguments(FACTS[known], arguments))


def _wrong_arguments(kind: FactKind, stated: JsonObject) -> Iterator[str]:
    for key in stated:
        if key not in kind.wants:
            yield f"key {not_one_of(key, kind.wants)}"
    missing = [key for key in kind.wants if key not in stated]
    if missing:
        yield f"{', '.join(missing)} is missing"


def _listed(kind: FactKind) -> str:
    return " and ".join(kind.wants)
