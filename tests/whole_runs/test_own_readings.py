"""A team's own figures: every source that a reading may have, in a passing, a failing and an unknown case."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from readiness.sandbox import Sandbox
from tests.whole_runs.own_team import deciding_line, preflight

ROOT = Path(__file__).parents[2]
SOURCES: dict[str, dict[str, object]] = {
    "sql": {"sql": "select count(*) from workspaces"},
    "http": {"http": "${SANDBOX_URL}/workers", "pointer": "/workers/IntakeWorker/seconds"},
    "metric": {"metric": "ingestion_uploads_total", "labels": {"status": "completed"}},
    "json": {"file": "figures.json", "pointer": "/orders/0/amount"},
    "text": {"file": "figure.txt", "format": "text"},
    "value": {"value": 7},
}
BROKEN: dict[str, dict[str, object]] = {
    "sql": {"sql": "select null"},
    "http": {"http": "${SANDBOX_URL}/workers", "pointer": "/workers/IntakeWorker/second"},
    "metric": {"metric": "ingestion_uploads_totals"},
    "json": {"file": "nowhere.json", "pointer": ""},
    "text": {"file": "words.txt", "format": "text"},
    "value": {"value": "many"},
}


def judge(folder: Path, sandbox: Sandbox, readings: dict[str, dict[str, object]]) -> dict[str, str]:
    """Judge each reading by a line of its own, and give the outcomes by check and reading."""
    lines = []
    for check, limits in (
        ("number_at_least", {"at_least": 0}),
        ("number_at_most", {"at_most": -1}),
        ("fact_is", {"equals": "never"}),
    ):
        lines += [
            deciding_line(
                f"{check.replace('_', '-')}-{name}", f"{name} is right", f"readings.{check}", reading=name, **limits
            )
            for name in readings
        ]
    ran = preflight(folder, sandbox, readings, lines)
    found = {}
    for journal in folder.rglob("journal.jsonl"):
        for line in journal.read_text("utf-8").splitlines():
            record = json.loads(line)
            if record["record"] == "result":
                found[record["line"].partition("/")[2]] = record["outcome"]
    assert found, ran.stdout + ran.stderr
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "figures.json").write_text('{"orders": [{"amount": 12.5}]}')
    (tmp_path / "figure.txt").write_text("42\n")
    (tmp_path / "words.txt").write_text("a few\n")
    return tmp_path


def test_every_source_is_judged(folder: Path, sandbox: Sandbox) -> None:
    found = judge(folder, sandbox, SOURCES)
    assert {name: found[f"number-at-least-{name}"] for name in SOURCES} == dict.fromkeys(SOURCES, "pass")
    assert {name: found[f"number-at-most-{name}"] for name in SOURCES} == dict.fromkeys(SOURCES, "fail")
    assert {name: found[f"fact-is-{name}"] for name in SOURCES} == dict.fromkeys(SOURCES, "fail")


def test_what_cannot_be_seen_is_unknown(folder: Path, sandbox: Sandbox) -> None:
    found = judge(folder, sandbox, BROKEN)
    assert {name: found[f"number-at-least-{name}"] for name in BROKEN} == dict.fromkeys(BROKEN, "unknown")
