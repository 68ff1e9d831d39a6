"""The walk as text: of what the outside says nothing is endless, secret, or obeyed by a terminal."""

from __future__ import annotations

import json
import re

import pytest

from readiness.evidence.planned_lines import outline
from readiness.incident.found import Fact, Found, Missing
from readiness.incident.walk import IncidentWalk
from readiness.incident.walked import fill
from readiness.redaction.secret import Secret
from readiness.rendering.first_minutes import LETTERS_AT_MOST, ROWS_AT_MOST, lines_of, plain
from readiness.runbook import lines as runbook_lines
from readiness.runbook.lines import Runbook
from readiness.shipped import RUNBOOKS

PASSWORD = "a-word-that-nobody-may-see-4711"
HOSTILE = [
    "a\x1b[2Jb",
    "a\u202eb",
    "a\r\nb",
    "::error::a",
    f"login {PASSWORD} failed",
    "x" * 50_000,
]


def books() -> list[Runbook]:
    return [runbook_lines.load(RUNBOOKS / f"{name}.yaml") for name in runbook_lines.shipped()]


@pytest.mark.parametrize("hostile", HOSTILE, ids=["clears", "bidi", "lines", "pipeline", "secret", "endless"])
def test_what_the_outside_says_is_shown_as_text_alone(hostile: str) -> None:
    Secret(PASSWORD)
    found = Found(hostile, 1, words=(hostile,), rows=tuple({"error": hostile, hostile: hostile} for _ in range(50)))
    for fact in (found, Missing(hostile, hostile)):
        for book in books():
            assert book.incident
            facts: dict[str, Fact] = dict.fromkeys(book.incident.names, fact)
            for line in lines_of(fill(book.runbook, book.title, book.incident, facts)):
                assert line.isprintable(), line
                assert PASSWORD not in line
                assert "::error::" not in line
                assert len(line) < LETTERS_AT_MOST + 100


CALLS = [
    "<!channel> away",
    "@everyone",
    "@here",
    "<@U0123>",
    "<!subteam^S1|all>",
    "mail@channel",
    "@\u200beveryone",
    "<\u200b!channel>",
]


@pytest.mark.parametrize("call", CALLS)
def test_a_post_calls_nobody_by_what_the_outside_says(call: str) -> None:
    for book in books():
        assert book.incident
        facts: dict[str, Fact] = dict.fromkeys(book.incident.names, Found(call, 1))
        for window in fill(book.runbook, book.title, book.incident, facts).windows:
            for step in window.steps:
                assert not re.search(r"<[!@#]|@\w", step.post), step.post


def test_only_some_rows_are_shown_and_it_says_so() -> None:
    book = runbook_lines.load(RUNBOOKS / "ingestion.yaml")
    assert book.incident
    facts: dict[str, Fact] = {
        "recent_failures": Found("50 rows", 50, rows=tuple({"id": number} for number in range(50)))
    }
    walked = fill(book.runbook, book.title, book.incident, facts)
    assert f"and {50 - ROWS_AT_MOST} more" in "\n".join(lines_of(walked))
    assert len(json.dumps(plain(walked))) < 20_000


@pytest.mark.parametrize("book", books(), ids=lambda book: book.runbook)
def test_a_journal_keeps_the_walk_as_the_runbook_has_it(book: Runbook) -> None:
    recorded = json.loads(json.dumps(outline(book)))["incident"]
    assert IncidentWalk.model_validate(recorded) == book.incident
