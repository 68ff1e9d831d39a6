"""Few lines rest on what people wrote down and on nothing else, each with the reason why no machine can see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from readiness.plugin.declared_alone import DECLARED_ALONE
from readiness.runbook import lines as runbook_lines
from tests.environments import following
from tests.plugin.test_plan_rows import plan

ROOT = Path(__file__).parents[2]
LINES_AT_MOST = 10
TEAM_OF_A_FILE = 'team: {file: "${SANDBOX_TEAM}"}'
TEAM = """\
team:
  roles:
    primary on-call: {name: Ada, contact: "#launch", runbook_reviewed: 2026-11-20, access_verified: 2026-11-20}
    secondary on-call: {name: Bob, contact: "#launch"}
"""


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The plan of all shipped runbooks, with the roster in the environment file itself."""

    text = (ROOT / "environments" / "local.yaml").read_text(encoding="utf-8")
    assert TEAM_OF_A_FILE in text
    folder = tmp_path_factory.mktemp("environments")
    inline = following(text.replace(TEAM_OF_A_FILE, TEAM), runbook_lines.shipped())
    (folder / "local.yaml").write_text(inline, encoding="utf-8")
    return list(json.loads(plan(folder, "local", "--json"))["rows"])


def test_few_lines_rest_on_what_is_declared_alone(rows: list[dict[str, Any]]) -> None:
    alone = [row for row in rows if row["declared_alone"]]
    assert {row["check"] for row in alone} == set(DECLARED_ALONE)
    assert len({row["line"] for row in alone}) <= LINES_AT_MOST


def test_each_says_why_no_machine_sees_it(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if row["declared_alone"]:
            assert row["declared_alone"] == DECLARED_ALONE[row["check"]], row["id"]


def test_every_line_names_the_kinds_of_its_sources(rows: list[dict[str, Any]]) -> None:
    kinds = {source["kind"] for row in rows for source in row["sources"]}
    assert kinds <= {"asked", "file", "declared", "a person's word", "planned", "rendered", "not configured"}
    assert all(row["sources"] for row in rows)
