"""pytest and `readiness` find the same project from one folder, whosever checks are run: row 6 of the attacks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import warm
from tests.plugin.project import ROOT, Project, line


@dataclass(frozen=True)
class Row:
    """From where a run is started, and what it names; `here` is a project, `repo` another with the checks."""

    name: str
    folder: str
    words: tuple[str, ...]
    project: str
    """Whose environment is judged and whose reports are written."""


ROWS = [
    Row("its own checks", "repo", ("checks",), "repo"),
    Row("another's checks", "here", ("../repo/checks",), "here"),
    Row("another's checks, with no environments here", "bare", ("../repo/checks",), ""),
    Row("another's checks from a folder below", "here/deep/down", ("../../../repo/checks",), "here"),
    Row("its own checks from below", "repo/checks", (".",), "repo"),
    Row("by an absolute path", "here", ("ABSOLUTE",), "here"),
]


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Give two projects of one environment's name, and a folder that is none."""
    for name, below in (("here", 0.9), ("repo", 0.4)):
        project = Project(tmp_path / name)
        limits = {"demo.figure": {"share_below": below}}
        project.runbook(line("figure", limits, phase=["postlaunch"]))
        project.environment(launch_at="2020-01-01T09:00:00Z")
    (tmp_path / "here/deep/down").mkdir(parents=True)
    (tmp_path / "bare").mkdir()
    return tmp_path


def ran(module: str, folder: Path, *words: str) -> tuple[int, str]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}
    done = warm.run(module, *words, folder=folder, variables=variables)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_run_and_its_verification_are_of_one_project(row: Row, folders: Path) -> None:
    folder = folders / row.folder
    words = [str(folders / "repo/checks") if word == "ABSOLUTE" else word for word in row.words]
    code, out = ran("pytest", folder, *words, "-m", "postlaunch", "--env", "tiny")
    verified, said = ran("readiness", folder, "verify", "tiny", "postlaunch")
    if not row.project:
        assert code == 4, out
        assert verified != 0, said
        assert not list(folders.rglob("journal.jsonl"))
        return

    expected = 0 if row.project == "here" else 1
    word = "OK" if row.project == "here" else "ALERT"
    assert code == expected, out
    assert f"{word}  postlaunch of tiny" in out
    assert f"project   {folders / row.project}" in out

    (journal,) = folders.rglob("journal.jsonl")
    assert journal.is_relative_to(folders / row.project / "reports")
    assert verified == code, said
    assert word in said
    assert journal.parent.name in said
    assert str(folders / row.project) in said
