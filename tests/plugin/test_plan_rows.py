"""The plan as data: whose word each line will be, by which limits, and what would turn it red. It contacts nothing."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.runbook import lines as runbook_lines
from tests import warm

ROOT = Path(__file__).parents[2]
Row = dict[str, Any]


def plan(folder: Path, env: str, *words: str, **variables: str) -> str:
    surroundings = {**os.environ, "COLUMNS": "80", **variables}
    ran = warm.run("readiness", "plan", "--env", env, f"--environments={folder}", *words, variables=surroundings)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@cache
def rows_of_the_sandbox() -> dict[str, Row]:
    shown = json.loads(plan(ROOT / "environments", "local", "--json"))
    assert (shown["schema"], shown["environment"]) == ("readiness/plan/1", "local")
    return {row["id"]: row for row in shown["rows"]}


def sources(row: Row) -> list[str]:
    return [f"{source['kind']}: {source['what']}" for source in row["sources"]]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ingestion/pool-available", "asked: postgres"),
        ("ingestion/staging-tables:008_staging_tables", "asked: postgres for readings.applied_migrations"),
        ("ingestion/health-200", "asked: the target"),
        ("ingestion/ingestion-off-before-launch", "declared: launch_at"),
        ("ingestion/ingestion-off-before-launch", "file: readings.deployed_variables ("),
        ("ingestion/rollback-reviewed", "asked: github"),
        ("ingestion/decision-recorded", "asked: communication.slack"),
        ("ingestion/ga-client-feedback", "a person's word: an attestation"),
        ("ingestion/ga-approvals", "a person's word: the sign-off"),
        ("ingestion/ga-error-rate", "asked: postgres for service_levels.uploads"),
    ],
)
def test_the_kind_of_each_source_is_told(name: str, told: str) -> None:
    found = sources(rows_of_the_sandbox()[name])
    assert any(source.startswith(told) for source in found), found


def test_every_row_says_whose_word_it_is_and_what_turns_it_red() -> None:
    for name, row in rows_of_the_sandbox().items():
        assert row["sources"], name
        assert row["turns_red"].startswith("unless ") or row["turns_red"] == "never: trends decide nothing", name


def test_no_line_is_left_out() -> None:
    book = runbook_lines.load(runbook_lines.locate("ingestion", ROOT))
    assert {row["line"] for row in rows_of_the_sandbox().values()} == {f"ingestion/{line.id}" for line in book.lines}


def test_each_limit_says_where_it_comes_from() -> None:
    (limit,) = rows_of_the_sandbox()["ingestion/pool-available"]["limits"]
    assert limit == {"limit": "share_below", "value": 0.8, "from": "line"}


def shop(folder: Path) -> Path:
    """Write the environment and the runbook of somebody else's shop."""
    readings = {
        "queue": {"http": "https://shop.example.com/status", "pointer": "/queue"},
        "quota": {"value": 7},
        "ratio": {"promql": "vector(0.5)"},
        "orders": {"sql": "select count(*) from orders"},
    }
    checks: dict[str, Row] = {
        **{name: {"readings.number_at_most": {"reading": name, "at_most": 100}} for name in readings},
        "gone": {"readings.number_at_most": {"reading": "gone", "at_most": 100}},
        "planned": {"security.rate_limit_enforced": {"requests": 50}},
        "tables": {"database.required_tables": {}},
        "pool": {"database.pool_headroom": {"share_below": 0.7}},
    }
    lines = [
        {
            "id": name,
            "ref": "1",
            "says": f"{name} is right",
            "phase": ["preflight"],
            "gate": "blocker",
            "decided_by": by,
        }
        for name, by in checks.items()
    ]
    environment = {
        "environment": "shop",
        "runbooks": ["shop-runbook.yaml"],
        "allowed_hosts": ["shop.example.com", "db.example.com"],
        "target": {"url": "https://shop.example.com"},
        "postgres": {"url": "${SHOP_DATABASE_URL}"},
        "prometheus": {"url": "https://shop.example.com/prometheus"},
        "readings": readings,
        "lines": {"pool": {"share_below": 0.8, "because": "the pooler queues what does not fit"}},
    }
    (folder / "shop.yaml").write_text(yaml.safe_dump(environment, sort_keys=False), "utf-8")
    book = {"runbook": "shop", "title": "Shop", "lines": lines}
    (folder / "shop-runbook.yaml").write_text(yaml.safe_dump(book, sort_keys=False), "utf-8")
    return folder


STATE_IT = "state it in the environment file: lines: {shop/tables: {table: ...}}"
SUCH_AS = 'database.required_tables: {table: "circuit_breaker_state"}'
DSN = "postgresql://probe:pw-of-a-test@db.example.com/shop"


def test_another_products_sources_are_told(tmp_path: Path) -> None:
    shown = json.loads(plan(shop(tmp_path), "shop", "--json", SHOP_DATABASE_URL=DSN))
    found = {row["id"].partition("/")[2]: sources(row) for row in shown["rows"]}
    assert found == {
        "queue": ["asked: https://shop.example.com/status for readings.queue"],
        "quota": ["declared: readings.quota is stated in shop.yaml"],
        "ratio": ["declared: readings.ratio is stated in shop.yaml: its PromQL names no series"],
        "orders": ["asked: postgres for readings.orders"],
        "gone": ["not configured: no reading is called gone (set readings.gone in the environment file)"],
        "planned": ["planned: no check decides it yet"],
        "tables": [f"not configured: the line states no table ({STATE_IT}, such as {SUCH_AS})"],
        "pool": ["asked: postgres"],
    }
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("width", [80, 120])
def test_people_read_it_in_their_terminal(width: int, tmp_path: Path) -> None:
    out = plan(shop(tmp_path), "shop", "--fidelity", SHOP_DATABASE_URL=DSN, COLUMNS=str(width))
    assert max(map(len, out.splitlines())) <= width
    text = " ".join(out.split())
    assert "pool: pool is right asked: postgres limit by shop.yaml share_below 0.8, looser (the line: 0.7)" in text
    assert "because the pooler queues what does not fit" in text
    assert "red unless connections in use leave headroom in the pool; out of its limit: share 0.8 or more" in text
    assert "8 decisions: 3 asked, 2 declared, 2 not configured, 1 planned" in text
    assert "pw-of-a-test" not in out


def test_what_is_wrong_is_told_and_no_plan_is_made(tmp_path: Path) -> None:
    folder = shop(tmp_path)
    path = folder / "shop.yaml"
    path.write_text(path.read_text("utf-8").replace("share_below", "share_belov"), "utf-8")
    variables = {**os.environ, "SHOP_DATABASE_URL": DSN}
    ran = warm.run("readiness", "plan", "--env", "shop", f"--environments={folder}", "--json", variables=variables)
    assert ran.returncode == 4
    assert "limit 'share_belov' is not known; did you mean 'share_below'?" in ran.stdout + ran.stderr
    assert "{" not in ran.stdout
