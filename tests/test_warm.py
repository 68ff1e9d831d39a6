"""A run that is forked from the warm interpreter is what `python -m` would have been, and leaves nothing in it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from readiness.sandbox import Sandbox
from tests import warm
from tests.plugin.project import Project, line

Runner = Callable[..., warm.Ran]
LINES = (
    line("one", "demo.figure"),
    line("two", {"demo.named": {"name": "a"}}),
    line("three", "demo.hidden"),
    line("four", "demo.broken"),
    line("five", "demo.swallows"),
    line("six", "demo.writes"),
)
CHANGES_BY_ITSELF = (
    (r"\d+/\d+ decided[^\n]* \d+ s\n", ""),  # a run shows every ten seconds that it lives: on a busy machine
    (r"\d{8}T\d{6}Z", "<run>"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)", "<time>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?", "<time>"),
    (r"\b[\d.]+ ?m?s\b", "<duration>"),
    (r"\b[0-9a-f]{16,}\b", "<digest>"),
    (r"127\.0\.0\.1:\d+", "<address>"),
    (r"={3,}", "==="),
)
"""What differs between two runs of the same, forked or not."""
STATE = """\
import json, logging, os, random, signal, sys, tempfile, threading, warnings

import readiness.observations
import readiness.redaction.secret

readiness.observations.load_all()  # every run does, and the warm interpreter has
print(json.dumps({
    "arguments": sys.argv,
    "folder": os.getcwd(),
    "path": sys.path,
    "variables": dict(os.environ),
    "input": sys.stdin.read(),
    "streams": [sys.stdout.encoding, sys.stderr.encoding, sys.stdout.errors, sys.stdout.line_buffering],
    "threads": threading.active_count(),
    "signals": {one.name: str(signal.getsignal(one)) for one in signal.valid_signals() if hasattr(one, "name")},
    "filters": [[str(part) for part in one] for one in warnings.filters],
    "handlers": [repr(one) for one in logging.getLogger().handlers],
    "level": logging.getLogger().level,
    "hooks": [type(one).__name__ if not isinstance(one, type) else one.__name__ for one in sys.meta_path],
    "of projects": sorted(name for name in sys.modules if name.startswith(("conftest", "checks", "tests", "test_"))),
    "gevent": "gevent" in sys.modules,
    "observations": sorted(readiness.observations.OBSERVATIONS),
    "readings": sorted(readiness.observations.KNOWN_READINGS),
    "secrets": sorted(readiness.redaction.secret.known_secrets()),
    "excepthooks": [sys.excepthook is sys.__excepthook__, sys.unraisablehook is sys.__unraisablehook__],
}))
print(random.random(), next(tempfile._get_candidate_names()), os.getpid() == os.getpgid(0), file=sys.stderr)
"""
REGISTER = """\
from readiness import observations

print(sorted(observations.OBSERVATIONS), sorted(observations.KNOWN_READINGS))
"""
HANGS = """\
import os, subprocess, sys, time

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
with open(sys.argv[1], "w") as kept:
    kept.write(f"{os.getpid()} {os.getppid()} {child.pid}\\n")
