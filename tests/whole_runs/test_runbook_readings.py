"""What a runbook asks by itself: its lines alone are judged by that, each by its own, and a changed query is told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import warm
from tests.clients.servers import Server, whole

PAGE = "# TYPE waiting gauge\nwaiting 7\n# TYPE pending gauge\npending 40\n"
LINE: dict[str, Any] = {"id": "backlog", "ref": "1", "says": "little waits", "phase": ["postlaunch"], "gate": "blocker"}
LINE |= {"decided_by": {"ingestion.staging_backlog": {"rows_below": 10}}, "ladder": {"page": "failed"}}
Results = dict[str, dict[str, Any]]


class Team:
    """Three runbooks with the same line, of which two ask by themselves."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.environment: dict[str, Any] = {
            "environment": "team",
            "production": False,
            "runbooks": ["shop.yaml", "depot.yaml", "other.yaml"],
            "allowed_hosts": ["127.0.0.1"],
            "target": {"url": url},
            "metrics": {"url": f"{url}/metrics"},
        }
        self.book("shop", {"staged_rows": {"metric": "waiting"}})
        self.book("depot", {"staged_rows": {"metric": "pending"}})
        self.book("other", {})

    def book(self, name: str, readings: dict[str, Any]) -> None:
        book = {"runbook": name, "title": name, "readings": readings, "lines": [LINE]}
        (self.folder / f"{name}.yaml").write_text(yaml.safe_dump(book), "utf-8")

    def call(self, *words: str) -> str:
        (self.folder / "team.yaml").write_text(yaml.safe_dump(self.environment), "utf-8")
        places = [f"--environments={self.folder}", f"--reports={self.folder / 'reports'}"]
        ran = warm.run(*words, *places, variables={**os.environ, "COLUMNS": "5000"})
        return ran.stdout + ran.stderr

    def judge(self, *words: str) -> tuple[Results, list[dict[str, Any]]]:
        """Return the results by line, and the looks at the backlog."""
        told = self.call("pytest", "-q", "-m", "postlaunch", "--env", "team", *words)
        runs = sorted((self.folder / "reports" / "team").glob("2*-postlaunch"))
        assert runs, told
        journal = (runs[-1] / "journal.jsonl").read_text("utf-8")
        records = [json.loads(text) for text in journal.splitlines()]
        looks = [one for one in records if one["record"] == "observation" and one["name"] == "staged_rows"]
        return {one["line"]: one for one in records if one["record"] == "result"}, looks


@pytest.fixture
def team(tmp_path: Path) -> Any:
    with Server(whole(200, PAGE, {"Content-Type": "text/plain"})) as server:
        yield Team(tmp_path, server.url)


@pytest.mark.parametrize("words", [(), ("-n2",)], ids=["alone", "workers"])
def test_each_line_is_judged_as_its_own_runbook_asks(team: Team, words: tuple[str, ...]) -> None:
    results, looks = team.judge(*words)
    outcomes = {name: result["outcome"] for name, result in results.items()}
    assert outcomes == {"shop/backlog": "pass", "depot/backlog": "fail", "other/backlog": "unknown"}
    assert results["other/backlog"]["reason"] == "nothing says where to find how many rows wait in staging"
    assert results["other/backlog"]["remedy"] == "set readings.staged_rows in the environment file"
    seen = {look["arguments"].get("as_asked_by"): look.get("value") for look in looks}
    assert seen == {"shop": 7, "depot": 40, None: None}


def test_the_environment_goes_before_every_runbook(team: Team) -> None:
    team.environment["readings"] = {"staged_rows": {"metric": "waiting"}}
    results, looks = team.judge()
    assert {result["outcome"] for result in results.values()} == {"pass"}
    assert [look["arguments"] for look in looks] == [{}], "one look for all"


def test_the_plan_says_where_each_source_stands(team: Team) -> None:
    told = team.call("pytest", "--collect-only", "--env", "team")
    assert told.count("configured: readings.staged_rows (of the runbook)") == 2
    assert "not configured: nothing says where to find how many rows wait in staging" in told
    team.environment["readings"] = {"staged_rows": {"metric": "waiting"}}
    told = team.call("pytest", "--collect-only", "--env", "team")
    assert told.count("configured: readings.staged_rows (of the environment file)") == 3


def test_a_reading_of_a_runbook_that_nothing_asks_for_is_told(team: Team) -> None:
    team.book("other", {"stagd_rows": {"metric": "waiting"}})
    told = team.call("pytest", "--collect-only", "--env", "team")
    assert "runbook other: readings.stagd_rows: no check and no line asks for it; did you mean 'staged_rows'?" in told


def test_a_mistake_in_it_is_told_with_its_line(team: Team) -> None:
    team.book("other", {"staged_rows": {"http": "http://127.0.0.1/rows"}})
    told = team.call("pytest", "-m", "postlaunch", "--env", "team")
    assert "other.yaml:" in told
    assert "readings.staged_rows" in told
    assert "http" in told


def test_a_good_word_does_not_outlive_a_changed_query(team: Team) -> None:
    team.environment["runbooks"] = ["shop.yaml"]
    results, _ = team.judge()
    assert results["shop/backlog"]["outcome"] == "pass"
    assert "ok" in team.call("readiness", "verify", "team", "postlaunch").lower()
    team.book("shop", {"staged_rows": {"metric": "pending"}})
    told = team.call("readiness", "verify", "team", "postlaunch")
    assert "shop: what it asks by itself (its readings) has changed" in told
    team.judge()
    assert "LOOSENED shop: what it asks by itself" in team.call("readiness", "verify", "--all", "--env", "team")
