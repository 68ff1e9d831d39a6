"""What a run does to the target: only when an item asks for it, undone however the run ends, and on record."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from readiness.evidence.journal import RecordedRun, read_run
from tests.clients.servers import Asked, Server, packet
from tests.plugin.project import CONFTEST, ENVIRONMENT, Project, Ran, line

UPLOADS = '''\
"""An upload goes through."""
import pytest

from readiness import Measure
from readiness.observations.synthetic_upload import UploadTrace


@pytest.mark.preflight
@pytest.mark.effect("write")
def test_passes(synthetic_upload: UploadTrace, measure: Measure) -> None:
    """It is completed.

    Remedy: mend it.
    """
    measure(synthetic_upload.status, "status of the upload").is_("completed")
'''
ENDS = """

def pytest_readiness_waiting(since):
    import os
    if (HERE / "asked again").exists():
        os.kill(os.getpid(), {number})
"""
METRICS = b"# TYPE ingestion_uploads_total counter\ningestion_uploads_total 1\n"


def never_completed(_server: Server, connection: socket.socket, asked: Asked) -> None:
    answers: dict[str, tuple[int, bytes]] = {
        "POST": (201, json.dumps({"id": "u1"}).encode()),
        "DELETE": (204, b""),
        "GET": (200, METRICS if asked.path == "/metrics" else json.dumps({"status": "processing"}).encode()),
    }
    connection.sendall(packet(*answers[asked.method]))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Give a server that leaves a sign in the project once it is asked what has become of the upload."""

    def answer(server: Server, connection: socket.socket, asked: Asked) -> None:
        never_completed(server, connection, asked)
        if asked.path == "/v1/uploads/u1":
            (tmp_path / "asked again").touch()

    with Server(answer) as found:
        yield found


@pytest.fixture
def project(tmp_path: Path, server: Server) -> Project:
    found = Project(tmp_path)
    found.write("checks/test_upload.py", UPLOADS)
    changes: dict[str, Any] = {
        "target": {"url": server.url},
        "metrics": {"url": f"{server.url}/metrics"},
        "postgres": {"url": "${TINY_DATABASE_URL}"},  # nobody is there; the run ends before it is asked
        "synthetic_upload": {"workspace": "probe", "token": "${TINY_TOKEN}", "seconds_at_most": 30},
    }
    found.environment(**{**ENVIRONMENT, **changes})
    return found


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_TOKEN", "upload-token-of-a-test")
    monkeypatch.setenv("TINY_DATABASE_URL", "postgresql://probe@127.0.0.1:1/none")


def sent(server: Server) -> list[str]:
    return [f"{asked.method} {asked.path}" for asked in server.asked if asked.method != "GET"]


def recorded(project: Project) -> RecordedRun:
    (journal,) = (project.folder / "reports").rglob("journal.jsonl")
    return read_run(journal)


def writes(run: RecordedRun) -> list[tuple[str, str]]:
    return [(one.method, one.status) for one in run.requests if one.effect == "write"]


def interrupted(project: Project, how: signal.Signals) -> Ran:
    project.write("conftest.py", CONFTEST + ENDS.format(number=int(how)))
    project.runbook(line("up", "upload.passes"))
    return project.preflight()


def test_nothing_is_written_for_an_item_that_is_never_reached(project: Project, server: Server) -> None:
    project.runbook(line("fails", {"demo.figure": {"share_below": 0.1}}), line("up", "upload.passes"))
    ran = project.preflight("-x")
    assert ran.outcomes() == {"fails": "fail"}, ran.out
    assert sent(server) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_what_was_written_is_undone_and_on_record_when_the_run_is_ended(
    project: Project, server: Server, how: signal.Signals
) -> None:
    ran = interrupted(project, how)
    assert sent(server) == ["POST /v1/uploads", "DELETE /v1/uploads/u1"], ran.out
    run = recorded(project)
    assert writes(run) == [("POST", "201"), ("DELETE", "204")]
    (look,) = (one for one in run.observations if one.name == "synthetic_upload")
    assert look.unknown
    assert look.unknown.reason == "the run ended while this was under way"
    assert "STOPPED  synthetic_upload: the run ended while this was under way" in ran.out
    assert "INCOMPLETE" in ran.out


def test_what_was_written_is_on_record_when_the_run_is_killed(project: Project, server: Server) -> None:
    interrupted(project, signal.SIGKILL)
    assert sent(server) == ["POST /v1/uploads"]
    assert writes(recorded(project)) == [("POST", "201")]
