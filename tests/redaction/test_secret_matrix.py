"""Whole runs on a target that echoes each kind of secret in each channel it has: no artefact of ours shows one.

To add a row: a channel in CHANNELS (what a target, a database, a certificate or a page may choose), or a way to run
pytest in WAYS. Kinds and writings stand in `tests/redaction/secret_kinds.py`.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509

from readiness.__main__ import main
from readiness.evidence.signing import FILE_VARIABLE
from tests import warm
from tests.clients.certificates import certificate_for
from tests.clients.servers import Asked, Server, packet
from tests.redaction.secret_kinds import KINDS, parts_seen, said

SSL_REQUEST = (8, 80877103)
HTML = {"Content-Type": "text/html"}


def _document(content: object, status: int = 200) -> bytes:
    return packet(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


def _status_page(said: str) -> bytes:
    update = {"body": said, "updated_at": "2026-01-01T00:00:00Z", "status": "investigating"}
    incident = {"name": said, "status": "investigating", "impact": "major", "incident_updates": [update]}
    return _document(
        {
            "page": {"name": said, "updated_at": "2026-01-01T00:00:00Z"},
            "status": {"indicator": "major", "description": said},
            "components": [{"name": said, "status": "major_outage"}],
            "incidents": [incident],
            "scheduled_maintenances": [],
        }
    )


def _header(name: str, said: str) -> dict[str, str]:
    return {name: " ".join(said.encode("ascii", "replace").decode().split())}


CHANNELS: dict[str, Callable[[str], bytes]] = {
    # What the target sends for what is said.
    "a value": lambda said: _document({"text": said}),
    "a key": lambda said: _document({said: 1}),
    "a number": lambda said: _document({"text": [said]}),
    "the body of a failure": lambda said: _document({"message": said}, 500),
    "the words of a status": lambda said: packet(503, b"no").replace(b"Told", said.encode("ascii", "replace")[:90], 1),
    "where a redirect leads": lambda said: packet(302, b"", {"Location": f"http://elsewhere.example/{quote(said)}"}),
    "a header": lambda said: packet(429, b"no", _header("Retry-After", said)),
    "the type of an answer": lambda said: packet(200, b"no", _header("Content-Type", said)),
    "the title of a page": lambda said: packet(200, f"<!doctype html><title>{said}</title>".encode(), HTML),
    "a document that is none": lambda said: packet(200, f'{{"text": "{said}'.encode()),
    "a metrics server's error": lambda said: _document({"status": "error", "errorType": "bad", "error": said}, 422),
    "an incident": _status_page,
}
ROUNDS = 2
"""How often each channel speaks, each time in other writings."""
SAYINGS = [(channel, turn) for channel in CHANNELS for turn in range(ROUNDS)]


def _alerts(state: str, **held: list[str]) -> bytes:
    """Return an alert whose labels, annotations and receivers, with the address of a webhook, say secrets."""
    status = {"state": state, "silencedBy": [], "inhibitedBy": [], **held}
    receivers = [{"name": said(4)}, {"name": f"https://hooks.example.com/services/{quote(said(5))}?token={said(6)}"}]
    words = {"alertname": said(7), said(8): said(9)}
    return _document([{"labels": words, "annotations": words, "status": status, "receivers": receivers}])


ALERTMANAGERS: dict[str, Callable[[], bytes]] = {
    # How an Alertmanager answers for what became of the test alert; one for each of WAYS.
    "it is silenced": lambda: _alerts("suppressed", silencedBy=[said(10)], mutedBy=[said(11)]),
    "it is routed elsewhere": lambda: _alerts("active"),
    "it refuses the question": lambda: _document(said(12), 400),
}


def _answer_as_alertmanager(connection: socket.socket, asked: Asked) -> None:
    way = list(ALERTMANAGERS)[int(asked.path.split("/")[2])]
    connection.sendall(packet(200) if asked.method == "POST" else ALERTMANAGERS[way]())


def _answer(_: Server, connection: socket.socket, asked: Asked) -> None:
    """Answer as the channel does whose number stands in the address."""
    place = asked.path.strip("/").partition("/")[0].partition("?")[0]
    if place == "metrics":
        label = json.dumps(said(1))
        page = f"# HELP up {label}\n# TYPE up gauge\nup{{said={label}}} 1\nup{{said={label}}} one\n"
        connection.sendall(packet(200, page.encode(), {"Content-Type": "text/plain; version=0.0.4"}))
    elif place == "alertmanager":
        _answer_as_alertmanager(connection, asked)
    elif place == "received":
        connection.sendall(_document([{"annotations": {said(13): said(14)}, "generatorURL": said(15)}]))
    elif place == "revision":
        connection.sendall(_document({"text": said(2)}))
    elif place.isdigit():
        channel = SAYINGS[int(place)][0]
        connection.sendall(CHANNELS[channel](said(int(place))))
    else:
        connection.sendall(packet(200))


@contextmanager
def _database(context: ssl.SSLContext | None) -> Iterator[int]:
    """Serve as a database that refuses with all secrets in its words, or ends after it has shown a certificate."""
    words = b"SFATAL\0C28P01\0M" + said(3).encode() + b"\0\0"
    refusal = b"E" + struct.pack("!I", len(words) + 4) + words

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            with peer:
                try:
                    _refuse(peer)
                except (OSError, struct.error):  # it was not believed
                    continue

    def _refuse(peer: socket.socket) -> None:
        if struct.unpack("!II", peer.recv(8)) == SSL_REQUEST:
            peer.sendall(b"S" if context else b"N")
            if context:
                context.wrap_socket(peer, server_side=True).close()
                return
        peer.recv(4096)
        peer.sendall(refusal)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, args=(listening,))
        serving.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        serving.join()


def _environment(url: str, certificate: Path | None, alertmanager: int) -> dict[str, Any]:
    # Nobody asks for it: some kinds cannot stand in a header that is sent.
    secrets = {f"X-Kind-{number}": f"${{KIND_{number}}}" for number in range(len(KINDS))}
    readings: dict[str, Any] = {"deployed_variables": {"http": f"{url}/secrets", "headers": secrets}}
    readings["alerts_received"] = {"http": f"{url}/received"}
    pages: dict[str, Any] = {}
    for number, (channel, _) in enumerate(SAYINGS):
        if channel == "an incident":
            pages[f"page{number}"] = {"url": f"{url}/{number}", "kind": "statuspage"}
        else:
            readings[f"reading{number}"] = {"http": f"{url}/{number}", "pointer": "/text"}
    database: dict[str, Any] = {"url": "${DATABASE}"}
    if certificate:
        database |= {"tls": "verify-full", "ca_file": str(certificate)}
    return {
        "environment": "leaky",
        "production": False,
        "runbooks": ["book.yaml"],
        "allowed_hosts": ["127.0.0.1"],
        "allow": ["notify"],
        "target": {
            "url": url,
            "revision": {"http": f"{url}/revision", "pointer": "/text"},
        },
        "readings": readings,
        "status_pages": pages,
        "postgres": database,
        "metrics": {"url": f"{url}/metrics"},
        "alertmanager": {"url": f"{url}/alertmanager/{alertmanager}"},
        "alerts": {"wait_seconds": 1, "receiver": "pager"},
        "http": {"deadline_seconds": 3},
        "notify": {"urls": ["${HOOK}"]},
    }


def _lines() -> Iterator[dict[str, Any]]:
    decided: dict[str, dict[str, Any]] = {
        "database": {"database.indexes_valid": {}},
        "metrics": {"metrics.emitting": {"metric": "down"}},
        "alertmanager": {"alerts.routing_delivers": {"severity": "critical", "seconds_at_most": 1}},
    }
    for number, (channel, _) in enumerate(SAYINGS):
        if channel == "an incident":
            decided[f"saying{number}"] = {"vendors.status_page_operational": {"vendor": f"page{number}"}}
        elif channel == "a number":
            decided[f"saying{number}"] = {"readings.number_at_most": {"reading": f"reading{number}", "at_most": 1}}
        else:
            decided[f"saying{number}"] = {"readings.fact_is": {"reading": f"reading{number}", "equals": "well"}}
    for name, by in decided.items():
        stated = {"id": name, "ref": "1", "says": name, "phase": ["preflight"], "gate": "blocker"}
        yield stated | {"decided_by": by}


def _write_project(folder: Path, url: str, certificate: Path | None, alertmanager: int) -> None:
    book = {"runbook": "book", "title": "Book", "lines": list(_lines())}
    (folder / "book.yaml").write_text(json.dumps(book))
    (folder / "leaky.yaml").write_text(json.dumps(_environment(url, certificate, alertmanager)))


def _variables(folder: Path, server: Server, port: int) -> Mapping[str, str]:
    kinds = {f"KIND_{number}": kind.known for number, kind in enumerate(KINDS.values())}
    others = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GITHUB_", "PG"))}
    return (
        others
        | kinds
        | {
            "DATABASE": f"postgresql://probe@127.0.0.1:{port}/shop",
            "HOOK": f"json://127.0.0.1:{server.port}/hook",
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(folder / "reports" / "step.md"),
            "COLUMNS": "97",
        }
    )


WAYS: dict[str, tuple[str, ...]] = {
    "as it comes": ("--durations=0",),
    "all that is shown": (
        *("-v", "-l", "--tb=long", "-rA", "--setup-show", "--log-cli-level=DEBUG", "--color=yes", "--durations=0"),
        *("--junitxml={reports}/own.xml", "--html={reports}/own.html", "--log-file={reports}/log.txt"),
    ),
    "in full": ("-vv", "--tb=native", "-ra", "-p", "no:logging", "--capture=sys"),
}
"""With workers: see `tests/redaction/test_redaction.py`, whose checks let secrets out by themselves."""
AFTERWARDS: tuple[tuple[str, ...], ...] = (
    ("verify", "leaky", "preflight"),
    ("verify", "leaky", "preflight", "--json"),
    ("verify", "--all", "--env", "leaky"),
    ("next", "--env", "leaky"),
    ("sign-off", "--env", "leaky"),
    ("history", "--env", "leaky", "--html", "{reports}/history.html"),
)


def _decode_statements(reports: Path) -> None:
    """Put what the signed statements of a run say beside them: in the files it stands in base64."""
    (run,) = {journal.parent for journal in reports.rglob("journal.jsonl")}
    for name in ("test-result.json", "verification-summary.json"):
        envelope = json.loads((run / name).read_text("utf-8"))
        (reports / f"payload-of-{name}").write_bytes(base64.b64decode(envelope["payload"]))


def _keep(folder: Path, ran: warm.Ran) -> None:
    assert "Traceback" not in ran.stderr, ran.stderr
    with (folder / "reports" / "terminal.txt").open("a") as kept:
        kept.write(ran.stdout + ran.stderr)


def _certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return a certificate for a name with a secret in it, which libpq repeats, and what shows it."""
    name = KINDS["a short password"].echoed
    certificate, key = certificate_for(folder, x509.DNSName(f"{name}.example.com"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def _run_all(folder: Path, words: tuple[str, ...], shown: tuple[Path, ssl.SSLContext] | None) -> None:
    """Run the phase and what comes after it; all that a reader could see of it lies in `reports/` then.

    Where the database shows a certificate, the run is signed.
    """
    reports = folder / "reports"
    reports.mkdir()
    places = [f"--environments={folder}", f"--reports={reports}"]
    certificate, context = shown or (None, None)
    with Server(_answer) as server, _database(context) as port:
        _write_project(folder, server.url, certificate, list(WAYS.values()).index(words))
        variables = _variables(folder, server, port)
        if shown:
            key = folder / "ci.key"
            assert main(["key", "ci", "--out", str(key), "--environments", str(folder)]) == 0
            variables = {**variables, FILE_VARIABLE: str(key)}
        asked_for = [word.format(reports=reports) for word in words]
        ran = warm.run("pytest", "-m", "preflight", "--env", "leaky", *places, *asked_for, variables=variables)
        _keep(folder, ran)
        assert "NO-GO  preflight of leaky" in ran.stdout, ran.stdout + ran.stderr
        for command in AFTERWARDS if words == WAYS["as it comes"] else ():
            takes = places[1:] if command[0] == "history" else places
            filled = [word.format(reports=reports) for word in command]
            _keep(folder, warm.run("readiness", *filled, *takes, variables=variables))
        sent = [asked.body for asked in server.asked if asked.path == "/hook"]
    (reports / "notification.json").write_bytes(b"".join(sent))
    if shown:
        _decode_statements(reports)
    assert sent


def _shown(reports: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(reports.rglob("*")):
        text = path.read_text("utf-8", "replace") if path.is_file() else ""
        for part in parts_seen(text, *KINDS.values()):
            yield path.name, part


@pytest.mark.parametrize("way", WAYS)
def test_no_artefact_shows_a_secret(way: str, tmp_path: Path) -> None:
    shows_certificate = way == "in full"
    _run_all(tmp_path, WAYS[way], _certificate(tmp_path) if shows_certificate else None)

    journal = next((tmp_path / "reports").rglob("journal.jsonl")).read_text("utf-8")
    results = [record for record in map(json.loads, journal.splitlines()) if record["record"] == "result"]
    assert len(results) == len(SAYINGS) + 3
    assert journal.count("***") > len(results)
    assert ("***.example.com" in journal) is shows_certificate
    assert list(_shown(tmp_path / "reports")) == []
