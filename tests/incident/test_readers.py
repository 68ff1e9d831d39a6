"""How values become facts, whatever order and form another product's queries give them."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.incident import readers
from readiness.incident.found import Found, Missing

ERRORS = [{"why": "late", "n": 2}, {"why": "no header", "n": 9}, {"why": "empty", "n": 1}]


@pytest.mark.parametrize("rows", [ERRORS, ERRORS[::-1], sorted(ERRORS, key=str)])
def test_the_most_common_error_is_found_in_any_order(rows: list[dict[str, Any]]) -> None:
    fact = readers.distribution(rows)
    assert isinstance(fact, Found)
    assert fact.says == "'no header', 9 of 12"


@pytest.mark.parametrize(
    ("times", "first"),
    [
        (["2026-12-01T12:00:00+00:00", "2026-12-01T12:30:00+02:00"], "2026-12-01T12:30:00+02:00"),
        (["2026-12-01 12:30:00", "2026-12-01 12:00:00"], "2026-12-01 12:00:00"),
        (["2026-12-01T12:00:00Z", "2026-12-01 11:00:00"], None),
        (["yesterday", "2026-12-01T12:00:00Z"], None),
    ],
)
def test_the_first_failure_is_the_earliest_and_not_the_first_word(times: list[str], first: str | None) -> None:
    fact = readers.first_at([{"at": time} for time in times])
    if first is None:
        assert isinstance(fact, Missing)
        assert "give all as times with their zone" in fact.remedy
        return
    assert isinstance(fact, Found)
    assert fact.words == (first,)


@pytest.mark.parametrize(("status", "is_down"), [(200, 0), (204, 0), (301, 1), (404, 1), (503, 1)])
def test_a_health_answer_is_well_by_its_class(status: int, is_down: int) -> None:
    fact = readers.health({"status": status, "seconds": 0.1})
    assert isinstance(fact, Found)
    assert fact.number == is_down


@pytest.mark.parametrize(
    ("pool", "share"),
    [
        ({"in_use": 5, "size": 10, "exhausted": ""}, 0.5),
        ({"in_use": 5, "size": 10, "exhausted": "", "unseen": "PgBouncer is silent"}, None),
        ({"in_use": 1, "size": 1, "exhausted": "too many clients", "unseen": "PgBouncer is silent"}, 1.0),
    ],
)
def test_of_a_pool_that_nobody_could_look_at_nothing_is_said(pool: dict[str, Any], share: float | None) -> None:
    fact = readers.pool(pool)
    assert (fact.number if isinstance(fact, Found) else None) == share


@pytest.mark.parametrize(
    ("errors", "says"), [(3, "3 errors in 90 lines"), ({"at_least": 3}, "at least 3 errors in 90 lines")]
)
def test_errors_beside_lines_of_no_level_are_a_bound(errors: object, says: str) -> None:
    fact = readers.log({"lines": 90, "errors": errors, "newest": ["failed"]})
    assert isinstance(fact, Found)
    assert (fact.says, fact.number) == (says, 3)
