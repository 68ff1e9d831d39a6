"""What the business does on the service: logins, payments, leads, registrations."""

from __future__ import annotations

from readiness.clients.levels import Levels
from readiness.clients.readings import Readings
from readiness.observations import known_reading, observation
from readiness.observations.slo import HOUR, events_of, usual_of
from readiness.service_levels import Window
from readiness.slo import Events, Usual

__all__ = ["Events", "Usual"]

ACTIVE_USERS = known_reading(
    "active_users",
    "the most users that were active at once, those of rehearsals included",
)


@observation
def logins(levels: Levels) -> Events:
    """Count the last hour's logins, and those that failed."""
    return events_of(levels, "logins", Window(HOUR))


@observation
def payments(levels: Levels) -> Events:
    """Count the last hour's payments, and those that failed."""
    return events_of(levels, "payments", Window(HOUR))


@observation
def usual_leads(levels: Levels) -> Usual:
    """Count the last hour's lead forms, and those of the same hour a day and a week ago."""
    return usual_of(levels, "leads")


@observation
def registrations(levels: Levels) -> float:
    """Count the last hour's registrations."""
    return levels.occurrences("registrations", Window(HOUR))


@observation
def active_users(readings: Readings) -> float:
    """Fetch the most users that were active at once."""
    return readings.number(ACTIVE_USERS)
