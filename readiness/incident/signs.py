"""What stands beside a decision: signs that ask for more than it does, and an earlier decision that is another one.

A plain CONTINUE beside a service that does not answer would be believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from readiness.files.canonical_json import JsonObject
from readiness.incident.assessment import DecisionPoint
from readiness.incident.facts import FACTS, VERDICT, Wanted
from readiness.incident.found import Fact, Found, Missing
from readiness.incident.walk import Move

HEALTH = "health"
_ASK_HEALTH = ("health.live", "health.ready")
"""The checks whose lines say where a health endpoint is."""
_AT_LEAST = {"PAGE": Move.FIX, "PAUSE": Move.PAUSE, "ROLLBACK": Move.ROLL_BACK}
"""A verdict → the mildest answer that is none too mild for it."""


@dataclass(frozen=True)
class Sign:
    """Something that asks for more than going on."""

    at_least: Move
    says: str


def health_paths(decided_by: Iterable[Mapping[str, JsonObject]]) -> list[str]:
    """Return the health endpoints that the lines of a runbook name, by what decides each line."""
    stated = (limits.get("path") for checks in decided_by for name, limits in checks.items() if name in _ASK_HEALTH)
    return list(dict.fromkeys(path for path in stated if isinstance(path, str)))


def wanted_health(path: str) -> Wanted:
    """Return the fact of a health endpoint."""
    return Wanted(FACTS[HEALTH], {"path": path})


def signs_of(facts: Mapping[str, Fact], health: Mapping[str, Fact]) -> Iterator[Sign]:
    """Yield the signs: the newest verdict, and each health endpoint, by its path, that is not well."""
    verdict = facts.get(VERDICT)
    if isinstance(verdict, Found):
        for word in verdict.words:
            if word in _AT_LEAST:
                yield Sign(_AT_LEAST[word], f"the newest verdict: {verdict.says}")
    for path, fact in health.items():
        is_open = isinstance(fact, Missing) and fact.was_asked
        if is_open or (isinstance(fact, Found) and fact.number):
            yield Sign(Move.FIX, f"{wanted_health(path).says}: {fact.says}")


def with_signs(decision: DecisionPoint, signs: Iterable[Sign]) -> DecisionPoint:
    """Return a decision with the signs that ask for more."""
    rank = decision.do.rank if decision.do else -1
    more = tuple(sign.says for sign in signs if sign.at_least.rank > rank)
    return replace(decision, graver=(*decision.graver, *more))


def after(decision: DecisionPoint, earlier: Sequence[tuple[int, DecisionPoint]]) -> DecisionPoint:
    """Return a decision that says how it goes together with those of earlier minutes, where they are others."""
    if decision.do is None or not earlier:
        return decision
    minute, before = max(earlier, key=lambda each: each[1].do.rank if each[1].do else len(Move))
    return replace(decision, beside=_together(decision.do, minute, before))


def _together(move: Move, minute: int, before: DecisionPoint) -> str:
    if before.do is None:
        return f"minute {minute} is OPEN: look there first"
    if move.rank > before.do.rank and move.rank >= Move.PAUSE.rank:
        return (
            f"minute {minute} says {_loud(before.do)} by the facts of now; this is for later, where it still holds then"
        )
    if move.rank < before.do.rank and before.do.rank >= Move.PAUSE.rank:
        return f"minute {minute} says {_loud(before.do)}, and that stands; this is for what is left after it"
    return ""


def _loud(move: Move) -> str:
    return str(move).upper()
