"""A whole run of preflight on an environment of a test's own, as a user would start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


def outcomes(folder: Path, decided: Mapping[str, Mapping[str, Any]], **environment: Any) -> dict[str, str]:
    """Judge a runbook with these lines (id → what decides it); give the outcome of each."""
    lines = [
        {"id": name, "ref": "1", "says": name, "phase": ["preflight"], "gate": "blocker", "decided_by": by}
        for name, by in decided.items()
    ]
    (folder / "book.yaml").write_text(yaml.safe_dump({"runbook": "book", "title": "Book", "lines": lines}))
    content = {"production": False, "runbooks": ["book.yaml"], "allowed_hosts": ["127.0.0.1"], **environment}
    name = str(environment["environment"])
    (folder / f"{name}.yaml").write_text(json.dumps(content))
    command = [sys.executable, "-m", "pytest", "-q", "-m", "preflight", "--env", name]
    command += [f"--environments={folder}", f"--reports={folder / 'reports'}"]
    ran = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    journals = sorted((folder / "reports").rglob("journal.jsonl"))
    assert journals, ran.stdout + ran.stderr
    records = [json.loads(line) for line in journals[-1].read_text().splitlines()]
    return {record["line"].partition("/")[2]: record["outcome"] for record in records if record["record"] == "result"}
