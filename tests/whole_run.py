"""A whole run on an environment of a test's own, as a user would start it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests import warm


@dataclass(frozen=True)
class Judged:
    """What a run came to."""

    word: str
    exit: int
    outcomes: dict[str, str]
    reasons: dict[str, str]
    out: str


def judge(
    folder: Path,
    decided: Mapping[str, Mapping[str, Any]],
    *words: str,
    phase: str = "preflight",
    **environment: Any,
) -> Judged:
    """Judge a runbook with these lines (id → what decides it)."""
    lines = [
        {"id": name, "ref": "1", "says": name, "phase": [phase], "gate": "blocker", "decided_by": by}
        for name, by in decided.items()
    ]
    (folder / "book.yaml").write_text(yaml.safe_dump({"runbook": "book", "title": "Book", "lines": lines}))
    content = {"production": False, "runbooks": ["book.yaml"], "allowed_hosts": ["127.0.0.1"], **environment}
    name = str(environment["environment"])
    (folder / f"{name}.yaml").write_text(json.dumps(content))
    places = [f"--environments={folder}", f"--reports={folder / 'reports'}"]
    ran = warm.run("pytest", "-q", "-m", phase, "--env", name, *places, *words)
    out = ran.stdout + ran.stderr

    journals = sorted((folder / "reports").rglob("journal.jsonl"))
    assert journals, out
    records = [json.loads(line) for line in journals[-1].read_text().splitlines()]
    results = {record["line"].partition("/")[2]: record for record in records if record["record"] == "result"}
    (finish,) = (record for record in records if record["record"] == "finish")
    return Judged(
        finish["verdict"],
        ran.returncode,
        {line: record["outcome"] for line, record in results.items()},
        {line: record["reason"] for line, record in results.items()},
        out,
    )


def outcomes(folder: Path, decided: Mapping[str, Mapping[str, Any]], **environment: Any) -> dict[str, str]:
    """Judge lines of preflight; give the outcome of each."""
    return judge(folder, decided, **environment).outcomes
