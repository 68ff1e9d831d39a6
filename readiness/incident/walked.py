"""A walk with its facts filled in: what stands at each step, what is decided, which symptoms are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from readiness.incident.assessment import DecisionPoint, Facts, MarkedSymptom, WantedFacts, decide, mark
from readiness.incident.found import Fact, Found, Missing
from readiness.incident.signs import Sign, after, signs_of, with_signs
from readiness.incident.walk import NAMED, IncidentWalk, Move, WalkStep, Window
from readiness.redaction.mentions import calling_nobody
from readiness.redaction.shown import printable

_NOBODY = Missing("nobody asked for it", was_asked=False)
NOT_KNOWN = "not known yet"
"""What a post says of a fact that nobody knows: why not is no news for a channel."""


@dataclass(frozen=True)
class FilledFact:
    """A fact of a step: its name, what it is about, and what is known of it."""

    name: str
    what: str
    fact: Fact


@dataclass(frozen=True)
class FilledStep:
    """A step with its facts, and what is posted."""

    says: str
    facts: tuple[FilledFact, ...]
    post: str


@dataclass(frozen=True)
class FilledWindow:
    """Some minutes of the walk, and what is decided at their end."""

    minutes: str
    steps: tuple[FilledStep, ...]
    decision: DecisionPoint | None
    """None where the runbook asks for none."""

    @property
    def ends(self) -> int:
        """Return the minute at which it ends."""
        return int(self.minutes.partition("-")[2])


@dataclass(frozen=True)
class FilledWalk:
    """The walk of one runbook."""

    runbook: str
    title: str
    source: str
    windows: tuple[FilledWindow, ...]
    symptoms: tuple[MarkedSymptom, ...]

    def moves(self, *, first_alone: bool) -> list[Move]:
        """Return what its decision points ask for, or the first of them alone; those that are open ask for nothing."""
        decisions = [window.decision for window in self.windows if window.decision]
        return [decision.do for decision in decisions[: 1 if first_alone else None] if decision.do]

    @property
    def unknown(self) -> list[FilledFact]:
        """Return the facts that nobody could get, once each."""
        every = {fact.name: fact for window in self.windows for step in window.steps for fact in step.facts}
        return [fact for fact in every.values() if isinstance(fact.fact, Missing)]


def fill(
    runbook: str,
    title: str,
    walk: IncidentWalk,
    facts: Facts,
    until: int | None = None,
    health: Mapping[str, Fact] = MappingProxyType({}),
) -> FilledWalk:
    """Return a walk with its facts; `until` a minute, where no more of it is wanted.

    `health`: what the endpoints of the runbook's lines answer, by their path.
    """
    wanted = {name: walk.wanted(name) for name in walk.names}
    signs = tuple(signs_of(facts, health))
    windows: list[FilledWindow] = []
    for window in _until(walk.walk, until):
        windows.append(_window(window, facts, wanted, windows, signs))
    return FilledWalk(runbook, title, walk.source, tuple(windows), tuple(mark(walk.symptoms, facts, wanted)))


def _until(windows: tuple[Window, ...], until: int | None) -> Iterable[Window]:
    """Return the windows that begin before a minute."""
    if until is None:
        return windows
    return [window for window in windows if window.begins < until]


def _window(
    window: Window, facts: Facts, wanted: WantedFacts, before: Iterable[FilledWindow], signs: Iterable[Sign]
) -> FilledWindow:
    steps = tuple(_step(step, facts, wanted) for step in window.steps)
    if not window.decide:
        return FilledWindow(window.minutes, steps, None)
    earlier = [(each.ends, each.decision) for each in before if each.decision]
    decision = with_signs(after(decide(window.decide, facts, wanted), earlier), signs)
    return FilledWindow(window.minutes, steps, decision)


def _step(step: WalkStep, facts: Facts, wanted: WantedFacts) -> FilledStep:
    filled = tuple(FilledFact(name, wanted[name].says, facts.get(name, _NOBODY)) for name in step.facts)
    return FilledStep(step.says, filled, NAMED.sub(lambda match: _posted(facts.get(match[1])), step.post))


def _posted(fact: Fact | None) -> str:
    return calling_nobody(printable(fact.says)) if isinstance(fact, Found) else NOT_KNOWN
