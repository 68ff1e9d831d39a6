"""What is saved: in a folder of its own, bounded, masked, and nothing that a spreadsheet or a terminal obeys."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from readiness.errors import BadInput
from readiness.evidence.captured import CELL_AT_MOST, ROWS_AT_MOST, new_folder, save_rows, save_text
from readiness.redaction.secret import Secret

AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
PASSWORD = "correct-horse-battery-staple"


def cells(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))


def test_a_folder_is_never_another_ones(tmp_path: Path) -> None:
    folders = [new_folder(tmp_path / "incidents", AT) for _ in range(3)]
    assert [folder.name for folder in folders] == ["20261201T090000Z", "20261201T090000Z-1", "20261201T090000Z-2"]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}


def test_where_no_folder_can_be_made_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(BadInput) as refused:
        new_folder(tmp_path / "taken" / "incidents", AT)
    assert "cannot be saved" in str(refused.value)


def test_rows_and_their_query_are_saved(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"id": "a", "n": 1, "more": {"b": [2]}}, {"id": "b", "text": None}]
    assert save_rows(tmp_path, "stuck", "sql", "select id from jobs", rows) == "2 rows"
    assert json.loads((tmp_path / "stuck.json").read_text()) == rows
    assert cells(tmp_path / "stuck.csv") == [
        ["id", "n", "more", "text"],
        ["a", "1", '{"b": [2]}', ""],
        ["b", "", "", ""],
    ]
    assert (tmp_path / "stuck.sql").read_text() == "select id from jobs\n"


def test_only_so_many_rows_and_letters_are_saved(tmp_path: Path) -> None:
    rows = [{"text": "x" * (CELL_AT_MOST * 3)} for _ in range(ROWS_AT_MOST + 5)]
    assert save_rows(tmp_path, "many", "http", "https://x", rows) == "the first 1,000 of 1,005 rows"
    saved = json.loads((tmp_path / "many.json").read_text())
    assert (len(saved), len(saved[0]["text"])) == (ROWS_AT_MOST, CELL_AT_MOST + 1)
    assert (tmp_path / "many.txt").exists()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_formula_is_saved_for_a_spreadsheet(text: str, tmp_path: Path) -> None:
    save_rows(tmp_path, "rows", "sql", "select 1", [{"error": text, text: 1}])
    header, row = cells(tmp_path / "rows.csv")
    assert [header[1], row[0]] == [f"'{text}", f"'{text}"]


GUARDED = [
    # a value, and how it lies in the file
    ("  =1+1", "  '=1+1"),
    ("\t=1+1", " '=1+1"),
    ("\r\n=1+1", "  '=1+1"),
    ("\u200b=1+1", " '=1+1"),
    ("\u00a0@SUM(A1)", " '@SUM(A1)"),
    ("\uff1d1+1", "'\uff1d1+1"),
    ("\uff0b1", "'\uff0b1"),
    ("\uff0d1", "'\uff0d1"),
    ("\uff20SUM(A1)", "'\uff20SUM(A1)"),
    ('"=1+1', "\"'=1+1"),
    # quotes alone guard no cell where a spreadsheet divides lines at semicolons
    ("a;=1+1", "a;'=1+1"),
    ('a; "=1+1', "a; \"'=1+1"),
    ("a;b=c", "a;b=c"),
    ("a=b", "a=b"),
    ("a, =b", "a, =b"),
    ("x-y; z", "x-y; z"),
]


@pytest.mark.parametrize(("value", "cell"), GUARDED)
def test_a_formula_is_none_however_it_begins(value: str, cell: str, tmp_path: Path) -> None:
    save_rows(tmp_path, "rows", "sql", "select 1", [{"first": "a", "error": value}])
    assert cells(tmp_path / "rows.csv")[1] == ["a", cell]
    with_semicolons = list(csv.reader((tmp_path / "rows.csv").read_text("utf-8").splitlines(), delimiter=";"))
    assert not any(part.strip(' "').startswith(("=", "+", "-", "@")) for row in with_semicolons for part in row)


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    save_rows(tmp_path, "rows", "sql", "select 1", [{"n": -5, "f": -0.5}])
    assert cells(tmp_path / "rows.csv")[1] == ["-5", "-0.5"]


@pytest.mark.parametrize("hostile", ["a\x1b[2Jb", "a\u202eb", "a\x00b", "a\rb"])
def test_nothing_is_saved_that_a_terminal_obeys(hostile: str, tmp_path: Path) -> None:
    save_rows(tmp_path, "rows", "sql", "select 1", [{"error": hostile, "deep": {"list": [hostile]}, hostile: 1}])
    for path in tmp_path.iterdir():
        text = path.read_text(encoding="utf-8")
        assert all(letter.isprintable() or letter == "\n" for letter in text), path.name
        assert "\\u202e" not in text


def test_no_secret_is_saved(tmp_path: Path) -> None:
    Secret(PASSWORD)
    row = {"error": f"login with {PASSWORD} failed", "deep": [{"dsn": f"postgresql://u:{PASSWORD}@h/d"}]}
    save_rows(tmp_path, "rows", "sql", f"select '{PASSWORD}'", [row])
    save_text(tmp_path, "walk.txt", PASSWORD)
    assert not [path.name for path in tmp_path.iterdir() if PASSWORD in path.read_text(encoding="utf-8")]
