"""What runs under gevent imports words, judgement, bounded reading and the masking of what is said only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {"environment", "errors", "files", "measurements", "outcomes", "redaction", "rehearsal"}


@pytest.mark.parametrize("path", sorted((ROOT / "loadtests").glob("*.py")), ids=lambda path: path.name)
def test_loadtests_stop_at_judgement(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        module = node.module if isinstance(node, ast.ImportFrom) else None
        if module == "readiness":
            assert isinstance(node, ast.ImportFrom)
            assert {alias.name for alias in node.names} <= ALLOWED
        elif module and module.startswith("readiness."):
            assert module.split(".")[1] in ALLOWED, f"{path.name} imports {module}"
