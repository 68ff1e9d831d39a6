"""A rehearsal on a target that echoes each kind of secret: neither its evidence, its pages nor its terminal shows one.

To add a row: a path in ANSWERS (what the target sends), or a task of the visitors.
"""

from __future__ import annotations

import json
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from loadtests.trial import NAME, Trial
from readiness.rehearsal.evidence import folders, read
from readiness.sandbox.processes import free_port
from tests import warm
from tests.clients.servers import Asked, Server, packet
from tests.redaction.secret_kinds import KINDS, parts_seen, said

STAGE = {"users": 4, "hold_minutes": 0.05, "think_seconds": [0.2, 0.4], "settle_seconds": 1, "users_per_second": 4}
SECONDS_AT_MOST = 120.0
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
        for part in parts_seen(_own(text), *KINDS.values()):
            yield name, part


BROWSER = (
    "/",
    "/stats/requests",
    "/stats/report",
    "/stats/report?download=1",
    "/stats/requests/csv",
    "/stats/failures/csv",
    "/exceptions",
    "/exceptions/csv",
    "/tasks",
    "/logs",
)
"""The pages and figures of Locust's browser interface."""


def _pages(url: str) -> Iterator[tuple[str, str]]:
    """Yield what the browser is given, once visitors have raised something."""
    until = time.monotonic() + SECONDS_AT_MOST
    while "RuntimeError" not in _page(f"{url}/exceptions"):
        assert time.monotonic() < until, "no visitor has raised anything"
        time.sleep(0.5)
    for path in BROWSER:
        yield path, _page(url + path)


def _page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS_AT_MOST) as answer:
            return str(answer.read().decode("utf-8", "replace"))
    except urllib.error.URLError:
        return ""  # it is not up yet


def test_the_browser_interface_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, kind in enumerate(KINDS.values()):
        monkeypatch.setenv(f"KIND_{number}", kind.known)
    environments = tmp_path / "environments"
    environments.mkdir()
    (environments / "visitors.py").write_text(VISITORS.format(names=[said(number) for number in range(len(KINDS))]))
    port = free_port()
    words = ("--web-host", "127.0.0.1", "--web-port", str(port), "--autostart")
    stage = {**STAGE, "hold_minutes": 5}
    with Server(_answer) as server:
        environment = _environment(server.url)
        environment["load"]["stages"] = {NAME: stage}
        trial = Trial(tmp_path, server.url, stage, arguments=words, environment=environment, is_led_by_browser=True)
        process = trial.start()
        try:
            pages = dict(_pages(f"http://127.0.0.1:{port}"))
        finally:
            process.terminate()
            process.wait()
    assert all(pages.values()), [path for path, page in pages.items() if not page]
    assert "***" in pages["/exceptions"]
    assert isinstance(json.loads(pages["/stats/requests"]), dict)
    shown = {path: parts_seen(_own(page), *KINDS.values()) for path, page in pages.items()}
    assert {path: parts for path, parts in shown.items() if parts} == {}


def _own(page: str) -> str:
    """Return what is not the same in each page of Locust: its program has a megabyte, and parts of words by chance."""
    return "\n".join(line for line in page.splitlines() if line not in _lines_of_locust())


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
