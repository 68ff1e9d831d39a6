"""How an item came by what it is judged on, and what that comes to where nobody has looked."""

from __future__ import annotations

from collections.abc import Sequence

from readiness.environment.declarations import vouched
from readiness.outcomes import Outcome
from readiness.plugin.run import Run
from readiness.plugin.session import ItemState
from readiness.provenance import Declared, Provenance, distinct, is_declared_alone
from readiness.runbook.lines import Item

Judgement = tuple[Outcome, str, str]
"""Outcome, reason, remedy."""


def provenance_of(run: Run, state: ItemState) -> tuple[Provenance, ...]:
    """Return how what an item rests on was come by: its looks, or the environment's own word that it does not apply."""
    if state.predecided and state.predecided.outcome is Outcome.NOT_APPLICABLE:
        key = f"not_applicable.{state.item.line_id}"
        return (Declared(key, f"{run.environment.environment}.yaml"),)
    return distinct(vouched(state.provenance, run.environment.declared))


def stated_by(state: ItemState, provenance: tuple[Provenance, ...]) -> tuple[str, ...]:
    """Return what was only stated of what an item rests on, each in a sentence."""
    alone = map(str, provenance) if is_declared_alone(provenance) and not state.predecided else ()
    return tuple(dict.fromkeys([*state.stated, *alone]))


def only_stated(run: Run, decided: Item, stated: Sequence[str]) -> Judgement:
    """Return what a good outcome in production comes to that rests on what somebody wrote down: nobody has looked."""
    vouch = f"readiness attest {decided.name} --env {run.environment.environment}"
    remedy = (
        "name a source that is asked: sql, http, metric or promql; or say in `declared` of the environment file who"
        f" answers for it and until when; or have a person vouch for it: {vouch}"
    )
    return Outcome.UNKNOWN, f"{'; '.join(stated)}: not measured", remedy
