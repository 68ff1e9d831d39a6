"""What is wrong with a value is said in words for people: no tuple, no string type, no timedelta."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, Field, FiniteFloat, TypeAdapter, ValidationError

from readiness.errors import not_one_of, wrong_value
from readiness.evidence.previous_run import history_notes
from readiness.evidence.recorded_ladder import Before
from readiness.verdict import VerdictStatus

RAW = re.compile(
    r"input should|tuple|frozenset|\bstring\b|\bdict\b|\bitems?\b after|instance|NoneType|validation", re.IGNORECASE
)
NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (int, "many", "a whole number is wanted"),
        (int, 1.5, "a whole number is wanted"),
        (float, "many", "a number is wanted"),
        (FiniteFloat, float("inf"), "a finite number is wanted"),
        (bool, "maybe", "true or false is wanted"),
        (str, 5, "text is wanted"),
        (dict[str, int], 5, "keys with their values are wanted"),
        (tuple[int, ...], 5, "a list is wanted"),
        (list[int], {}, "a list is wanted"),
        (frozenset[int], 5, "a list is wanted"),
        (Annotated[tuple[int, ...], Field(min_length=1)], [], "a list of 1 or more is wanted"),
        (Annotated[tuple[int, ...], Field(max_length=1)], [1, 2], "a list of 1 or fewer is wanted"),
        (Annotated[str, Field(min_length=2)], "a", "text of 2 characters or more is wanted"),
        (Annotated[str, Field(max_length=2)], "abc", "text of 2 characters or fewer is wanted"),
        (Annotated[float, Field(gt=0)], 0, "more than 0 is wanted"),
        (Annotated[float, Field(ge=1)], 0, "1 or more is wanted"),
        (Annotated[float, Field(lt=1)], 1, "less than 1 is wanted"),
        (Annotated[float, Field(le=600)], 601, "600 or less is wanted"),
        (Literal["a", "b"], 5, "one of 'a' or 'b' is wanted"),
        (date, "x", "a date such as 2026-12-01 is wanted"),
        (AwareDatetime, "x", "a date and time with its zone such as 2026-12-01T09:00:00Z is wanted"),
        (AwareDatetime, "2026-12-01T09:00:00", "a date and time with its zone such as 2026-12-01T09:00:00Z is wanted"),
        (Path, 5, "a path is wanted"),
    ],
)
def test_a_wrong_value_is_told_in_words_for_people(kind: Any, value: object, said: str) -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(kind).validate_python(value)
    told = wrong_value(raised.value.errors()[0])
    assert told == said
    assert not RAW.search(told)


def test_a_name_is_not_proposed_to_whoever_wrote_it() -> None:
    assert not_one_of("bomb", ["bomb", "prod"]) == "'bomb' is not known (known: bomb, prod)"
    assert not_one_of("bob", ["bomb"]) == "'bob' is not known; did you mean 'bomb'? (known: bomb)"


@pytest.mark.parametrize("apart", [timedelta(days=1, minutes=59, seconds=58.528), timedelta(minutes=3)])
def test_two_clocks_are_so_many_minutes_apart(apart: timedelta) -> None:
    before = Before(run="r", head="h", started_at=NOW + apart, verdict=VerdictStatus.GO, decisions=())
    (note,) = history_notes(before, (), NOW)
    assert f"it began {apart / timedelta(minutes=1):,.0f} min later: one of the clocks is wrong" in note
