"""Each drill on the sandbox: it passes where all is well, and finds what is not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from readiness.drill.evidence import Broken, FellBack, Incident, RolledBack, Switched, folders, read
from readiness.drill.verdict import STEPS, done_steps, judge
from readiness.rehearsal.verdict import Conclusion
from readiness.sandbox import Sandbox
from readiness.sandbox.service import REVISION
from tests.clients.servers import Asked, Server, packet
from tests.drills.conftest import ROOT, Drill, environment

SHORT = {"seconds_at_most": 2}


def test_the_kill_switch_refuses_what_is_new_and_lets_the_rest_complete(drill: Drill) -> None:
    code, found = drill("kill-switch")
    assert code == 0, judge(found)
    assert isinstance(found.facts, Switched)
    assert (found.facts.in_flight, found.facts.completed, found.facts.accepted_after) == (1, 1, True)
    assert found.ended == "whole"
    assert found.revision == REVISION
    assert [step.name for step in found.steps] == ["before", "off", "in flight", "on"]
    assert not any(step.failed for step in found.steps)


def test_a_rollback_is_timed_and_undone(drill: Drill, target: Sandbox) -> None:
    code, found = drill("rollback")
    assert code == 0, judge(found)
    assert isinstance(found.facts, RolledBack)
    assert found.facts.seconds is not None
    assert 0.4 < found.facts.seconds < 60
    assert revision(target) == REVISION


def test_a_circuit_breaker_opens_and_closes(drill: Drill) -> None:
    code, found = drill("circuit-breaker")
    assert code == 0, judge(found)
    assert isinstance(found.facts, Broken)
    assert found.facts.opened_seconds is not None
    assert found.facts.closed_seconds is not None


def test_a_fallback_serves_and_steps_back(drill: Drill) -> None:
    code, found = drill("fallback")
    assert code == 0, judge(found)
    assert isinstance(found.facts, FellBack)
    assert "fallback" in found.facts.during
    assert "storage" in found.facts.after


def test_an_incident_is_played_through_with_the_real_alerting(drill: Drill, target: Sandbox, tmp_path: Path) -> None:
    calm(target)
    code, found = drill("incident")
    assert code == 0, judge(found)
    assert isinstance(found.facts, Incident)
    assert found.facts.detected_seconds is not None
    assert tuple(done_steps(found)) == STEPS
    report = next(folders(tmp_path / "reports", "local", "incident")) / found.facts.document
    assert "detect: see the alert StorageAway fire" in report.read_text("utf-8")


def test_an_incident_is_detected_by_prometheus_where_there_is_no_alertmanager(drill: Drill, target: Sandbox) -> None:
    calm(target)
    code, found = drill("incident", alertmanager=None)
    assert code == 0, judge(found)


FAULTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "switch-ignored": ("kill-switch", SHORT, "a new upload was not refused"),
    "switch-aborts": ("kill-switch", {}, "1 of 1 uploads in flight did not complete"),
    "rollback-slow": ("rollback", {"minutes_at_most": 0.03}, "2026.11.20-3f9c1d2 was served"),
    "rollback-wrong-version": ("rollback", {"minutes_at_most": 0.06}, "2026.10.30-77d0c4e was served"),
    "breaker-never-opens": ("circuit-breaker", SHORT, "the breaker storage never opened"),
    "fallback-gone": ("fallback", SHORT, "the fallback never served: status 503"),
    "incident-unseen": ("incident", SHORT, "the alert StorageAway never fired"),
}


def calm(target: Sandbox) -> None:
    """Wait until no alert is left of a drill that took the object store away before."""
    url, end = f"{target.variables['SANDBOX_ALERTMANAGER_URL']}/api/v2/alerts", time.monotonic() + 120
    while httpx.get(url, params={"filter": 'alertname="StorageAway"'}).json() and time.monotonic() < end:
        time.sleep(0.2)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_drill_finds(fault: str, drill: Drill, target: Sandbox) -> None:
    name, section, says = FAULTS[fault]
    calm(target)
    with target.plant(fault):
        code, found = drill(name, **{name.replace("-", "_"): section})
    judged = judge(found)
    assert (code, judged.word) == (1, Conclusion.FAIL), judged
    assert any(says in reason.says for reason in judged.reasons), judged
    assert any(step.failed for step in found.steps), "had the drill been cut short now, it would prove nothing"
    assert revision(target) == REVISION
    assert upload(target).status_code == 202, "it was not switched on again, or the object store is still away"


def test_an_alert_that_never_fired_fails_also_where_nobody_could_be_told(drill: Drill, target: Sandbox) -> None:
    calm(target)
    with target.plant("incident-unseen"):
        code, found = drill("incident", incident={"publish": {"command": ["false"]}, **SHORT})
    assert (code, found.ended) == (1, "cut short"), judge(found)
    assert "it did not fire within 2 s" in judge(found).reasons[0].says


def test_a_drill_that_is_stopped_after_a_failure_fails(target: Sandbox, tmp_path: Path) -> None:
    where = environment(tmp_path, kill_switch={"in_flight_rows": 8_000, **SHORT})
    with target.plant("switch-ignored"):
        code, rest = stopped_in_flight(target, where, tmp_path / "reports")
    found = read(next(folders(tmp_path / "reports", "local", "kill-switch")))
    assert (code, found.ended, found.left) == (1, "cut short", ()), rest
    assert "step 'off' failed (switch off, and see a new upload refused): status 202" in rest


def test_what_cannot_be_put_back_is_told_and_fails(
    drill: Drill, target: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {"http": "${SANDBOX_OPERATIONS_URL}/nowhere", "body": {}, "token": "${SANDBOX_OPERATIONS_TOKEN}"}
    code, found = drill("kill-switch", kill_switch={"switch_on": broken, **SHORT})
    try:
        assert code == 1
        assert found.left[0].startswith("switch on: ")
        assert "NOT PUT BACK: switch on" in capsys.readouterr().out
    finally:
        assert operate(target, "switch", {"enabled": True}) == 200


def stopped_in_flight(target: Sandbox, where: Path, reports: Path) -> tuple[int, str]:
    """Stop a drill of the kill switch while it waits for the upload that is in flight."""
    command = [sys.executable, "-m", "readiness", "drill", "kill-switch", "--env", "local"]
    command += ["--environments", str(where), "--reports", str(reports)]
    variables = {**os.environ, **target.variables}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=variables) as process:
        assert process.stdout
        next(line for line in process.stdout if line.startswith("  in flight"))
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    return process.returncode, rest


def test_an_upload_that_is_answered_too_late_is_not_forgotten(drill: Drill, target: Sandbox) -> None:
    def late(server: Server, connection: socket.socket, asked: Asked) -> None:
        headers = {name: asked.headers[name] for name in ("authorization", "content-type") if name in asked.headers}
        where = f"{target.variables['SANDBOX_URL']}{asked.path}"
        answer = httpx.request(asked.method, where, headers=headers, content=asked.body, trust_env=False)
        if answer.status_code == 202:
            server.stopped.wait(10)
        connection.sendall(packet(answer.status_code, answer.content))

    with Server(late) as server:
        upload = {"workspace": "ws_internal", "token": "${SANDBOX_API_TOKEN}", "path": f"{server.url}/v1/uploads"}
        code, found = drill("circuit-breaker", synthetic_upload=upload, http={"deadline_seconds": 4})
    assert isinstance(found.facts, Broken)
    assert found.facts.closed_seconds is not None
    assert (code, found.ended) == (1, "whole")
    assert len(found.left) == 1
    assert f"sent without an answer and may still be there: look for readiness-drill-{found.run}-*.csv" in found.left[0]


def test_a_drill_that_is_stopped_puts_everything_back(target: Sandbox, tmp_path: Path) -> None:
    where = environment(tmp_path, kill_switch={"in_flight_rows": 8_000})
    code, rest = stopped_in_flight(target, where, tmp_path / "reports")
    assert code == 10, rest
    assert "put back    switch on" in rest
    found = read(next(folders(tmp_path / "reports", "local", "kill-switch")))
    assert (found.ended, found.ended_because) == ("cut short", "it was stopped by SIGTERM")
    assert not found.left
    assert upload(target).status_code == 202


def test_a_terminal_that_is_closed_leaves_nothing_undone(target: Sandbox, tmp_path: Path) -> None:
    where = environment(tmp_path, kill_switch={"in_flight_rows": 8_000})
    command = [sys.executable, "-m", "readiness", "drill", "kill-switch", "--env", "local"]
    command += ["--environments", str(where), "--reports", str(tmp_path / "reports")]
    variables = {**os.environ, **target.variables}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=variables) as process:
        assert process.stdout
        next(line for line in process.stdout if line.startswith("  in flight"))
        process.stdout.close()
        process.send_signal(signal.SIGHUP)
    found = read(next(folders(tmp_path / "reports", "local", "kill-switch")))
    assert (found.ended, found.ended_because, found.left) == ("cut short", "it was stopped by SIGHUP", ())
    assert upload(target).status_code == 202


def test_what_cannot_be_seen_proves_nothing(drill: Drill) -> None:
    code, found = drill("circuit-breaker", circuit_breaker={"breaker": "stroage"})
    assert code == 10
    assert "no breaker is called stroage; known: " in found.ended_because


def operate(target: Sandbox, path: str, body: dict[str, Any]) -> int:
    url, token = target.variables["SANDBOX_OPERATIONS_URL"], target.variables["SANDBOX_OPERATIONS_TOKEN"]
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{url}/{path}", json=body, headers=headers, trust_env=False).status_code


def revision(target: Sandbox) -> str:
    return str(httpx.get(f"{target.variables['SANDBOX_URL']}/health", trust_env=False).json()["revision"])


def upload(target: Sandbox) -> httpx.Response:
    return httpx.post(
        f"{target.variables['SANDBOX_URL']}/v1/uploads",
        headers={"Authorization": f"Bearer {target.variables['SANDBOX_API_TOKEN']}"},
        data={"workspace": "ws_internal", "platform": "meta", "source": "manual"},
        files={"file": ("a.csv", b"day,campaign,impressions,clicks,spend\n2026-01-01,a,1,1,1.5\n", "text/csv")},
        trust_env=False,
    )
