"""A team without a metrics server: the suite's own runs are what tells its service levels."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.evidence.journal import read_run
from readiness.evidence.records import Result
from tests import warm

ROOT = Path(__file__).parents[2]
ANSWER = {"status": 200}
PROBES = {"of": "probes", "window": "2h"}
LINES = {
    "health": {"health.live": {"path": "/healthz", "seconds_below": 5}},
    "errors": {"slo.error_rate": {"share_below": 0.3, **PROBES}},
    "available": {"slo.availability_window": {"share_above": 0.7, **PROBES}},
    "quick": {"slo.latency_window": {"quantile": 0.5, "seconds_below": 5, **PROBES}},
    "week": {"slo.availability_window": {"share_above": 0.7, "of": "probes", "window": "7d"}},
}


class Shop(BaseHTTPRequestHandler):
    """Somebody else's service; it measures nothing itself."""

    def do_GET(self) -> None:
        self.send_response(ANSWER["status"])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the base class calls it so
        del format, arguments


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Path]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    write(tmp_path, server.server_port, {"check": "health.live"})
    yield tmp_path
    server.shutdown()
    server.server_close()


def write(folder: Path, port: int, source: dict[str, str]) -> None:
    entries = [
        {"id": name, "ref": "1", "says": f"{name} holds", "gate": "blocker", "decided_by": decided}
        | {"phase": ["postlaunch" if name == "health" else "ga"]}
        for name, decided in LINES.items()
    ]
    (folder / "book.yaml").write_text(yaml.safe_dump({"runbook": "book", "title": "Book", "lines": entries}))
    environment: dict[str, Any] = {
        "environment": "shop",
        "runbooks": ["book.yaml"],
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": f"http://127.0.0.1:{port}"},
        "service_levels": {"probes": {"history": source}},
    }
    (folder / "shop.yaml").write_text(yaml.safe_dump(environment))


def run(folder: Path, phase: str) -> subprocess.CompletedProcess[str]:
    places = [f"--environments={folder}", f"--reports={folder / 'reports'}"]
    return warm.run("pytest", "-m", phase, "--env", "shop", *places)


def judged(folder: Path) -> dict[str, Result]:
    """Judge the service levels, and give the result of each line."""
    ran = run(folder, "ga")
    journals = sorted((folder / "reports/shop").glob("*-ga*/journal.jsonl"))
    assert journals, ran.stdout + ran.stderr
    return {result.line.removeprefix("book/"): result for result in read_run(journals[-1].parent).results}


def outcomes(found: dict[str, Result]) -> list[str]:
    return [found[name].outcome for name in ("errors", "available", "quick")]


def test_the_suites_own_runs_decide(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = judged(shop)
    assert outcomes(first) == ["unknown"] * 3
    assert "history.sqlite is not there: no run has ended yet" in first["errors"].reason

    for status in (200, 200, 200, 200, 503):
        monkeypatch.setitem(ANSWER, "status", status)
        run(shop, "postlaunch")
    healthy = judged(shop)
    assert outcomes(healthy) == ["pass"] * 3, healthy
    assert healthy["errors"].measurements[0].value == pytest.approx(0.2)
    assert "5 looks of health.live in 2h" in healthy["errors"].measurements[0].name
    assert healthy["available"].measurements[0].value == pytest.approx(0.8)
    assert 0 < healthy["quick"].measurements[0].value < 5
    assert healthy["week"].outcome == "unknown"
    assert "the record of health.live at this target begins" in healthy["week"].reason

    run(shop, "postlaunch")
    ill = judged(shop)
    assert outcomes(ill)[:2] == ["fail", "fail"], ill


def test_a_source_that_no_line_feeds_is_told_before_anything_is_contacted(shop: Path) -> None:
    write(shop, 9, {"check": "health.alive"})
    ran = run(shop, "ga")
    assert ran.returncode == 4
    told = "shop.yaml: service_levels.probes.history.check: 'health.alive' is not known; did you mean 'health.live'?"
    assert told in ran.stdout + ran.stderr
    write(shop, 9, {"check": "health.live", "line": "book/healht"})
    ran = run(shop, "ga")
    assert "service_levels.probes.history.line: 'book/healht' is not known; did you mean 'book/health'?" in ran.stderr
