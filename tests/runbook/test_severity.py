"""The table of severities: a failing line says its word, and until when somebody answers it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from readiness.errors import BadRunbook
from readiness.evidence.journal import read_run
from readiness.rendering.exports import urgency_of
from readiness.runbook.lines import load, locate, shipped
from readiness.runbook.severity import AT_ONCE, SeverityLevel
from tests.plugin.project import Project, line

NINE = datetime(2026, 12, 1, 9, tzinfo=UTC)
TABLE = {
    "SEV-1": {"means": "production is down", "answer": "15m", "roll_back": "within 30 minutes"},
    "SEV-2": {"means": "degraded", "answer": "next business day"},
}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("15m", "within 15m, until 2026-12-01 09:15Z"),
        ("4h", "within 4h, until 2026-12-01 13:00Z"),
        ("1d", "within 1d, until 2026-12-02 09:00Z"),
        (AT_ONCE, "at once"),
        ("next business day", "next business day"),
    ],
)
def test_a_span_has_a_deadline_and_words_stay(answer: str, says: str) -> None:
    assert SeverityLevel(means="down", answer=answer).deadline(NINE) == says


@pytest.mark.parametrize(
    ("severity", "problem"),
    [
        ("SEV-9", "severity 'SEV-9' is not known; did you mean"),
        ("sev-1", "severity 'sev-1' is not known (known: SEV-1, SEV-2)"),
        ({"page": "SEV-1", "rollback": "P1"}, "severity 'P1' is not known"),
    ],
)
def test_a_line_uses_the_words_of_the_table(tmp_path: Path, severity: object, problem: str) -> None:
    entry = {**line("one", "demo.figure", phase=["postlaunch"]), "severity": severity}
    path = tmp_path / "book.yaml"
    content = {"runbook": "book", "title": "Book", "severities": TABLE, "lines": [entry]}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(BadRunbook) as refused:
        load(path)
    assert problem in refused.value.problems[0]
    path.write_text(yaml.safe_dump({**content, "severities": {}}), encoding="utf-8")
    load(path)  # without a table every word is the runbook's own


@pytest.mark.parametrize(
    "level",
    [
        {},
        {"means": "down"},
        {"answer": "15m"},
        {"means": "", "answer": "15m"},
        {"means": "x", "answer": ""},
        {"means": "down", "answer": "15m", "rollback": "now"},
        "15m",
        *({"means": "down", "answer": answer} for answer in ("15 m", "15min", "-5m", "999999d", "1")),
    ],
)
def test_a_level_says_what_it_means_and_how_soon(tmp_path: Path, level: object) -> None:
    path = tmp_path / "book.yaml"
    content = {"runbook": "book", "title": "Book", "severities": {"SEV-1": level}, "lines": [line("a", "demo.figure")]}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(BadRunbook) as refused:
        load(path)
    assert all("severities.SEV-1" in problem for problem in refused.value.problems)


@pytest.mark.parametrize("name", ["umbrella", "agency", "launch400k"])
def test_the_tables_of_the_documents_ship(name: str) -> None:
    table = load(locate(name, Path())).severities
    answers = [level.answer for level in table.values()]
    expected = {
        "umbrella": [AT_ONCE, "15m", "1h"],
        "agency": ["5m", "15m", "1h", "4h"],
        "launch400k": [AT_ONCE, "15m", "1h", "next business day"],
    }
    assert answers == expected[name]


def test_no_shipped_line_has_a_word_without_a_table() -> None:
    books = [load(locate(name, Path())) for name in shipped()]
    assert [book.runbook for book in books if not book.severities and any(one.severity for one in book.lines)] == []


def test_a_failing_line_says_until_when_it_is_answered(tmp_path: Path) -> None:
    project = Project(tmp_path)
    failing = {**line("fails", {"demo.figure": {"share_below": 0.1}}), "severity": "SEV-1"}
    well = {**line("passes", "demo.figure"), "severity": "SEV-1"}
    (tmp_path / "environments" / "book.yaml").write_text(
        yaml.safe_dump({"runbook": "book", "title": "Book", "severities": TABLE, "lines": [failing, well]})
    )
    ran = project.preflight()
    (folder,) = (tmp_path / "reports" / "tiny").glob("2*-preflight*")
    run = read_run(folder)
    answers = {result.key.name: urgency_of(result) for result in run.results}
    assert answers["book/passes"] == ""
    assert answers["book/fails"].startswith("SEV-1, answer within 15m, until 2")
    assert f"({run.results[0].gate}, {answers['book/fails']})" in " ".join(ran.out.split())
    assert answers["book/fails"] in (folder / "report.html").read_text("utf-8")
