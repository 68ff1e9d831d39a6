"""`readiness rehearse` on the sandbox: stages in order, one summary, evidence that says it is scaled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from loadtests.trial import ROOT, truth_server
from loadtests.truth import Law
from readiness.commands import rehearse as command
from readiness.rehearsal.evidence import FOLDER, folders, read
from readiness.rehearsal.verdict import Conclusion, Judgement
from tests.loadtests.waiting import NEVER_SECONDS, until, written

JOURNEYS = {
    "browse": {"weight": 4, "steps": [{"path": "/health"}, {"path": "/ready"}]},
    "upload": {
        "steps": [
            {
                "path": "/v1/uploads",
                "method": "POST",
                "headers": {"Authorization": "Bearer ${SANDBOX_API_TOKEN}"},
                "upload": {
                    "text": "day,campaign,impressions,clicks,spend\\n2026-01-01,{{unique}},10,1,1.50\\n",
                    "fields": {"workspace": "ws_internal", "platform": "meta", "source": "manual"},
                },
                "status": [202],
                "keep": {"id": "/id"},
            },
            {
                "path": "/v1/uploads/{{id}}",
                "name": "/v1/uploads/{id}",
                "headers": {"Authorization": "Bearer ${SANDBOX_API_TOKEN}"},
            },
        ]
    },
}


def rehearse(folder: Path, load: dict[str, Any], *words: str, allow: tuple[str, ...] = ("write", "load")) -> Any:
    content = yaml.safe_load((ROOT / "environments" / "local.yaml").read_text())
    content |= {"allow": list(allow), "load": load}
    (folder / "local.yaml").write_text(json.dumps(content))
    command = [sys.executable, "-m", "readiness", "rehearse", "--env", "local", *words]
    command += ["--environments", str(folder), "--reports", str(folder / "reports")]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_stages_run_in_order_on_the_sandbox(tmp_path: Path) -> None:
    load = {"users_at_most": 100, "scale": 0.05, "journeys": JOURNEYS}
    done = rehearse(tmp_path, load, "--stage", "smoke", "--stage", "load", "--keep-going")
    found = [read(next(folders(tmp_path / "reports", "local", stage))) for stage in ("smoke", "load")]
    assert "scaled by 0.05: proof of nothing but the sandbox" in done.stdout
    assert [one.scale for one in found] == [0.05, 0.05]
    assert found[0].started_at < found[1].started_at
    assert found[1].failed == 0, found[1].endpoints
    assert set(found[1].endpoints) == {"/health", "/ready", "/v1/uploads", "/v1/uploads/{id}"}
    assert found[1].target.revision
    assert "page.html" in done.stdout
    assert done.returncode in {0, 10}, done.stdout


def test_what_is_not_allowed_is_not_run(tmp_path: Path) -> None:
    done = rehearse(tmp_path, {"users_at_most": 100, "scale": 0.05}, "--stage", "smoke", allow=())
    assert done.returncode == 2
    assert "does not allow load" in done.stderr
    assert not list(folders(tmp_path / "reports", "local"))


LONG = {"users": 5, "hold_minutes": 2, "settle_seconds": 1, "users_per_second": 5, "drain_seconds": 5}


@contextmanager
def holding(folder: Path) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """Begin two long stages, the second though the first does not pass; gives the command and Locust in the hold."""
    with truth_server(Law(0.02, 0.06)) as url:
        content = {
            "environment": "trial",
            "production": False,
            "runbooks": ["launch400k"],
            "allowed_hosts": ["127.0.0.1"],
            "allow": ["load"],
            "target": {"url": url, "revision": {"http": f"{url}/", "pointer": "/revision"}},
            "load": {"users_at_most": 5, "stages": {"one": LONG, "two": LONG}},
        }
        (folder / "trial.yaml").write_text(json.dumps(content))
        words = [sys.executable, "-m", "readiness", "rehearse", "--env", "trial", "--stage", "one", "--stage", "two"]
        words += ["--keep-going", "--environments", str(folder), "--reports", str(folder / "reports")]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True)
        locust = until(lambda: next(iter(psutil.Process(process.pid).children()), None))
        try:
            until(lambda: (so_far := written(folder / "reports", "trial")) and so_far.hold_from)
            yield process, locust
        finally:
            for one in (process, locust):
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            process.communicate()


STOPS: dict[str, tuple[Callable[[int], None], str]] = {
    "Ctrl-C in a terminal": (lambda pid: os.killpg(pid, signal.SIGINT), "SIGINT"),
    "SIGINT to the command alone": (lambda pid: os.kill(pid, signal.SIGINT), "SIGTERM"),
    "SIGTERM": (lambda pid: os.kill(pid, signal.SIGTERM), "SIGTERM"),
}


@pytest.mark.parametrize("name", STOPS)
def test_what_is_stopped_loads_the_target_no_more(tmp_path: Path, name: str) -> None:
    stop, by = STOPS[name]
    with holding(tmp_path) as (process, locust):
        stop(process.pid)
        said, _ = process.communicate(timeout=NEVER_SECONDS)
        assert not locust.is_running()
    assert process.returncode == 10, said
    assert "not run: two" in said
    (folder,) = folders(tmp_path / "reports", "trial")
    found = read(folder)
    assert (found.stage, found.ended, found.ended_because) == ("one", "cut short", f"it was stopped by {by}")


if sys.platform == "linux":  # elsewhere nothing ends Locust when the command was killed

    def test_a_command_that_is_killed_takes_locust_along(tmp_path: Path) -> None:
        with holding(tmp_path) as (process, locust):
            process.kill()
            assert not psutil.wait_procs([locust], timeout=NEVER_SECONDS)[1]
        (folder,) = folders(tmp_path / "reports", "trial")
        assert read(folder).ended == "cut short"


STUBBORN = """
import pathlib, signal, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
pathlib.Path({sign!r}).touch()
time.sleep(60)
"""


def test_two_rehearsals_with_several_processes_do_not_meet(tmp_path: Path) -> None:
    wanted = {"allow": None, "confirm": None, "processes": 2}
    ports = set()
    for _ in range(2):
        words = command._command(Namespace(**vars(options(tmp_path)) | wanted), "one")
        assert words[words.index("--processes") + 1] == "2"
        assert words[words.index("--master-bind-port") + 1] == words[words.index("--master-port") + 1]
        ports.add(words[words.index("--master-port") + 1])
    assert len(ports) == 2
    assert "5557" not in ports


def options(folder: Path, *stages: str) -> Namespace:
    said = {"env": "trial", "environments": folder, "reports": folder / "reports", "stage": list(stages)}
    return Namespace(**said, self_check=False, keep_going=True)


def instead(monkeypatch: pytest.MonkeyPatch, program: Callable[[str], str]) -> None:
    """Run a program for each stage, and no Locust."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(command, "_command", lambda _, stage: [sys.executable, "-c", program(stage)])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_does_not_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    sign = tmp_path / "begun"
    instead(monkeypatch, lambda _: STUBBORN.format(sign=str(sign)))
    monkeypatch.setattr(command, "GRACE_SECONDS", 1)
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    others = set(psutil.Process().children())

    def stop() -> None:
        until(sign.exists)
        os.kill(os.getpid(), number)

    threading.Thread(target=stop).start()
    assert command.run(options(tmp_path, "one", "two")) == 10
    assert set(psutil.Process().children()) <= others
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers
    said = capsys.readouterr().out
    assert "one        NO EVIDENCE" in said
    assert "not run: two" in said


