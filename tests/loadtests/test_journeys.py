"""Journeys as data: what is filled in, what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from readiness.journeys import Journey, Step, fill, fill_all, point, read_rows


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
    (tmp_path / "users.csv").write_text("id\n1\n2\n")
    assert read_rows(journey, tmp_path) == [{"id": "1"}, {"id": "2"}]
