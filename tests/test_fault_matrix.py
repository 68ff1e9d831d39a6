"""Plant each fault in the running sandbox: exactly the lines that it names turn, and all others keep their outcome."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from readiness.outcomes import Phase
from readiness.runbook import planned_checks
from readiness.sandbox import Sandbox
from readiness.sandbox.faults import FAULTS

ROOT = Path(__file__).parents[1]
Outcomes = dict[str, str]
PHASES = ("preflight", "smoke", "postlaunch")
OTHERS = ("agency", "launch400k", "playbook", "umbrella")
"""The runbooks beside the sandbox's own; a fault names their lines as `check[runbook/line]`."""
CASES = [
    (phase, name, part) for name, fault in FAULTS.items() for part in fault.parts for phase in sorted(fault.phases)
]
NOT_FOR_THE_SANDBOX = {
    "configuration.required_variables",  # of vendors that the sandbox does not stand for
    "configuration.no_placeholder_secrets",
    "database.required_tables",  # of other products
    "database.migrations_applied",
    "health.live",  # at paths of other products
    "load.capacity",  # proven in test_rehearsal
    "load.error_rate",
    "load.rehearsal_passed",
    "load.response_time",
    "workers.cron_scheduled",
}
"""Checks with lines of the other runbooks that a healthy sandbox does not pass."""
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
"""What the postlaunch phase of the sandbox's own runbook recommends while a fault is planted."""
DIAGNOSTICS = {"recent_failures", "error_distribution", "uploads_stuck", "staging_health", "uploads_in_flight"}
"""The runbook's incident queries (5.5); attached whatever the outcome."""


@dataclass
class Judged:
    """What one run found."""

    outcomes: Outcomes = field(default_factory=dict)
    verdict: str = ""
    diagnostics: dict[str, object] = field(default_factory=dict)


def judge(sandbox: Sandbox, phase: str, reports: Path, environments: Path, launch_at: str | None = None) -> Judged:
    """Run one phase as a user would, and read what it found from the journal."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", phase, "--env", "local", f"--reports={reports}"]
    variables = {**os.environ, **sandbox.variables, **({"SANDBOX_LAUNCH_AT": launch_at} if launch_at else {})}
    ran = subprocess.run(
        [*command, f"--environments={environments}"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    journals = sorted(reports.rglob("journal.jsonl"))
    assert journals, ran.stdout[-3000:] + ran.stderr[-3000:]
    found = Judged()
    for line in journals[-1].read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["record"] == "result":
            subject = f":{record['subject']}" if record.get("subject") else ""
            line_id = record["line"].removeprefix("ingestion/")
            found.outcomes[f"{record['check']}[{line_id}{subject}]"] = record["outcome"]
            found.diagnostics |= record["diagnostics"]
        elif record["record"] == "finish":
            found.verdict = record["verdict"]
    assert found.outcomes, ran.stdout[-3000:] + ran.stderr[-3000:]
    return found


@dataclass
class Healthy:
    """What each phase finds on the unbroken target, looked at once: of its own runbook, and of the others."""

    before: Sandbox
    after: Sandbox
    reports: Path
    known: dict[tuple[str, str], Judged] = field(default_factory=dict)

    def target(self, phase: str) -> Sandbox:
        return self.before if phase == Phase.PREFLIGHT else self.after

    def judge(self, phase: str, part: str, reports: Path) -> Judged:
        """Look at the target as it is now."""
        if part == "own":
            return judge(self.target(phase), phase, reports, ROOT / "environments")
        launch = datetime.now(UTC) + (timedelta(minutes=30) if phase == Phase.PREFLIGHT else timedelta(hours=-25))
        return judge(self.target(phase), phase, reports, self.reports / "environments", launch.isoformat())

    def judged(self, phase: str, part: str) -> Judged:
        if (phase, part) not in self.known:
            self.known[phase, part] = self.judge(phase, part, self.reports / f"healthy-{part}-{phase}")
        return self.known[phase, part]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Healthy]:
    """Start two sandboxes of our own, and look at each phase before anything is broken."""
    reports = tmp_path_factory.mktemp("healthy")
    text = (ROOT / "environments" / "local.yaml").read_text(encoding="utf-8")
    (reports / "environments").mkdir()
    others = text.replace("runbooks: [ingestion]", f"runbooks: [{', '.join(OTHERS)}]")
    (reports / "environments" / "local.yaml").write_text(others, encoding="utf-8")
    with Sandbox.start(replica=True) as before, Sandbox.start(launched=True, replica=True) as after:
        found = Healthy(before, after, reports)
        for phase in PHASES:
            found.judged(phase, "own")
            found.judged(phase, "others")
        yield found


@pytest.mark.parametrize("part", ["own", "others"])
@pytest.mark.parametrize("phase", PHASES)
def test_the_healthy_target_passes_every_line_that_has_a_check(healthy: Healthy, phase: str, part: str) -> None:
    found = healthy.judged(phase, part).outcomes
    known = planned_checks() | (NOT_FOR_THE_SANDBOX if part == "others" else set())
    not_passed = {key: outcome for key, outcome in found.items() if outcome != "pass"}
    assert {key.split("[")[0] for key in not_passed} <= known, not_passed
    if part == "own":
        assert set(not_passed.values()) <= {"unknown", "not due"}


@pytest.mark.parametrize(
    ("phase", "name", "part"), CASES, ids=[f"{name}-{phase}-{part}" for phase, name, part in CASES]
)
def test_exactly_the_expected_lines_turn(healthy: Healthy, tmp_path: Path, phase: str, name: str, part: str) -> None:
    before = healthy.judged(phase, part).outcomes
    expected = before | {key: outcome for key, outcome in FAULTS[name].turns.items() if key in before}
    assert expected != before, f"{name} names no line of {phase} among {part}"
    with healthy.target(phase).plant(name):
        found = healthy.judge(phase, part, tmp_path)
    assert {key: found.outcomes.get(key) for key in expected if found.outcomes.get(key) != expected[key]} == {}
    if phase == Phase.POSTLAUNCH and part == "own":
        assert found.verdict == VERDICTS.get(name, found.verdict)
        assert set(found.diagnostics) >= DIAGNOSTICS


def test_the_healthy_target_is_launched(healthy: Healthy) -> None:
    words = {phase: healthy.judged(phase, "own").verdict for phase in PHASES}
    assert words == {"preflight": "INCOMPLETE", "smoke": "GO", "postlaunch": "OK"}
