"""A team with readings of its own on the sandbox: one runbook, one environment, and a whole run of its preflight."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from readiness.sandbox import Sandbox
from tests import warm

Readings = Mapping[str, Mapping[str, object]]


def deciding_line(name: str, says: str, check: str, **limits: object) -> dict[str, Any]:
    """Write a blocker of preflight that one check decides."""
    told = {"id": name, "ref": "1", "says": says, "phase": ["preflight"], "gate": "blocker"}
    return {**told, "decided_by": {check: limits}}


def preflight(
    folder: Path, sandbox: Sandbox, readings: Readings, lines: Sequence[dict[str, Any]]
) -> subprocess.CompletedProcess[str]:
    """Run it; a file among the readings lies in the folder, and so do the reports."""
    placed = {
        name: {**reading, **({"file": str(folder / str(reading["file"]))} if "file" in reading else {})}
        for name, reading in readings.items()
    }
    environment = {
        "environment": "team",
        "production": False,
        "runbooks": ["own.yaml"],
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": "${SANDBOX_URL}"},
        "postgres": {"url": "${SANDBOX_DATABASE_URL}"},
        "metrics": {"url": "${SANDBOX_URL}/metrics"},
        "readings": placed,
    }
    (folder / "own.yaml").write_text(yaml.safe_dump({"runbook": "own", "title": "Own", "lines": list(lines)}))
    (folder / "team.yaml").write_text(yaml.safe_dump(environment))
    places = [f"--environments={folder}", f"--reports={folder / 'reports'}"]
    variables = {**os.environ, **sandbox.variables}
    return warm.run("pytest", "-m", "preflight", "--env", "team", *places, variables=variables)
