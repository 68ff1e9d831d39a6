"""The page of what each document asks names only what is there, and leaves no row without a place or a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from readiness.runbook.lines import Runbook, load, locate, shipped
from tests.house.markdown import ROOT, inline, read, rows

PAGE = read(ROOT / "docs/documents.md")
BOOKS = {name: load(locate(name, Path())) for name in shipped()}
LINES = {f"{name}/{line.id}" for name, book in BOOKS.items() for line in book.lines}
OF_A_RUNBOOK = {"severities", "rollout", "vendors"}
TABLES = {
    title.partition(":")[0]: text
    for title, text in re.findall(r"^## (.+?)\n(.+?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
ROWS = [
    pytest.param(row, id=f"{title}-{place}") for title, text in TABLES.items() for place, row in enumerate(rows(text))
]
NAMED = sorted({name for name in inline(PAGE) if name.partition("/")[0] in BOOKS})


@pytest.mark.parametrize("name", NAMED)
def test_every_line_that_is_named_is_there(name: str) -> None:
    assert name in LINES


@pytest.mark.parametrize("row", ROWS)
def test_each_row_has_a_place_or_a_reason(row: list[str]) -> None:
    _, asks, where = row
    assert asks
    named = set(inline(where))
    has_place = named & (LINES | OF_A_RUNBOOK) or any(text.startswith("readiness ") for text in named) or "](" in where
    has_reason = where.startswith("not here: ") and len(where.split()) > 5
    assert has_place or has_reason


def test_each_runbook_has_its_table() -> None:
    assert len(TABLES) == len(BOOKS)
    for name in BOOKS:
        assert any(f"`{name}/" in text for text in TABLES.values()), name


def of_schedule(book: Runbook) -> set[str]:
    """Return the entries of a schedule that a line decides."""
    limits = (
        limits for line in book.lines for check, limits in line.decided_by.items() if check.startswith("schedule.")
    )
    return {str(one["review"]) for one in limits}


BY_OTHER_LINES = {
    "ingestion": {"preflight", "go_no_go", "launch", "verify", "sign_off"},
    "launch400k": {"infrastructure", "performance", "monitoring", "team", "final", "go_no_go", "launch", "post_mortem"},
    "agency": {"monthly"},
}
"""Entries that the lines due then decide themselves: going through the list, the launch, and what is attested whole."""


@pytest.mark.parametrize("name", BOOKS)
def test_each_entry_of_a_schedule_is_decided(name: str) -> None:
    assert of_schedule(BOOKS[name]) == BOOKS[name].schedule.keys() - BY_OTHER_LINES.get(name, set())
