"""A launched sandbox that drills may break, and a way to run one on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from readiness.drill.evidence import DrillEvidence, folders, read
from readiness.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
Drill = Callable[..., tuple[int, DrillEvidence]]


@pytest.fixture(scope="module")
def target(starts_servers: None) -> Iterator[Sandbox]:
    """One for each module: what a drill uploads is not in the backups of the sandbox."""
    del starts_servers
    with Sandbox.start(launched=True) as running:
        yield running


def environment(folder: Path, **changes: Any) -> Path:
    """Write the sandbox's environment with other drills, backups or whatever else."""
    content = yaml.safe_load((ROOT / "environments" / "local.yaml").read_text("utf-8"))
    drills = {name: {**section, **changes.pop(name, {})} for name, section in content["drills"].items()}
    content |= {"drills": drills, **changes}
    (folder / "local.yaml").write_text(json.dumps(content), "utf-8")
    return folder


@pytest.fixture
def drill(target: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drill:
    """Run one, as a person would; give the exit code and the evidence."""
    for name, value in target.variables.items():
        monkeypatch.setenv(name, value)

    def run(name: str, **changes: Any) -> tuple[int, DrillEvidence]:
        where = environment(tmp_path, **changes)
        words = ["drill", name, "--env", "local", "--environments", str(where), "--reports", str(tmp_path / "reports")]
        code = main(words)
        return code, read(next(folders(tmp_path / "reports", "local", name)))

    return run
