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
VERDICTS = {
    "error-rate-7": "ALERT",
    "error-rate-15": "PAUSE",
    "error-rate-25": "ROLLBACK",
    "breaker-open": "PAGE",
    "breaker-flapping": "ROLLBACK",
    "rows-lost": "ROLLBACK",
    "stuck-upload": "ALERT",
    "staging-backlog-grown": "ALERT",
    "health-500": "ALERT",
    "no-uploads": "INCOMPLETE",
    "probe-locked-out": "INCOMPLETE",
    "slow-upload": "OK",  # a warning is told and does not decide
}
"""What the postlaunch phase recommends while a fault is planted."""
DIAGNOSTICS = {"recent_failures", "error_distribution", "uploads_stuck", "staging_health", "uploads_in_flight"}
"""The runbook's incident queries (5.5); attached whatever the outcome."""


@dataclass
class Judged:
    """What one run found."""

    outcomes: Outcomes = field(default_factory=dict)
    verdict: str = ""
    diagnostics: dict[str, object] = field(default_factory=dict)


def judge(sandbox: Sandbox, phase: str, reports: Path) -> Judged:
    """Run one phase as a user would, and read what it found from the journal."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", phase, "--env", "local", f"--reports={reports}"]
    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **sandbox.variables}, capture_output=True, text=True, check=False
    )
    journals = sorted(reports.rglob("journal.jsonl"))
    assert journals, ran.stdout[-3000:] + ran.stderr[-3000:]
    found = Judged()
    for line in journals[-1].read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["record"] == "result":
            subject = f":{record['subject']}" if record.get("subject") else ""
            found.outcomes[f"{record['check']}[{record['line'].partition('/')[2]}{subject}]"] = record["outcome"]
            found.diagnostics |= record["diagnostics"]
        elif record["record"] == "finish":
            found.verdict = record["verdict"]
    assert found.outcomes, ran.stdout[-3000:] + ran.stderr[-3000:]
    return found


@dataclass
class Healthy:
    """What each phase finds on the unbroken target, looked at once."""

    before: Sandbox
    after: Sandbox
    reports: Path
    known: dict[str, Judged] = field(default_factory=dict)

    def target(self, phase: str) -> Sandbox:
        return self.before if phase == Phase.PREFLIGHT else self.after

    def judged(self, phase: str) -> Judged:
        if phase not in self.known:
            self.known[phase] = judge(self.target(phase), phase, self.reports / f"healthy-{phase}")
        return self.known[phase]


@pytest.fixture(scope="module")
def healthy(sandbox: Sandbox, launched_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Healthy:
    return Healthy(sandbox, launched_sandbox, tmp_path_factory.mktemp("healthy"))


@pytest.mark.parametrize("phase", ["preflight", "smoke", "postlaunch"])
def test_the_healthy_target_passes_every_line_that_has_a_check(healthy: Healthy, phase: str) -> None:

    found = healthy.judged(phase).outcomes
    not_passed = {key: outcome for key, outcome in found.items() if outcome != "pass"}
    assert {key.split("[")[0] for key in not_passed} <= planned_checks(), not_passed
    assert set(not_passed.values()) <= {"unknown", "not due"}


@pytest.mark.parametrize(("phase", "name"), CASES, ids=[f"{name}-{phase}" for phase, name in CASES])
def test_exactly_the_expected_lines_turn(healthy: Healthy, tmp_path: Path, phase: str, name: str) -> None:
    before = healthy.judged(phase).outcomes
    expected = before | {key: outcome for key, outcome in FAULTS[name].turns.items() if key in before}
    assert expected != before, f"{name} names no line of {phase}"
    target = healthy.target(phase)
    with target.plant(name):
        found = judge(target, phase, tmp_path)
    assert {key: found.outcomes.get(key) for key in expected if found.outcomes.get(key) != expected[key]} == {}
    if phase == Phase.POSTLAUNCH:
        assert found.verdict == VERDICTS.get(name, found.verdict)
        assert set(found.diagnostics) >= DIAGNOSTICS


def test_the_healthy_target_is_launched(healthy: Healthy) -> None:
    words = {phase: healthy.judged(phase).verdict for phase in ("preflight", "smoke", "postlaunch")}
    assert words == {"preflight": "INCOMPLETE", "smoke": "GO", "postlaunch": "OK"}
