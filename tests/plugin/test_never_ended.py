"""A process that dies behind a good verdict, before pytest has ended: nobody has said how, and that is remembered.

A row of `WAYS` is what another plugin does at the end, and the exits: of pytest, and of `verify` afterwards.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.commands import gate
from readiness.evidence.pending_ends import PREFIX, EndMarker
from readiness.evidence.signing import FILE_VARIABLE
from readiness.evidence.verification_summary import FAILED, PASSED
from readiness.plugin import INVOCATION
from tests.commands.test_gate import forked
from tests.evidence.launch import new_key
from tests.evidence.test_accepted_summary import result
from tests.plugin.project import ROOT, Project
from tests.plugin.test_held_back import BAD, PREFLIGHT, WELL, Row, launched

AT_THE_END = "\n\ndef pytest_unconfigure():\n    import os, signal\n    {}\n"
CLEANS_UP = "\n\ndef pytest_configure(config):\n    import os\n    config.add_cleanup(lambda: os._exit(3))\n"
LATE = """

class Late:
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self):
        yield
        import os
        os._exit(3)


def pytest_configure(config):
    config.pluginmanager.register(Late())
"""
AT_EXIT = "\n\nimport atexit, os\natexit.register(os._exit, 3)\n"
WAYS: dict[str, tuple[str, int, int, str]] = {
    "nothing": ("", 0, 0, PASSED),
    "prints": (AT_THE_END.format("print('bye')"), 0, 0, PASSED),
    "exits-with-3": (AT_THE_END.format("os._exit(3)"), 3, 10, FAILED),
    "exits-with-0": (AT_THE_END.format("os._exit(0)"), 0, 10, FAILED),
    "is-killed": (AT_THE_END.format("os.kill(os.getpid(), signal.SIGKILL)"), -9, 10, FAILED),
    "while-cleaning-up": (CLEANS_UP, 3, 10, FAILED),
    "around-the-verdict": (LATE, 3, 10, FAILED),
    "leaves-a-child": (AT_THE_END.format("os._exit(3) if os.fork() else __import__('time').sleep(9)"), 3, 10, FAILED),
    "ends-itself-with-0": (AT_THE_END.format("raise SystemExit(0)"), 1, 1, FAILED),
    "raises": (AT_THE_END.format("raise ValueError"), 1, 1, FAILED),
    "ends-with-10": (LATE.replace("import os\n        os._exit(3)", "raise pytest.exit('late', 10)"), 10, 17, FAILED),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    made = launched(tmp_path, Row("ending", (), lines=PREFLIGHT))
    monkeypatch.setenv(FILE_VARIABLE, str(new_key(tmp_path, "ci")))
    made.write("figure.txt", str(WELL))
    return made


@pytest.mark.parametrize("name", WAYS)
def test_a_good_word_needs_that_pytest_has_said_how_it_ended(
    name: str, project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end, of_pytest, of_verify, summary = WAYS[name]
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    project.write("conftest.py", f"import pytest\n{conftest}{end}")
    assert project.run("-m", "preflight").exit == of_pytest
    capsys.readouterr()
    assert main(["verify", "tiny", "preflight"]) == of_verify
    # Who looks through all of them is told the same.
    assert main(["verify", "--all", "--env", "tiny"]) == of_verify
    is_dead = of_verify == 10
    assert ("its process died before pytest had ended" in capsys.readouterr().out) is is_dead
    assert bool(list((tmp_path / "reports/tiny").glob(f"{PREFIX}*"))) is is_dead
    assert result(tmp_path) == summary

    # The next run enters it, and is judged by itself; the last phase holds by both.
    project.write("conftest.py", conftest)
    assert project.run("-m", "ga").exit == (10 if of_verify else 0)
    assert not list((tmp_path / "reports/tiny").glob(f"{PREFIX}*"))
    assert main(["verify", "tiny", "preflight"]) == (17 if is_dead else of_verify)
    assert main(["verify", "--all", "--env", "tiny"]) == (17 if is_dead else of_verify)
    assert project.run("-m", "preflight").exit == 0
    assert project.run("-m", "ga").exit == 0
    assert main(["verify", "tiny", "ga"]) == 0


def test_nobody_else_ends_a_bad_run_with_0(project: Project, tmp_path: Path) -> None:
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    project.write("conftest.py", conftest + AT_THE_END.format("raise SystemExit(0)"))
    project.write("figure.txt", str(BAD))
    assert project.run("-m", "preflight").exit == 1


def test_a_run_whose_gate_is_gone_says_so_by_itself(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    for end in ("os._exit(3)", "raise ValueError"):
        project.write("conftest.py", conftest + AT_THE_END.format(end))
        monkeypatch.setenv(INVOCATION, "0" * 32)
        assert project.run("-m", "preflight").exit in {1, 3}
        assert main(["verify", "tiny", "preflight"]) == 10


def test_a_dead_end_is_seen_where_its_run_was_moved_behind_a_link(project: Project, tmp_path: Path) -> None:
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    project.write("conftest.py", conftest + AT_THE_END.format("os._exit(3)"))
    assert project.run("-m", "preflight").exit == 3
    (run,) = (tmp_path / "reports/tiny").glob("2*-preflight")
    moved = tmp_path / "moved"
    run.rename(moved)
    run.symlink_to(moved)
    assert main(["verify", "tiny", "preflight"]) == 10
    assert main(["verify", str(run)]) == 10


def test_what_is_still_ending_is_no_dead_end(project: Project, tmp_path: Path) -> None:
    assert project.run("-m", "preflight").exit == 0
    home = tmp_path / "reports/tiny"
    (run,) = home.glob("2*-preflight")
    marker = EndMarker(home, run.name)
    assert main(["verify", "tiny", "preflight"]) == 0
    os.close(marker._handle)
    assert main(["verify", "tiny", "preflight"]) == 10


def test_a_gate_knows_by_itself_how_pytest_ended(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "run_pytest", forked)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    project.write("conftest.py", conftest + AT_THE_END.format("os._exit(3)"))
    assert main(["gate", "preflight", "--env", "tiny"]) == 10
    assert main(["verify", "tiny", "preflight"]) == 17
    assert result(tmp_path) == FAILED


def test_what_dies_when_pytest_has_ended_is_seen_by_a_gate_alone(project: Project, tmp_path: Path) -> None:
    """The row of docs/gate.md that plain pytest cannot promise."""
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    project.write("conftest.py", conftest + AT_EXIT)
    assert main(["gate", "preflight", "--env", "tiny"]) == 10
    assert main(["verify", "tiny", "preflight"]) == 17
