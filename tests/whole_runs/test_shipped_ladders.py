"""Shipped lines with a ladder in a world that is not the sandbox: a database of somebody's own that computes figures.

To add a case: what the world tells, and the verdict that the lines must come to.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from readiness.sandbox import postgres
from readiness.shipped import RUNBOOKS
from tests import warm


@pytest.fixture(scope="module")
def database(starts_servers: None) -> Iterator[str]:
    del starts_servers
    folder = Path(tempfile.mkdtemp(prefix="readiness-figures-"))
    folder.chmod(0o711)  # the server runs as somebody else where we are root
    server = postgres.start(folder / "postgres")
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute("create role probe login password 'probe-password-1'")
    yield server.dsn("probe", "probe-password-1")
    server.stop()
    shutil.rmtree(folder)


def judge(folder: Path, database: str, lines: list[str], **environment: Any) -> tuple[str, dict[str, str]]:
    """Judge shipped lines after the launch; return the verdict, and each line's outcome."""
    books = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in RUNBOOKS.glob("*.yaml")}
    every = {f"{name}/{line['id']}": line for name, book in books.items() for line in book["lines"]}
    chosen = [every[name] for name in lines]
    (folder / "own.yaml").write_text(yaml.safe_dump({"runbook": "own", "title": "Own", "lines": chosen}))
    content = {
        "environment": "small",
        "production": False,
        "target": {"url": "http://127.0.0.1:1"},
        "runbooks": ["own.yaml"],
        "allowed_hosts": ["127.0.0.1"],
        "postgres": {"url": "${FIGURES_URL}"},
        **environment,
    }
    (folder / "small.yaml").write_text(json.dumps(content))
    places = [f"--environments={folder}", f"--reports={folder / 'reports'}"]
    variables = {**os.environ, "FIGURES_URL": database}
    ran = warm.run("pytest", "-q", "-m", "postlaunch", "--env", "small", *places, variables=variables)

    journals = sorted((folder / "reports").rglob("journal.jsonl"))
    assert journals, ran.stdout + ran.stderr
    records = [json.loads(text) for text in journals[-1].read_text().splitlines()]
    (finish,) = (record for record in records if record["record"] == "finish")
    outcomes = {
        record["line"].partition("/")[2]: record["outcome"] for record in records if record["record"] == "result"
    }
    return finish["verdict"], outcomes


UMBRELLA = [f"umbrella/{name}" for name in ("daily-error-rate", "daily-p95", "hourly-error-rate", "hourly-p95")]
SECONDS = "extract(epoch from {window})"
ALWAYS = "+ 0 * extract(epoch from {offset})"  # this hour is like that of yesterday
LAST_HOUR = f"least(3600, {SECONDS})"


def requests(failed: str, seconds: str) -> dict[str, Any]:
    """Return a service of ten requests a second, with what the last hour was like: the 23 before it were well."""
    slow = f"case when {LAST_HOUR} / {SECONDS} > 1 - {{quantile}} then {seconds} else 0.2 end"
    return {
        "count": {"sql": f"select 10 * {SECONDS} {ALWAYS}"},
        "failed": {"sql": f"select 10 * {LAST_HOUR} * {failed} {ALWAYS}"},
        "latency": {"sql": f"select {slow} {ALWAYS}"},
    }


@pytest.mark.parametrize(
    ("failed", "seconds", "verdict", "bad"),
    [
        ("0.04", "0.9", "OK", set()),
        ("0.06", "0.2", "ALERT", {"hourly-error-rate"}),
        ("0.12", "0.2", "PAGE", {"hourly-error-rate"}),
        ("0.21", "0.2", "ROLLBACK", {"hourly-error-rate"}),
        ("1", "0.2", "ROLLBACK", {"hourly-error-rate", "daily-error-rate"}),
        ("0", "1.2", "ALERT", {"hourly-p95"}),
        ("0", "10", "PAGE", {"hourly-p95"}),
        ("null", "0.2", "INCOMPLETE", {"hourly-error-rate", "daily-error-rate"}),
        ("0", "null", "INCOMPLETE", {"hourly-p95"}),
    ],
)
def test_an_hour_of_trouble_is_acute_in_that_hour(
    tmp_path: Path, database: str, failed: str, seconds: str, verdict: str, bad: set[str]
) -> None:
    found, outcomes = judge(tmp_path, database, UMBRELLA, service_levels={"requests": requests(failed, seconds)})
    assert (found, {name for name, outcome in outcomes.items() if outcome != "pass"}) == (verdict, bad)


MACHINES = [f"launch400k/{name}" for name in ("cpu", "memory", "disk", "disk-critical")]


@pytest.mark.parametrize(
    ("share", "verdict", "outcomes"),
    [
        ("0.78", "OK", ["warn", "warn", "pass", "pass"]),
        ("0.85", "OK", ["warn", "warn", "fail", "pass"]),
        ("0.92", "ALERT", ["fail", "fail", "fail", "pass"]),
        ("0.99", "ALERT", ["fail", "fail", "fail", "fail"]),
        ("null", "INCOMPLETE", ["unknown", "unknown", "unknown", "unknown"]),
    ],
)
def test_a_machine_that_is_full_decides(
    tmp_path: Path, database: str, share: str, verdict: str, outcomes: list[str]
) -> None:
    readings = {name: {"sql": f"select {share}"} for name in ("cpu_share", "memory_share", "disk_share")}
    found = judge(tmp_path, database, MACHINES, readings=readings)
    assert found == (verdict, dict(zip(("cpu", "memory", "disk", "disk-critical"), outcomes, strict=True)))


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("'CLOSED'", "OK"),
        ("'OPEN'", "PAGE"),
        ("'HALF-OPEN'", "ALERT"),
        ("null", "INCOMPLETE"),
    ],
)
def test_a_breaker_pages_when_it_is_open(tmp_path: Path, database: str, state: str, verdict: str) -> None:
    readings = {"circuit_breakers": {"sql": f"select 'payments' as name, {state} as state"}}
    found, _ = judge(tmp_path, database, ["ingestion/breakers-closed"], readings=readings)
    assert found == verdict


UPLOADS = [f"ingestion/{name}" for name in ("hourly-error-rate", "pause-recommended")]


@pytest.mark.parametrize(
    ("failed", "completed", "verdict"),
    [
        (1, 0, "INCOMPLETE"),  # as in the first phase, for a few people of our own
        (0, 3, "INCOMPLETE"),
        (2, 0, "ALERT"),  # of 21, had all others succeeded, they are more than 5 %
        (3, 0, "PAUSE"),
        (5, 0, "ROLLBACK"),
        (5, 2, "ROLLBACK"),
        (1, 20, "OK"),
        (2, 19, "ALERT"),
        (1, 60, "OK"),
    ],
)
def test_a_few_uploads_decide_what_no_further_success_could_mend(
    tmp_path: Path, database: str, failed: int, completed: int, verdict: str
) -> None:
    counts = f"select * from (values ('failed', {failed}), ('completed', {completed})) as counted (status, uploads)"
    found, _ = judge(tmp_path, database, UPLOADS, readings={"upload_outcomes": {"sql": counts}})
    assert found == verdict
