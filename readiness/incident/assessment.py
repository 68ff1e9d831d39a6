"""What the facts of a walk come to: the answer of a decision point with its number, and the symptoms that are there.

Unknown is never an answer: a milder one does not stand where a graver one could not be looked at. What is decided stays
decided, whatever else nobody knows.

>>> from readiness.incident.found import Found, Missing
>>> rules = (Choice(do="pause", says="errors above 10 %", when=(Condition(fact="errors", reaches=0.1),)),
...          Choice(do="continue", says="go on looking"))
>>> decide(rules, {"errors": Found("30 %", 0.3)}, {}).do
<Move.PAUSE: 'pause'>
>>> decide(rules, {"errors": Missing("the database is away")}, {}).do is None
True
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from readiness.incident.facts import IS_DOWN, OF_PEOPLE, Wanted
from readiness.incident.found import Fact, Found, Missing
from readiness.incident.walk import Choice, Condition, Move, Symptom
from readiness.incident.words import says_word
from readiness.measurements import AtLeast, Refusal
from readiness.outcomes import Unknown
from readiness.slo.events import Events

Facts = Mapping[str, Fact]
"""The name of a fact in the walk → what is known of it."""
WantedFacts = Mapping[str, Wanted]
_NOBODY = Missing("nobody asked for it", was_asked=False)


@dataclass(frozen=True)
class Held:
    """Whether a condition holds: None where nobody knows."""

    holds: bool | None
    why: str
    unsaid: str = ""
    """Where it hangs on what people have not said yet, and on nothing else: that, with how to say it."""


@dataclass(frozen=True)
class DecisionPoint:
    """The answer of a decision point."""

    do: Move | None
    """None: it is open."""
    says: str
    why: str
    """With the number that decides, and what it is held against."""
    graver: tuple[str, ...] = ()
    """What could not be looked at, or is seen beside it, and would ask for more."""
    beside: str = ""
    """How it goes together with the decision of an earlier minute that is another one."""


@dataclass(frozen=True)
class MarkedSymptom:
    """A symptom, and whether it is there: None where nobody knows."""

    symptom: Symptom
    seen: bool | None
    why: str


def decide(choices: Iterable[Choice], facts: Facts, wanted: WantedFacts) -> DecisionPoint:
    """Return the first answer that holds."""
    open_ones: list[tuple[Choice, Held]] = []
    for choice in choices:
        if not choice.when:
            return _left(choice, open_ones)
        held = _any(choice.when, facts, wanted)
        if held.holds:
            graver = _listed([(above, other) for above, other in open_ones if above.do.rank > choice.do.rank])
            return DecisionPoint(choice.do, choice.says, held.why, graver)
        if held.holds is None:
            open_ones.append((choice, held))
    if open_ones:
        return _undecided(open_ones)
    return DecisionPoint(None, "people decide", "nothing that the runbook names is reached, and it says nothing else")


def _left(choice: Choice, open_ones: list[tuple[Choice, Held]]) -> DecisionPoint:
    """Return the answer where nothing above holds: none, as long as somebody might be wrong about that."""
    if open_ones:
        return _undecided(open_ones)
    return DecisionPoint(choice.do, choice.says, "nothing that asks for more holds")


def _undecided(open_ones: list[tuple[Choice, Held]]) -> DecisionPoint:
    unsaid = [held.unsaid for _, held in open_ones]
    if all(unsaid):
        return DecisionPoint(None, "; ".join(dict.fromkeys(unsaid)), "it hangs on that alone")
    says = "look at it by hand, and take the graver answer in doubt"
    return DecisionPoint(None, says, "what decides it could not be looked at", _listed(open_ones))


def _listed(open_ones: list[tuple[Choice, Held]]) -> tuple[str, ...]:
    return tuple(f"{choice.do} ({choice.says}): {held.why}" for choice, held in open_ones)


def mark(symptoms: Iterable[Symptom], facts: Facts, wanted: WantedFacts) -> list[MarkedSymptom]:
    """Return the symptoms, each with whether it is there."""
    marked = []
    for symptom in symptoms:
        held = _seen(symptom, facts, wanted) if symptom.when else Held(None, "only people see it")
        marked.append(MarkedSymptom(symptom, held.holds, held.why))
    return marked


def _seen(symptom: Symptom, facts: Facts, wanted: WantedFacts) -> Held:
    """Return whether a symptom is there: what rules it out does so whatever else holds."""
    ruled_out = _any(symptom.unless, facts, wanted) if symptom.unless else Held(False, "")
    return Held(False, ruled_out.why) if ruled_out.holds else _any(symptom.when, facts, wanted)


def _any(conditions: Iterable[Condition], facts: Facts, wanted: WantedFacts) -> Held:
    """Return whether any condition holds; that nobody knows where one could not be looked at and none holds."""
    every = [_held(condition, facts.get(condition.fact, _NOBODY), wanted) for condition in conditions]
    for answer in (True, None, False):
        same = [held for held in every if held.holds is answer]
        if same:
            why = same[0].why if answer else _joined(held.why for held in same)
            return Held(answer, why, _joined(held.unsaid for held in same) if all(held.unsaid for held in same) else "")
    raise AssertionError("there is a condition")


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))


def _held(condition: Condition, fact: Fact, wanted: WantedFacts) -> Held:
    what = wanted[condition.fact].says if condition.fact in wanted else condition.fact
    if isinstance(fact, Missing) and not fact.was_asked:
        is_of_people = condition.fact in wanted and wanted[condition.fact].kind.name in OF_PEOPLE
        return Held(None, f"{what}: {fact.says}", f"{fact.why}: {fact.remedy}" if is_of_people else "")
    if condition.unknown:
        is_unknown = isinstance(fact, Missing)
        return Held(is_unknown, f"{what}: {fact.says}" if is_unknown else f"{what} is known: {fact.says}")
    if isinstance(fact, Missing):
        return Held(None, f"{what}: {fact.says}")
    if condition.names is not None:
        return _named(condition.names, fact, what)
    unit = wanted[condition.fact].kind.unit if condition.fact in wanted else ""
    return _compared(condition, fact, what, unit)


def _named(word: str, fact: Found, what: str) -> Held:
    match = next((told for told in fact.words if says_word(told, word)), None)
    if match is None:
        return Held(False, f"{what}: {fact.says}, and none of it says {word!r}")
    return Held(True, f"{what}: {fact.says}, which says {word!r}")


def _compared(condition: Condition, fact: Found, what: str, unit: str) -> Held:
    limit = condition.reaches if condition.reaches is not None else condition.under
    assert limit is not None  # a condition has one way
    try:
        measured = _against(fact, limit, condition.events_at_least)
    except Unknown as unknown:
        return Held(None, f"{what}: {fact.says}; {unknown.reason}")
    if measured is None:
        return Held(None, f"{what}: {fact.says}, which is no number")

    is_reached = _reaches(measured, limit)
    relation = {True: "reaches", False: "is under", None: "is known as a lower bound only, against"}[is_reached]
    holds = is_reached if condition.reaches is not None or is_reached is None else not is_reached
    against = "" if unit == IS_DOWN else f" {relation} {_with_unit(limit, unit)}"
    return Held(holds, f"{what}: {fact.says}{against}")


def _against(fact: Found, limit: float, at_least: int) -> float | AtLeast | Refusal | None:
    """Return the number as it may be held against a limit. Raises Unknown where too few events stand behind it."""
    if fact.measured is None:
        return fact.number
    if isinstance(fact.measured, Events):
        return fact.measured.share(limit, at_least)
    return fact.measured.under(limit)


def _reaches(measured: float | AtLeast | Refusal, limit: float) -> bool | None:
    """Check whether a number reaches a limit; None where its lower bound does not say."""
    if isinstance(measured, Refusal):
        return True
    if isinstance(measured, AtLeast):
        return True if measured.at_least >= limit else None
    return measured >= limit


def _with_unit(limit: float, unit: str) -> str:
    return f"{limit * 100:.3g} %" if unit == "share" else f"{limit:g} {unit}".rstrip()
