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
from typing import Any

import pytest

from readiness.outcomes import Phase
from readiness.runbook import lines as runbook_lines
from readiness.runbook.lines import planned_checks
from readiness.sandbox import Sandbox
from readiness.sandbox.faults import FAULTS, Fault
from tests.drills.evidence import put_all

ROOT = Path(__file__).parents[1]
Outcomes = dict[str, str]
PHASES = ("preflight", "smoke", "postlaunch", "ga")
WEEK_AGO = timedelta(days=-8)
"""When the launch was, for `ga`: its lines are due a week after it."""
OTHERS = ("agency", "launch400k", "playbook", "umbrella")
"""The runbooks beside the sandbox's own; a fault names their lines as `check[runbook/line]`."""
LINES = {
    f"{name}/{line.id}": line
    for name in runbook_lines.shipped()
    for line in runbook_lines.load(runbook_lines.locate(name, ROOT)).lines
}


def parts_of(fault: Fault, phase: str) -> set[str]:
    """Tell among whose lines of a phase it turns some: the sandbox's own runbook's, or the others'."""
    names = {key.partition("[")[2].rstrip("]").partition(":")[0] for key in fault.turns}
    given = {name: name if "/" in name else f"ingestion/{name}" for name in names}
    return {"others" if "/" in name else "own" for name, line in given.items() if phase in LINES[line].phase}


