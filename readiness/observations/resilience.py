"""What the circuit breakers have seen."""

from __future__ import annotations

import re
from typing import cast

from readiness.measurements import Plain, show
from readiness.observations import known_reading, observation
from readiness.outcomes import Unknown
from readiness.sources.readings import Readings

CLOSED = "closed"
_BETWEEN_WORDS = re.compile(r"[\s_-]+")
CIRCUIT_BREAKERS = known_reading("circuit_breakers", "the state of each circuit breaker (columns name, state)")
BREAKER_OPENINGS = known_reading("breaker_openings", "how often a circuit breaker opened in the last hour")


@observation(needs=CIRCUIT_BREAKERS)
def breakers_not_closed(readings: Readings) -> list[str]:
    """Return the breakers that are open or half open, with their state.

    Raises Unknown where none is recorded, and where nothing is known of one while the others are closed.
    """
    rows = readings.rows(CIRCUIT_BREAKERS, "name", "state")
    if not rows:
        raise Unknown("no circuit breaker is recorded", "set readings.circuit_breakers to where they are")

    not_closed: list[str] = []
    unreadable: list[Unknown] = []
    for row in rows:
        try:
            state = state_of(row["state"])
        except Unknown as unknown:
            unreadable.append(unknown)
            continue
        if state != CLOSED:
            not_closed.append(f"{row['name']} {state}")

    # A breaker that is open is open whatever another one tells.
    if unreadable and not not_closed:
        raise unreadable[0]
    return not_closed


def state_of(told: object) -> str:
    """Return the state of a breaker as it is compared: CLOSED and Closed are closed. Raises Unknown.

    >>> [state_of(told) for told in ("CLOSED", "Half-Open", "half open", " open ")]
    ['closed', 'half_open', 'half_open', 'open']
    """
    if not isinstance(told, str) or not told.strip():
        raise Unknown(
            f"a circuit breaker has the state {show(cast('Plain', told))}, which is no word",
            "let readings.circuit_breakers tell closed, half_open or open",
        )
    return _BETWEEN_WORDS.sub("_", told.strip()).casefold()


@observation(needs=BREAKER_OPENINGS)
def breaker_openings(readings: Readings) -> float:
    """Return how often a breaker opened in the last hour."""
    return readings.number(BREAKER_OPENINGS)
