"""On a database with exactly what the ingestion document quotes, its lines need no other word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from readiness.environment.schema import Reading
from readiness.measurements import AtLeast
from readiness.observations import KNOWN_READINGS, diagnostics, ingestion, resilience
from readiness.outcomes import NotConfigured, Unknown
from readiness.runbook.lines import load, locate
from readiness.sandbox.postgres import Server as Database
from readiness.sources.origins import own_sources
from readiness.sources.readings import Readings
from tests.clients.conftest import Make

ROOT = Path(__file__).parents[2]
OWN = own_sources([load(locate("ingestion", ROOT))])
NOW = datetime.now(UTC)
TABLES = """
create schema document;
set search_path to document;
create table data_uploads (
    id int primary key, workspace_id text, status text, row_count int, error_text text, created_at timestamptz
);
create table staging_rows (upload_id int, validation_status text, created_at timestamptz);
create table workspace_settings (workspace_id text, ingestion_paused boolean);
create table circuit_breaker_state (name text, state text, opened_at timestamptz);
insert into data_uploads values
    (1, 'a', 'completed', 5, null, now() - interval '9 minutes'),
    (2, 'a', 'failed', null, 'bad header', now() - interval '8 minutes'),
    (3, 'b', 'failed', null, 'bad header', now() - interval '7 minutes'),
    (4, 'b', 'failed', null, null, now() - interval '6 minutes'),
    (5, 'b', 'failed', null, 'long ago', now() - interval '2 hours'),
    (6, 'b', 'promoting', null, null, now() - interval '45 minutes'),
    (7, 'b', 'pending', null, null, now() - interval '50 minutes');
