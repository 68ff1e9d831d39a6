"""An approval rests on the phases before it: not on their words in the ledger alone, on their evidence as well."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.evidence.journal import FILE
from tests.plugin.project import Project
from tests.plugin.test_held_back import BAD, ROWS, WELL, launched

RED = '''\
"""A test of the team's own."""
import pathlib

import pytest


@pytest.mark.preflight
def test_of_ours() -> None:
    """Something of ours works."""
    assert not pathlib.Path("red.txt").exists()
'''
Change = Callable[[Path], None]
"""What somebody does to the folder of a run."""


def delete(folder: Path) -> None:
    shutil.rmtree(folder)


def delete_the_journal(folder: Path) -> None:
    (folder / FILE).unlink()


def add_a_line(folder: Path) -> None:
    with (folder / FILE).open("a", encoding="utf-8") as journal:
        journal.write("{}\n")


def cut_the_end(folder: Path) -> None:
    lines = (folder / FILE).read_text("utf-8").splitlines(keepends=True)
    (folder / FILE).write_text("".join(lines[:-1]), "utf-8")


def write_another_figure(folder: Path) -> None:
    text = (folder / FILE).read_text("utf-8")
    assert str(WELL) in text
    (folder / FILE).write_text(text.replace(str(WELL), str(BAD)), "utf-8")


def write_another_report(folder: Path) -> None:
    (folder / "report.html").write_text("all is well", "utf-8")


def delete_a_report(folder: Path) -> None:
    (folder / "junit.xml").unlink()


def add_a_file(folder: Path) -> None:
    (folder / "more.txt").write_text("what nobody sealed", "utf-8")


def make_it_empty(folder: Path) -> None:
    (folder / FILE).write_bytes(b"")


def put_a_folder_there(folder: Path) -> None:
    (folder / FILE).unlink()
    (folder / FILE).mkdir()


CHANGES: list[Change] = [
    delete,
    delete_the_journal,
    add_a_line,
    cut_the_end,
    write_another_figure,
    write_another_report,
    delete_a_report,
    add_a_file,
    make_it_empty,
    put_a_folder_there,
]


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a project of which each phase before the last is well."""
    folder = tmp_path_factory.mktemp("well")
    launched(folder, ROWS[0])
    return folder


@pytest.fixture(scope="module")
def approved(well: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("approved")
    assert copied(well, folder).run("-m", "ga").exit == 0
    return folder


def copied(well: Path, folder: Path) -> Project:
    project = Project(folder)
    shutil.copytree(well, folder, dirs_exist_ok=True, symlinks=True)
    return project


def verify(folder: Path, *words: str) -> int:
    places = [f"--reports={folder / 'reports'}", f"--environments={folder / 'environments'}"]
    return main(["verify", "tiny", *words, *places])


@pytest.mark.parametrize("phase", ["preflight", "postlaunch"])
@pytest.mark.parametrize("change", CHANGES)
def test_evidence_that_was_changed_carries_no_approval(change: Change, phase: str, well: Path, tmp_path: Path) -> None:
    project = copied(well, tmp_path)
    (run,) = (tmp_path / "reports/tiny").glob(f"2*-{phase}")
    change(run)
    ran = project.run("-m", "ga")
    says = " ".join(ran.out.split())
    assert ran.exit == 10, ran.out
    assert f"{phase} is not known: {run.name} says" in says
    assert "its evidence does not bear that out" in says


@pytest.mark.parametrize("change", CHANGES)
def test_evidence_that_is_changed_afterwards_takes_the_approval_away(
    change: Change, approved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(approved, tmp_path)
    (run,) = (tmp_path / "reports/tiny").glob("2*-smoke")
    change(run)
    assert verify(tmp_path, "ga") == 11
    assert f"it rests on smoke in {run.name}" in capsys.readouterr().out


def test_what_retention_has_removed_still_carries_it(approved: Path, tmp_path: Path) -> None:
    project = copied(approved, tmp_path)
    assert project.run("-m", "preflight").exit == 0
    places = [f"--reports={tmp_path / 'reports'}", f"--environments={tmp_path / 'environments'}"]
    assert main(["prune", "--env=tiny", "--keep=0s", *places]) == 0
    assert len(list((tmp_path / "reports/tiny").glob("2*-preflight"))) == 1
    assert verify(tmp_path, "ga") == 0


def test_a_phase_that_was_red_beside_its_lines_carries_no_approval(tmp_path: Path) -> None:
    project = launched(tmp_path, ROWS[0])
    project.write("checks/test_ours.py", RED)
    project.write("red.txt", "")
    assert project.run("-m", "preflight").exit == 1
    ran = project.run("-m", "ga")
    assert ran.exit == 10
    assert "red beside the verdict, deciding no line" in " ".join(ran.out.split())

    (tmp_path / "red.txt").unlink()
    assert project.run("-m", "preflight").exit == 0
    assert project.run("-m", "ga").exit == 0
    assert verify(tmp_path, "ga") == 0

    project.write("red.txt", "")
    assert project.run("-m", "preflight").exit == 1
    assert verify(tmp_path, "ga") == 15


def test_the_seal_says_that_it_was_red_beside_its_lines(tmp_path: Path) -> None:
    project = launched(tmp_path, ROWS[0])
    project.write("checks/test_ours.py", RED)
    project.write("red.txt", "")
    assert project.run("-m", "preflight").exit == 1
    (tmp_path / "red.txt").unlink()
    assert project.run("-m", "preflight").exit == 0

    places = [f"--reports={tmp_path / 'reports'}", f"--environments={tmp_path / 'environments'}"]
    assert main(["verify", "--all", "--env=tiny", *places]) == 0
    lines = (tmp_path / "reports/tiny/ledger.jsonl").read_text("utf-8").splitlines()
    sealed = [entry for entry in map(_predicate, lines) if entry.get("red_beside") is not None]
    assert [entry["red_beside"] for entry in sealed if entry["phase"] == "preflight"] == [False, True, False]


def _predicate(line: str) -> dict[str, object]:
    payload = json.loads(line)["payload"]
    predicate: dict[str, object] = json.loads(base64.b64decode(payload))["predicate"]
    return predicate
