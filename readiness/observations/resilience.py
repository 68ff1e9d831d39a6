"""What the circuit breakers have seen."""

from __future__ import annotations

from readiness.environment.schema import Reading
from readiness.observations import known_reading, observation
from readiness.outcomes import Unknown
from readiness.sources.readings import Readings

CIRCUIT_BREAKERS = known_reading(
    "circuit_breakers",
    "the state of each circuit breaker (columns name, state)",
    Reading(sql="select name, state from circuit_breaker_state"),
)
BREAKER_OPENINGS = known_reading(
    "breaker_openings",
    "how often a circuit breaker opened in the last hour",
    Reading(
        sql="select count(*) from circuit_breaker_events where to_state = 'open' and at > now() - interval '1 hour'"
    ),
)


@observation(needs=CIRCUIT_BREAKERS)
def breakers_not_closed(readings: Readings) -> list[str]:
    """Return the breakers that are open or half open, with their state. Raises Unknown where none is recorded."""
    rows = readings.rows(CIRCUIT_BREAKERS, "name", "state")
    if not rows:
        raise Unknown("no circuit breaker is recorded", "set readings.circuit_breakers to where they are")
    return [f"{row['name']} {row['state']}" for row in rows if row["state"] != "closed"]


@observation(needs=BREAKER_OPENINGS)
def breaker_openings(readings: Readings) -> float:
    """Return how often a breaker opened in the last hour."""
    return readings.number(BREAKER_OPENINGS)
