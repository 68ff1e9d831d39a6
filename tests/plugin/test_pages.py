"""The pages that a run leaves: its report in its folder, and that of pytest-html there or where somebody wants it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.project import Project, line


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.runbook(line("one", {"demo.figure": {"share_below": 0.9}}))
    return found


def folder_of(project: Project) -> Path:
    (folder,) = (project.folder / "reports" / "tiny").glob("2*-preflight")
    return folder


def test_a_page_of_one_s_own_takes_nothing_from_the_report(project: Project) -> None:
    own = project.folder / "pages" / "own.html"
    ran = project.preflight(f"--html={own}")
    assert ran.exit == 0, ran.out
    folder = folder_of(project)
    assert "<title>GO: preflight of tiny</title>" in (folder / "report.html").read_text("utf-8")
    assert not (folder / "pytest.html").exists()
    page = own.read_text("utf-8")
    assert f"<p>The verdict and every line: {folder / 'report.html'}</p>" in page
    assert "script-src 'sha256-" in page
    assert [path.name for path in own.parent.iterdir()] == ["own.html"]  # the style stands in it


def test_without_pytest_html_there_is_a_report_all_the_same(project: Project) -> None:
    ran = project.preflight("-p", "no:html")
    assert ran.exit == 0, ran.out
    folder = folder_of(project)
    assert "<title>GO: preflight of tiny</title>" in (folder / "report.html").read_text("utf-8")
    assert not (folder / "pytest.html").exists()
