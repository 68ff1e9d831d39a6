"""What counts as looser: told for each demand that became weaker, and never for one that became stricter."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.evidence.limit_changes import loosened
from readiness.evidence.records import Plan

LINE: dict[str, Any] = {
    "id": "b/one",
    "runbook": "b",
    "ref": "1",
    "says": "it holds",
    "phase": ["preflight"],
    "gate": "blocker",
    "due": "T-1h",
    "checks": ["a.b"],
    "limits": {"a.b": {"share_below": 0.8, "minutes_at_least": 5, "path": "/health"}},
    "ladder": {"page": 0.9},
}
ITEM = {"line": "b/one", "check": "a.b", "subject": "x", "due": True}


def plan(**changes: Any) -> Plan:
    return Plan.model_validate({"lines": [{**LINE, **changes}], "items": [ITEM]})


def limits(**changes: Any) -> dict[str, Any]:
    return {"limits": {"a.b": {**LINE["limits"]["a.b"], **changes}}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, None),
        (limits(share_below=0.7), None),
        (limits(minutes_at_least=6), None),
        ({"gate": "blocker", "due": None}, None),
        ({"due": "T-1d"}, None),
        (limits(share_below=0.9), "b/one: a.b.share_below 0.8 -> 0.9"),
        (limits(minutes_at_least=4), "b/one: a.b.minutes_at_least 5 -> 4"),
        (limits(path="/"), "b/one: a.b.path /health -> /"),
        (limits(share_below=None), "b/one: a.b.share_below 0.8 -> the check's own"),
        ({"gate": "warning"}, "b/one: gate blocker -> warning"),
        ({"due": "T-0"}, "b/one: due T-1h -> T-0"),
        ({"due": "after sign-off"}, "b/one: due T-1h -> after sign-off"),
        ({"consecutive": 2}, "b/one: consecutive 1 -> 2"),
        ({"limits": {}}, "b/one: a.b decides it no more"),
        ({"id": "b/two"}, "b/one: the line is gone"),
    ],
)
def test_each_weaker_demand_is_told(changes: dict[str, Any], told: str | None) -> None:
    assert list(loosened(plan(), plan(**changes))) == ([told] if told else [])


def test_a_thing_that_nobody_asks_for_any_more() -> None:
    assert list(loosened(plan(), Plan.model_validate({"lines": [LINE], "items": []}))) == [
        "b/one: nobody asks for x any more"
    ]


def test_a_changed_ladder_is_told() -> None:
    (told,) = loosened(plan(), plan(ladder={"page": 0.95}))
    assert told.startswith("b/one: ladder")
