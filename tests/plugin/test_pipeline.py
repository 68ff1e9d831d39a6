"""What a run tells GitHub: ten annotations at most, a summary that fits, and nothing anywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.rendering.exports import BYTES_AT_MOST
from tests.plugin.project import Project, line


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.runbook(*(line(f"line-{number}", {"demo.figure": {"share_below": 0.1}}) for number in range(12)))
    return found


def commands(out: str) -> list[str]:
    return [text for text in out.splitlines() if text.startswith("::")]


def test_github_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = project.folder / "step.md"
    summary.write_text("x" * (BYTES_AT_MOST - 2_000), "utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    ran = project.preflight()
    told = commands(ran.out)
    assert len(told) == 10
    assert told[0].startswith("::error title=NO-GO::preflight")
    assert summary.stat().st_size <= BYTES_AT_MOST
    assert "# NO-GO: preflight of tiny" in summary.read_text("utf-8")


def test_nobody_else_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.folder / "step.md"))
    assert commands(project.preflight().out) == []
    assert not (project.folder / "step.md").exists()


@pytest.mark.parametrize("place", ["nowhere/step.md", "."])
def test_a_summary_that_cannot_be_written_changes_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.folder / place))
    project.runbook(line("one", {"demo.figure": {"share_below": 0.9}}))
    ran = project.preflight()
    assert ran.exit == 0, ran.out
    assert "GO  preflight of tiny" in ran.out
    assert "the step's summary could not be written (GITHUB_STEP_SUMMARY): " in ran.out
    assert "Traceback" not in ran.out
