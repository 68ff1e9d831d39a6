"""A ledger that is gone while older runs lie there: what they had reached is not known, and no run is the first.

A row of `LEFT` is what somebody, or a retention job, has left of an environment whose last run was PAGE.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness.__main__ import main
from readiness.commands import gate
from readiness.evidence import ledger
from readiness.files.history_tables import FILE as TABLES
from tests import warm
from tests.commands.test_gate import forked
from tests.plugin.project import Project
from tests.plugin.test_history_kept import made
from tests.plugin.test_run_after_run import look, verdicts

GOOD, BAD, INCOMPLETE = 0, 1, 10


@pytest.fixture(scope="module")
def paged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the reports of a project whose last run was PAGE."""
    project = made(tmp_path_factory.mktemp("paged"))
    look(project, 0.11)
    assert verdicts(project) == ["PAGE"]
    return project.folder / "reports"


@pytest.fixture
def project(paged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("PYTEST_", "READINESS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(warm.ROOT))
    monkeypatch.setattr(gate, "run_pytest", forked)
    shutil.copytree(paged, tmp_path / "reports", symlinks=True)
    return made(tmp_path)


def home(project: Project) -> Path:
    return project.folder / "reports/tiny"


def keep(*patterns: str) -> Callable[[Project], Any]:
    """Remove all but what is named."""

    def leave(project: Project) -> None:
        kept = {path for pattern in patterns for path in home(project).glob(pattern)}
        for path in set(home(project).iterdir()) - kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return leave


def begins_anew(what: str) -> Callable[[Project], Any]:
    """Remove the ledger, and have something else than a run be the first that is entered."""

    def leave(project: Project) -> None:
        (home(project) / ledger.FILE).unlink()
        if what == "refused":
            look(project, 0.01, "--as-of=nonsense")
        elif what == "asked":
            ledger.Ledger(home(project), None).ask("0" * 32, phase="postlaunch")
        else:
            folder = home(project) / "drills/20261101T090000Z-restore"
            folder.mkdir(parents=True)
            ledger.open_evidence(folder)

    return leave


LEFT: dict[str, tuple[Callable[[Project], Any], int]] = {
    "all-but-the-ledger": (keep("2*", "latest-*", TABLES), INCOMPLETE),
    "folders": (keep("2*"), INCOMPLETE),
    "pointers": (keep("latest-*"), INCOMPLETE),
    "tables": (keep(TABLES), INCOMPLETE),
    "begun-anew-by-a-refusal": (begins_anew("refused"), INCOMPLETE),
    "begun-anew-by-a-gate": (begins_anew("asked"), INCOMPLETE),
    "begun-anew-by-a-drill": (begins_anew("drill"), INCOMPLETE),
    "nothing": (keep(), GOOD),
    "an-empty-folder-of-no-run": (keep("drills"), GOOD),
}
MADE_ANEW = {"all-but-the-ledger", "begun-anew-by-a-gate"}
"""Of these somebody begins a new history: what is left of the old one is removed, so that it is the same for all."""


@pytest.mark.parametrize("name", LEFT)
def test_who_lost_the_ledger_is_not_the_first(name: str, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    leave, code = LEFT[name]
    leave(project)
    # It is no better the second time, and nothing but a good word is taken away.
    for _ in range(2):
        ran = look(project, 0.01)
        assert ran.exit == code, ran.out
        assert ("history not here: " in " ".join(ran.out.split())) is (code != 0)
        assert main(["verify", "tiny", "postlaunch"]) == code
        assert main(["gate", "postlaunch", "--env", "tiny"]) == code
        assert ("history not here: " in " ".join(capsys.readouterr().out.split())) is (code != 0)
    assert (main(["verify", "--all", "--env", "tiny"]) == 0) is (code == 0)
    assert look(project, 0.11).exit == BAD

    if name in MADE_ANEW:
        look(project, 0.01)
        fresh_start(project)


def fresh_start(project: Project) -> None:
    """Accept once that the older runs are not known; from then on it is a history like any other."""
    project.write("figure.txt", "0.01")
    for path in home(project).glob("2*"):
        shutil.rmtree(path)
    (home(project) / ledger.FILE).unlink()
    assert main(["gate", "postlaunch", "--env", "tiny"]) == INCOMPLETE
    assert main(["gate", "postlaunch", "--env", "tiny", "--first-run"]) == GOOD
    assert look(project, 0.01).exit == GOOD
    assert main(["verify", "tiny", "postlaunch"]) == GOOD
    assert main(["gate", "postlaunch", "--env", "tiny"]) == GOOD
