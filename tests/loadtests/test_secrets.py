"""A rehearsal on a target that echoes each kind of secret: neither its evidence, its pages nor its terminal shows one.

To add a row: a path in ANSWERS (what the target sends), or a task of the visitors.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from loadtests.trial import NAME, Trial
from readiness.rehearsal.evidence import folders, read
from tests import warm
from tests.clients.servers import Asked, Server, packet
from tests.redaction.secret_kinds import KINDS, parts_seen, said

STAGE = {"users": 4, "hold_minutes": 0.05, "think_seconds": [0.2, 0.4], "settle_seconds": 1, "users_per_second": 4}
ANSWERS = {
    "/revision": lambda: packet(200, json.dumps({"revision": said(1)}).encode()),
    "/redirect": lambda: packet(302, b"", {"Location": f"http://{quote(KINDS['hexadecimal'].echoed)}.example/"}),
    "/refused": lambda: packet(500, said(2).encode()),
    "/torn": lambda: packet(200, f"{{{said(3)}".encode()),
}
VISITORS = """
from locust import task
from loadtests.visitor import Visitor
from readiness.rehearsal.journeys import Step

NAMES = {names!r}

class Talker(Visitor):
    turn = 0

    @task
    def ask_for_all(self):
        for path in ("/redirect", "/refused"):
            self.ask(Step(path=path))
        self.ask(Step(path="/torn", keep={{"id": "/id"}}))
        for name in NAMES:
            self.ask(Step(path="/named", name=name))

    @task
    def break_off(self):
        Talker.turn += 1
        raise RuntimeError(NAMES[Talker.turn % len(NAMES)])
"""


def _answer(_: Server, connection: socket.socket, asked: Asked) -> None:
    answer = ANSWERS.get(asked.path)
    connection.sendall(answer() if answer else packet(200))


def _environment(url: str) -> dict[str, Any]:
    # Nobody asks for it: some kinds cannot stand in a header that is sent.
    secrets = {f"X-Kind-{number}": f"${{KIND_{number}}}" for number in range(len(KINDS))}
    return {
        "target": {"url": url, "revision": {"http": f"{url}/revision", "pointer": "/revision"}},
        "readings": {"deployed_variables": {"http": f"{url}/secrets", "headers": secrets}},
        "load": {"users_at_most": 10, "stages": {NAME: STAGE}, "visitors": "visitors.py"},
    }


def _by_locust(trial: Trial, variables: Mapping[str, str]) -> str:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        trial.start().wait()
    return (trial.folder / "locust.log").read_text("utf-8")


def _by_the_command(trial: Trial, variables: Mapping[str, str]) -> str:
    places = [f"--environments={trial.folder}/environments", f"--reports={trial.folder}/reports"]
    words = ("rehearse", "--env", NAME, "--stage", NAME, "--processes", "2", *places)
    # To write the environment; it ends at once, because it is refused.
    Trial(
        trial.folder, trial.url, STAGE, environment=trial.environment, arguments=("--host", "http://no.example")
    ).start().wait()
    ran = warm.run_cold("readiness", *words, variables={**os.environ, **variables})
    return ran.stdout + ran.stderr


def _shown(reports: Path, terminal: str) -> Iterator[tuple[str, str]]:
    texts = {"terminal": terminal}
    texts |= {path.name: path.read_text("utf-8", "replace") for path in reports.rglob("*") if path.is_file()}
    assert {"evidence.json", "page.html", "report.html", "ledger.jsonl"} <= set(texts)
    for name, text in texts.items():
        # The program in Locust's page has a megabyte, and parts of words by chance.
        filled = "\n".join(line for line in text.splitlines() if line not in _lines_of_locust())
        for part in parts_seen(filled, *KINDS.values()):
            yield name, part


@cache
def _lines_of_locust() -> frozenset[str]:
    """Return the lines of Locust's page that are the same in each."""
    # Not imported: Locust patches the sockets of this process.
    locust = find_spec("locust")
    assert locust
    assert locust.origin
    page = Path(locust.origin).parent / "webui" / "dist" / "report.html"
    return frozenset(page.read_text("utf-8").splitlines())


@pytest.mark.parametrize("way", [_by_locust, _by_the_command])
def test_a_rehearsal_shows_no_secret(way: Any, tmp_path: Path) -> None:
    variables = {f"KIND_{number}": kind.known for number, kind in enumerate(KINDS.values())}
    environments = tmp_path / "environments"
    environments.mkdir()
    (environments / "visitors.py").write_text(VISITORS.format(names=[said(number) for number in range(len(KINDS))]))
    with Server(_answer) as server:
        terminal = way(Trial(tmp_path, server.url, STAGE, environment=_environment(server.url)), variables)

    evidence = read(next(folders(tmp_path / "reports", NAME)))
    assert evidence.broken_visits
    assert evidence.target.revision
    assert "***" in evidence.target.revision + evidence.broken_because
    assert any("***" in name for name in evidence.endpoints)
    assert "not in the ledger" not in terminal
    assert sorted(set(_shown(tmp_path / "reports", terminal))) == []
