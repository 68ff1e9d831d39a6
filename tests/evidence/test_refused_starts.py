"""A start that named an environment and came to no run: no older GO is the newest known, however pytest ended.

A row of `STARTS` is a way of not starting: the words after `pytest`, and what is done to the project.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from readiness.__main__ import main
from readiness.evidence import ledger
from readiness.evidence.ledger_reading import LedgerLine
from readiness.evidence.pending_starts import Marker
from readiness.outcomes import Phase
from tests import warm
from tests.plugin.project import CONFTEST, Project, line

PREFLIGHT = ("--env", "tiny", "-m", "preflight")
SECRET = "pw-of-a-test-that-nobody-sees"
BREAKS_IN_CONFIGURE = "\n\n@pytest.hookimpl(tryfirst=True)\ndef pytest_configure():\n    raise OSError('no room')\n"
BREAKS_AT_ONCE = "import nothing_of_that_name\n"


@dataclass(frozen=True)
class Start:
    """A way of not starting."""

    name: str
    says: str
    """Of the entry's reason."""
    words: tuple[str, ...] = PREFLIGHT
    phase: str = "preflight"
    """What the entry says; empty where nobody can know."""
    does: Callable[[Project], Any] = lambda project: project
    variables: tuple[tuple[str, str], ...] = ()


def unlink(project: Project, name: str) -> None:
    (project.folder / name).unlink()


