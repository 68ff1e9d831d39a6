"""A recorded run of the sandbox, judged again without a network: every outcome is as it was, and it is no evidence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.rejudge import judge
from readiness.verdict import INCOMPLETE_EXIT
from tests import warm
from tests.plugin.project import ROOT

NO_NETWORK = """\
import socket


def refuse(*_, **__):
    raise RuntimeError("a replay opened a socket")


socket.socket.connect = socket.socket.connect_ex = socket.socket.bind = refuse
socket.create_connection = socket.getaddrinfo = refuse
"""


def pytest_run(folder: Path, *words: str) -> RecordedRun:
    """Run pytest and give the run that it left; its folder is the one that was not there before."""
    reports = folder / "reports"
    before = set(reports.glob("local/*/journal.jsonl"))
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("GITHUB_", "SANDBOX_"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(folder)])
    ran = warm.run("pytest", "-q", "--env=local", f"--reports={reports}", *words, variables=environment)
    (left,) = set(reports.glob("local/*/journal.jsonl")) - before or pytest.fail(ran.stdout + ran.stderr)
    return read_run(left.parent)


@pytest.mark.usefixtures("starts_servers")
@pytest.mark.parametrize("phase", ["preflight", "postlaunch"])
def test_every_outcome_is_as_it_was(phase: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "no_network.py").write_text(NO_NETWORK, "utf-8")
    first = pytest_run(tmp_path, "-m", phase)
    again = pytest_run(tmp_path, "-m", phase, "-p", "no_network", f"--replay={first.folder.name}")
    assert {one.key: (one.outcome, one.measurements) for one in again.results} == {
        one.key: (one.outcome, one.measurements) for one in first.results
    }
    assert len(first.results) > 15
    assert first.finish
    assert again.finish
    assert judge(again).outcomes == judge(first).outcomes
    assert again.finish.exit in {first.finish.exit, INCOMPLETE_EXIT}
    assert again.finish.exit
    assert again.requests == []
    assert again.start.replay_of
    assert (again.start.replay_of.run, again.start.replay_of.head) == (first.start.run, first.head)
    assert main(["verify", str(again.folder)]) != 0
    assert f"a replay of {first.start.run} is not evidence" in capsys.readouterr().out
