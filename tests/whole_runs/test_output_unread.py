"""Whoever reads the output may leave (`readiness plan | head -1`): what is under way goes on to its own exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from readiness.__main__ import USAGE_ERROR, main, verbs
from tests import warm
from tests.plugin.project import Project, line

GO, NO_GO = 0, 1
MANY = 100
"""Lines of a runbook: more than a pipe's reader takes at once, and than Python keeps before it writes."""


@contextmanager
def nobody_reads() -> Iterator[None]:
    """Have standard output and standard error be a pipe whose other end is closed, as `head` leaves it."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream, redirect_stdout(stream), redirect_stderr(stream):
        yield


def unread(folder: Path, *words: str) -> int:
    """Return the exit code of a process of Python whose output nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(warm.ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            check=False,
        )
    finally:
        os.close(writing)
    return ran.returncode


def ended(*words: str) -> int:
    try:
        return main(words)
    except SystemExit as error:  # as argparse ends
        return int(error.code or 0)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Run a project once, and return where it and its evidence lie."""
    project = Project(tmp_path_factory.mktemp("unread"))
    project.runbook(*[line(f"line-{number}", "demo.figure") for number in range(MANY)])
    assert project.preflight().exit == GO
    return [f"--environments={project.folder / 'environments'}", f"--reports={project.folder / 'reports'}"]


@pytest.mark.parametrize(
    "words",
    [
        *[f"{verb} --help" for verb in verbs()],
        "--help",
        "--version",
        "no-such-command",
        "tools",
        "key",
        "sandbox --list-faults",
    ],
)
def test_a_command_ends_as_it_does_where_somebody_reads(words: str) -> None:
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        read = ended(*words.split())
    with nobody_reads():
        unread = ended(*words.split())
    assert unread == read


@pytest.mark.parametrize(
    "words", ["verify preflight --env tiny", "verify preflight --env tiny --json", "next --env tiny --json"]
)
def test_a_command_about_a_run_ends_so_too(places: list[str], words: str) -> None:
    with nobody_reads():
        assert ended(*words.split(), *places) == GO


def test_of_a_bad_run_the_exit_code_stays_bad(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", "demo.swallows"))
    assert project.preflight().exit == NO_GO
    places = [f"--environments={tmp_path / 'environments'}", f"--reports={tmp_path / 'reports'}"]
    with nobody_reads():
        assert ended("verify", "preflight", "--env", "tiny", *places) == NO_GO


@pytest.mark.parametrize(
    ("check", "exit_code"), [("demo.figure", GO), ("demo.swallows", NO_GO)], ids=["healthy", "red"]
)
@pytest.mark.parametrize("flags", [(), ("-u",)], ids=["kept", "written at once"])
def test_a_run_leaves_its_evidence_and_its_exit_code(
    tmp_path: Path, flags: tuple[str, ...], check: str, exit_code: int
) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", check))
    assert unread(tmp_path, *flags, "-m", "pytest", "--env=tiny", "-m", "preflight", "-v") == exit_code
    (journal,) = (tmp_path / "reports").glob("tiny/*/journal.jsonl")
    assert '"record":"finish"' in journal.read_text(encoding="utf-8")


@pytest.mark.parametrize("words", ["plan --env tiny", "gate preflight --env tiny"])
def test_what_starts_pytest_ends_so_too(tmp_path: Path, words: str) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", "demo.figure"))
    assert unread(tmp_path, "-m", "readiness", *words.split()) == GO


CLOSED = (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-")
WITHOUT = """
import json, os, sys
from pathlib import Path
from readiness.__main__ import main

numbers, commands = json.loads(sys.argv[1]), json.loads(sys.argv[2])
ended = []
for words in commands:
    for number in numbers:
        setattr(sys, ("stdin", "stdout", "stderr")[number], None)
        os.close(number)
    try:
        ended.append(main(words))
    except SystemExit as error:
        ended.append(int(error.code or 0))
    except BaseException as error:
        ended.append(repr(error))
Path(sys.argv[3]).write_text(json.dumps(ended))
"""
ABOUT_A_RUN = ("verify preflight", "verify --all", "next", "history", "ladder", "ledger", "announce", "attest", "prune")


@pytest.mark.parametrize("closed", CLOSED)
def test_each_command_ends_as_ever_without_standard_streams(
    closed: str, places: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`>&-`: the descriptor is closed. One process does them all, and each begins without it."""
    monkeypatch.chdir(warm.ROOT)
    commands = [[verb, "--help"] for verb in verbs()]
    commands += [[*words.split(), "--env", "tiny", *places] for words in ABOUT_A_RUN]
    commands += [["--help"], ["--version"], ["no-such-command"], [], ["tools"], ["sandbox", "--list-faults"]]
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        read = [ended(*words) for words in commands]

    numbers = [{"<": 0, ">": 1, "2": 2}[word[0]] for word in closed.split()]
    told = tmp_path / "told.json"
    words = [sys.executable, "-c", WITHOUT, json.dumps(numbers), json.dumps(commands), str(told)]
    subprocess.run(words, cwd=warm.ROOT, capture_output=True, check=True)
    assert dict(zip(map(str, commands), json.loads(told.read_text()), strict=True)) == dict(
        zip(map(str, commands), read, strict=True)
    )


PYTEST, GATE = "pytest -m preflight --env tiny", "readiness gate preflight --env tiny"


@pytest.mark.parametrize(
    ("closed", "words", "check", "exit_code"),
    [
        (">&-", PYTEST, "demo.figure", GO),
        ("2>&-", PYTEST, "demo.swallows", NO_GO),
        (">&- 2>&-", PYTEST, "demo.figure", GO),
        (">&-", GATE, "demo.figure", GO),
        ("2>&-", GATE, "demo.swallows", NO_GO),
        ("<&- >&- 2>&-", GATE, "demo.figure", GO),
    ],
)
def test_a_run_without_standard_streams_ends_as_ever(
    closed: str, words: str, check: str, exit_code: int, tmp_path: Path
) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", check))
    command = [sys.executable, "-m", *words.split()]
    ran = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(warm.ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, "Traceback" in ran.stdout + ran.stderr) == (exit_code, False), ran.stderr
    (journal,) = (tmp_path / "reports").glob("tiny/*/journal.jsonl")
    assert '"record":"finish"' in journal.read_text(encoding="utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("words", ["verify preflight --env tiny", "next --env tiny --json"])
def test_an_output_that_does_not_fit_is_told(places: list[str], words: str) -> None:
    """A report that was cut off is no good one, and the code is not that of a bad verdict."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "readiness", *words.split(), *places]
        ran = subprocess.run(command, cwd=warm.ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    told = "readiness: the output could not be written: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (USAGE_ERROR, told)
