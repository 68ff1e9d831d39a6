"""What a health answer tells of its time, and whether a daily job ran: at the edges."""

from __future__ import annotations

import json
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from readiness.environment import Reading
from readiness.observations.health import health_answer, health_time, health_word
from readiness.observations.workers import cron_run
from readiness.outcomes import Unknown
from tests.clients.conftest import Make
from tests.clients.servers import Asked, Server, document, whole

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
        answer = health_answer(make(server.url).http, "/health")
        assert (answer.status, answer.redirects_to) == (302, f"{server.url}/login")
        assert answer.told("/health") == f"status of /health, which redirects to {server.url}/login"
        with pytest.raises(Unknown, match=f"/health redirects to {server.url}/login"):
            health_word(make(server.url).http, "/health", "/environment")


@pytest.mark.parametrize(
    ("succeeded", "moment", "minutes"),
    [
        (timedelta(seconds=40), timedelta(hours=12), 40 / 60),
        (timedelta(minutes=45), timedelta(hours=12), 45),
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
