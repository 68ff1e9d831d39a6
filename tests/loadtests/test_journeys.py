"""Journeys as data: what is filled in, what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from readiness.rehearsal.journeys import Journey, Step, check_names, fill, fill_all, point, read_rows


def test_values_are_filled_in_everywhere() -> None:
    values = {"id": "7", "name": "Ann"}
    assert fill("/users/{{id}}?n={{ name }}", values) == "/users/7?n=Ann"
    assert fill_all({"a": ["{{id}}", 1], "b": {"c": "x"}}, values) == {"a": ["7", 1], "b": {"c": "x"}}
    with pytest.raises(ValueError, match=r"\{\{token\}\} has no value"):
        fill("{{token}}", values)


@pytest.mark.parametrize(("pointer", "value"), [("/a/0/b", "x"), ("/c~1d", "1"), ("/flag", "True")])
def test_an_answer_is_pointed_into(pointer: str, value: str) -> None:
    assert point(b'{"a": [{"b": "x"}], "c/d": 1, "flag": true}', pointer) == value


@pytest.mark.parametrize(("body", "pointer"), [(b"<html>", "/a"), (b"{}", "/a"), (b'{"a": []}', "/a"), (b"[1]", "/1")])
def test_what_is_not_there_is_said(body: bytes, pointer: str) -> None:
    with pytest.raises(ValueError, match="the answer"):
        point(body, pointer)


@pytest.mark.parametrize(
    "step", [{"path": "x"}, {"path": "/", "json": 1, "text": "a"}, {"path": "/", "methode": "GET"}]
)
def test_a_step_that_cannot_be_sent_is_refused(step: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Step.model_validate(step)


def test_rows_come_from_beside_the_environment(tmp_path: Path) -> None:
    journey = Journey(steps=(Step(path="/{{id}}"),), rows=Path("users.csv"))
    with pytest.raises(ValueError, match="cannot be read"):
        read_rows(journey, tmp_path)
    (tmp_path / "users.csv").write_text("id\n")
    with pytest.raises(ValueError, match="no row"):
        read_rows(journey, tmp_path)
    (tmp_path / "users.csv").write_text("id\n1\n2\n", encoding="utf-8-sig")  # as spreadsheets write it
    assert read_rows(journey, tmp_path) == [{"id": "1"}, {"id": "2"}]


PAY: list[dict[str, Any]] = [
    {"path": "/login?{{user}}", "name": "{{any}}", "keep": {"token": "/token"}},
    {"path": "/pay", "headers": {"Authorization": "{{token}}"}, "json": {"id": ["{{unique}}"]}},
]


@pytest.mark.parametrize(
    ("number", "other", "key"),
    [
        (0, {"path": "/login?{{usr}}"}, "steps.0.path"),
        (0, {"headers": {"X-Token": "{{token}}"}}, "steps.0.headers"),
        (1, {"json": {"id": ["{{uniqe}}"]}}, "steps.1.json"),
        (1, {"json": None, "upload": {"text": "a", "fields": {"b": "{{c}}"}}}, "steps.1.upload"),
        (1, {"contains": "{{amount}}"}, "steps.1.contains"),
    ],
)
def test_a_name_that_nothing_gives_is_told_with_its_key(number: int, other: dict[str, Any], key: str) -> None:
    rows = [{"user": "ann"}]
    check_names(Journey.model_validate({"steps": PAY}), rows)
    steps = [{**step, **(other if at == number else {})} for at, step in enumerate(PAY)]
    with pytest.raises(ValueError, match=rf"^{key}: .* has no value"):
        check_names(Journey.model_validate({"steps": steps}), rows)
