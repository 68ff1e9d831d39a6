"""What a check comes to under the limits that bind from a later day: a check only compares, so it is asked again.

An observation that looks by such a limit looks once more, by the later one.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import pytest

from readiness.errors import BadRunbook
from readiness.evidence.recorded_ahead import RecordedAhead
from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.measurements import Measure
from readiness.observations import OBSERVATIONS
from readiness.outcomes import Effect, Unknown
from readiness.plugin.observer import Observer
from readiness.plugin.session import ItemState
from readiness.runbook.dated_limits import LimitsAhead
from readiness.runbook.limits import Limits
from readiness.runbook.lines import Item, limits_of


def connect(state: ItemState, node: pytest.Function, model: type[Limits]) -> Iterator[str]:
    """Give an item the limits that bind later. Yields what does not fit."""
    parts: list[tuple[LimitsAhead, Limits]] = []
    for part in state.item.line.ahead.get(state.item.check, ()):
        yield from _not_looked_at_twice(state.item, node, part)
        later = replace(state.item, limits={**state.item.limits, **part.limits})
        try:
            parts.append((part, limits_of(later, model)))
        except BadRunbook as error:
            yield from (f"from {part.day}: {problem}" for problem in error.problems)
    state.limits_ahead = tuple(parts)


def looks_later(state: ItemState, names: Iterable[str]) -> Iterator[tuple[str, Limits]]:
    """Yield the observations that an item needs once more: each that looks by a limit of a later day, with that."""
    for part, limits in state.limits_ahead:
        yield from ((name, limits) for name in names if _looks_by(name, part))


def _looks_by(name: str, part: LimitsAhead) -> list[str]:
    """Return the limits of a later day that an observation looks by."""
    looks_with = OBSERVATIONS[name].limit_names if name in OBSERVATIONS else ()
    return sorted(set(part.limits) & set(looks_with))


def _not_looked_at_twice(item: Item, node: pytest.Function, part: LimitsAhead) -> Iterator[str]:
    """Yield the limits by which something is done: for the sake of a later day nothing is written, nobody notified."""
    for name in inspect.signature(node.obj).parameters:
        if name in OBSERVATIONS and OBSERVATIONS[name].effect is not Effect.READ:
            for limit in _looks_by(name, part):
                line = f"runbook {item.runbook}: line {item.line.id}: {item.check}: {limit} from {part.day}"
                reason = f"the observation {name} does something by it ({OBSERVATIONS[name].effect}), and only once"
                yield f"{line}: {reason}; state it without a date"


def judge(state: ItemState, node: pytest.Function, observer: Observer) -> None:
    """Hold what an item is given against each of the limits that bind later. It measures, and decides nothing."""
    names = inspect.signature(node.obj).parameters
    given = {name: node.funcargs[name] for name in names}
    later = [_later(state, given, part, limits, observer) for part, limits in state.limits_ahead]
    state.ahead = tuple(
        _measured(node, given_then, part, limits)
        for given_then, (part, limits) in zip(later, state.limits_ahead, strict=True)
    )


def _later(
    state: ItemState, given: Mapping[str, object], part: LimitsAhead, limits: Limits, observer: Observer
) -> dict[str, object] | None:
    """Return what an item is given under later limits; None where a look by them sees nothing."""
    looked_again = [name for name in given if _looks_by(name, part)]
    try:
        seen = {name: observer.value(name, limits, state.item.name, lambda _: None) for name in looked_again}
    except Unknown:
        return None
    return {**given, **seen}


def _measured(
    node: pytest.Function, given: Mapping[str, object] | None, part: LimitsAhead, limits: Limits
) -> RecordedAhead:
    """Return what is measured under later limits: nothing, which counts as not kept, where nothing was seen."""
    if given is None:
        return RecordedAhead(begins=part.begins, limits=part.limits)

    measure = Measure()
    is_broken = False
    try:
        node.obj(**{**given, "limits": limits, "measure": measure})
    except (Exception, Unknown):  # noqa: BLE001  whatever breaks under them does not keep them
        is_broken = all(measurement.ok for measurement in measure.taken)

    # Without a measurement it counts as not kept.
    taken = [] if is_broken else [RecordedMeasurement(**vars(measurement)) for measurement in measure.taken]
    return RecordedAhead(begins=part.begins, limits=part.limits, measurements=tuple(taken))
