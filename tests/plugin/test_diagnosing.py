"""What is attached to a line: gathered when it has failed, within a budget, and without a say in the outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.project import CONFTEST, Project, Ran, line

USAGE_ERROR = 4
LINK = "https://status.example.com/?a=1&b=2"
MORE = """
import time


def pytest_configure():
    import readiness.plugin.diagnosing

    readiness.plugin.diagnosing.BUDGET_SECONDS = 0.6


@observation
def sessions_of_tiny() -> list[dict[str, str]]:
    leave("looked.txt", "sessions_of_tiny")
    return [{"role": "<b>app</b>"}]


@observation
def queue_of_tiny() -> float:
    leave("looked.txt", "queue_of_tiny")
    return 7.0


@observation
def hangs() -> float:
    time.sleep(4)
    return 1.0


@observation
def hangs_too() -> float:
    time.sleep(4)
    return 1.0


@observation
def broken_look() -> float:
    return 1 / 0
"""
AFTER: dict[str, object] = {"phase": ["postlaunch"]}
BAD, GOOD = {"demo.figure": {"share_below": 0.3}}, {"demo.figure": {"share_below": 0.9}}
CUT = ["hangs", "hangs_too", "sessions_of_tiny"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    found = Project(tmp_path_factory.mktemp("diagnosing"))
    found.write("conftest.py", CONFTEST + MORE)
    found.runbook(
        line("well", GOOD, diagnostics=["sessions_of_tiny"], links=["https://well.example.com"], **AFTER),
        line("record", GOOD, diagnostics=["queue_of_tiny"], diagnostics_always=True, **AFTER),
        line("failed", BAD, diagnostics=["sessions_of_tiny", "hidden", "broken_look"], links=[LINK], **AFTER),
        line("stepped", {"demo.figure": {}}, ladder={"warn": 0.4}, diagnostics=["sessions_of_tiny"], **AFTER),
        line("slow", BAD, diagnostics=CUT, **AFTER),
        line("slow-too", BAD, diagnostics=CUT, **AFTER),
    )
    return found


@pytest.fixture(scope="module", params=[(), ("-n", "2")], ids=["alone", "workers"])
def ran(project: Project, request: pytest.FixtureRequest) -> Ran:
    return project.run("-m", "postlaunch", *request.param)


def test_nothing_of_it_changes_an_outcome(ran: Ran) -> None:
    outcomes = {"well": "pass", "record": "pass", "failed": "fail", "stepped": "warn", "slow": "fail"}
    assert ran.outcomes() == {**outcomes, "slow-too": "fail"}, ran.out


def test_only_what_failed_or_reached_a_step_has_diagnostics(ran: Ran) -> None:
    assert ran.of("well")["diagnostics"] == {}
    assert ran.of("record")["diagnostics"] == {"queue_of_tiny": 7.0}
    assert ran.of("stepped")["diagnostics"] == {"sessions_of_tiny": [{"role": "<b>app</b>"}]}
    assert set(ran.of("failed")["diagnostics"]) == {"sessions_of_tiny", "hidden", "broken_look"}


def test_what_cannot_be_seen_is_attached_as_such(ran: Ran) -> None:
    found = ran.of("failed")["diagnostics"]
    assert found["hidden"] == {"unknown": "GET /figure answered 403", "remedy": "give the probe the role viewer"}
    assert "ZeroDivisionError" in found["broken_look"]["unknown"]
    assert "unknown: GET /figure answered 403; give the probe" in ran.out


def test_what_takes_too_long_is_cut_and_told_and_the_rest_is_there(ran: Ran) -> None:
    for name in ("slow", "slow-too"):
        found = ran.of(name)["diagnostics"]
        assert found["sessions_of_tiny"] == [{"role": "<b>app</b>"}]
        for hung in ("hangs", "hangs_too"):
            assert found[hung]["unknown"].startswith("cut off: hangs")
    assert "cut off: hangs was not back within 0.6 s" in ran.out


def test_nobody_looks_while_every_line_is_well(project: Project) -> None:
    kept = project.folder / "figure.txt"
    kept.write_text("0.2", encoding="utf-8")
    try:
        ran = project.run("-m", "postlaunch")
    finally:
        kept.unlink()
    assert set(ran.outcomes().values()) == {"pass"}, ran.out
    assert ran.looked == ["figure", "queue_of_tiny"]
    assert LINK not in ran.out


def test_every_report_shows_them_once_with_their_lines_and_links(project: Project) -> None:
    ran = project.run("-m", "postlaunch")
    folder = max(project.folder.glob("reports/tiny/2*"), key=lambda path: path.stat().st_mtime)
    names = ("report.html", "summary.md", "pytest.html")
    page, summary, rows = ((folder / name).read_text("utf-8") for name in names)
    for text in (ran.out, summary, page):
        assert "diagnostic" in text
        assert "well.example.com" not in text
    lines = "failed, stepped, slow, slow-too"
    assert f"diagnostic sessions_of_tiny ({lines})" in ran.out
    assert ran.out.count("role <b>app</b>") == 1
    assert f"look     {LINK}" in ran.out
    assert f"<{LINK}>" in summary
    assert "role &lt;b&gt;app&lt;/b&gt;" in summary
    assert "<b>app" not in page + summary + rows
    assert page.count("role &lt;b&gt;app&lt;/b&gt;") == 1
    assert '<a href="https://status.example.com/?a=1&amp;b=2" rel="noopener noreferrer">' in page
    assert "diagnostic sessions_of_tiny:" in rows  # in the row of its line, too


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"diagnostics": ["written"]}, "diagnostics: written has an effect or needs a limit"),
        ({"diagnostics": ["figure_of"]}, "diagnostics: figure_of has an effect or needs a limit"),
        ({"diagnostics": ["hangs_to"]}, "'hangs_to' is not known; did you mean 'hangs_too'?"),
        ({"links": ["javascript:alert(1)"]}, "must begin with https://"),
        ({"links": ["https://x.example.com/ onclick=1"]}, "must begin with https://"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, more: dict[str, list[str]], told: str) -> None:
    project = Project(tmp_path)
    project.write("conftest.py", CONFTEST + MORE)
    project.runbook(line("one", GOOD, **AFTER, **more))
    ran = project.run("-m", "postlaunch")
    assert ran.exit == USAGE_ERROR
    assert told in ran.out
    assert ran.looked == []
