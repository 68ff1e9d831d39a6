"""On a real target: each fault brings the diagnostics of exactly the lines that it fails, into every report."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from readiness.outcomes import Phase
from readiness.runbook import lines as runbook_lines
from readiness.sandbox import Sandbox
from tests import warm
from tests.environments import following

ROOT = Path(__file__).parents[2]
LINES = {
    f"{name}/{line.id}": line
    for name in runbook_lines.shipped()
    for line in runbook_lines.load(runbook_lines.locate(name, ROOT)).lines
}
ALWAYS = {
    name
    for line in LINES.values()
    if line.diagnostics_always and Phase.POSTLAUNCH in line.phase
    for name in line.diagnostics
}
ON_FAILURE = {name for line in LINES.values() for name in line.diagnostics} - ALWAYS
ASKED = ("group by 1, 2 order by 3 desc limit 50", "interval '5 minutes'", "query as statement", "query_id", "topk")
"""What only they ask."""
SHARED = {"cache_use"}
"""A check looks at it anyway."""


@dataclass(frozen=True)
class Told:
    """What one run left."""

    results: list[dict[str, Any]]
    observed: set[str]
    requests: list[str]
    summary: str
    page: str
    rows: str
    """Of pytest-html's own page."""
    terminal: str

    def of(self, line: str) -> dict[str, Any]:
        """Give what is attached to a line."""
        return {
            name: value for one in self.results if one["line"] == line for name, value in one["diagnostics"].items()
        }


Look = Callable[[], Told]


@pytest.fixture(scope="module")
def launched_sandbox(starts_servers: None) -> Iterator[Sandbox]:
    """Give one of its own: what other tests have done to a shared one would be told of as well."""
    del starts_servers
    with Sandbox.start(launched=True, replica=True) as running:
        yield running


@pytest.fixture
def look(launched_sandbox: Sandbox, tmp_path: Path) -> Look:
    """Run postlaunch with all five runbooks."""
    text = (ROOT / "environments" / "local.yaml").read_text(encoding="utf-8")
    five = following(text, runbook_lines.shipped())
    (tmp_path / "local.yaml").write_text(five, encoding="utf-8")

    def run() -> Told:
        launch = datetime.now(UTC) - timedelta(hours=25)
        variables = {**os.environ, **launched_sandbox.variables, "SANDBOX_LAUNCH_AT": launch.isoformat()}
        places = [f"--environments={tmp_path}", f"--reports={tmp_path}"]
        ran = warm.run("pytest", "-q", "-m", "postlaunch", "--env", "local", *places, variables=variables)
        folder = max(tmp_path.glob("local/2*"))
        records = [json.loads(line) for line in (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
        return Told(
            [one for one in records if one["record"] == "result"],
            {one["name"] for one in records if one["record"] == "observation"},
            [str(one["target"]) for one in records if one["record"] == "request"],
            (folder / "summary.md").read_text(encoding="utf-8"),
            unescape((folder / "report.html").read_text(encoding="utf-8")),
            unescape(unescape((folder / "pytest.html").read_text(encoding="utf-8"))),
            ran.stdout,
        )

    return run


def test_nothing_is_gathered_on_a_healthy_target(look: Look) -> None:
    told = look()
    assert not told.observed & (ON_FAILURE - SHARED)
    assert not [target for target in told.requests for asked in ASKED if asked in target]
    assert told.observed >= ALWAYS
    assert {one["line"] for one in told.results if one["diagnostics"]} == {
        name for name, line in LINES.items() if line.diagnostics_always and Phase.POSTLAUNCH in line.phase
    }


def _pool(found: Mapping[str, Any]) -> bool:
    idle = [one for one in found["connections_by_state"] if one["state"] == "idle"]
    return bool(sum(one["connections"] for one in idle) >= 80 and found["idle_sessions"] == [])


def _statements(found: Mapping[str, Any]) -> bool:
    slowest, running = found["slowest_statements"][0], found["longest_queries"]
    return "pg_sleep($1)" in slowest["statement"] and any(slowest["queryid"] == one["queryid"] for one in running)


def _uploads(found: Mapping[str, Any]) -> bool:
    return len(found["recent_failures"]) > 0 and len(found["error_distribution"]) > 0


def _backlog(found: Mapping[str, Any]) -> bool:
    return bool(found["jobs_waiting"][0]["queue"] == "aggregation" and found["jobs_waiting"][0]["waiting"] == 900)


def _errors(found: Mapping[str, Any]) -> bool:
    return bool(found["failing_endpoints"][0]["path"] == "/" and found["failing_endpoints"][0]["value"] > 1000)


def _slow(found: Mapping[str, Any]) -> bool:
    return found["slowest_endpoints"][0]["value"] > 1.5 and "unknown" in found["cdn_hit_share"]


@pytest.mark.parametrize(
    ("fault", "line", "holds"),
    [
        ("pool-at-96", "launch400k/diagnose-pool", _pool),
        ("statements-slow", "umbrella/database-latency", _statements),
        ("error-rate-25", "ingestion/hourly-error-rate", _uploads),
        ("backlog-spike", "playbook/job-health", _backlog),
        ("errors-20-1", "launch400k/diagnose-errors", _errors),
        ("p95-2-1", "launch400k/diagnose-slow", _slow),
    ],
)
def test_a_fault_brings_the_diagnostics_of_the_lines_that_it_fails(
    look: Look, launched_sandbox: Sandbox, fault: str, line: str, holds: Callable[[Mapping[str, Any]], bool]
) -> None:
    with launched_sandbox.plant(fault):
        told = look()
    for one in told.results:
        known = LINES[one["line"]]
        bad = one["outcome"] == "fail" or one["step"]
        assert set(one["diagnostics"]) == (set(known.diagnostics) if bad or known.diagnostics_always else set()), one
    assert holds(told.of(line)), told.of(line)
    for name in LINES[line].diagnostics:
        for report in (told.summary.replace("\\", ""), told.page, told.terminal):
            assert f"diagnostic {name} (" in report, f"{name} is not shown"
        assert f"diagnostic {name}:" in told.rows, f"{name} is not in the row of its line"
    for link in LINES[line].links:
        assert link in told.summary
        assert f'href="{link}"' in told.page
        assert link in told.terminal
