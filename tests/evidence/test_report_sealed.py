"""The report as part of a sealed run: rendered again it is the same file, and older runs stay as they were sealed."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.evidence import ledger
from tests.evidence.launch import Launch, make, signer

NOW = ("tiny", "preflight")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Give a launch as it was: red, killed, green."""
    return make(tmp_path_factory.mktemp("launch"))


@pytest.fixture
def launch(done: Launch, tmp_path: Path) -> Launch:
    """Give a copy that may be changed."""
    return done.copy(tmp_path / "copy")


def test_both_pages_are_sealed_and_the_report_comes_out_the_same_again(launch: Launch) -> None:
    run = launch.runs()[-1]
    sealed = ledger.read(launch.book, {}).runs[run.name].sealed
    assert sealed
    assert {"report.html", "pytest.html"} <= set(sealed.files)
    page = (run / "report.html").read_bytes()
    assert launch.verify(*NOW, "--render") == 0
    assert (run / "report.html").read_bytes() == page


def test_pytest_s_own_page_is_evidence_too(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    path = launch.runs()[-1] / "pytest.html"
    path.write_text(path.read_text("utf-8") + " ", "utf-8")
    assert launch.verify(*NOW) == 11
    assert "pytest.html was changed after it was sealed" in capsys.readouterr().out


def test_a_run_of_the_earlier_version_stays_as_it_was_sealed(launch: Launch) -> None:
    """It had the page of pytest-html under the name of the report."""
    run = launch.runs()[-1]
    facts = launch.facts(run)
    (run / "pytest.html").replace(run / "report.html")
    page = (run / "report.html").read_bytes()
    launch.seal_again(run, signer(launch.folder / "ci.key"), facts)
    assert launch.verify(*NOW) == 0
    assert launch.verify(*NOW, "--render") == 0
    assert (run / "report.html").read_bytes() == page


def test_the_report_of_a_killed_run_is_rendered_from_what_is_there(launch: Launch) -> None:
    killed = launch.runs()[1]
    assert not (killed / "report.html").exists()
    assert launch.verify(str(killed), "--render") == 10
    assert "the run ended early: it has no last record" in (killed / "report.html").read_text("utf-8")
