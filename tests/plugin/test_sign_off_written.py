"""The last phase ends in the page that approvers sign, and its verdict does not depend on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.evidence import ledger
from readiness.evidence.signing import FILE_VARIABLE
from tests.evidence.launch import Launch, new_key
from tests.plugin.project import Project, line

LAST = '''\
"""The week was calm."""
import pytest

from readiness import Measure


@pytest.mark.ga
def test_calm(figure: float, measure: Measure) -> None:
    """The figure is low.

    Remedy: lower it.
    """
    measure(figure, "share").below(0.8)
'''
APPROVED = "decision: approved\napprovals:\n- {role: SRE Lead, name: Cy Diaz, approved_on: 2026-01-01}\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.environment(launch_at="2020-01-01T00:00:00Z", allow=[])
    found.runbook(line("figure", "demo.figure"), line("calm", "last.calm", phase=["ga"]))
    found.write("checks/test_last.py", LAST)
    found.write("environments/tiny.sign-off.yaml", APPROVED)
    return found


@pytest.fixture
def launched(project: Project) -> Project:
    assert project.run("-m", "preflight").exit == 0
    return project


def test_the_last_phase_ends_in_the_page(project: Project) -> None:
    assert project.run("-m", "preflight").exit == 0
    page = project.folder / "reports/tiny/sign-off.html"
    assert not page.exists()
    ran = project.run("-m", "ga")
    assert ran.exit == 0, ran.out
    assert ran.out.splitlines()[-1].endswith("sign-off.html")
    text = page.read_text("utf-8")
    assert "<title>APPROVED: sign-off of tiny</title>" in text
    assert "2 of 2 boxes of the runbook are ticked by evidence." in text
    assert text.count("/report.html") >= 4
    assert main(["sign-off", "--env", "tiny", "--reports", str(project.folder / "reports")]) == 0
    assert page.read_text("utf-8") == text


def test_a_signed_launch_ends_in_a_page_of_the_ledger(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(new_key(project.folder, "ci")))
    assert project.run("-m", "preflight").exit == 0
    ran = project.run("-m", "ga")
    assert ran.exit == 0, ran.out
    launch = Launch(project.folder)
    assert f"head {ledger.read(launch.book, {}).head}" in ran.out
    assert launch.verify("--all", "--env", "tiny") == 0
    assert "sign-off.html: as it was rendered at" in capsys.readouterr().out
    (of_ga,) = (run for run in launch.runs() if run.name.endswith("-ga"))  # both may have begun in one second
    launch.lower(of_ga)
    assert launch.sign_off() == 10
    assert "-ga (ga): journal.jsonl was changed after it was sealed" in capsys.readouterr().out
    assert "<title>INCOMPLETE: " in (launch.home / ledger.PAGE).read_text("utf-8")


def test_without_a_key_the_page_is_entered_all_the_same(launched: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project = launched
    assert project.run("-m", "ga").exit == 0
    launch = Launch(project.folder)
    assert launch.verify("--all", "--env", "tiny") == 0
    page = launch.home / ledger.PAGE
    page.write_text(page.read_text("utf-8").replace("APPROVED", "DEFERRED"), "utf-8")
    assert launch.verify("--all", "--env", "tiny") == 11
    assert "it was changed since" in capsys.readouterr().out


def test_a_page_that_cannot_be_written_costs_no_verdict(launched: Project) -> None:
    project = launched
    (project.folder / "reports/tiny/sign-off.html").mkdir(parents=True)
    ran = project.run("-m", "ga")
    assert ran.exit == 0, ran.out
    assert "again with readiness sign-off" in ran.out.splitlines()[-1]
    assert "Traceback" not in ran.out