def test_stages_that_were_not_run_are_no_pass(tmp_path: Path) -> None:
    passed = command.StageEnd(0, None, Judgement(Conclusion.PASS, (), ()))
    assert command._print_summary(options(tmp_path, "one"), {"one": passed}) == 0
    assert command._print_summary(options(tmp_path, "one", "two"), {"one": passed}) == 10


def test_a_stage_without_evidence_shows_no_page_of_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reports" / "trial" / FOLDER / "20260101T000000Z-one").mkdir(parents=True)
    instead(monkeypatch, lambda _: "")
    assert command.run(options(tmp_path, "one")) == 10
    said = capsys.readouterr().out
    assert "one        NO EVIDENCE" in said
    assert "page.html" not in said


def test_a_refused_stage_does_not_hide_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "reports" / "trial" / FOLDER / "20260101T000000Z-one"
    leave = f"import pathlib; pathlib.Path({str(folder)!r}).mkdir(parents=True)"
    instead(monkeypatch, lambda stage: leave if stage == "one" else "raise SystemExit(2)")
    assert command.run(options(tmp_path, "one", "two", "three")) == 2
    said = capsys.readouterr().out
    assert f"one        NO EVIDENCE   {folder / 'page.html'}" in said
    assert "two        REFUSED" in said
    assert "not run: three" in said
