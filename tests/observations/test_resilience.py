"""Circuit breakers as other products tell them: a word in any case, a number, nothing, and several at once."""

from __future__ import annotations

from typing import Any, cast

import pytest

from readiness.observations.resilience import breakers_not_closed
from readiness.outcomes import Unknown
from readiness.sources.readings import Readings


class OfBreakers:
    """Readings that tell these states, of breakers a, b and so on."""

    def __init__(self, states: list[object]) -> None:
        self._states = states

    def rows(self, *_: object) -> list[dict[str, Any]]:
        return [{"name": name, "state": state} for name, state in zip("abc", self._states, strict=False)]


def not_closed(*states: object) -> list[str]:
    return breakers_not_closed(cast("Readings", OfBreakers(list(states))))


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (["closed", "CLOSED", "Closed "], []),
        (["HALF-OPEN", "closed"], ["a half_open"]),
        (["FORCED_OPEN"], ["a forced_open"]),
        # What nobody can read of one takes nothing away from another that is open.
        (["open", None], ["a open"]),
        ([2, "OPEN", ""], ["b open"]),
    ],
)
def test_what_is_not_closed_is_named(states: list[object], told: list[str]) -> None:
    assert not_closed(*states) == told


@pytest.mark.parametrize("states", [[], [None], ["closed", 1], ["closed", ""], [True]])
def test_where_nobody_knows_it_is_unknown(states: list[object]) -> None:
    with pytest.raises(Unknown):
        not_closed(*states)