insert into staging_rows values (6, 'valid', now() - interval '44 minutes'), (6, 'invalid', now());
insert into workspace_settings values ('a', false), ('b', true), ('c', null);
insert into circuit_breaker_state values ('storage', 'CLOSED', null), ('parser', 'OPEN', now());
grant usage on schema document to probe;
grant select on all tables in schema document to probe;
alter role probe set search_path to document, public;
"""


@pytest.fixture
def tables(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute("drop schema if exists document cascade")
        connection.execute(TABLES)
        try:
            yield connection
        finally:
            connection.execute("alter role probe reset search_path")
            connection.execute("drop schema document cascade")


@pytest.fixture
def readings(make: Make, database: Database, tables: psycopg.Connection) -> Readings:
    del tables
    return make(dsn=database.dsn("probe", "probe-password"), own=OWN, systems=False).readings.of("ingestion")


def test_the_hour_is_looked_at(readings: Readings) -> None:
    assert ingestion.upload_outcomes(readings).by_status == {"completed": 1, "failed": 3, "pending": 1, "promoting": 1}
    assert ingestion.paused_workspaces(readings) == ["b"]
    assert ingestion.staged_rows(readings) == 2
    assert resilience.breakers_not_closed(readings) == ["parser open"]


def test_the_incident_is_looked_into(readings: Readings) -> None:
    assert [row["id"] for row in diagnostics.recent_failures(readings)] == [4, 3, 2]
    assert diagnostics.error_distribution(readings) == [
        {"error_text": "bad header", "uploads": 2},
        {"error_text": None, "uploads": 1},
    ]
    (stuck,) = diagnostics.uploads_stuck(readings)
    assert (stuck["id"], stuck["status"]) == (6, "promoting")
    assert stuck["minutes_stuck"] == pytest.approx(45, abs=1)
    (staging,) = diagnostics.staging_health(readings)
    assert {name: staging[name] for name in ("total", "valid", "invalid")} == {"total": 2, "valid": 1, "invalid": 1}
    assert [row["id"] for row in diagnostics.uploads_in_flight(readings)] == [7, 6]
    uploads = {(row["workspace_id"], row["status"]): row["uploads"] for row in diagnostics.uploads_last_hour(readings)}
    assert uploads[("b", "failed")] == 2


def test_an_upload_is_stuck_since_it_was_created(readings: Readings) -> None:
    assert ingestion.longest_in_flight_minutes(readings) == pytest.approx(45, abs=1)


def test_none_in_flight_is_none_stuck(readings: Readings, tables: psycopg.Connection) -> None:
    tables.execute("update data_uploads set status = 'completed'")
    assert ingestion.longest_in_flight_minutes(readings) == 0


def test_one_under_way_for_longer_than_is_allowed_is_slow(readings: Readings) -> None:
    slow = ingestion.slowest_upload(readings, NOW, 300).seconds
    assert isinstance(slow, AtLeast)
    assert slow.at_least == pytest.approx(2700, abs=60)


def test_that_none_is_under_way_says_nothing_of_those_that_have_ended(
    readings: Readings, tables: psycopg.Connection
) -> None:
    tables.execute("update data_uploads set status = 'completed'")
    with pytest.raises(Unknown, match=r"how long the uploads took that have ended.*set readings\.log_lines"):
        ingestion.slowest_upload(readings, NOW, 300)


def line(event: str, minutes_ago: float, **fields: object) -> str:
    at = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    return json.dumps({"at": at, "event": event, "level": "info", **fields}) + "\n"


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ([line("ingestion.completed", 5, duration_ms=4000), line("ingestion.completed", 1, duration_ms=301000)], 301),
        ([line("ingestion.completed", 90, duration_ms=900000), line("ingestion.completed", 1, duration_ms=20)], 0.02),
        ([line("state_change", 1, duration_ms=900000), line("ingestion.completed", 1, duration_ms="1500")], 1.5),
    ],
)
def test_the_log_tells_which_was_slow(make: Make, tmp_path: Path, lines: list[str], seconds: float) -> None:
    readings = logged(make, tmp_path, lines)
    assert ingestion.slowest_upload(readings, NOW, 300).seconds == seconds


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([line("state_change", 1)], r"the log has no line ingestion\.completed of the last hour"),
        ([line("ingestion.completed", 90, duration_ms=1)], "of the last hour"),
        ([line("ingestion.completed", 1)], "is not a number"),
        ([line("ingestion.completed", 1, duration_ms=None)], "is not a number"),
    ],
)
def test_a_log_that_does_not_tell_is_unknown(make: Make, tmp_path: Path, lines: list[str], reason: str) -> None:
    with pytest.raises(Unknown, match=reason):
        ingestion.slowest_upload(logged(make, tmp_path, lines), NOW, 300)


UNDER_WAY: dict[str, Reading] = {
    "45 minutes": Reading(value=45),
    "a minute": Reading(value=1),
    "exactly as long as is allowed": Reading(value=5),
    "nobody knows": Reading(value="a while"),
}


@pytest.mark.parametrize(
    ("under_way", "lines", "seconds"),
    [
        ("45 minutes", [line("ingestion.completed", 1, duration_ms=20)], AtLeast(2700)),
        ("45 minutes", [line("state_change", 1)], AtLeast(2700)),
        ("45 minutes", [line("ingestion.completed", 1)], AtLeast(2700)),
        ("45 minutes", [line("ingestion.completed", 1, duration_ms=301000)], 301),
        ("exactly as long as is allowed", [line("ingestion.completed", 1, duration_ms=20)], AtLeast(300)),
        ("a minute", [line("ingestion.completed", 1, duration_ms=20)], 0.02),
        ("nobody knows", [line("ingestion.completed", 1, duration_ms=20)], 0.02),
    ],
)
def test_one_that_does_not_end_is_slow_whatever_the_log_tells_of_the_others(
    make: Make, tmp_path: Path, under_way: str, lines: list[str], seconds: float | AtLeast
) -> None:
    readings = logged(make, tmp_path, lines, longest_in_flight=UNDER_WAY[under_way])
    assert ingestion.slowest_upload(readings, NOW, 300).seconds == seconds


@pytest.mark.parametrize(("took", "seconds"), [(20, AtLeast(2700)), (3000, 3000)])
def test_so_it_is_beside_a_reading_of_the_team(make: Make, took: float, seconds: float | AtLeast) -> None:
    own = {"slowest_upload": Reading(value=took), "longest_in_flight": UNDER_WAY["45 minutes"]}
    assert ingestion.slowest_upload(make(systems=False, readings=own).readings, NOW, 300).seconds == seconds


def logged(make: Make, folder: Path, lines: list[str], **others: Reading) -> Readings:
    (folder / "service.jsonl").write_text("".join(lines), "utf-8")
    log = Reading(file=folder / "service.jsonl", format="jsonl")
    return make(systems=False, readings={"log_lines": log, **others}).readings


def test_without_all_of_them_it_is_not_configured(make: Make) -> None:
    readings = make(systems=False).readings
    with pytest.raises(NotConfigured, match=r"set readings\.slowest_upload"):
        readings.require(KNOWN_READINGS["slowest_upload"])


def test_a_table_with_other_columns_is_reached_by_the_environment(make: Make, database: Database) -> None:
    own = {"longest_in_flight": Reading(sql="select 31 from pg_class limit 1")}
    readings = make(dsn=database.dsn(), readings=own, own=OWN).readings.of("ingestion")
    assert ingestion.longest_in_flight_minutes(readings) == 31
    with pytest.raises(Unknown, match=r"data_uploads.*the query of readings\.recent_failures is of the runbook"):
        diagnostics.recent_failures(readings)
