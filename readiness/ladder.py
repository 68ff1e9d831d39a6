"""Which step of a line's ladder a measurement has reached. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from readiness.measurements import Measurement, holds
from readiness.outcomes import Step

FAILED = "failed"

# The step is reached when the value no longer keeps to the step's own threshold.
_BROKEN = {"below", "at_most", "at_least", "above"}


def reached(ladder: Mapping[Step, float | str], measurements: Sequence[Measurement]) -> Step | None:
    """Return the highest step that any measurement has reached.

    A number is a limit like the line's own and compared the same way: with `below`, a value at or above it reaches
    the step. It is in the unit of the check's first measurement, and measurements in another unit are not held against
    it. The word `failed` is reached by any measurement out of its limit, another word by such a measurement that
    names it: the breakers that are `open`.
    """
    unit = measurements[0].unit if measurements else ""
    steps = [
        step
        for step, threshold in ladder.items()
        for found in measurements
        if (isinstance(threshold, str) or found.unit == unit) and _reaches(found, threshold)
    ]
    return max(steps, key=lambda step: step.height, default=None)


def _reaches(found: Measurement, threshold: float | str) -> bool:
    if isinstance(threshold, str):
        return not found.ok and (threshold == FAILED or threshold in found.name.split())
    if found.comparator not in _BROKEN or isinstance(found.value, bool) or not isinstance(found.value, int | float):
        return False
    return not holds(found.value, found.comparator, threshold)
