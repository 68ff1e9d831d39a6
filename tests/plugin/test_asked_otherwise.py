"""Another world's environment, as a whole: its figures by POST and by programs, in the plan, in a run and on record."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import warm
from tests.clients.cloudflare import D1, GRAPHQL, TOKEN, Cloudflare
from tests.clients.servers import Server
from tests.clients.test_questions import GROUPS, PLAIN_QUERY

LINES = {
    "migrated": {"readings.number_at_least": {"reading": "migrations", "at_least": 2}},
    "constant": {"readings.number_at_least": {"reading": "constant", "at_least": 1}},
    "printed": {"readings.number_at_most": {"reading": "printed", "at_most": 40}},
    "undated": {"readings.number_at_least": {"reading": "migrations", "at_least": 2, "since": "launch"}},
    "dated": {"readings.number_at_least": {"reading": "dated", "at_least": 2, "since": "launch", "window": "1h"}},
    "errors": {"slo.error_rate": {"of": "requests", "share_below": 0.01, "window": "1h"}},
    "answered": {"slo.success_rate": {"of": "requests", "success_share_above": 0.5, "window": "1h"}},
}
OUTCOMES = {
    "migrated": "pass",
    "constant": "unknown",  # in production a literal passes nothing, wherever it is sent to and back
    "printed": "fail",
    "undated": "unknown",
    "dated": "pass",
    "errors": "fail",
    "answered": "pass",
}


def graphql(floor: int) -> dict[str, Any]:
    variables = {"zone": "z", "from": "{from}", "until": "{until}", "statusAtLeast": floor}
    return {"graphql": PLAIN_QUERY, "variables": variables}


def environment(url: str) -> dict[str, Any]:
    def d1(sql: str, **more: str) -> dict[str, Any]:
        asked = {"http": f"{url}{D1}", "token": "${CLOUDFLARE_TOKEN}", "post": {"d1": sql}}
        return {**asked, "pointer": "/result/0/results/0/n", **more}

    def figure(floor: int) -> dict[str, Any]:
        asked = {"http": f"{url}{GRAPHQL}", "token": "${CLOUDFLARE_TOKEN}", "post": graphql(floor)}
        return {**asked, "pointer": GROUPS, "sum": "/count"}

    return {
        "environment": "edge",
        "production": True,
        "runbooks": ["edge-runbook.yaml"],
        "launch_at": (datetime.now(UTC) - timedelta(hours=5)).isoformat(),
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": url, "revision": "7"},
        "readings": {
            "migrations": d1("select count(*) as n from d1_migrations"),
            "constant": d1("select 5 as n"),
            "dated": d1("select count(*) as n, max(applied_at) as at from d1_migrations", at="/result/0/results/0/at"),
            "printed": {"command": [sys.executable, "-S", "-c", "print(41)"], "effect": "reads", "format": "text"},
        },
        "service_levels": {"requests": {"count": figure(0), "failed": figure(500)}},
    }


def runbook() -> dict[str, Any]:
    common = {"ref": "1", "says": "the figure keeps its limit", "phase": ["postlaunch"], "gate": "blocker"}
    lines = [{"id": name, **common, "decided_by": by} for name, by in LINES.items()]
    return {"runbook": "edge", "title": "Edge", "lines": lines}


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder in which the environment was planned and run."""
    folder = tmp_path_factory.mktemp("edge")
    now = datetime.now(UTC)
    fine = [(now - timedelta(seconds=30 * n), 200, 120.0) for n in range(1, 101)]
    cloudflare = Cloudflare([*fine, *((now - timedelta(minutes=n), 502, 120.0) for n in range(1, 21))])
    applied = (now - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    cloudflare.run(f"create table d1_migrations (applied_at text); insert into d1_migrations values ('{applied}');")
    cloudflare.run(f"insert into d1_migrations values ('{applied}')")
    variables = {**os.environ, "CLOUDFLARE_TOKEN": TOKEN, "COLUMNS": "200"}
    with Server(cloudflare) as server:
        (folder / "edge.yaml").write_text(yaml.safe_dump(environment(server.url)), encoding="utf-8")
        (folder / "edge-runbook.yaml").write_text(yaml.safe_dump(runbook()), encoding="utf-8")
        places = [f"--environments={folder}"]
        planned = warm.run("readiness", "plan", "--env", "edge", *places, variables=variables)
        assert server.asked == [], "the plan contacts nobody"
        reports = f"--reports={folder / 'reports'}"
        ran = warm.run("pytest", "-m", "postlaunch", "--env", "edge", *places, reports, variables=variables)
    (folder / "plan.txt").write_text(planned.stdout, encoding="utf-8")
    (folder / "run.txt").write_text(ran.stdout + ran.stderr, encoding="utf-8")
    return folder


def journal(folder: Path) -> list[dict[str, Any]]:
    (path,) = (folder / "reports").rglob("*-postlaunch/journal.jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_each_line_is_decided(edge: Path) -> None:
    results = {record["line"]: record["outcome"] for record in journal(edge) if record["record"] == "result"}
    assert {name.partition("/")[2] or name: outcome for name, outcome in results.items()} == OUTCOMES


@pytest.mark.parametrize(
    "says",
    [
        "readings.migrations (of the environment file; by POST, a statement of D1 that reads)",
        "stated: readings.constant is stated in edge.yaml: its D1 statement reads no table",
        f"readings.printed (of the environment file; runs {sys.executable} -S -c print(41))",
        "not configured: nothing says of when readings.migrations is, and the line counts from the launch",
    ],
)
def test_the_plan_says_how_each_is_asked(edge: Path, says: str) -> None:
    assert says in " ".join((edge / "plan.txt").read_text("utf-8").split())


def test_all_of_it_only_reads_and_is_on_record(edge: Path) -> None:
    requests = [record for record in journal(edge) if record["record"] == "request"]
    assert {(request["client"], request["method"], request["effect"]) for request in requests} == {
        ("http", "POST", "read"),
        ("command", "RUN", "read"),
    }
    for path in [*(edge / "reports").rglob("*.*"), edge / "run.txt", edge / "plan.txt"]:
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path.name
