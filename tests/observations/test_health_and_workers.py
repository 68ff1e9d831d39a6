"""What a health answer tells of its time, and whether a daily job ran: at the edges."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import yaml

from readiness.environment.schema import Reading
from readiness.observations.health import health_time, health_word
from readiness.observations.workers import BACKLOGS, CRON_SUCCESSES, USUAL_BACKLOGS, CronRun, cron_run
from readiness.outcomes import Unknown
from readiness.sandbox.postgres import Server as Database
from readiness.tools import BY_NAME, find
from tests.clients.conftest import Make
from tests.clients.servers import Asked, Server, document, whole
from tests.observations.conftest import health_of

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (lambda now: now, 0),
        (lambda now: now * 1000, 0),
        (lambda now: datetime.fromtimestamp(now - 90, UTC).isoformat(), 90),
        (lambda now: datetime.fromtimestamp(now + 90, UTC).isoformat().replace("+00:00", "Z"), 90),
    ],
    ids=["seconds", "milliseconds", "past", "future"],
)
def test_a_time_is_read_in_every_usual_form(told: object, seconds: float, make: Make) -> None:
    assert callable(told)
    with Server(document({"at": told(time.time())})) as server:
        assert health_time(make(server.url).http, "/health", "/at").seconds_off == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize("told", ["2026-11-20T10:00:00", "noon", 1e30, True, None, "", {"s": 1}])
def test_what_is_no_time_is_unknown(told: object, make: Make) -> None:
    with Server(document({"at": told})) as server, pytest.raises(Unknown):
        health_time(make(server.url).http, "/health", "/at")


def test_a_word_is_read_whatever_the_status(make: Make) -> None:
    with Server(document({"environment": "staging"})) as server:
        assert health_word(make(server.url).http, "/health", "/environment") == "staging"
        with pytest.raises(Unknown, match="nothing at /region"):
            health_word(make(server.url).http, "/health", "/region")


def test_a_page_to_sign_in_is_no_health(make: Make) -> None:
    def behave(server: Server, connection: socket.socket, asked: Asked) -> None:
        page = whole(200, "<html>sign in") if asked.path == "/login" else whole(302, "", {"Location": "/login"})
        page(server, connection, asked)

    with Server(behave) as server:
        answer = health_of(make(server.url), server.url)
        assert (answer.status, answer.redirects_to) == (302, f"{server.url}/login")
        assert answer.summary("/health") == f"status of /health, which redirects to {server.url}/login"
        with pytest.raises(Unknown, match=f"/health redirects to {server.url}/login"):
            health_word(make(server.url).http, "/health", "/environment")


@pytest.mark.parametrize(
    ("succeeded", "moment", "minutes"),
    [
        (timedelta(seconds=40), timedelta(hours=12), 40 / 60),
        (timedelta(minutes=30), timedelta(hours=12), 30),
        (timedelta(hours=-6), timedelta(hours=12), -360),  # missed
        (timedelta(hours=-24, seconds=40), timedelta(minutes=5), 40 / 60),  # the next may still come
        (timedelta(hours=-24, seconds=40), timedelta(minutes=31), -1440 + 40 / 60),  # it did not
        (timedelta(seconds=40), timedelta(minutes=5), 40 / 60),  # it came at once
    ],
)
def test_a_job_is_late_by_so_much(
    succeeded: timedelta, moment: timedelta, minutes: float, make: Make, tmp_path: Path
) -> None:
    file = tmp_path / "jobs.json"
    file.write_text(json.dumps([{"cron": "analytics", "value": (MIDNIGHT + succeeded).timestamp()}]))
    readings = make(readings={"cron_successes": Reading(file=file)}).readings
    found = cron_run(readings, MIDNIGHT + moment, "analytics", "0 0 * * *", 30)
    assert found.minutes_after_due == pytest.approx(minutes)
    assert found.ran == (minutes >= 0)
    for job, schedule in (("other", "0 0 * * *"), ("analytics", "*/5 * * * *"), ("analytics", "0 24 * * *")):
        with pytest.raises(Unknown):
            cron_run(readings, MIDNIGHT + moment, job, schedule, 30)


def ran(make: Make, folder: Path, *hours: float, moment: float = 18, listed: bool = True) -> CronRun:
    """Look at a nightly job at an hour of the day, after successes at these: a source that lists them, or does not."""
    seconds = [(MIDNIGHT + timedelta(hours=one)).timestamp() for one in hours]
    file = folder / "jobs.json"
    file.write_text(
        json.dumps([{"cron": "nightly", "value": max(seconds)} | ({"successes": seconds} if listed else {})])
    )
    readings = make(readings={"cron_successes": Reading(file=file)}).readings
    return cron_run(readings, MIDNIGHT + timedelta(hours=moment), "nightly", "0 0 * * *", 30)


def test_a_job_that_ran_again_by_hand_is_not_late(make: Make, tmp_path: Path) -> None:
    found = ran(make, tmp_path, 15, 0.1, -23.9, 16)
    assert found.ran
    assert found.minutes_after_due == pytest.approx(6)
    assert ran(make, tmp_path, -23.9, 15).minutes_after_due == 900, "it is on record that it did not run before"
    with pytest.raises(Unknown, match=r"nightly ran at .*T15:00.*; whether it also ran when it was due, at .*T00:00"):
        ran(make, tmp_path, 15, listed=False)
    with pytest.raises(Unknown, match="is not on record"):
        ran(make, tmp_path, 15, 16)
    assert not ran(make, tmp_path, -6, listed=False).ran, "missed is missed, whatever else is on record"


@pytest.mark.parametrize("listed", ["midnight", ["midnight"], None])
def test_successes_that_are_no_list_of_times_are_unknown(listed: object, make: Make, tmp_path: Path) -> None:
    file = tmp_path / "jobs.json"
    file.write_text(json.dumps([{"cron": "nightly", "value": 1.0, "successes": listed}]))
    with pytest.raises(Unknown, match=r"readings\.cron_successes"):
        cron_run(make(readings={"cron_successes": Reading(file=file)}).readings, MIDNIGHT, "nightly", "0 0 * * *", 30)


CRON_TABLES = """
create schema cron;
create table cron.job (jobid bigint primary key, jobname text);
create table cron.job_run_details (jobid bigint, status text, start_time timestamptz);
insert into cron.job values (1, 'nightly'), (2, 'minutely');
insert into cron.job_run_details values
  (1, 'succeeded', '2026-11-19 00:00:40Z'), (1, 'failed', '2026-11-20 00:00:40Z'),
  (1, 'succeeded', '2026-11-20 00:05:00Z'), (1, 'succeeded', '2026-11-20 15:00:00Z');
