"""The one deadline of a run: what it follows from is on record, and all workers share it."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from readiness.__main__ import main
from readiness.evidence.journal import read_run
from readiness.evidence.recorded_deadline import RecordedDeadline
from readiness.evidence.rejudge import judge
from readiness.outcomes import Unknown
from readiness.plugin.deadlines import ONE_MACHINE_SECONDS, begun_at
from readiness.plugin.session import SESSION
from readiness.plugin.threads import ObservationTask, TaskPool
from readiness.plugin.workers import Controller
from readiness.rendering import exports
from readiness.verdict import INCOMPLETE_EXIT, VerdictStatus
from tests.plugin.project import Project, line

FOLLOWS = "60 s for requests (2 turns of 3, each 10 s at most), 0 s that lines wait by themselves, 30 s for the rest"


@pytest.mark.parametrize("words", [(), ("-n2",)], ids=["alone", "workers"])
@pytest.mark.parametrize(
    ("stated", "says"),
    [(None, f"90 s: {FOLLOWS}"), (60, f"60 s by run.seconds_at_most, in place of {FOLLOWS}")],
    ids=["as it follows", "lowered"],
)
def test_the_deadline_and_what_it_follows_from_are_recorded(
    words: tuple[str, ...], stated: float | None, says: str, project: Project
) -> None:
    project.environment(run={"seconds_at_most": stated} if stated else {})
    # Those that only read are one round together, and one that measures time is a turn of its own.
    project.runbook(line("one", "demo.figure"), line("two", {"demo.named": {"name": "a"}}), line("quick", "demo.quick"))
    ran = project.preflight(*words)
    assert ran.exit == 0, ran.out
    (folder,) = (project.folder / "reports/tiny").glob("2*-preflight")
    finish = read_run(folder).finish
    assert finish
    assert finish.deadline
    assert finish.deadline.says == says
    assert f"Deadline of its looks: {says}" in (folder / "summary.md").read_text("utf-8").replace("\\", "")
    assert says in (folder / "report.html").read_text("utf-8")


KILLS = """
import os
import signal

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    os.kill(os.getpid(), signal.SIGKILL)
"""
"""For a conftest.py: the run dies over its first check."""


def test_a_run_that_is_killed_has_told_its_deadline(project: Project) -> None:
    project.runbook(line("one", "demo.figure"))
    project.write("conftest.py", (project.folder / "conftest.py").read_text("utf-8") + KILLS)
    project.preflight()
    (folder,) = (project.folder / "reports/tiny").glob("2*-preflight")
    run = read_run(folder)
    assert run.finish is None
    assert run.deadline
    says = (
        "60 s: 30 s for requests (1 turn of 3, each 10 s at most), 0 s that lines wait by themselves, 30 s for the rest"
    )
    assert run.deadline.says == says
    assert f"Deadline of its looks: {says}" in exports.markdown(run).replace("\\", "")


KILLS_ITSELF = """
import os
import signal

def pytest_readiness_result(result):
    os.kill(os.getpid(), signal.SIGKILL)
"""
"""For a conftest.py: the process that has the journal dies over its first result, whoever has looked."""


@pytest.mark.parametrize("words", [(), ("-n2",)], ids=["alone", "workers"])
def test_a_killed_run_is_read_alike_with_workers(
    words: tuple[str, ...], project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.runbook(line("one", "demo.figure"), line("two", {"demo.named": {"name": "a"}}))
    project.write("conftest.py", (project.folder / "conftest.py").read_text("utf-8") + KILLS_ITSELF)
    assert project.preflight(*words).exit == -9
    (folder,) = (project.folder / "reports/tiny").glob("2*-preflight")
    run = read_run(folder)
    judged = judge(run)
    assert run.finish is None
    assert judged.verdict.word is VerdictStatus.INCOMPLETE
    assert judged.refuted == ()
    # No deadline is judged by: it is told where it is known, and where it is not that is told.
    told = exports.markdown(run).replace("\\", "")
    assert ("Deadline of its looks: not recorded" in told) is (run.deadline is None) is bool(words)
    monkeypatch.chdir(project.folder)
    assert main(["verify", "tiny", "preflight"]) == INCOMPLETE_EXIT
    assert "early: " in capsys.readouterr().out


@pytest.fixture
def project(tmp_path: Any) -> Project:
    return Project(tmp_path)


def test_a_worker_that_takes_the_place_of_another_has_what_is_left() -> None:
    stash = {SESSION: SimpleNamespace(run=SimpleNamespace(started_at=SimpleNamespace(isoformat=lambda: "then")))}
    controller = Controller()
    handed = []
    for _ in range(3):
        node = SimpleNamespace(config=SimpleNamespace(stash=stash), workerinput={})
        controller.pytest_configure_node(node)
        handed.append(node.workerinput["readiness"]["begun_at"])
        time.sleep(0.01)
    assert len(set(handed)) == 1


AGES = [  # how long ago the controller says that it began, and whether that counts
    (0.0, True),
    (30.0, True),
    (ONE_MACHINE_SECONDS + 60, False),  # by the clock of another machine
    (-60.0, False),
]


@pytest.mark.parametrize(("seconds_ago", "counts"), AGES)
def test_a_worker_counts_from_where_the_controller_began(seconds_ago: float, *, counts: bool) -> None:
    now = time.monotonic()
    worker = SimpleNamespace(workerinput={"readiness": {"begun_at": now - seconds_ago}})
    begun = begun_at(cast("pytest.Config", worker))
    assert (begun == now - seconds_ago) is counts
    assert counts or begun >= now
    assert begun_at(cast("pytest.Config", SimpleNamespace())) >= now


def test_what_is_asked_after_the_deadline_is_unknown() -> None:
    pool, never = TaskPool(), threading.Event()
    pool.end_after(30, time.monotonic() - 31)
    task = pool.ask("hung", ObservationTask("hung", never.wait))
    with pytest.raises(Unknown, match="when the run's deadline of 30 s passed"):
        pool.wait(task, 0.01, lambda _: None)
    never.set()


def test_a_deadline_says_what_lowered_it() -> None:
    deadline = RecordedDeadline(
        seconds=33, reserve_seconds=30, turns=1, requests_each=3, request_seconds=1, waits_seconds=0, stated_seconds=60
    )
    because = "3 s for requests (1 turn of 3, each 1 s at most), 0 s that lines wait by themselves, 30 s for the rest"
    assert deadline.says == f"33 s: {because}"
