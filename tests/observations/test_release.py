"""What has been decided, agreed on and announced, as people record it."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.environment.schema import Environment, Reading
from readiness.files.history_tables import FILE
from readiness.observations.maintenance import maintenance
from readiness.observations.release import (
    Decision,
    Maintenance,
    Watch,
    WatchLimits,
    launch_approvals,
    launch_decision,
    launch_time,
    watch,
)
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.sources.table import Clients
from tests.clients.conftest import Make

LAUNCH = datetime(2026, 12, 1, 9, tzinfo=UTC)


def recorded(make: Make, folder: Path, name: str, rows: list[dict[str, Any]], **changes: Any) -> Clients:
    path = folder / "record.json"
    path.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    return make(systems=False, readings={name: Reading(file=path, pointer="/rows")}, **changes)


def at(hours: float) -> str:
    return (LAUNCH + timedelta(hours=hours)).isoformat()


def said(hours: float, decision: str, by: str = "Ada") -> dict[str, Any]:
    return {"at": at(hours), "by": by, "decision": decision}


def decided(clients: Clients) -> Decision:
    nowhere_else = Environment.model_construct(communication=None)
    return launch_decision(clients.readings, clients.chats, nowhere_else, LAUNCH, LAUNCH)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([said(-3, "go")], Decision("go", "ada", 3)),
        ([said(-1, " Go "), said(-3, "no-go")], Decision("go", "ada", 1)),
        ([said(-1, "no-go"), said(-3, "go")], Decision("no-go", "ada", 1)),
        ([said(-3, "go"), said(1, "no-go")], Decision("go", "ada", 3)),
        ([said(-3, "go", "ada@shop.io")], Decision("go", "***", 3)),
        ([], Decision("none on record", "", 0)),
        ([said(1, "go")], Decision("none on record", "", 0)),
    ],
)
def test_the_last_decision_counts(make: Make, tmp_path: Path, rows: list[dict[str, Any]], found: Decision) -> None:
    clients = recorded(make, tmp_path, "launch_decisions", rows)
    assert decided(clients) == found


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([said(-2, "go"), said(1, "go")], "go"),
        ([said(-2, "no-go"), said(1, "go")], "no-go"),  # a yes afterwards let nobody launch
        ([said(1 / 3600, "Approved")], "none on record"),
        ([said(0, "go")], "go"),
        ([said(-2, "go"), said(1, "no-go")], "no-go"),  # a no always counts
    ],
)
def test_a_yes_to_a_launch_that_had_been_is_none(
    make: Make, tmp_path: Path, rows: list[dict[str, Any]], word: str
) -> None:
    clients = recorded(make, tmp_path, "launch_decisions", rows)
    nowhere_else = Environment.model_construct(communication=None)
    later = LAUNCH + timedelta(hours=2)
    assert launch_decision(clients.readings, clients.chats, nowhere_else, later, LAUNCH).word == word
    people = recorded(make, tmp_path, "launch_approvals", rows, team={"stakeholders": ("Ada",)})
    if not any("no-go" in row["decision"] for row in rows):
        found = launch_approvals(people.readings, people.roster, later, LAUNCH)
        assert bool(found.approved) is (word == "go")


@pytest.mark.parametrize("when", ["2026-12-01", "2026-12-01T08:00:00", "2027-02-29T08:00:00Z", "soon", ""])
def test_a_time_that_cannot_be_read_is_unknown(make: Make, tmp_path: Path, when: str) -> None:
    clients = recorded(make, tmp_path, "launch_decisions", [{"at": when, "by": "Ada", "decision": "go"}])
    with pytest.raises(Unknown, match=r"readings\.launch_decisions"):
        decided(clients)


def test_each_stakeholders_last_word_counts(make: Make, tmp_path: Path) -> None:
    team = {"stakeholders": ("Product", "Engineering", "Legal")}
    rows = [said(-5, "approved", "product"), said(-4, "approved", "Engineering"), said(-3, "no", "Product")]
    clients = recorded(make, tmp_path, "launch_approvals", rows, team=team)
    found = launch_approvals(clients.readings, clients.roster, LAUNCH, LAUNCH)
    assert (found.approved, found.missing, found.refused) == (["engineering"], ["Legal"], ["product"])
    clients = recorded(make, tmp_path, "launch_approvals", [said(-5, "perhaps", "Legal")], team=team)
    with pytest.raises(Unknown, match="legal: perhaps"):
        launch_approvals(clients.readings, clients.roster, LAUNCH, LAUNCH)
    clients = recorded(make, tmp_path, "launch_approvals", rows)
    with pytest.raises(NotConfigured, match="whose approval"):
        launch_approvals(clients.readings, clients.roster, LAUNCH, LAUNCH)
    with pytest.raises(NotConfigured, match="who has approved"):
        launch_approvals(make(systems=False).readings, clients.roster, LAUNCH, LAUNCH)


@pytest.mark.parametrize(
    ("approves", "other"),
    [
        ("The department of " + "very " * 20 + "large things", "The department of " + "very " * 20 + "small things"),
        ("Ada, +49 30 901820111", "Ada, +49 30 901820222"),
    ],
    ids=["a long name", "a contact in the name"],
)
def test_two_who_look_alike_where_they_are_shown_stay_two(
    make: Make, tmp_path: Path, approves: str, other: str
) -> None:
    """Names are compared as they are written, neither cut nor masked: one approval is not that of two."""
    Secret("+49 30 901820111")
    Secret("+49 30 901820222")
    team = {"stakeholders": (approves, other)}
    clients = recorded(make, tmp_path, "launch_approvals", [said(-5, "approved", approves)], team=team)
    approvals = launch_approvals(clients.readings, clients.roster, LAUNCH, LAUNCH)
    assert (len(approvals.approved), len(approvals.missing)) == (1, 1)
    assert "901820" not in str(approvals)


def test_the_launch_time_is_one_moment_in_every_zone(make: Make) -> None:
    for text, minutes in (
        ("2026-12-01T10:00:00+01:00", 0),
        ("2026-12-01T09:00:00Z", 0),
        ("2026-12-02T09:00:00Z", 1440),
    ):
        clients = make(systems=False, readings={"launch_time": Reading(value=text)})
        assert launch_time(clients.readings, LAUNCH).minutes_apart == minutes


def noticed(make: Make, folder: Path, *rows: dict[str, Any]) -> Maintenance:
    clients = recorded(make, folder, "maintenance_windows", list(rows))
    return maintenance(clients.readings, clients.status_pages, Environment.model_construct(), LAUNCH)


def window(created: float, begin: float, end: float, **more: Any) -> dict[str, Any]:
    return {"created_at": at(created), "scheduled_for": at(begin), "scheduled_until": at(end), **more}


@pytest.mark.parametrize(
    ("rows", "late"),
    [
        ([window(-25, -1, 4)], []),
        ([window(-25, -1.01, 4)], ["2026-12-01 07:59:24Z: 23.99 h ahead, wanted 24"]),
        ([window(-99, 240, 244)], []),
        ([window(-99, 9, 12), window(-3, 5, 6)], ["2026-12-01 14:00Z: 8 h ahead, wanted 24"]),
        ([window(-1, 0, 2, emergency=True)], []),
        ([window(-0.5, 0, 2, emergency=True)], ["emergency of 2026-12-01 09:00Z: 0.5 h ahead, wanted 1"]),
        ([window(-1, 0, 2, emergency=False)], ["2026-12-01 09:00Z: 1 h ahead, wanted 24"]),
        # Over, to the second; and one that nobody has announced yet.
        ([window(-2, -1, 0), window(1, 2, 3), window(-99, 9, 12)], []),
        ([window(-99, -2, -4), window(-99, 9, 12)], []),
    ],
)
def test_every_maintenance_is_announced_ahead(
    make: Make, tmp_path: Path, rows: list[dict[str, Any]], late: list[str]
) -> None:
    assert noticed(make, tmp_path, *rows).late(24, 1) == late


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "no maintenance is announced"),
        ([window(-99, -9, 0)], "no maintenance is announced"),
        ([window(1, 48, 50)], "no maintenance is announced"),
        ([window(-25, 0, 4, emergency="no")], "emergency is 'no'"),
        ([window(-99, 20, 18)], "ends before it begins: 2026-12-02 05:00Z to 2026-12-02 03:00Z"),
        ([window(-99, 2, -2)], "ends before it begins"),
        ([window(-99, -2, 2), window(-99, 5, 5)], "ends before it begins"),
        ([window(-25, 0, 4) | {"created_at": "yesterday"}], "created_at"),
    ],
)
def test_what_shows_no_announcement_is_unknown(
    make: Make, tmp_path: Path, rows: list[dict[str, Any]], why: str
) -> None:
    with pytest.raises(Unknown, match=why):
        noticed(make, tmp_path, *rows)


def watched(clients: Clients, moment: datetime | None = None) -> Watch:
    limits = WatchLimits(minutes_at_least=15, pause_minutes_at_most=5)
    return watch(clients.readings, clients.history, moment or LAUNCH + timedelta(hours=1), LAUNCH, limits)


def test_a_watch_ends_with_the_first_long_pause(make: Make, tmp_path: Path) -> None:
    def looked(*minutes: float) -> float:
        rows = [{"at": at(minute / 60)} for minute in minutes]
        return watched(recorded(make, tmp_path, "deployment_looks", rows)).minutes

    assert looked(1, 6, 11, 16) == 16
    assert looked(16, 1, 11, 6) == 16
    assert looked(1, 6, 12, 16) == 6
    assert looked(6, 11, 16) == 0
    assert looked(-5, 5, 10, 14) == 14
    assert looked() == 0
    with pytest.raises(Unknown, match="the watch is not over"):
        watched(recorded(make, tmp_path, "deployment_looks", []), LAUNCH + timedelta(minutes=14))


def test_without_a_reading_the_suites_own_runs_are_the_watch(make: Make, tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="no run has ended yet"):
        watched(make(systems=False, reports=tmp_path))
    (tmp_path / "test").mkdir()
    with sqlite3.connect(tmp_path / "test" / FILE) as history:
        history.execute("create table runs (run, url, started_at)")
        history.execute("create table decisions (run, line, check_id, subject, outcome)")
        history.execute("create table measurements (run, line, check_id, subject, name, unit, value)")
        for place, minute in enumerate((3, 7, 12, 15)):
            started = (LAUNCH + timedelta(minutes=minute)).isoformat()
            history.execute("insert into runs values (?, 'http://127.0.0.1:9', ?)", (place, started))
            history.execute("insert into decisions values (?, 'a/b', 'health.live', '', 'pass')", (place,))
    assert watched(make(systems=False, reports=tmp_path)) == Watch(4, 15)
