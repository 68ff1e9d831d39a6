"""The command line is read before anything is contacted, and each mistake is one clean line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import warm
from tests.plugin.project import Project, Ran, line

USAGE_ERROR = 4
EMPTY_ONES = ("--as-of", "--allow", "--replay", "--environments", "--reports")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    found = Project(tmp_path_factory.mktemp("options"))
    found.runbook(line("one", "demo.figure"), line("writes", "demo.writes"))
    return found


def refused(ran: Ran, told: str) -> None:
    assert ran.exit == USAGE_ERROR, ran.out
    assert told in ran.out, ran.out
    assert "Traceback" not in ran.out
    assert "INTERNALERROR" not in ran.out
    assert ran.looked == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-m", "preflight", "--env=tinny"], "'tinny' is not known; did you mean 'tiny'?"),
        ([], "-m preflight"),
        (["-m", "preflight or smoke"], "one phase"),
        (["-m", "prefligth"], "prefligth"),
        (["-m", "preflight", "--as-of=T-1"], "is not a time relative to launch such as T-7d"),
        (["-m", "preflight", "--as-of=tomorrow"], "is not a date and time such as"),
        (["-m", "preflight", "--allow=wriet"], "'wriet' is not known; did you mean 'write'?"),
        (
            ["-m", "preflight", "-s"],
            "-s (--capture=no) is refused: what is printed would pass the redaction of secrets",
        ),
        (["-m", "preflight", "--capture=tee-sys"], "--capture=tee-sys is refused"),
        (["-m", "preflight", "--pdb"], "--pdb is refused: a debugger shows what is to be masked"),
        (["-m", "preflight", "--trace"], "--trace is refused"),
        (["-m", "preflight", "--debug=traced.log"], "--debug is refused: it writes down what is to be masked"),
        (["-m", "preflight", "--pastebin=failed"], "--pastebin is refused: it sends the output"),
        (["-m", "preflight", "--replay=no-such-run"], "no-such-run"),
        *((["-m", "preflight", option, ""], f"{option} is empty (is its variable set?)") for option in EMPTY_ONES),
        *(
            (["-m", "preflight", f"{option}="], f"{option} is empty (is its variable set?): give it")
            for option in EMPTY_ONES
        ),
        (["-m", "preflight", "-k", ""], "-k is empty"),
        (["-m", ""], "-m is empty"),
        (["-m", "preflight", "--html="], "--html is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_one_clean_line(project: Project, words: list[str], told: str) -> None:
    refused(project.run(*words), told)


def test_environment_and_runbook_are_told_together(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.environment(allowd_hosts=["127.0.0.1"])
    project.runbook(line("One", "demo.figure"))
    ran = project.preflight()
    refused(ran, "key 'allowd_hosts' is not known; did you mean 'allowed_hosts'?")
    refused(ran, "'One' must be lower-case letters")


def test_a_secret_in_the_wrong_place_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_DBU", "postgresql://u:pw-of-a-test@db/x")
    project = Project(tmp_path)
    project.environment(launch_at="${TINY_DBU}", http={"deadline_seconds": "${TINY_DBU}"})
    project.runbook(line("one", "demo.figure"))
    ran = project.preflight()
    refused(ran, "launch_at: '***' is not a date and time")
    refused(ran, "http.deadline_seconds: a number is wanted")
    assert "pw-of-a-test" not in ran.out


def test_a_line_that_does_not_apply_must_exist(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", "demo.figure"))
    project.environment(not_applicable={"book/on": "there is no such thing here"})
    refused(project.preflight(), "'book/on' is not known; did you mean 'book/one'?")


def test_production_is_read_only_unless_the_command_line_says_otherwise(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", "demo.figure"))
    project.environment(production=True, allow=[])
    for words, allowed in ([], "read"), (["--allow", "write"], "read, write"):
        assert f"{allowed}\n" in project.preflight(*words).out


def test_help_teaches(project: Project) -> None:
    ran = project.run("--help", env=None)
    for told in ("--env", "--as-of", "T-1h", "--allow", "--replay", "--environments", "--reports", "preflight --env"):
        assert told in ran.out


def test_the_command_pytest_starts_too() -> None:
    """It has not the suite's folder on its path, as `python -m pytest` has: what is editable is found otherwise."""
    command = [str(Path(sys.executable).with_name("pytest")), "--help"]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(command, cwd=warm.ROOT, env=variables, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "production readiness" in ran.stdout
