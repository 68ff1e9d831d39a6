"""Whether a line's ladder can reach the verdict: a step that never decides is a promise that nobody keeps."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from readiness.outcomes import EscalationStep, Gate, Phase

Thresholds = Mapping[EscalationStep, float | str]

FAILED = "failed"
"""The word that any measurement out of its limit reaches."""
_DECIDING = {Gate.BLOCKER, Gate.ACTION}
_COMPARATORS = ("_below", "_at_most", "_at_least", "_above")
_MUST_BE_HIGH = {"_at_least", "_above"}
_NUMBER_IN_QUOTES = re.compile(r"\s*[<>=≤≥]*\s*[+-]?\.?[0-9]")


class Bound(NamedTuple):
    """A limit of a line that is a number: `share_below: 0.8`."""

    key: str
    quantity: str
    comparator: str
    number: float

    @property
    def is_floor(self) -> bool:
        """Whether the value must be high."""
        return self.comparator in _MUST_BE_HIGH

    def __str__(self) -> str:
        return f"{self.key}: {self.number:g}"


def line_faults(gate: Gate, phases: Sequence[Phase], ladder: Thresholds, *, has_checks: bool) -> Iterator[str]:
    """Yield why a ladder can never reach the verdict, whatever its line's checks measure, and what to write instead."""
    acting = [step for step in ladder if step is not EscalationStep.WARN]

    if ladder and not has_checks:
        yield "ladder: no check measures anything that could reach a step; write decided_by, or leave the ladder out"
    if ladder and Phase.POSTLAUNCH not in phases:
        yield (
            f"ladder: steps are reached in postlaunch alone, and the phase is {', '.join(phases)}; "
            "add postlaunch to phase, or leave the ladder out"
        )
    if acting and gate not in _DECIDING:
        yield (
            f"ladder: {', '.join(acting)}: with gate: {gate} the step is reached and never decides; "
            "write gate: blocker, or leave warn alone"
        )
    if gate is Gate.ACTION and has_checks and not acting:
        yield (
            "gate: action recommends what its ladder says, and there is no step above warn; "
            "write one, such as ladder: {alert: failed}, or gate: blocker"
        )
    for step, threshold in ladder.items():
        yield from (f"ladder: {step}: {fault}" for fault in _threshold_faults(threshold))


def _threshold_faults(threshold: float | str) -> Iterator[str]:
    """Yield why nothing can reach a threshold, whatever is measured."""
    if not isinstance(threshold, str):
        if not math.isfinite(threshold):
            yield f"{threshold} is no threshold that a value could reach; write a finite number"
        return

    if _NUMBER_IN_QUOTES.match(threshold):
        yield f"{threshold!r} is a text, and no number reaches it; write the number without quotes, 20 % as 0.2"
    elif threshold != FAILED and difflib.get_close_matches(threshold.strip().casefold(), [FAILED], cutoff=0.75):
        yield f"{threshold!r} is not a word that a failure reaches; did you mean {FAILED!r}?"
    elif not threshold.strip():
        yield f"it is empty; write a number, or {FAILED}"


def bounds_of(limits: Mapping[str, object]) -> list[Bound]:
    """Return the limits that are numbers, by their keys: quantity, unit, comparator."""
    bounds = []
    for key, value in limits.items():
        comparator = next((ending for ending in _COMPARATORS if key.endswith(ending)), "")
        if comparator and isinstance(value, int | float) and not isinstance(value, bool):
            bounds.append(Bound(key, key.removesuffix(comparator), comparator, value))
    return bounds


def limit_faults(ladder: Thresholds, limits: Mapping[str, object]) -> Iterator[str]:
    """Yield the steps that do not fit what a check measures: the wrong way round, or out of reach.

    Limits in both directions say nothing of the ladder: which of them it is about is known to the check alone.
    """
    bounds = bounds_of(limits)
    if len({bound.is_floor for bound in bounds}) != 1:
        return

    yield from _words(ladder, bounds[0])
    numbers = {step: threshold for step, threshold in ladder.items() if not isinstance(threshold, str)}
    rising = dict(sorted(numbers.items(), key=lambda entry: entry[0].height))

    yield from _out_of_order(rising, bounds[0])
    if len({bound.quantity for bound in bounds}) == 1:
        strictest = (max if bounds[0].is_floor else min)(bounds, key=lambda bound: bound.number)
        yield from _never_warns(ladder, strictest)
        yield from _out_of_reach(rising, bounds[0])


def _words(ladder: Thresholds, bound: Bound) -> Iterator[str]:
    for step, threshold in ladder.items():
        if isinstance(threshold, str) and threshold != FAILED:
            yield f"{step}: {threshold!r}: the check measures a number ({bound}); write a number, or {FAILED}"


def _out_of_order(rising: Mapping[EscalationStep, float], bound: Bound) -> Iterator[str]:
    """Yield the steps that are never the highest: a stronger one is reached before them."""
    for (lower, first), (higher, second) in pairwise(rising.items()):
        is_reached_before = second > first if bound.is_floor else second < first
        if is_reached_before:
            direction = "falls" if bound.is_floor else "rises"
            yield (
                f"{lower}: {first:g} is reached after {higher}: {second:g}, for the value is bad where it {direction} "
                f"({bound}); write them the other way round"
            )


def _never_warns(ladder: Thresholds, bound: Bound) -> Iterator[str]:
    """Yield that the line fails before it warns: a warning is of a value that still keeps the limit."""
    threshold = ladder.get(EscalationStep.WARN)
    if threshold is None or isinstance(threshold, str):
        return

    has_failed_before = threshold <= bound.number if bound.is_floor else threshold >= bound.number
    if has_failed_before:
        side = "above" if bound.is_floor else "below"
        yield (
            f"warn: {threshold:g} is never a warning, for the line has failed by then ({bound}); "
            f"write a number {side} {bound.number:g}, or leave warn out"
        )


def _out_of_reach(rising: Mapping[EscalationStep, float], bound: Bound) -> Iterator[str]:
    for step, threshold in rising.items():
        is_above_all = bound.comparator == "_at_most" and bound.quantity.endswith("share") and threshold >= 1
        is_below_all = bound.is_floor and (threshold < 0 or (threshold == 0 and bound.comparator == "_at_least"))
        if is_above_all or is_below_all:
            yield f"{step}: {threshold:g}: no value lies beyond it ({bound}); write a number that one can reach"
