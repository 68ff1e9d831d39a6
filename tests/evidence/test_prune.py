"""What cannot be removed is told before anything is written, and nothing stays for ever in silence.

A row is what becomes of the older run, how `readiness prune` ends, what it says, and whether the run stays.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.commands import prune
from tests.evidence.launch import Launch, make

CANNOT = prune.CANNOT_BE_REMOVED
OF_ITS_OWN: set[Path] = set()
"""Where a test says that a file system of its own is."""
CLOSED: set[Path] = set()
"""Where a test says that nobody may write: whoever may do anything may write everywhere."""


def nothing(run: Path) -> None:
    """Leave all as it is."""


def home_moved(run: Path) -> None:
    home = run.parent
    home.rename(home.parents[1] / "tiny-2026")
    home.symlink_to("../tiny-2026")


def reports_moved(run: Path) -> None:
    reports = run.parents[1]
    reports.rename(reports.with_name("archive"))
    reports.symlink_to("archive")


def run_moved(run: Path) -> None:
    run.rename(run.parents[2] / "kept")
    run.symlink_to(run.parents[2] / "kept")


def run_and_home_moved(run: Path) -> None:
    run_moved(run)
    home_moved(run)


def mounted(run: Path) -> None:
    OF_ITS_OWN.add(run)


def home_closed(run: Path) -> None:
    CLOSED.add(run.parent)


def run_closed(run: Path) -> None:
    CLOSED.add(run)


def altered(run: Path) -> None:
    (run / "summary.md").write_text("edited", "utf-8")


def moved_and_altered(run: Path) -> None:
    run_moved(run)
    altered(run)


def gone(run: Path) -> None:
    shutil.rmtree(run)


def leads_nowhere(run: Path) -> None:
    run_moved(run)
    shutil.rmtree(run.parents[2] / "kept")


ROWS: list[tuple[Callable[[Path], None], int, str, bool]] = [
    (nothing, 0, "", False),
    (home_moved, 0, "", False),
    (reports_moved, 0, "", False),
    (run_moved, CANNOT, prune.LINK, True),
    (run_and_home_moved, CANNOT, prune.LINK, True),
    (mounted, CANNOT, prune.MOUNT, True),
    (home_closed, CANNOT, "cannot be written", True),
    (run_closed, CANNOT, "cannot be written", True),
    (altered, 0, prune.ALTERED, True),
    (moved_and_altered, 0, prune.ALTERED, True),
    (gone, 0, "removed 0 runs", False),
    (leads_nowhere, 0, "removed 0 runs", False),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    return make(tmp_path_factory.mktemp("launch"))


@pytest.fixture
def older(made: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a run that nothing needs."""
    launch = made.copy(tmp_path)
    monkeypatch.chdir(launch.folder)
    OF_ITS_OWN.clear()
    CLOSED.clear()
    may = os.access
    monkeypatch.setattr(Path, "is_mount", lambda path: path.absolute() in OF_ITS_OWN)
    monkeypatch.setattr(
        os, "access", lambda path, *how, **more: Path(path).absolute() not in CLOSED and may(path, *how, **more)
    )
    return launch.home.absolute() / min(launch.home.glob("2*-preflight")).name


def pruned(*words: str) -> int:
    return main(["prune", "--env", "tiny", "--keep", "0s", *words])


@pytest.mark.parametrize(("happens", "code", "says", "stays"), ROWS, ids=[row[0].__name__ for row in ROWS])
def test_what_cannot_be_removed_is_told(
    happens: Callable[[Path], None],
    code: int,
    says: str,
    *,
    stays: bool,
    older: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    happens(older)
    ledger = older.parent / "ledger.jsonl"
    before = ledger.read_bytes()
    assert pruned("--dry-run") == code
    assert ledger.read_bytes() == before
    assert says.replace("removed 0", "would remove 0") in capsys.readouterr().out

    # As often as somebody asks: the second time it is no other answer.
    for _ in range(2 if stays else 1):
        assert pruned() == code
        assert says in capsys.readouterr().out
    assert older.is_dir() == stays
    assert (ledger.read_bytes() == before) == (stays or "removed 0" in says)


def test_what_was_not_removed_whole_is_told_the_next_time(
    older: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(folder: Path) -> None:
        raise PermissionError(f"{folder} stays")

    monkeypatch.setattr(shutil, "rmtree", fails)
    assert pruned() == CANNOT
    assert "could not be removed" in capsys.readouterr().err
    for words in (["--dry-run"], []):
        assert pruned(*words) == CANNOT
        assert f"{older.name}  NO-GO: {prune.LEFT_OVER}" in capsys.readouterr().out


def test_a_run_that_was_moved_is_rendered_where_it_lies(older: Path) -> None:
    run_moved(older)
    assert main(["verify", str(older), "--render"]) == main(["verify", str(older)])
    assert older.is_symlink()
