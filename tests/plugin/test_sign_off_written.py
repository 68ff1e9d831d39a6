"""The last phase ends in the page that approvers sign, and its verdict does not depend on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.__main__ import main
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


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.environment(launch_at="2020-01-01T00:00:00Z", allow=[])
    found.runbook(line("figure", "demo.figure"), line("calm", "last.calm", phase=["ga"]))
    found.write("checks/test_last.py", LAST)
    return found


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


def test_a_page_that_cannot_be_written_costs_no_verdict(project: Project) -> None:
    (project.folder / "reports/tiny/sign-off.html").mkdir(parents=True)
    ran = project.run("-m", "ga")
    assert ran.exit == 0, ran.out
    assert "again with readiness sign-off" in ran.out.splitlines()[-1]
    assert "Traceback" not in ran.out