CASES = [
    (phase, name, part)
    for name, fault in FAULTS.items()
    for phase in sorted(fault.phases)
    for part in sorted(parts_of(fault, phase))
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
DAILY, LAUNCH = "slo.error_rate[umbrella/daily-error-rate]", "slo.error_rate[launch400k/sla-error-rate]"
SUCCESS = "slo.success_rate[umbrella/success-rate]"
P95_DAILY, P95_LAUNCH = "slo.response_time[umbrella/daily-p95]", "slo.response_time[launch400k/sla-response-time]"
STEPS = {
    "errors-4-9": {LAUNCH: "warn"},
    "errors-5-1": {LAUNCH: "critical", SUCCESS: "alert"},
    "errors-10-1": {LAUNCH: "critical", SUCCESS: "alert"},
    "errors-20-1": {LAUNCH: "critical", SUCCESS: "alert"},
    "errors-of-the-day-4-9": {LAUNCH: "critical", SUCCESS: "alert"},
    "errors-of-the-day-5-1": {LAUNCH: "critical", SUCCESS: "alert", DAILY: "alert"},
    "errors-of-the-day-10-1": {LAUNCH: "critical", SUCCESS: "alert", DAILY: "incident"},
    "errors-of-the-day-20-1": {LAUNCH: "critical", SUCCESS: "alert", DAILY: "rollback"},
    "p95-1-1": {P95_LAUNCH: "warn"},
    "p95-1-4": {P95_LAUNCH: "warn"},
    "p95-1-6": {P95_LAUNCH: "warn"},
    "p95-2-1": {P95_LAUNCH: "critical"},
    "p95-4-4": {P95_LAUNCH: "critical"},
    "p95-5-3": {P95_LAUNCH: "critical"},
    "p95-of-the-day-1-1": {P95_LAUNCH: "warn", P95_DAILY: "alert"},
    "p95-of-the-day-2-1": {P95_LAUNCH: "critical", P95_DAILY: "incident"},
}
"""The steps of the ladders of the service levels that a fault reaches; without an entry none."""
DIAGNOSTICS = {"recent_failures", "error_distribution", "uploads_stuck", "staging_health", "uploads_in_flight"}
"""The runbook's incident queries (5.5): its line says `diagnostics_always`. All others are of lines that failed."""


@dataclass
class Judged:
    """What one run found."""

    outcomes: Outcomes = field(default_factory=dict)
    verdict: str = ""
    diagnostics: dict[str, object] = field(default_factory=dict)
    misplaced: list[str] = field(default_factory=list)
    """The decisions with other diagnostics than their line and outcome ask for."""
    steps: Outcomes = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def differences(self, expected: Outcomes) -> dict[str, str]:
        """Say which items came out otherwise, and why."""
        return {
            key: f"{self.outcomes.get(key)}, not {outcome}: {self.reasons.get(key)}"
            for key, outcome in expected.items()
            if self.outcomes.get(key) != outcome
        }


def judge(sandbox: Sandbox, phase: str, reports: Path, environments: Path, launch_at: str | None = None) -> Judged:
    """Run one phase as a user would, and read what it found from the journal."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", phase, "--env", "local", f"--reports={reports}"]
    put_all(reports)  # the drills that passed; tests/drills breaks them
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
            key = f"{record['check']}[{line_id}{subject}]"
            found.outcomes[key], found.reasons[key] = record["outcome"], record["reason"]
            found.diagnostics |= record["diagnostics"]
            if set(record["diagnostics"]) != attached(record):
                found.misplaced.append(record["nodeid"])
            if record["step"]:
                found.steps[key] = record["step"]
        elif record["record"] == "finish":
            found.verdict = record["verdict"]
    assert found.outcomes, ran.stdout[-3000:] + ran.stderr[-3000:]
    return found


def attached(record: dict[str, Any]) -> set[str]:
    """Say what must be attached to a result."""
    line = LINES[record["line"]]
    bad = record["outcome"] == "fail" or record["step"]
    looked = record["outcome"] in {"pass", "warn", "fail", "unknown"}
    return set(line.diagnostics) if bad or (line.diagnostics_always and looked) else set()


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
        since = {Phase.PREFLIGHT: timedelta(minutes=30), Phase.GA: WEEK_AGO}.get(Phase(phase), timedelta(hours=-25))
        launch = datetime.now(UTC) + since
        if part == "own":
            stated = launch.isoformat() if phase == Phase.GA else None
            return judge(self.target(phase), phase, reports, ROOT / "environments", stated)
        return judge(self.target(phase), phase, reports, self.reports / "environments", launch.isoformat())

    def judged(self, phase: str, part: str) -> Judged:
        if (phase, part) not in self.known:
            self.known[phase, part] = self.judge(phase, part, self.reports / f"healthy-{part}-{phase}")
        return self.known[phase, part]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Healthy]:
    """Start two sandboxes of our own, and look at each phase before anything is broken, and when all is mended."""
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
        left = {
            (phase, part): found.judge(phase, part, reports / f"after-{part}-{phase}").differences(before.outcomes)
            for (phase, part), before in found.known.items()
        }
        assert {key: differences for key, differences in left.items() if differences} == {}, "a fault was not mended"


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_phase_of_a_fault_has_a_line_that_turns(fault: Fault) -> None:
    assert {phase for phase in fault.phases if not parts_of(fault, phase)} == set()


@pytest.mark.parametrize("part", ["own", "others"])
@pytest.mark.parametrize("phase", PHASES)
def test_the_healthy_target_passes_every_line_that_has_a_check(healthy: Healthy, phase: str, part: str) -> None:
    found = healthy.judged(phase, part).outcomes
    known = planned_checks() | (NOT_FOR_THE_SANDBOX if part == "others" else set())
    later = "not due" if phase == Phase.GA else None  # what is due after the sign-off: a fault signs
    not_passed = {key: outcome for key, outcome in found.items() if outcome not in {"pass", later}}
    assert {key.split("[")[0] for key in not_passed} <= known, not_passed
    if part == "own":
        assert set(not_passed.values()) <= {"unknown", "not due"}


@pytest.mark.parametrize(
    ("phase", "name", "part"), CASES, ids=[f"{name}-{phase}-{part}" for phase, name, part in CASES]
)
def test_exactly_the_expected_lines_turn(healthy: Healthy, tmp_path: Path, phase: str, name: str, part: str) -> None:
    before = healthy.judged(phase, part).outcomes
    expected = before | {key: outcome for key, outcome in FAULTS[name].turns.items() if key in before}
    with healthy.target(phase).plant(name):
        found = healthy.judge(phase, part, tmp_path)
    assert found.differences(expected) == {}
    if phase == Phase.POSTLAUNCH and part == "others":
        assert {key: step for key, step in found.steps.items() if key.startswith("slo.")} == STEPS.get(name, {})
        assert found.misplaced == []
    if phase == Phase.POSTLAUNCH and part == "own":
        assert found.verdict == VERDICTS.get(name, found.verdict)
        assert found.misplaced == []
        assert set(found.diagnostics) >= DIAGNOSTICS


@pytest.mark.parametrize(("name", "word"), [("decision-deferred", "DEFERRED"), ("decision-open", "INCOMPLETE")])
def test_people_have_the_last_word(healthy: Healthy, tmp_path: Path, name: str, word: str) -> None:
    with healthy.target(Phase.GA).plant(name):
        found = healthy.judge(Phase.GA, "own", tmp_path)
    assert found.outcomes == healthy.judged(Phase.GA, "own").outcomes
    assert found.verdict == word


def test_the_healthy_target_is_launched(healthy: Healthy) -> None:
    words = {phase: healthy.judged(phase, "own").verdict for phase in PHASES}
    assert words == {"preflight": "GO", "smoke": "GO", "postlaunch": "OK", "ga": "APPROVED"}