time.sleep(3600)
"""


def same(text: str, folder: Path) -> str:
    """Replace what changes by itself."""
    text = text.replace(str(folder), "<folder>")
    for pattern, instead in CHANGES_BY_ITSELF:
        text = re.sub(pattern, instead, text)
    return re.sub(r" {2,}|\n\s+", " ", text)  # what is aligned or broken by its length


def journal(reports: Path) -> list[list[str]]:
    """Give what the one run of a folder found and decided."""
    (path,) = reports.rglob("journal.jsonl")
    records = [json.loads(text) for text in path.read_text("utf-8").splitlines()]
    names = ("line", "subject", "check", "outcome", "gate", "verdict", "exit", "name", "effect")
    return sorted([str(one["record"]), *(str(one.get(name)) for name in names)] for one in records)


def both(compared: Callable[[Runner], tuple[warm.Ran, Path]]) -> tuple[warm.Ran, warm.Ran]:
    """Run the same both ways. What they tell and how they end must be the same."""
    (forked, here), (cold, there) = compared(warm.run), compared(warm.run_cold)
    assert same(forked.stdout, here) == same(cold.stdout, there)
    assert same(forked.stderr, here) == same(cold.stderr, there)
    assert forked.returncode == cold.returncode
    return forked, cold


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[[Runner], Path]:
    """Give a folder for each way; their names are equally long, so that lines break alike."""

    def make(run: Runner) -> Path:
        folder = tmp_path / ("warm" if run is warm.run else "cold")
        folder.mkdir()
        return folder

    return make


VARIABLES = {"PYTHONPATH": str(warm.ROOT), "COLUMNS": "100", "NO_COLOR": "1"}


@pytest.mark.parametrize("words", [(), ("--collect-only",), ("-x",), ("-m", "prefligth"), ("-k", "figure"), ("-n2",)])
def test_a_project_is_judged_alike(words: tuple[str, ...], folder_of: Callable[[Runner], Path], tmp_path: Path) -> None:
    def judged(run: Runner) -> tuple[warm.Ran, Path]:
        project = Project(folder_of(run))
        project.runbook(*LINES)
        variables = {**os.environ, **VARIABLES}
        given = ("--env=tiny", "-m", "preflight", *words)
        return run("pytest", *given, folder=project.folder, variables=variables), project.folder

    ran, _ = both(judged)
    if ran.returncode in {1, 10} and "--collect-only" not in words:
        # Which worker asks for an observation is chance: each that does makes it, and has a record of it.
        warm_rows, cold_rows = (journal(tmp_path / name) for name in ("warm", "cold"))
        ends_early = "-x" in words
        assert _once(warm_rows, ends_early=ends_early) == _once(cold_rows, ends_early=ends_early)


def _once(rows: list[list[str]], *, ends_early: bool) -> list[list[str]]:
    """Return the rows of a journal with each observation once; with none where a run ends while they are under way."""
    decided = [row for row in rows if row[0] != "observation"]
    looks = [row for row in rows if row[0] == "observation" and not ends_early]
    return decided + [row for number, row in enumerate(looks) if row not in looks[:number]]


def test_a_phase_of_the_sandbox_is_judged_alike(
    launched_sandbox: Sandbox, folder_of: Callable[[Runner], Path], tmp_path: Path
) -> None:
    variables = {**os.environ, **launched_sandbox.variables, **VARIABLES}

    def judged(run: Runner) -> tuple[warm.Ran, Path]:
        reports = folder_of(run)
        return run("pytest", "-q", "-m", "smoke", "--env=local", f"--reports={reports}", variables=variables), reports

    forked, cold = judged(warm.run)[0], judged(warm.run_cold)[0]
    assert forked.returncode == cold.returncode == 0, forked.stdout + cold.stdout
    found = [[one for one in journal(tmp_path / name) if one[0] == "result"] for name in ("warm", "cold")]
    assert found[0] == found[1]
    assert len(found[0]) > 3


@pytest.mark.parametrize(
    "words", [("plan", "--env", "local"), ("verify", "local", "smoke"), (), ("plan", "--env"), ("no-such-verb",)]
)
def test_a_command_says_the_same(words: tuple[str, ...], folder_of: Callable[[Runner], Path]) -> None:
    def told(run: Runner) -> tuple[warm.Ran, Path]:
        folder = folder_of(run)
        reports = [f"--reports={folder}"] if words[:1] == ("verify",) else []
        return run("readiness", *words, *reports), folder

    both(told)


def test_the_process_is_as_new(tmp_path: Path) -> None:
    (tmp_path / "state.py").write_text(STATE, "utf-8")
    variables = {**os.environ, **VARIABLES, "ONLY_HERE": "yes"}
    forked, again, cold = (
        run("state", "a", "b", folder=tmp_path, variables=variables) for run in (warm.run, warm.run, warm.run_cold)
    )
    assert json.loads(forked.stdout) == json.loads(cold.stdout)
    number, name, is_leader = forked.stderr.split()
    assert is_leader == "True"
    assert number not in again.stderr
    assert name not in again.stderr


def test_the_register_has_what_ships_and_nothing_of_another_run(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", "demo.figure"))
    assert project.preflight().exit == 0
    (tmp_path / "ships.py").write_text(REGISTER, "utf-8")
    (tmp_path / "loaded.py").write_text(REGISTER.replace("print", "observations.load_all()\nprint"), "utf-8")
    variables = {**os.environ, **VARIABLES}
    forked = warm.run("ships", folder=tmp_path, variables=variables)
    cold = warm.run_cold("loaded", folder=tmp_path, variables=variables)
    assert forked.stdout == cold.stdout
    assert "'connection_pool'" in forked.stdout


def test_the_server_has_begun_nothing(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        "import readiness.redaction.secret as s\nprint(s.Secret('a-secret-of-a-run'))\n", "utf-8"
    )
    assert warm.run("loud", folder=tmp_path, variables={**os.environ, **VARIABLES}).stdout == "***\n"
    told = warm.here().tell()
    assert (told["impurities"], told["contexts"]) == ([], 0)


ENDS = {
    "by itself": ("pass", 0),
    "with a number": ("raise SystemExit(7)", 7),
    "with none": ("raise SystemExit", 0),
    "with less than none": ("raise SystemExit(-1)", 255),
    "with a word": ("raise SystemExit('enough')", 1),
    "at once": ("os._exit(3)", 3),
    "killed": ("os.kill(os.getpid(), 9)", -9),
    "with an error": ("1 / 0", 1),
    "interrupted": ("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -2),
    "told on the way": ("print('half a line', end=''); print('and this', end='', file=sys.stderr)", 0),
    "with what was registered": ("atexit.register(print, 'last'); atexit.register(print, 'first')", 0),
    "with a thread that is waited for": ("threading.Timer(0.2, print, ['late']).start()", 0),
    "with a thread that is not": ("threading.Thread(target=time.sleep, args=[9], daemon=True).start()", 0),
    "with a folder of its own": ("kept = tempfile.TemporaryDirectory(dir='.', prefix='left-')", 0),
}
"""How a process may end: what it does last, and the status that its parent sees."""


@pytest.mark.parametrize(("body", "status"), ENDS.values(), ids=ENDS)
def test_it_ends_as_a_process_does(body: str, status: int, tmp_path: Path) -> None:
    imports = "import atexit, os, signal, sys, tempfile, threading, time"
    (tmp_path / "ends.py").write_text(f"{imports}\n{body}\n", "utf-8")
    forked, cold = (run("ends", folder=tmp_path) for run in (warm.run, warm.run_cold))
    assert (forked.returncode, cold.returncode) == (status, status)
    assert forked.stdout == cold.stdout
    assert forked.stderr.splitlines()[-1:] == cold.stderr.splitlines()[-1:]
    assert not list(tmp_path.glob("left-*"))


def test_what_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text(HANGS, "utf-8")
    kept = tmp_path / "pids"

    def kill() -> None:
        os.killpg(pids_in(kept)[0], signal.SIGKILL)

    threading.Thread(target=kill).start()
    assert warm.run("hangs", str(kept), folder=tmp_path).returncode == -signal.SIGKILL
    assert gone(pids_in(kept)[2])
    with pytest.raises(subprocess.TimeoutExpired):
        warm.run("hangs", os.devnull, folder=tmp_path, seconds=0.5)


if sys.platform == "linux":  # elsewhere nothing ends a process with its parent

    @pytest.mark.parametrize("killed", ["the tests", "the server"])
    def test_nothing_outlives_who_asked_for_it(killed: str, tmp_path: Path) -> None:
        (tmp_path / "hangs.py").write_text(HANGS, "utf-8")
        kept = tmp_path / "pids"
        run = "warm.run('hangs', sys.argv[1], folder=pathlib.Path(sys.argv[2]))"
        code = f"import pathlib, sys; from tests import warm; {run}"
        words = [sys.executable, "-c", code, str(kept), str(tmp_path)]
        with subprocess.Popen(words, cwd=warm.ROOT, stderr=subprocess.DEVNULL) as asking:
            _, server, _ = pids = pids_in(kept)
            os.kill(asking.pid if killed == "the tests" else server, signal.SIGKILL)
            asking.wait()
        assert all(map(gone, pids))


def pids_in(path: Path) -> list[int]:
    """Wait until the processes are written down."""
    ends = time.monotonic() + warm.NEVER_SECONDS
    while time.monotonic() < ends:
        if path.exists() and path.read_text("utf-8").endswith("\n"):
            return [int(word) for word in path.read_text("utf-8").split()]
        time.sleep(0.02)
    raise TimeoutError(f"{path} was not written")


def gone(pid: int) -> bool:
    """Wait until a process has ended; one that nobody has asked about yet has."""
    ends = time.monotonic() + warm.NEVER_SECONDS
    while time.monotonic() < ends:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False
