"""The sandboxes that faults are planted in, and what a run finds there."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from readiness.outcomes import Phase
from readiness.runbook import lines as runbook_lines
from readiness.sandbox import Sandbox
from tests import warm
from tests.drills.evidence import put_all
from tests.environments import following
from tests.matrix.expected import not_healthy

ROOT = Path(__file__).parents[2]
Outcomes = dict[str, str]
Look = tuple[str, str]
"""A phase, and among whose lines: the sandbox's own runbook's, or the others'."""
PHASES = ("preflight", "smoke", "postlaunch", "ga")
PARTS = ("own", "others")
WITHOUT = ("-p", "no:html")
"""The page of pytest-html takes a tenth of a look, and shows no more than the journal, which is what is read here."""
WEEK_AGO = timedelta(days=-8)
"""When the launch was, for `postlaunch` and `ga`: only then every review is due, and what was missed is over."""
SINCE_LAUNCH = {Phase.PREFLIGHT: timedelta(minutes=30), Phase.SMOKE: timedelta(hours=-25)}
"""When the launch is for the lines of the other runbooks in a phase."""
OTHERS = ("agency", "launch400k", "playbook", "umbrella")
"""The runbooks beside the sandbox's own; a fault names their lines as `check[runbook/line]`."""
LINES = {
    f"{name}/{line.id}": line
    for name in runbook_lines.shipped()
    for line in runbook_lines.load(runbook_lines.locate(name, ROOT)).lines
}


@dataclass
class Judged:
    """What one run found."""

    outcomes: Outcomes = field(default_factory=dict)
    verdict: str = ""
    action: str = ""
    diagnostics: dict[str, object] = field(default_factory=dict)
    misplaced: list[str] = field(default_factory=list)
    """The decisions with other diagnostics than their line and outcome ask for."""
    steps: Outcomes = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    come_by: dict[str, set[str]] = field(default_factory=dict)
    """How what each decision rests on was come by, as far as its own result says."""

    def differences(self, expected: Outcomes) -> dict[str, str]:
        """Say which items came out otherwise, and why."""
        return {
            key: f"{self.outcomes.get(key)}, not {outcome}: {self.reasons.get(key)}"
            for key, outcome in expected.items()
            if self.outcomes.get(key) != outcome
        }


def judge(sandbox: Sandbox, phase: str, reports: Path, environments: Path, launch_at: str | None = None) -> Judged:
    """Run one phase as a user would, and read what it found from the journal."""
    put_all(reports)  # the drills that passed; tests/drills breaks them
    variables = {**os.environ, **sandbox.variables, **({"SANDBOX_LAUNCH_AT": launch_at} if launch_at else {})}
    places = [f"--environments={environments}", f"--reports={reports}"]
    ran = warm.run("pytest", "-q", "-m", phase, "--env", "local", *places, *WITHOUT, variables=variables)
    journals = sorted(reports.rglob("journal.jsonl"))
    assert journals, ran.stdout[-3000:] + ran.stderr[-3000:]
    found = Judged()
    for line in journals[-1].read_text(encoding="utf-8").splitlines():
        _read(json.loads(line), found)
    assert found.outcomes, ran.stdout[-3000:] + ran.stderr[-3000:]
    return found


def _read(record: dict[str, Any], found: Judged) -> None:
    if record["record"] == "finish":
        found.verdict = record["verdict"]
        found.action = record["action"]
    if record["record"] != "result":
        return
    subject = f":{record['subject']}" if record.get("subject") else ""
    line_id = record["line"].removeprefix("ingestion/")
    key = f"{record['check']}[{line_id}{subject}]"
    found.outcomes[key] = record["outcome"]
    found.reasons[key] = record["reason"]
    found.diagnostics |= record["diagnostics"]
    found.come_by[key] = {provenance["kind"] for provenance in record["provenance"]}
    if set(record["diagnostics"]) != attached(record):
        found.misplaced.append(record["nodeid"])
    if record["step"]:
        found.steps[key] = record["step"]