STARTS = [
    Start("environment-gone", "--env 'tiny' is not known", does=lambda made: unlink(made, "environments/tiny.yaml")),
    Start(
        "conftest-cannot-be-imported", "cannot be imported", does=lambda made: made.write("conftest.py", BREAKS_AT_ONCE)
    ),
    Start(
        "conftest-below-cannot-be-imported",
        "conftest.py in checks/ cannot be imported: ModuleNotFoundError",
        (*PREFLIGHT, "checks"),
        does=lambda made: made.write("checks/conftest.py", BREAKS_AT_ONCE),
    ),
    Start("conftest-exits", "ended", does=lambda made: made.write("conftest.py", "raise SystemExit(0)\n")),
    Start(
        "conftest-ends-pytest",
        "cannot be imported: Exit",
        does=lambda made: made.write("conftest.py", "import pytest\npytest.exit('no', 0)"),
    ),
    Start("option-unknown", "did not take its command line, which has --nosuch", (*PREFLIGHT, "--nosuch")),
    Start("option-unknown-with-a-secret", "which has --nosuch", (*PREFLIGHT, f"--nosuch={SECRET}")),
    Start("option-of-ours-lacks-its-value", "did not take its command line", (*PREFLIGHT, "--as-of")),
    Start("path-unknown", "", (*PREFLIGHT, "checks/test_nosuch.py")),
    Start("phase-misspelt", "'preflght' is not known", ("--env", "tiny", "-m", "preflght"), ""),
    Start("phase-misspelt-at-once", "'preflght' is not known", ("--env=tiny", "-mpreflght"), ""),
    Start("no-phase", "choose a phase", ("--env", "tiny"), ""),
    Start("two-phases", "one phase a run", ("--env", "tiny", "-m", "preflight or smoke"), ""),
    Start("plugin-unknown-from-variable", "", variables=(("PYTEST_PLUGINS", "nothing_of_that_name"),)),
    Start("option-from-variable", "which has --nosuch", variables=(("PYTEST_ADDOPTS", "--nosuch"),)),
    Start(
        "named-by-variable",
        "which has --nosuch",
        ("-m", "preflight", "--nosuch"),
        variables=(("PYTEST_ADDOPTS", "--env=tiny"),),
    ),
    Start("way-round", "-s (--capture=no) is refused", (*PREFLIGHT, "-s")),
    Start(
        "another-plugin-breaks",
        "",
        does=lambda made: made.write("conftest.py", CONFTEST + "import pytest" + BREAKS_IN_CONFIGURE),
    ),
    Start("workers", "which has --nosuch", (*PREFLIGHT, "-n2", "--nosuch")),
    Start(
        "settings-ask-for-a-plugin",
        "",
        does=lambda made: made.write("pytest.toml", "[pytest]\nrequired_plugins = ['nosuch']\n"),
    ),
]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project with one run of each of two phases, which were good."""
    project = Project(tmp_path_factory.mktemp("done"))
    project.environment(launch_at="2020-01-01T09:00:00Z")
    project.runbook(line("one", "demo.figure", phase=["preflight", "postlaunch"]))
    assert project.preflight().exit == 0
    assert project.run("-m", "postlaunch").exit == 0
    return project


@pytest.fixture
def project(done: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    shutil.copytree(done.folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    copied = Project.__new__(Project)
    copied.folder = tmp_path / "copy"
    return copied


def started(project: Project, *words: str, **variables: str) -> warm.Ran:
    given = {**os.environ, "PYTHONPATH": str(warm.ROOT), "NO_COLOR": "1", **variables}
    return warm.run("pytest", *words, folder=project.folder, variables=given)


def refused(project: Project) -> list[LedgerLine]:
    return ledger.read(project.folder / "reports/tiny/ledger.jsonl", {}).refusals()


@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.name)
def test_a_start_without_a_run_is_the_newest_that_is_known(
    start: Start, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "tiny", "preflight"]) == 0
    assert main(["verify", "tiny", "postlaunch"]) == 0
    start.does(project)
    ran = started(project, *start.words, **dict(start.variables))
    assert not list((project.folder / "reports/tiny").glob("starting-*"))
    (entry,) = refused(project)
    assert start.says in entry.entry.reason, entry.entry.reason
    assert entry.entry.phase == start.phase
    assert SECRET not in (project.folder / "reports/tiny/ledger.jsonl").read_text("utf-8")

    capsys.readouterr()
    assert main(["verify", "tiny", "preflight"]) == 12, ran.stdout + ran.stderr
    assert "was refused: " in capsys.readouterr().out
    # Nobody knows for which phase it was meant: then it is the newest of each that was ever run.
    # And where the environment file is gone, nobody knows whether the older run judged what is stated today.
    is_stated = (project.folder / "environments/tiny.yaml").is_file()
    is_meant = not start.phase
    assert main(["verify", "tiny", "postlaunch"]) == (12 if is_meant else 0 if is_stated else 15)
    assert main(["verify", "tiny", "smoke"]) == 12
    assert "the ledger in" in capsys.readouterr().out


def test_what_breaks_as_the_checks_are_read_is_a_run_without_an_end(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("checks/conftest.py", BREAKS_AT_ONCE)
    assert started(project, *PREFLIGHT).returncode != 0
    assert refused(project) == []
    capsys.readouterr()
    assert main(["verify", "tiny", "preflight"]) == 10, capsys.readouterr().out


KILLED = {
    "exits": "import os\nos._exit(0)\n",
    "killed": "import os\nos.kill(os.getpid(), 9)\n",
}


@pytest.mark.parametrize("by", KILLED)
@pytest.mark.parametrize(("words", "phase"), [(PREFLIGHT, "preflight"), (("--env=tiny", "-mpreflght"), "")])
def test_a_start_that_was_killed_leaves_a_mark(
    by: str, words: tuple[str, ...], phase: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    conftest = (project.folder / "conftest.py").read_text("utf-8")
    project.write("conftest.py", KILLED[by])
    started(project, *words)
    capsys.readouterr()
    for _ in range(2):  # who looks changes nothing
        assert main(["verify", "tiny", "preflight"]) == 17
        assert "was killed before its run did" in capsys.readouterr().out
    assert main(["verify", "tiny", "postlaunch"]) == (0 if phase else 17)
    assert main(["verify", "tiny", "smoke"]) == 12
    assert main(["sign-off", "--env", "tiny"]) == 10
    assert main(["verify", "--all", "--env", "tiny"]) == 17

    project.write("conftest.py", conftest)
    assert project.preflight().exit == 0
    (entry,) = refused(project)
    assert (entry.entry.phase, "was killed" in entry.entry.reason) == (phase, True)
    assert main(["verify", "tiny", "preflight"]) == 0
    assert main(["verify", "tiny", "postlaunch"]) == (0 if phase else 12)
    assert not list((project.folder / "reports/tiny").glob("starting-*"))


def test_a_start_that_is_under_way_is_not_entered_by_another(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    home = project.folder / "reports/tiny"
    marker = Marker(home, Phase.PREFLIGHT)
    assert main(["verify", "tiny", "preflight"]) == 17
    assert "is under way" in capsys.readouterr().out
    assert project.preflight().exit == 0
    assert refused(project) == []
    marker.remove()
    assert main(["verify", "tiny", "preflight"]) == 0


def test_where_no_mark_can_be_left_a_run_is_as_ever(project: Project) -> None:
    home = project.folder / "reports/tiny"
    (home / "starting-folder").mkdir()
    os.mkfifo(home / "starting-pipe")
    assert project.preflight("-n2").exit == 0
    assert main(["verify", "tiny", "preflight"]) == 0
    assert [path.name for path in home.glob("starting-*")] in (
        ["starting-folder", "starting-pipe"],
        ["starting-pipe", "starting-folder"],
    )


NOTHING = [
    *(("--help",), ("--version",), ("--markers",), ("--fixtures",), ("--collect-only",), ("--co", "-q")),
    *(("--collect-only", "--nosuch"), ("--fixtures", "--nosuch"), ("--replay=nosuch",)),
]


@pytest.mark.parametrize("words", NOTHING, ids=" ".join)
@pytest.mark.parametrize("breaks", [False, True], ids=["", "conftest-breaks"])
def test_what_asks_for_no_run_leaves_nothing(words: tuple[str, ...], breaks: bool, project: Project) -> None:
    if breaks:
        project.write("checks/conftest.py", BREAKS_AT_ONCE)
    before = (project.folder / "reports/tiny/ledger.jsonl").read_bytes()
    started(project, *PREFLIGHT, *words)
    assert (project.folder / "reports/tiny/ledger.jsonl").read_bytes() == before
    assert not list((project.folder / "reports/tiny").glob("starting-*"))


@pytest.mark.parametrize("env", ["prdo", "../tiny", "..", ".", "", "/", "tiny/2026"])
@pytest.mark.parametrize("words", [("--nosuch",), ("-m", "preflght"), ()], ids=" ".join)
def test_a_name_that_is_no_environment_leaves_no_folder(env: str, words: tuple[str, ...], project: Project) -> None:
    before = sorted(project.folder.parent.rglob("*"))
    ran = started(project, f"--env={env}", "-m", "preflight", *words, PYTHONDONTWRITEBYTECODE="1")
    assert ran.returncode == 4, ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
    assert sorted(project.folder.parent.rglob("*")) == before
    assert refused(project) == []


GATES = [
    (("preflight", "--env", "tiny", "-k", "one"), "preflight"),
    (("preflight", "--env", "tiny", "--head", ""), "preflight"),
    (("preflght", "--env", "tiny"), ""),
    (("preflight", "--env", "tniy"), None),
]


@pytest.mark.parametrize(("words", "phase"), GATES)
def test_a_gate_that_is_refused_is_a_start_too(
    words: tuple[str, ...], phase: str | None, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gate", *words]) == 4
    assert [line.entry.phase for line in refused(project)] == ([] if phase is None else [phase])
    assert main(["verify", "tiny", "preflight"]) == (0 if phase is None else 12)
    assert not (project.folder / "reports/tniy").exists()
    assert capsys.readouterr()


def test_under_a_gate_its_own_entry_is_the_only_one(project: Project) -> None:
    started(project, *PREFLIGHT, "--nosuch", READINESS_INVOCATION="0" * 32)
    assert refused(project) == []


def test_a_run_that_begins_leaves_none(project: Project) -> None:
    assert project.preflight("-n2").exit == 0
    assert refused(project) == []


def test_another_suite_with_an_env_of_its_own_leaves_none(project: Project) -> None:
    own = "def pytest_addoption(parser):\n    parser.addoption('--env')\n"
    project.write("conftest.py", own)
    project.write("checks/test_demo.py", "def test_one():\n    assert 1 == 2\n")
    words = ("-p", "no:readiness-of-no-name", "--env", "tiny", "checks")
    assert started(project, *words).returncode == 1
    assert started(project, *words, "--nosuch").returncode == 4
    assert refused(project) == []


def test_a_whole_run_of_each_phase_is_the_newest_again(project: Project) -> None:
    started(project, "--env", "tiny")
    assert project.preflight().exit == 0
    assert main(["verify", "tiny", "preflight"]) == 0
    assert main(["verify", "tiny", "postlaunch"]) == 12
    assert project.run("-m", "postlaunch").exit == 0
    assert main(["verify", "tiny", "postlaunch"]) == 0
