"""A whole run of preflight on an environment of a test's own, as a user would start it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests import warm


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
    places = [f"--environments={folder}", f"--reports={folder / 'reports'}"]
    ran = warm.run("pytest", "-q", "-m", "preflight", "--env", name, *places)
    journals = sorted((folder / "reports").rglob("journal.jsonl"))
    assert journals, ran.stdout + ran.stderr
    records = [json.loads(line) for line in journals[-1].read_text().splitlines()]
    return {record["line"].partition("/")[2]: record["outcome"] for record in records if record["record"] == "result"}
