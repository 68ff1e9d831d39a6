"""Where backups are, and what each place proves."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.clients.backups import finished
from readiness.environment.schema import Reading
from readiness.observations.backup import checkpoint, newest_backup, point_in_time_recovery
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret
from tests.clients.conftest import Make
from tests.clients.servers import Server, document

NOW = datetime.now(UTC)
PROJECT = {"project": "a" * 20, "token": Secret("supabase-token-of-a-test")}


def answer(**changes: Any) -> dict[str, Any]:
    base = {"region": "eu", "walg_enabled": True, "pitr_enabled": False, "backups": [], "physical_backup_data": {}}
    return {**base, **changes}


def listed(status: str, hours: float) -> dict[str, Any]:
    at = (NOW - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S")  # without a zone, as it is told
    return {"id": 1, "is_physical_backup": True, "status": status, "inserted_at": at}


def dump(folder: Path, name: str, hours: float, content: bytes = b"PGDMP") -> None:
    (folder / name).write_bytes(content)
    os.utime(folder / name, (time.time() - hours * 3600,) * 2)


def test_the_newest_of_the_folder_counts(make: Make, tmp_path: Path) -> None:
    dump(tmp_path, "old.dump", 30)
    dump(tmp_path, "new.dump", 2)
    dump(tmp_path, "new.log", 0)
    clients = make(systems=False, backup={"folder": tmp_path})
    found = newest_backup(clients.backups, clients.readings, NOW)
    assert (found.name, round(found.hours), found.empty) == ("new.dump", 2, [])
    assert round(newest_backup(clients.backups, clients.readings, NOW + timedelta(hours=30)).hours) == 32


def test_an_empty_newest_is_told(make: Make, tmp_path: Path) -> None:
    dump(tmp_path, "old.dump", 3)
    dump(tmp_path, "new.dump", 2, b"")
    clients = make(systems=False, backup={"folder": tmp_path})
    assert newest_backup(clients.backups, clients.readings, NOW).empty == ["new.dump of the folder"]


def test_every_place_must_have_a_recent_one(make: Make, tmp_path: Path) -> None:
    dump(tmp_path, "new.dump", 2)
    with Server(document(answer(backups=[listed("FAILED", 1), listed("COMPLETED", 50)]))) as server:
        clients = make(
            server.url, systems=False, backup={"folder": tmp_path, "supabase": {"url": server.url, **PROJECT}}
        )
        found = newest_backup(clients.backups, clients.readings, NOW)
    assert (found.where, round(found.hours)) == ("Supabase", 50)
    assert server.asked[0].path == f"/v1/projects/{'a' * 20}/database/backups"
    assert server.asked[0].headers["authorization"] == "Bearer supabase-token-of-a-test"


def test_point_in_time_recovery_has_a_physical_backup_and_an_empty_list(make: Make) -> None:
    latest = int((NOW - timedelta(minutes=5)).timestamp())
    told = answer(pitr_enabled=True, physical_backup_data={"latest_physical_backup_date_unix": latest})
    with Server(document(told)) as server:
        clients = make(server.url, systems=False, backup={"supabase": {"url": server.url, **PROJECT}})
        assert newest_backup(clients.backups, clients.readings, NOW).hours < 0.2
        assert point_in_time_recovery(clients.backups, clients.readings) is True
        assert [one.name for one in finished(clients.backups.supabase())] == ["physical backup"]


def test_a_reading_may_tell_of_backups(make: Make) -> None:
    rows = [{"finished_at": (NOW - timedelta(hours=5)).isoformat(), "size": 0}, {"finished_at": 1_600_000_000}]
    with Server(document(rows)) as server:
        readings = {"backups": Reading(http=f"{server.url}/b"), "point_in_time_recovery": Reading(value=False)}
        clients = make(server.url, systems=False, readings=readings)
        found = newest_backup(clients.backups, clients.readings, NOW)
        assert point_in_time_recovery(clients.backups, clients.readings) is False
    assert (round(found.hours), found.empty) == (5, ["backup of readings.backups"])


def test_the_checkpoint_is_the_newest_before_the_launch(make: Make, tmp_path: Path) -> None:
    dump(tmp_path, "before.dump", 9)
    dump(tmp_path, "after.dump", 1)
    clients = make(systems=False, backup={"folder": tmp_path})
    found = checkpoint(clients.backups, clients.readings, NOW - timedelta(hours=2))
    assert (found.name, round(found.hours_before_launch)) == ("before.dump", 7)
    with pytest.raises(Unknown, match="younger than the launch"):
        checkpoint(clients.backups, clients.readings, NOW - timedelta(hours=20))


def test_a_checkpoint_is_not_made_tomorrow(make: Make) -> None:
    rows = [{"finished_at": (NOW + timedelta(hours=hours)).isoformat()} for hours in (-9, 3)]
    with Server(document(rows)) as server:
        clients = make(server.url, systems=False, readings={"backups": Reading(http=f"{server.url}/b")})
        found = checkpoint(clients.backups, clients.readings, NOW + timedelta(hours=2))
        assert round(found.hours_before_launch) == 11
        with pytest.raises(Unknown, match="from the future"):
            checkpoint(clients.backups, clients.readings, NOW + timedelta(hours=4))


def test_nothing_configured_names_the_keys(make: Make) -> None:
    clients = make(systems=False)
    with pytest.raises(NotConfigured, match=re.escape("backup.folder, backup.supabase or readings.backups")):
        newest_backup(clients.backups, clients.readings, NOW)
    with pytest.raises(NotConfigured, match=r"readings\.point_in_time_recovery"):
        point_in_time_recovery(clients.backups, clients.readings)


@pytest.mark.parametrize("place", ["missing", "empty", "file"])
def test_a_folder_that_shows_none_is_unknown(place: str, make: Make, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no folder")
    clients = make(systems=False, backup={"folder": tmp_path / place})
    with pytest.raises(Unknown):
        newest_backup(clients.backups, clients.readings, NOW)


@pytest.mark.parametrize(
    "rows", [[], [{"finished_at": "yesterday"}], [{"finished_at": None}], [{"finished_at": True}], [{"at": 1}], "none"]
)
def test_a_reading_that_is_no_list_of_backups_is_unknown(rows: Any, make: Make) -> None:
    with Server(document(rows)) as server:
        clients = make(server.url, systems=False, readings={"backups": Reading(http=f"{server.url}/b")})
        with pytest.raises(Unknown):
            newest_backup(clients.backups, clients.readings, NOW)


@pytest.mark.parametrize(
    "told",
    [
        answer(backups=[{"id": 1, "status": "COMPLETED"}]),
        answer(pitr_enabled=None),
        {key: value for key, value in answer().items() if key != "physical_backup_data"},
        answer(backups=[listed("COMPLETED", -5)]),
        answer(),
    ],
    ids=["a backup without a date", "unclear", "another form", "from the future", "none"],
)
def test_another_answer_of_supabase_is_unknown(told: dict[str, Any], make: Make) -> None:
    with Server(document(told)) as server:
        clients = make(server.url, systems=False, backup={"supabase": {"url": server.url, **PROJECT}})
        with pytest.raises(Unknown):
            newest_backup(clients.backups, clients.readings, NOW)
