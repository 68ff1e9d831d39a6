"""Shipped health lines at a service of somebody else: each asks the path that its sentence says."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from readiness.shipped import RUNBOOKS
from tests import warm
from tests.clients.servers import Asked, Server, packet

LINES = ("agency/uptime", "umbrella/health", "umbrella/health-environment", "umbrella/health-timestamp")
PLAYBOOK = "playbook/api-health"
SHELL = packet(200, b"<!doctype html><title>Shop</title>", {"Content-Type": "text/html"})
"""An app's own shell, which it answers at every path that it does not know."""


@dataclass(frozen=True)
class Health:
    """A health answer of production."""

    status: int = 200
    seconds: float = 0.0
    """It takes so long."""
    environment: str = "production"
    seconds_old: float = 0.0

    def packet(self) -> bytes:
        document = {"environment": self.environment, "timestamp": time.time() - self.seconds_old}
        return packet(self.status, json.dumps(document).encode(), {"Content-Type": "application/json"})


def judged(folder: Path, answers: dict[str, Health]) -> dict[str, str]:
    """Judge the lines after the launch at a service that answers these paths, and its shell at all others."""

    def behave(_server: Server, connection: socket.socket, asked: Asked) -> None:
        health = answers.get(asked.path)
        if health:
            time.sleep(health.seconds)
        connection.sendall(health.packet() if health else SHELL)

    books = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in RUNBOOKS.glob("*.yaml")}
    every = {f"{name}/{line['id']}": line for name, book in books.items() for line in book["lines"]}
    chosen = [every[name] for name in (*LINES, PLAYBOOK)]
    (folder / "own.yaml").write_text(yaml.safe_dump({"runbook": "own", "title": "Own", "lines": chosen}))
    with Server(behave) as server:
        content = {
            "environment": "small",
            "production": False,
            "target": {"url": server.url},
            "runbooks": ["own.yaml"],
            "allowed_hosts": ["127.0.0.1"],
            "http": {"deadline_seconds": 4},
        }
        (folder / "small.yaml").write_text(json.dumps(content))
        places = [f"--environments={folder}", f"--reports={folder / 'reports'}"]
        ran = warm.run("pytest", "-q", "-m", "postlaunch", "--env", "small", *places, variables=dict(os.environ))

    journals = sorted((folder / "reports").rglob("journal.jsonl"))
    assert journals, ran.stdout + ran.stderr
    records = [json.loads(text) for text in journals[-1].read_text().splitlines()]
    return {record["line"].partition("/")[2]: record["outcome"] for record in records if record["record"] == "result"}


WELL = {name.partition("/")[2]: "pass" for name in (*LINES, PLAYBOOK)}
PATHS = ("/api/health", "/v1/health", "/api/v1/health")


@pytest.mark.parametrize(
    ("broken", "turned"),
    [
        ({}, {}),
        ({"/health": Health(404)}, {}),
        ({"/health": Health(environment="staging", seconds_old=3600)}, {}),
        ({"/api/health": Health(503)}, {"uptime": "fail"}),
        ({"/v1/health": Health(500)}, {"health": "fail"}),
        ({"/v1/health": Health(environment="staging")}, {"health-environment": "fail"}),
        ({"/v1/health": Health(seconds_old=3600)}, {"health-timestamp": "fail"}),
        ({"/api/v1/health": Health(404)}, {"api-health": "fail"}),
        ({path: Health(seconds=1.2) for path in PATHS}, {}),  # no document says how soon
        ({"/api/health": Health(seconds=5)}, {"uptime": "fail"}),  # by the deadline nobody had answered
    ],
)
def test_each_health_line_asks_the_path_that_it_says(
    tmp_path: Path, broken: dict[str, Health], turned: dict[str, str]
) -> None:
    answers = {**dict.fromkeys(PATHS, Health()), **broken}
    assert judged(tmp_path, answers) == WELL | turned
