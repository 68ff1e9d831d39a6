"""A run that is killed before its verdict has seen something that nobody knows: no good word stands beside it.

It may have been killed behind a shorter good run of its phase, or its entries may have been cut off the ledger.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.commands import gate
from readiness.evidence import ledger
from readiness.evidence.journal import read_run
from tests.commands.test_gate import forked
from tests.plugin.project import ROOT
from tests.plugin.test_held_back import BAD, WELL
from tests.plugin.test_overlapping import NARROWED, Launching

KILLED = """

def pytest_sessionfinish():
    import os
    import signal
    import subprocess
    (HERE / 'conftest.py').write_text((HERE / 'conftest.was').read_text())
    for words in {others!r}:
        subprocess.run(words, cwd=HERE, check=False)
    os.kill(os.getpid(), signal.SIGKILL)
"""
PYTEST = (sys.executable, "-m", "pytest", "-q", "--env", "tiny", "-m")


@pytest.fixture
def launching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Launching:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gate, "run_pytest", forked)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return Launching(tmp_path)


def killed(launching: Launching, phase: str, *others: str) -> str:
    """Have a run be killed when it has looked, with other runs of these phases meanwhile; return its name."""
    project, folder = launching.project, launching.project.folder
    conftest = (folder / "conftest.py").read_text("utf-8")
    before = set(launching.home.glob(f"2*-{phase}*"))
    project.write("conftest.was", conftest)
    project.write("conftest.py", conftest + KILLED.format(others=[[*PYTEST, other] for other in others]))
    project.write("figure.txt", str(WELL))
    assert project.run("-m", phase).exit == -9
    made = sorted(set(launching.home.glob(f"2*-{phase}*")) - before)
    (died,) = [path.name for path in made if read_run(path).finish is None]
    return died


def nothing(launching: Launching, name: str) -> None:
    """Have nothing follow."""


def followed(phase: str, figure: float, *words: str) -> Callable[[Launching, str], None]:
    def follow(launching: Launching, name: str) -> None:
        del name
        launching.run(phase, figure, *words)

    return follow


BEHIND: dict[str, tuple[Callable[[Launching, str], None], int, int, int]] = {
    # What follows, and the exits of verify, of a gate of the last phase, and of verify for that.
    "nothing": (nothing, 10, 10, 10),
    "a whole good run": (followed("preflight", WELL), 0, 0, 0),
    "a whole bad run": (followed("preflight", BAD), 1, 1, 1),
    "a narrowed run": (followed("preflight", WELL, *NARROWED), 10, 10, 10),
}


@pytest.mark.parametrize("name", BEHIND)
def test_a_run_that_is_killed_behind_a_shorter_one_counts(
    name: str, launching: Launching, capsys: pytest.CaptureFixture[str]
) -> None:
    follows, of_phase, of_gate, of_last = BEHIND[name]
    died = killed(launching, "preflight", "preflight")
    follows(launching, died)
    capsys.readouterr()
    assert main(["verify", "tiny", "preflight"]) == of_phase
    # Behind a narrowed run both are undecided, and the one that began last decides.
    decides = name == "nothing"
    assert (f"it decides: {died}, which was under way when " in capsys.readouterr().out) is decides
    assert main(["next", "--env", "tiny"]) == 0
    assert (f"preflight: INCOMPLETE ({died})" in capsys.readouterr().out) is decides
    assert main(["gate", "ga", "--env", "tiny"]) == of_gate
    assert main(["verify", "tiny", "ga"]) == of_last
    assert main(["sign-off", "--env", "tiny"]) == 0
    page = (launching.home / "sign-off.html").read_text("utf-8")
    assert ("<strong>INCOMPLETE</strong>" in page) is (of_phase == 10)


def test_a_gate_is_told_of_a_run_that_dies_while_its_own_is_under_way(
    launching: Launching,
) -> None:
    project, folder = launching.project, launching.project.folder
    conftest = (folder / "conftest.py").read_text("utf-8")
    project.write("conftest.was", conftest)
    # A run is under way; within it a gate runs the phase, and that first run is killed while the gate's is under way.
    inner = f"{conftest}\n\ndef pytest_sessionfinish():\n    import os\n    os.kill(int(os.environ['OUTER']), 9)\n"
    project.write("conftest.inner", inner)
    outer = KILLED.replace("conftest.was", "conftest.inner").format(others=[])
    gated = (
        "    os.environ['OUTER'] = str(os.getpid())\n    subprocess.run({words!r}, cwd=HERE, check=False)\n    os.kill"
    )
    words = [sys.executable, "-m", "readiness", "gate", "preflight", "--env", "tiny"]
    words = ["sh", "-c", f"{' '.join(words)} > gate.out; echo $? > gate.exit"]
    project.write("conftest.py", conftest + outer.replace("    os.kill", gated.format(words=words)))
    project.write("figure.txt", str(WELL))
    assert project.run("-m", "preflight").exit == -9
    for _ in range(600):
        if (folder / "gate.exit").exists() and (folder / "gate.exit").read_text("utf-8").strip():
            break
        time.sleep(0.1)
    assert (folder / "gate.exit").read_text("utf-8").strip() == "10"
    assert "and was killed: what it saw is unknown" in " ".join((folder / "gate.out").read_text("utf-8").split())


def test_the_next_look_names_a_run_that_was_killed_behind_another(launching: Launching) -> None:
    died = killed(launching, "preflight", "preflight")
    after = launching.run("preflight")
    assert died in read_run(launching.home / after).start.unsealed
    again = launching.run("preflight")
    assert read_run(launching.home / again).start.unsealed == ()


def test_a_killed_run_that_a_cut_ledger_does_not_know_is_history_that_is_not_here(
    launching: Launching, capsys: pytest.CaptureFixture[str]
) -> None:
    launching.run("preflight")
    launching.run("ga")
    of_before = {path: path.read_bytes() for path in launching.home.iterdir() if path.is_file()}
    died = killed(launching, "preflight")
    for path, data in of_before.items():
        path.write_bytes(data)
    for path in launching.home.glob("starting-*"):
        path.unlink()

    assert main(["verify", "tiny", "preflight"]) == 17
    assert main(["verify", "tiny", "ga"]) == 17
    capsys.readouterr()
    assert main(["next", "--env", "tiny"]) == 0
    assert f"history not here: {died} lies in" in " ".join(capsys.readouterr().out.split())
    assert main(["gate", "preflight", "--env", "tiny"]) == 10
    assert f"history not here: {died} lies in" in " ".join(capsys.readouterr().out.split())
    # No later run makes it known, until somebody accepts that.
    launching.run("preflight")
    assert launching.exits[-1] == 10
    assert main(["verify", "tiny", "preflight"]) == 10
    assert main(["gate", "preflight", "--env", "tiny", "--first-run"]) == 0
    assert main(["verify", "tiny", "preflight"]) == 0
    assert main(["gate", "ga", "--env", "tiny"]) == 0
    assert ledger.read(launching.home / ledger.FILE, {}).problems == []
