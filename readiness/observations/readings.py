"""Facts that only the environment knows: a team's own numbers, by configuration alone."""

from __future__ import annotations

from readiness.observations import observation
from readiness.observations.needs import named_reading
from readiness.outcomes import Unknown
from readiness.sources.readings import Readings

Fact = bool | int | float | str


@observation(needs=named_reading)
def own_number(readings: Readings, reading: str) -> float:
    """Return the number of a reading that only the environment knows."""
    return readings.number(readings.named(reading))


@observation(needs=named_reading)
def own_fact(readings: Readings, reading: str) -> Fact:
    """Return the fact of a reading that only the environment knows. Raises Unknown for a list or an object."""
    value = readings.value(readings.named(reading))
    if not isinstance(value, Fact):
        raise Unknown(f"readings.{reading} is no single fact", "point it at one value")
    return value