insert into cron.job_run_details
  select 2, 'succeeded', '2026-11-20 16:00Z'::timestamptz - make_interval(mins => n) from generate_series(0, 5000) n;
"""


OF_PG_CRON = yaml.safe_load(Path("environments/example.yaml").read_text("utf-8"))["readings"]["cron_successes"]["sql"]
"""As the example has it, for whoever uses pg_cron."""


def test_the_scheduler_s_own_table_tells_the_first_success(make: Make, database: Database) -> None:
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute(CRON_TABLES)
    try:
        readings = make(dsn=database.dsn(), readings={"cron_successes": Reading(sql=OF_PG_CRON)}).readings
        found = cron_run(readings, MIDNIGHT + timedelta(hours=18), "nightly", "0 0 * * *", 30)
        rows = {row["cron"]: row for row in readings.rows(CRON_SUCCESSES)}
    finally:
        with psycopg.connect(database.dsn(), autocommit=True) as connection:
            connection.execute("drop schema cron cascade")
    assert found.minutes_after_due == 5
    assert isinstance(listed := rows["minutely"]["successes"], list)
    assert len(listed) == 100, "no more than it takes"
    assert rows["minutely"]["value"] in listed


def test_what_is_usual_of_a_queue_is_the_usual_of_its_sum(tmp_path: Path) -> None:
    """Three processes of 20 waiting jobs each: 60 are usual, as 60 wait now."""
    promtool = find(BY_NAME["promtool"])
    assert promtool, "readiness tools --fetch"
    series = [{"series": f'jobs_waiting{{queue="exports",instance="{one}"}}', "values": "20x2100"} for one in "abc"]
    told = [{"labels": '{queue="exports"}', "value": 60}]
    stated = yaml.safe_load(Path("environments/local.yaml").read_text("utf-8"))["readings"]
    queries = [stated[known.name]["promql"] for known in (BACKLOGS, USUAL_BACKLOGS)]
    asked = [{"expr": query, "eval_time": "7d", "exp_samples": told} for query in queries]
    (tmp_path / "tests.yml").write_text(
        json.dumps({"tests": [{"interval": "5m", "input_series": series, "promql_expr_test": asked}]})
    )
    words = [str(promtool), "test", "rules", str(tmp_path / "tests.yml")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
