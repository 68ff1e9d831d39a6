"""What a check comes to under the limits that bind from a later day: a check only compares, so it is asked again."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace

import pytest

from readiness.errors import BadRunbook
from readiness.evidence.recorded_ahead import RecordedAhead
from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.measurements import Measure
from readiness.observations import OBSERVATIONS
from readiness.outcomes import Unknown
from readiness.plugin.session import ItemState
from readiness.runbook.dated_limits import LimitsAhead
from readiness.runbook.lines import Limits, limits_of


def connect(state: ItemState, node: pytest.Function, model: type[Limits], where: str) -> Iterator[str]:
    """Give an item the limits that bind later. Yields what does not fit."""
    parts: list[tuple[LimitsAhead, Limits]] = []
    for part in state.item.line.ahead.get(state.item.check, ()):
        yield from _read_by_looks(node, part, where)
        later = replace(state.item, limits={**state.item.limits, **part.limits})
        try:
            parts.append((part, limits_of(later, model)))
        except BadRunbook as error:
            yield from (f"from {part.day}: {problem}" for problem in error.problems)
    state.limits_ahead = tuple(parts)


def _read_by_looks(node: pytest.Function, part: LimitsAhead, where: str) -> Iterator[str]:
    """Yield the limits that a look is given: what it would see under another one nobody knows before the day."""
    for name in inspect.signature(node.obj).parameters:
        looks_with = OBSERVATIONS[name].limit_names if name in OBSERVATIONS else ()
        for limit in sorted(set(part.limits) & set(looks_with)):
            reason = f"the observation {name} looks by it, and nobody knows what it will see"
            yield f"{where}: {limit} from {part.day}: {reason}; state it without a date"


def judge(state: ItemState, node: pytest.Function) -> None:
    """Hold what an item is given against each of the limits that bind later. It measures, and decides nothing."""
    names = inspect.signature(node.obj).parameters
    given = {name: node.funcargs[name] for name in names}
    state.ahead = tuple(_measured(node, given, part, limits) for part, limits in state.limits_ahead)


def _measured(node: pytest.Function, given: dict[str, object], part: LimitsAhead, limits: Limits) -> RecordedAhead:
    measure = Measure()
    is_broken = False
    try:
        node.obj(**{**given, "limits": limits, "measure": measure})
    except (Exception, Unknown):  # noqa: BLE001  whatever breaks under them does not keep them
        is_broken = all(measurement.ok for measurement in measure.taken)

    # Without a measurement it counts as not kept.
    taken = [] if is_broken else [RecordedMeasurement(**vars(measurement)) for measurement in measure.taken]
    return RecordedAhead(begins=part.begins, limits=part.limits, measurements=tuple(taken))
