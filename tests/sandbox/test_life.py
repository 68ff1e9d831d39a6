"""The sandbox starts fast, lives in a process of its own, and leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from readiness.sandbox import Sandbox, SandboxFailed
from readiness.sandbox.folder import PREFIX, own_folder
from tests.sandbox.visitor import Visitor, wait_for

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("starts_servers")
PARENT = """
import os, sys, time
from readiness.sandbox import Sandbox
sandbox = Sandbox.start()
if "--fork" in sys.argv and os.fork() == 0:
    time.sleep(20)
print(sandbox._process.pid, sandbox.variables["SANDBOX_CONFIGURATION"], flush=True)
time.sleep(60)
"""


def ended(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody has reaped yet has."""
    ran = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return not ran.stdout.strip() or ran.stdout.startswith("Z")


def children(pid: int) -> list[int]:
    ran = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in ran.stdout.split()]


@contextmanager
def parent(*words: str) -> Iterator[tuple[subprocess.Popen[str], int, Path]]:
    """Start a process that has a sandbox; it is killed at the end, if not before."""
    command = [sys.executable, "-c", PARENT, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as started:
        assert started.stdout
        pid, _, configuration = started.stdout.readline().strip().partition(" ")
        yield started, int(pid), Path(configuration).parent
        started.kill()


def test_it_starts_and_stops() -> None:
    with Sandbox.start() as sandbox:
        folder = Path(sandbox.variables["SANDBOX_CONFIGURATION"]).parent
        assert Path(sandbox.variables["SANDBOX_CONFIGURATION"]).stat().st_mode & 0o077 == 0
        assert httpx.get(f"{sandbox.variables['SANDBOX_URL']}/ready", trust_env=False).status_code == 200
        assert sandbox._process
        processes = [sandbox._process.pid, *children(sandbox._process.pid)]
    assert wait_for(lambda: all(ended(pid) for pid in processes))
    assert not folder.exists()


@pytest.mark.parametrize("words", [(), ("--fork",)], ids=["alone", "with a fork that holds the pipe"])
def test_a_killed_parent_leaves_no_orphan(words: tuple[str, ...]) -> None:
    with parent(*words) as (running, pid, folder):
        processes = [pid, *children(pid)]
        running.kill()
    assert wait_for(lambda: all(ended(process) for process in processes), 30)
    assert wait_for(lambda: not folder.exists())


if sys.platform == "linux":  # elsewhere nothing ends a server whose parent was killed

    def test_a_killed_sandbox_leaves_no_server_and_the_next_one_tidies_up() -> None:
        with parent() as (_, pid, folder):
            processes = children(pid)
            assert processes
            os.kill(pid, signal.SIGKILL)
            assert wait_for(lambda: all(ended(process) for process in processes), 30)
        assert folder.exists()
        with own_folder():
            assert not folder.exists()


def test_a_living_sandboxs_folder_is_left_alone(sandbox: Sandbox) -> None:
    folder = Path(sandbox.variables["SANDBOX_CONFIGURATION"]).parent
    assert folder.name.startswith(PREFIX)
    with own_folder():
        assert folder.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_it_runs_until_a_signal(number: signal.Signals) -> None:
    with tempfile.TemporaryFile("w+") as said:
        running = subprocess.Popen(
            [sys.executable, "-m", "readiness.sandbox", "--launched", "--fault", "health-500"],
            stdin=subprocess.DEVNULL, stdout=said, cwd=ROOT,
        )  # fmt: skip
        try:
            known = wait_for(lambda: exported(said.seek, said.read), 60)
            sandbox = Sandbox.attach(known)
            assert httpx.get(f"{sandbox.variables['SANDBOX_URL']}/health", trust_env=False).status_code == 500
            sandbox.stop()
            assert running.poll() is None
        finally:
            running.send_signal(number)
            assert running.wait(60) == 0


def exported(seek: Callable[[int], object], read: Callable[[], str]) -> dict[str, str]:
    seek(0)
    lines = [line.removeprefix("export ") for line in read().splitlines() if line.startswith("export ")]
    found = {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}
    return found if "SANDBOX_CONTROL_TOKEN" in found else {}


def test_it_is_launched_once_and_for_all() -> None:
    with Sandbox.start() as sandbox:
        before = sandbox.variables
        sandbox.launch()
        assert sandbox.variables["SANDBOX_LAUNCH_AT"] < before["SANDBOX_LAUNCH_AT"]
        assert {k: v for k, v in sandbox.variables.items() if k != "SANDBOX_LAUNCH_AT"} == {
            k: v for k, v in before.items() if k != "SANDBOX_LAUNCH_AT"
        }
        assert Visitor(sandbox).configuration["INGESTION_ENABLED"] == "true"


def test_a_week_passes_since_the_launch() -> None:
    with Sandbox.start(launched=True) as sandbox:
        before = datetime.fromisoformat(sandbox.variables["SANDBOX_LAUNCH_AT"])
        sandbox.age(7)
        assert datetime.fromisoformat(sandbox.variables["SANDBOX_LAUNCH_AT"]) == before - timedelta(days=7)
        assert Visitor(sandbox).configuration["INGESTION_ENABLED"] == "true"


def test_a_machines_proxy_is_not_asked(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with sandbox.plant("rls-off"):
        pass


def test_what_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ImportError('uvicorn is not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(SandboxFailed, match="uvicorn is not here"):
        Sandbox.start()


def test_several_at_once() -> None:
    with Sandbox.start() as one, Sandbox.start() as two:
        assert one.variables["SANDBOX_DATABASE_URL"] != two.variables["SANDBOX_DATABASE_URL"]


if sys.platform == "linux":  # elsewhere nothing ends a server whose parent was killed

    def test_ready_says_no_within_its_time_when_the_database_is_frozen() -> None:
        with Sandbox.start() as sandbox:
            server = int(subprocess.check_output(["ps", "-o", "ppid=", "-p", str(postmaster_child(sandbox))]))
            os.kill(server, signal.SIGSTOP)
            try:
                # Without a time of its own it would wait for the database, and that for ever.
                ready = httpx.get(f"{sandbox.variables['SANDBOX_URL']}/ready", trust_env=False, timeout=120)
            finally:
                os.kill(server, signal.SIGCONT)
            assert (ready.status_code, ready.json()["checks"]) == (503, {"database": "timeout", "storage": "ok"})
            assert wait_for(lambda: httpx.get(f"{sandbox.variables['SANDBOX_URL']}/ready", trust_env=False).is_success)


def postmaster_child(sandbox: Sandbox) -> int:
    with psycopg.connect(sandbox.variables["SANDBOX_DATABASE_URL"]) as connection:
        found = connection.execute("select pid from pg_stat_activity where backend_type = 'checkpointer'").fetchone()
    assert found
    return int(found[0])
