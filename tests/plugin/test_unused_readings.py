"""A reading that nothing asks for is told and refuses no run: it may be prepared before its line.

A row is the readings of an environment, beside a line that asks for `orders`, and what the plan and the run say.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from readiness.__main__ import main
from readiness.outcomes import Outcome
from readiness.plugin.unused_readings import _unused
from readiness.runbook.lines import load, shipped
from readiness.shipped import RUNBOOKS
from readiness.verdict import INCOMPLETE_EXIT
from tests.evidence.test_environment_changes import CHECKS, LOOKS
from tests.plugin.project import Project, line

THREE: dict[str, Any] = {"value": 3}
UNUSED = "tiny.yaml: readings.{}: no check and no line asks for it"
ROWS: list[tuple[str, dict[str, Any], int, str]] = [
    # What the environment has; its readings; the exit of the run, and of verify; what is said.
    ("no other", {"orders": THREE}, 0, ""),
    ("one that nothing asks for", {"orders": THREE, "q": THREE}, 0, UNUSED.format("q")),
    ("one of a name nearby", {"orders": THREE, "ordrs": THREE}, 0, f"{UNUSED.format('ordrs')}; did you mean 'orders'?"),
    ("a typo", {"ordrs": THREE}, INCOMPLETE_EXIT, f"{UNUSED.format('ordrs')}; did you mean 'orders'?"),
    ("one that the suite asks for", {"orders": THREE, "log_lines": {"file": "x", "format": "jsonl"}}, 0, ""),
]


@pytest.mark.parametrize("name", shipped())
def test_what_the_incident_of_a_runbook_asks_for_is_used(name: str) -> None:
    book = load(RUNBOOKS / f"{name}.yaml")
    assert list(_unused(book.readings, "runbook", (book,))) == []


@pytest.mark.parametrize(("readings", "code", "says"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_reading_that_nothing_asks_for_is_told(
    readings: dict[str, Any], code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    monkeypatch.chdir(tmp_path)
    project.write("conftest.py", (project.folder / "conftest.py").read_text("utf-8") + LOOKS)
    project.write("checks/test_orders.py", CHECKS)
    project.runbook(line("come", {"orders.come": {"reading": "orders"}}))
    project.environment(readings=readings)
    ran = project.preflight()
    assert ran.exit == code, ran.out
    assert (ran.results[0]["outcome"] == Outcome.PASS) is (code == 0)
    assert main(["verify", "tiny", "preflight"]) == code
    for page in (ran.out, project.run("--collect-only").out):
        shown = " ".join(page.split())
        assert says in shown
        assert bool(says) == ("no line asks for it" in shown)
