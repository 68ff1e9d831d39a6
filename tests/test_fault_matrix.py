"""Plant each fault in the running sandbox: exactly the lines that it names turn, and all others keep their outcome."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from readiness.outcomes import Phase
from readiness.runbook import planned_checks
from readiness.sandbox import Sandbox
from readiness.sandbox.faults import FAULTS

ROOT = Path(__file__).parents[1]
CASES = [(phase, name) for name, fault in FAULTS.items() for phase in sorted(fault.phases)]
Outcomes = dict[str, str]


def judge(sandbox: Sandbox, phase: str, reports: Path) -> Outcomes:
    """Run one phase as a user would, and read what it found from the journal."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", phase, "--env", "local", f"--reports={reports}"]
    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **sandbox.variables}, capture_output=True, text=True, check=False
    )
    journals = sorted(reports.rglob("journal.jsonl"))
    assert journals, ran.stdout[-3000:] + ran.stderr[-3000:]
    found: Outcomes = {}
    for line in journals[-1].read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["record"] == "result":
            subject = f":{record['subject']}" if record.get("subject") else ""
            found[f"{record['check']}[{record['line'].partition('/')[2]}{subject}]"] = record["outcome"]
    assert found, ran.stdout[-3000:] + ran.stderr[-3000:]
    return found


@dataclass
class Healthy:
    """What each phase finds on the unbroken target, looked at once."""

    before: Sandbox
    after: Sandbox
    reports: Path
    known: dict[str, Outcomes] = field(default_factory=dict)

    def target(self, phase: str) -> Sandbox:
        return self.before if phase == Phase.PREFLIGHT else self.after

    def outcomes(self, phase: str) -> Outcomes:
        if phase not in self.known:
            self.known[phase] = judge(self.target(phase), phase, self.reports / f"healthy-{phase}")
        return self.known[phase]


@pytest.fixture(scope="module")
def healthy(sandbox: Sandbox, launched_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Healthy:
    return Healthy(sandbox, launched_sandbox, tmp_path_factory.mktemp("healthy"))


@pytest.mark.parametrize("phase", ["preflight", "smoke", "postlaunch"])
def test_the_healthy_target_passes_every_line_that_has_a_check(healthy: Healthy, phase: str) -> None:

    found = healthy.outcomes(phase)
    not_passed = {key: outcome for key, outcome in found.items() if outcome != "pass"}
    assert {key.split("[")[0] for key in not_passed} <= planned_checks(), not_passed
    assert set(not_passed.values()) <= {"unknown", "not due"}


@pytest.mark.parametrize(("phase", "name"), CASES, ids=[f"{name}-{phase}" for phase, name in CASES])
def test_exactly_the_expected_lines_turn(healthy: Healthy, tmp_path: Path, phase: str, name: str) -> None:
    before = healthy.outcomes(phase)
    expected = before | {key: outcome for key, outcome in FAULTS[name].turns.items() if key in before}
    assert expected != before, f"{name} names no line of {phase}"
    target = healthy.target(phase)
    with target.plant(name):
        found = judge(target, phase, tmp_path)
    assert {key: found.get(key) for key in expected if found.get(key) != expected[key]} == {}
