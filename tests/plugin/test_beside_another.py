"""Two runs of one environment at once: it is told, each leaves its own folder, and the ledger holds both."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from readiness.__main__ import main
from tests import warm
from tests.plugin.project import CHECKS, CONFTEST, Project, line

WAITS = """

@observation
def answer() -> float:
    import time

    leave("looked.txt", "answer")
    while (HERE / "hold").exists():
        time.sleep(0.02)
    return 0.5
"""
CHECK = '''

@pytest.mark.preflight
def test_answers(answer: float, measure: Measure) -> None:
    """It answers.

    Remedy: wait.
    """
    measure(answer, "answer").below(1)
'''
OTHER = CHECK.replace("preflight", "smoke").replace("answers(answer", "works(figure").replace("(answer,", "(figure,")
TOLD = "beside    another run of it is under way"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write("conftest.py", CONFTEST + WAITS)
    made.write("checks/test_demo.py", CHECKS + CHECK + OTHER)
    made.runbook(line("one", "demo.answers"), line("two", "demo.works", phase=["smoke"]))
    return made


@contextmanager
def held(project: Project) -> Iterator[subprocess.Popen[str]]:
    """Begin a run that looks for as long as nobody lets it go on."""
    hold, looked = project.folder / "hold", project.folder / "looked.txt"
    hold.touch()
    words = [sys.executable, "-m", "pytest", "--env=tiny", "-m", "preflight"]
    variables = {**os.environ, "PYTHONPATH": str(warm.ROOT), "NO_COLOR": "1"}
    with subprocess.Popen(words, cwd=project.folder, env=variables, stdout=subprocess.PIPE, text=True) as process:
        try:
            until(looked.exists)
            yield process
        finally:
            hold.unlink(missing_ok=True)
            process.wait()


def until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + warm.NEVER_SECONDS
    while not is_so():
        assert time.monotonic() < ends, "it never came about"
        time.sleep(0.02)


def test_the_second_is_told_and_both_are_whole(project: Project) -> None:
    with held(project) as first:
        second = project.run("-m", "smoke")  # a line of its own, which waits for nothing
        (project.folder / "hold").unlink()
        assert first.stdout
        told_first = first.stdout.read()
    third = project.preflight()
    assert (TOLD in told_first, TOLD in second.out, TOLD in third.out) == (False, True, False)
    assert (first.returncode, second.exit, third.exit) == (0, 0, 0), told_first + second.out
    places = ["--reports", str(project.folder / "reports"), "--environments", str(project.folder / "environments")]
    assert [main(["verify", phase, "--env", "tiny", *places]) for phase in ("preflight", "smoke")] == [0, 0]
