"""`readiness demo` on a machine without Prometheus and with a broken Alertmanager: it ends, and names what it lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.machine import EXITS, machine

ROOT = Path(__file__).parents[2]
PROMETHEUS = {
    *("alerts-configured", "alert-circuit-open"),
    *("dashboard-panels-load", "dashboard-active", "ga-incident-review"),
}
ALERTMANAGER = {"alert-routing"}


@pytest.fixture(scope="module")
def ended(starts_servers: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    """Return the last lines of the demo, and its folder of reports."""
    del starts_servers
    folder = tmp_path_factory.mktemp("demo")
    variables = {**os.environ, **machine(folder / "machine", **{"prometheus-alertmanager": EXITS})}
    command = [sys.executable, "-m", "readiness", "demo", "--reports", str(folder / "reports")]
    ran = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()[-11:], folder / "reports"


def test_exactly_the_lines_that_need_them_are_unknown(ended: tuple[list[str], Path]) -> None:
    _, reports = ended
    unknown: set[str] = set()
    for journal in reports.rglob("journal.jsonl"):
        records = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
        results = [record for record in records if record["record"] == "result"]
        assert {result["outcome"] for result in results} <= {"pass", "unknown", "not due"}, journal
        unknown |= {result["line"].removeprefix("ingestion/") for result in results if result["outcome"] == "unknown"}
    assert unknown == PROMETHEUS | ALERTMANAGER


def test_the_end_names_the_verdicts_the_lines_and_what_brings_the_tools(ended: tuple[list[str], Path]) -> None:
    lines, _ = ended
    words = [line.split() for line in lines]
    verdicts = {first: second for first, second, *_ in words if first in {"preflight", "smoke", "postlaunch", "ga"}}
    assert verdicts == {"preflight": "INCOMPLETE", "smoke": "GO", "postlaunch": "OK", "ga": "INCOMPLETE"}
    lacking = [line.strip() for line in lines if "for want of" in line]
    assert lacking == [
        "unknown for want of prometheus: alerts-configured, alert-circuit-open, dashboard-panels-load",
        "unknown for want of alertmanager: alert-routing",
        "unknown for want of prometheus: dashboard-active",
        "unknown for want of prometheus: ga-incident-review",
    ]
    assert [line for line in lines if line.startswith("missing")] == [
        f"missing     {reason}"
        for reason in (
            "prometheus is not on this machine; run: readiness tools --fetch",
            "alertmanager does not start; readiness tools says where it is: it ended with 1: the template is gone",
        )
    ]
