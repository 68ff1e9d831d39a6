"""Where a folder lies is no evidence: what was moved is as good as it was, and a link makes no other run of one.

A row is how a folder of evidence was moved, what is asked for, and the exit of `verify`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.evidence.reasons import Reason
from tests.evidence.launch import Launch, make

WELL, ALTERED = 0, Reason.ALTERED.code
PHASE = ("tiny", "preflight")


def nothing(home: Path, run: Path) -> None:
    """Leave all as it is."""


def home_moved(home: Path, run: Path) -> None:
    del run
    home.rename(home.parents[1] / "tiny-2026")
    home.symlink_to("../tiny-2026")


def reports_moved(home: Path, run: Path) -> None:
    del run
    home.parent.rename(home.parents[1] / "archive")
    home.parent.symlink_to("archive")


def run_moved(home: Path, run: Path) -> None:
    run.rename(home.parents[1] / run.name)
    run.symlink_to(home.parents[1] / run.name)


def run_moved_and_renamed(home: Path, run: Path) -> None:
    run.rename(home.parents[1] / "kept")
    run.symlink_to(home.parents[1] / "kept")


def all_moved(home: Path, run: Path) -> None:
    run_moved_and_renamed(home, run)
    home_moved(home, run)


def moved_and_changed(home: Path, run: Path) -> None:
    run_moved(home, run)
    with (run / "summary.md").open("a") as file:
        file.write("more")


def an_older_run_in_its_place(home: Path, run: Path) -> None:
    shutil.rmtree(run)
    run.symlink_to(min(home.glob("2*-preflight")).name)


def a_copy_of_another_run_in_its_place(home: Path, run: Path) -> None:
    shutil.rmtree(run)
    shutil.copytree(min(home.glob("2*-preflight")), home.parents[1] / run.name)
    run.symlink_to(home.parents[1] / run.name)


def a_link_within(home: Path, run: Path) -> None:
    (run / "summary.md").rename(home.parents[1] / "summary.md")
    (run / "summary.md").symlink_to(home.parents[1] / "summary.md")


def a_folder_within(home: Path, run: Path) -> None:
    (run / "more").symlink_to(home.parents[1] / "environments")


def a_journal_without_an_end(home: Path, run: Path) -> None:
    run_moved(home, run)
    (run / "journal.jsonl").unlink()
    (run / "journal.jsonl").symlink_to("/dev/zero")


def a_pipe_for_a_journal(home: Path, run: Path) -> None:
    run_moved(home, run)
    (run / "journal.jsonl").unlink()
    os.mkfifo(run / "journal.jsonl")


def another_environment(home: Path, run: Path) -> None:
    del run
    home.rename(home.with_name("prod"))
    home.symlink_to("prod")
    (home.with_name("staging")).symlink_to("prod")


MOVES: list[tuple[Callable[[Path, Path], None], int]] = [
    (nothing, WELL),
    (home_moved, WELL),
    (reports_moved, WELL),
    (run_moved, WELL),
    (run_moved_and_renamed, WELL),
    (all_moved, WELL),
    (another_environment, WELL),
    (moved_and_changed, ALTERED),
    (an_older_run_in_its_place, ALTERED),
    (a_copy_of_another_run_in_its_place, ALTERED),
    (a_link_within, ALTERED),
    (a_folder_within, ALTERED),
    (a_journal_without_an_end, ALTERED),
    (a_pipe_for_a_journal, ALTERED),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    return make(tmp_path_factory.mktemp("launch"))


@pytest.fixture
def launch(made: Launch, tmp_path: Path) -> Launch:
    return made.copy(tmp_path)


@pytest.mark.parametrize(("move", "code"), MOVES, ids=[move.__name__ for move, _ in MOVES])
def test_what_was_moved_is_as_good_as_it_was(
    move: Callable[[Path, Path], None], code: int, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = launch.runs()[-1]
    move(launch.home, run)
    assert launch.verify(*PHASE) == code
    assert launch.verify(str(run)) == code
    assert launch.verify(str(launch.folder / "environments/../reports/tiny" / run.name)) == code

    # A shell that stands in a folder knows where it lies, and no link to it.
    if not run.is_symlink():
        monkeypatch.chdir(run)
        assert launch.verify(".") == launch.verify("journal.jsonl") == code


@pytest.mark.parametrize("name", ["mine", "20990101T000000Z-preflight"])
@pytest.mark.parametrize("place", ["reports/tiny", "reports", "elsewhere"])
def test_a_link_to_a_run_is_that_run(name: str, place: str, launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    run = launch.runs()[-1]
    (launch.folder / place).mkdir(exist_ok=True)
    link = launch.folder / place / name
    link.symlink_to(run)
    assert launch.verify(str(link)) == WELL
    assert f"run       {run.name}: " in capsys.readouterr().out


def test_another_environment_is_not_that_one(launch: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    launch.home.with_name("prod").symlink_to("tiny")
    assert launch.verify("prod", "preflight") == ALTERED
    assert "this is the ledger of prod" in capsys.readouterr().out


def test_whatever_the_folder_is_called_its_anchors_are_asked(launch: Launch) -> None:
    path = launch.folder / "environments/tiny.yaml"
    path.write_text(f"{path.read_text('utf-8')}evidence: {{anchor: {{file: none.jsonl}}}}\n", "utf-8")
    newest = launch.runs()[-1].name
    moved = launch.home.rename(launch.home.with_name("2026"))
    assert launch.verify(str(moved / newest)) == Reason.NOT_ANCHORED.code


def test_a_pointer_may_be_a_link_to_what_was_moved(launch: Launch) -> None:
    run = launch.runs()[-1]
    run_moved_and_renamed(launch.home, run)
    pointer = launch.home / "latest-preflight"
    pointer.unlink()
    pointer.symlink_to(run.name)
    assert main(["verify", str(pointer), "--environments", str(launch.folder / "environments")]) == WELL
