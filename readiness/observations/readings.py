"""Facts that only the environment knows: a team's own numbers, by configuration alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from readiness.measurements import Plain
from readiness.observations import observation
from readiness.observations.needs import Since, launch_meant, named_reading, says_no_time, time_meant
from readiness.observations.slo import Span, launch_window
from readiness.outcomes import Unknown
from readiness.slo.since_launch import require_told_late_enough
from readiness.sources.readings import Readings

__all__ = ["Fact", "Since", "Span"]

Fact = bool | int | float | str
FROM_THE_LAUNCH_ON = "0s"
"""The window of a line that speaks of the time since the launch, and names no length of it."""


@dataclass(frozen=True)
class OwnReading:
    """The reading that a line names, and of which time it is: its query says that, and nobody can change it."""

    reading: str
    window: str | None
    since: Since | None

    def value_of_its_time(self, readings: Readings, launch_at: datetime | None, moment: datetime) -> Plain:
        """Return the value of the reading.

        Raises Unknown where the line speaks of a time since the launch that is not over, or was not when it was told.
        """
        known = readings.named(self.reading)
        window = launch_window(self.window or FROM_THE_LAUNCH_ON, self.since, launch_at, moment)
        if window is None:
            return readings.value(known)
        window.require_whole()
        dated = readings.dated(known)
        if dated.at is None:
            raise says_no_time(self.reading)
        require_told_late_enough(f"readings.{self.reading}", dated.at, window.over_at)
        return dated.value


@observation(needs=(named_reading, launch_meant, time_meant))
def own_number(readings: Readings, moment: datetime, launch_at: datetime | None, limits: OwnReading) -> float:
    """Return the number of a reading that only the environment knows."""
    known = readings.named(limits.reading)
    return readings.as_number(known, limits.value_of_its_time(readings, launch_at, moment))


@observation(needs=(named_reading, launch_meant, time_meant))
def own_fact(readings: Readings, moment: datetime, launch_at: datetime | None, limits: OwnReading) -> Fact:
    """Return the fact of a reading that only the environment knows. Raises Unknown for a list or an object."""
    value = limits.value_of_its_time(readings, launch_at, moment)
    if not isinstance(value, Fact):
        raise Unknown(f"readings.{limits.reading} is no single fact", "point it at one value")
    return value
