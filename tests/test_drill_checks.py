"""The checks of drills in a whole run: each piece of evidence turns exactly its lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness import drill
from tests.drills.evidence import evidence, put, put_all

ROOT = Path(__file__).parents[1]
LIMITS: dict[str, dict[str, Any]] = {"restore": {"hours_below": 4}, "rollback": {"minutes_at_most": 3}}
BAD: dict[str, dict[str, Any]] = {
    "restore": {"seconds": 5 * 3600.0},
    "kill-switch": {"refused_seconds": None},
    "rollback": {"seconds": 200.0},
    "circuit-breaker": {"opened_seconds": None},
    "fallback": {"served_seconds": None},
    "incident": {"detected_seconds": None},
}


def judged(folder: Path) -> dict[str, str]:
    """Run preflight on an environment with a line for each drill; give the outcome of each."""
    lines = [
        {
            "id": name,
            "ref": "1",
            "says": name,
            "phase": ["preflight"],
            "gate": "blocker",
            "decided_by": {f"drills.{name.replace('-', '_')}": LIMITS.get(name, {})},
        }
        for name in drill.NAMES
    ]
    (folder / "book.yaml").write_text(yaml.safe_dump({"runbook": "book", "title": "Drills", "lines": lines}))
    content = {
        "environment": "local",
        "production": False,
        "runbooks": ["book.yaml"],
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": "http://127.0.0.1:9", "revision": evidence("restore").revision},
    }
    (folder / "local.yaml").write_text(json.dumps(content))
    command = [sys.executable, "-m", "pytest", "-q", "-m", "preflight", "--env", "local"]
    command += [f"--environments={folder}", f"--reports={folder / 'reports'}"]
    ran = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    journals = list((folder / "reports").rglob("journal.jsonl"))
    assert journals, ran.stdout + ran.stderr
    records = [json.loads(line) for line in journals[-1].read_text().splitlines()]
    return {record["line"].partition("/")[2]: record["outcome"] for record in records if record["record"] == "result"}


def test_drills_that_passed(tmp_path: Path) -> None:
    put_all(tmp_path / "reports")
    assert judged(tmp_path) == dict.fromkeys(drill.NAMES, "pass")


def test_no_drills(tmp_path: Path) -> None:
    assert judged(tmp_path) == dict.fromkeys(drill.NAMES, "unknown")


def test_drills_that_failed(tmp_path: Path) -> None:
    for name, facts in BAD.items():
        put(tmp_path / "reports", evidence(name, facts=facts))
    assert judged(tmp_path) == dict.fromkeys(drill.NAMES, "fail")


@pytest.mark.parametrize("name", ["kill-switch", "incident"])
def test_one_that_failed_turns_its_own_line_alone(tmp_path: Path, name: str) -> None:
    put_all(tmp_path / "reports")
    put(tmp_path / "reports", evidence(name, facts=BAD[name]))
    assert judged(tmp_path) == dict.fromkeys(drill.NAMES, "pass") | {name: "fail"}


def test_drills_that_were_cut_short(tmp_path: Path) -> None:
    for name in drill.NAMES:
        put(tmp_path / "reports", evidence(name, ended="cut short", ended_because="it was stopped by SIGTERM"))
    assert judged(tmp_path) == dict.fromkeys(drill.NAMES, "unknown")