def attached(record: dict[str, Any]) -> set[str]:
    """Say what must be attached to a result."""
    line = LINES[record["line"]]
    bad = record["outcome"] == "fail" or record["step"]
    looked = record["outcome"] in {"pass", "warn", "fail", "unknown"}
    return set(line.diagnostics) if bad or (line.diagnostics_always and looked) else set()


KINDS = {"before": ("preflight",), "after": ("smoke", "postlaunch", "ga")}
"""The two kinds of sandbox, before the launch and after it, and the phases that are judged there."""


def kind_of(phase: str) -> str:
    """Return which sandbox a phase judges."""
    return "before" if phase == Phase.PREFLIGHT else "after"


@dataclass
class Target:
    """A sandbox of one kind, and what each look found on it before anything was broken."""

    sandbox: Sandbox
    folder: Path
    known: dict[Look, Judged] = field(default_factory=dict)

    def judge(self, look: Look, reports: Path) -> Judged:
        """Look at the target as it is now."""
        phase, part = look
        launch = (datetime.now(UTC) + SINCE_LAUNCH.get(Phase(phase), WEEK_AGO)).isoformat()
        if part == "others":
            return judge(self.sandbox, phase, reports, self.folder / "environments", launch)
        # Before the launch and in its first minutes the sandbox's own launch time is the one that counts.
        stated = None if phase in SINCE_LAUNCH else launch
        return judge(self.sandbox, phase, reports, ROOT / "environments", stated)

    def in_health(self, look: Look) -> Judged:
        """Look at the target before anything is broken: again, if a busy machine hid something for a moment."""
        found = self.judge_whole(look, "healthy")
        missed = set(not_healthy(found.outcomes, *look).values())
        return self.judge_whole(look, "healthy-again") if missed == {"unknown"} else found

    def left(self) -> dict[Look, dict[str, str]]:
        """Return what comes out otherwise than in the beginning, now that everything is mended.

        It is looked at twice: what a fault has left behind stays, and what a busy machine did for a moment does not.
        """
        found: dict[Look, dict[str, str]] = {}
        for look in self.known:
            if self._differences(look, "mended") and (still := self._differences(look, "mended-still")):
                found[look] = still
        return found

    def _differences(self, look: Look, name: str) -> dict[str, str]:
        """Return what comes out otherwise than in the beginning."""
        return self.judge_whole(look, name).differences(self.known[look].outcomes)

    def judge_whole(self, look: Look, name: str) -> Judged:
        """Look at the target with nothing broken, as a fault finds it: what Prometheus has missed is forgotten."""
        phase, part = look
        with self.sandbox.plant():
            return self.judge(look, self.folder / f"{name}-{part}-{phase}")


class Targets:
    """The sandboxes of one worker: each kind is started, and judged in its health, when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: dict[str, Target] = {}
        self._undo = ExitStack()
        text = (ROOT / "environments" / "local.yaml").read_text(encoding="utf-8")
        (folder / "environments").mkdir()
        others = following(text, OTHERS)
        (folder / "environments" / "local.yaml").write_text(others, encoding="utf-8")

    def of(self, kind: str) -> Target:
        """Return the sandbox of a kind."""
        if kind not in self._started:
            sandbox = self._undo.enter_context(Sandbox.start(launched=kind == "after", replica=True))
            target = self._started[kind] = Target(sandbox, self._folder)
            for look in ((phase, part) for phase in KINDS[kind] for part in PARTS):
                target.known[look] = target.in_health(look)
        return self._started[kind]

    def healthy(self, look: Look) -> Judged:
        """Return what a look found before anything was broken."""
        return self.of(kind_of(look[0])).known[look]

    def left(self) -> dict[str, dict[Look, dict[str, str]]]:
        """Return, of each kind, what comes out otherwise than in the beginning."""
        found = {kind: target.left() for kind, target in self._started.items()}
        return {kind: differences for kind, differences in found.items() if differences}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()
