"""A team's own reading speaks of a time since the launch only once that is over."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.environment.readings import WHEN_ASKED
from readiness.environment.schema import Reading
from readiness.observations import slo
from readiness.observations.needs import time_meant
from readiness.observations.readings import OwnReading, own_fact, own_number
from readiness.outcomes import NotConfigured, Unknown
from readiness.sandbox.postgres import Server as Database
from readiness.sources import asking
from readiness.sources.readings import Readings
from tests.clients.conftest import Make
from tests.clients.servers import Server, document, vector, whole
from tests.observations.incident_reviews import written

LAUNCH = datetime(2026, 12, 1, 9, tzinfo=UTC)
SECOND, WEEK = timedelta(seconds=1), timedelta(days=7)


@pytest.mark.parametrize(
    ("window", "since", "clock", "is_told"),
    [
        ("7d", "launch", WEEK - SECOND, False),
        ("7d", "launch", WEEK, True),
        (None, "launch", -SECOND, False),
        (None, "launch", timedelta(0), True),
        ("7d", None, -WEEK, True),
    ],
)
def test_it_is_unknown_until_its_time_is_over(
    make: Make, monkeypatch: pytest.MonkeyPatch, window: str | None, since: Any, clock: timedelta, is_told: bool
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, _tz: Any = None) -> Any:
            return LAUNCH + clock

    for module in (slo, asking):
        monkeypatch.setattr(module, "datetime", Clock)
    page = Server(document({"refunds": 3}))
    with page:
        source = Reading(http=page.url, pointer="/refunds", at=WHEN_ASKED)
        readings = make(page.url, readings={"refunds": source}).readings
        _look(readings, OwnReading("refunds", window, since), LAUNCH + clock, is_told=is_told)


def _look(readings: Readings, limits: OwnReading, moment: datetime, *, is_told: bool) -> None:
    for look in (own_number, own_fact):
        if is_told:
            assert look(readings, moment, LAUNCH, limits) == 3
            continue
        with pytest.raises(Unknown, match="since the launch are over at"):
            look(readings, moment, LAUNCH, limits)


def test_without_a_launch_time_the_key_is_told(make: Make) -> None:
    readings = make(systems=False, readings={"refunds": Reading(value=3)}).readings
    with pytest.raises(NotConfigured, match="set launch_at"):
        own_number(readings, LAUNCH, None, OwnReading("refunds", "7d", "launch"))


@pytest.mark.parametrize(
    ("window", "since", "hours", "is_told"),
    [
        # The launch was 36 hours ago.
        ("24h", "launch", -10 * 24, False),
        ("24h", "launch", -13, False),
        ("24h", "launch", -12, True),
        ("24h", "launch", 0, True),
        ("36h", "launch", -1, False),
        (None, "launch", -37, False),
        (None, "launch", -36, True),
        ("24h", None, -10 * 24, True),
    ],
)
@pytest.mark.parametrize("look", [own_number, own_fact])
def test_a_file_of_before_its_time_is_over_tells_nothing_of_it(
    make: Make, tmp_path: Path, look: Any, window: str | None, since: Any, hours: float, is_told: bool
) -> None:
    now = datetime.now(UTC)
    source = written(tmp_path / "n.json", 1, now + timedelta(hours=hours))
    readings = make(systems=False, readings={"n": source}).readings
    asked = (readings, now, now - timedelta(hours=36), OwnReading("n", window, since))
    if is_told:
        assert look(*asked) == 1
        return
    with pytest.raises(Unknown, match=r"readings\.n is of \d.*Z, and the time .* was over at \d") as caught:
        look(*asked)
    assert "look again" in caught.value.remedy


def test_a_file_of_the_future_was_written_by_a_wrong_clock(make: Make, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    source = written(tmp_path / "n.json", 1, now + timedelta(days=300))
    readings = make(systems=False, readings={"n": source}).readings
    for launched, own in ((now - WEEK, OwnReading("n", "24h", "launch")), (None, OwnReading("n", None, None))):
        with pytest.raises(Unknown, match="300 days in the future"):
            own_number(readings, now, launched, own)


def test_a_file_that_nobody_can_look_at_tells_nothing(make: Make, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    readings = make(systems=False, readings={"n": Reading(file=tmp_path / "none.json")}).readings
    with pytest.raises(Unknown, match="cannot be seen"):
        own_number(readings, now, now - WEEK, OwnReading("n", "24h", "launch"))


@pytest.mark.parametrize(("seconds_ago", "is_told"), [(None, True), (200, False), (20, True)])
def test_a_sample_tells_by_its_own_time(make: Make, seconds_ago: int | None, is_told: bool) -> None:
    now = datetime.now(UTC)
    at = "" if seconds_ago is None else f" {round((time.time() - seconds_ago) * 1000)}"
    limits = OwnReading("depth", "24h", "launch")
    launch_at = now - timedelta(hours=24, seconds=100)
    with Server(whole(200, f'depth{{a="1"}} 3{at}\ndepth{{a="2"}} 4\n')) as server:
        readings = make(server.url, readings={"depth": Reading(metric="depth")}).readings
        if is_told:
            assert own_number(readings, now, launch_at, limits) == 7
            return
        with pytest.raises(Unknown, match=r"readings\.depth is of "):
            own_number(readings, now, launch_at, limits)


@pytest.mark.parametrize(
    ("source", "is_told"),
    [
        ({"pointer": "/n"}, "set readings.n.at"),
        ({"pointer": "/n", "at": "when asked"}, 7),
        ({"pointer": "/n", "at": "/young"}, 7),
        ({"pointer": "/n", "at": "/old"}, "readings.n is of 20.*, and the time that the line speaks of was over at"),
        ({"pointer": "/n", "at": "/young", "age_seconds_at_most": 60}, 7),
        ({"pointer": "/n", "at": "/old", "age_seconds_at_most": 60}, "readings.n is of .* old"),
    ],
)
@pytest.mark.parametrize("look", [own_number, own_fact])
def test_a_line_from_the_launch_on_needs_a_reading_that_says_of_when_it_is(
    make: Make, look: Any, source: dict[str, Any], is_told: float | str
) -> None:
    now = datetime.now(UTC)
    old, young = (now - timedelta(hours=hours) for hours in (30, 0))
    limits = OwnReading("n", "24h", "launch")
    with Server(document({"n": 7, "old": old.isoformat(), "young": young.isoformat()})) as server:
        readings = make(server.url, readings={"n": Reading.model_validate({"http": server.url, **source})}).readings
        if not isinstance(is_told, str):
            assert look(readings, now, now - timedelta(hours=36), limits) == is_told
            return
        with pytest.raises(Unknown, match=is_told):
            look(readings, now, now - timedelta(hours=36), limits)


def test_the_plan_and_the_run_say_the_same_of_a_reading_without_a_time(make: Make) -> None:
    readings = make(systems=False, readings={"n": Reading(value=7)}).readings
    with pytest.raises(NotConfigured, match=r"nothing says of when readings\.n is") as ahead:
        time_meant(readings, "n", "launch")
    with pytest.raises(NotConfigured) as then:
        own_number(readings, datetime.now(UTC), datetime.now(UTC) - WEEK, OwnReading("n", "24h", "launch"))
    assert str(ahead.value) == str(then.value)
    time_meant(readings, "n", None)


def test_a_query_tells_by_its_column(make: Make, database: Database) -> None:
    now = datetime.now(UTC)
    limits = OwnReading("n", "24h", "launch")
    for hours, is_told in ((30, False), (0, True)):
        sql = f"select count(*) as n, now() - interval '{hours} hours' as seen from upload"
        sources = {"n": Reading(sql=sql, at="seen")}
        readings = make(dsn=database.dsn("probe", "probe-password"), readings=sources).readings
        if is_told:
            assert own_number(readings, now, now - timedelta(hours=36), limits) == 2
            continue
        with pytest.raises(Unknown, match="was over at"):
            own_number(readings, now, now - timedelta(hours=36), limits)

    sources = {"n": Reading(sql="select count(*) as n from upload", at="seen")}
    readings = make(dsn=database.dsn("probe", "probe-password"), readings=sources).readings
    with pytest.raises(Unknown, match=r"readings\.n has no column seen, which is to say its time; its columns: n"):
        own_number(readings, now, now - timedelta(hours=36), limits)


def test_promql_tells_by_a_query_of_its_own(make: Make) -> None:
    now = datetime.now(UTC)
    limits = OwnReading("n", "24h", "launch")
    for hours, is_told in ((30, False), (0, True)):
        second = (now - timedelta(hours=hours)).timestamp()

        def answer(server: Server, connection: Any, asked: Any, second: float = second) -> None:
            value = second if "finished" in asked.path else 7.0
            vector({"value": str(value)})(server, connection, asked)

        with Server(answer) as server:
            source = Reading(promql="backup_rows", at="max(backup_finished_seconds)")
            readings = make(server.url, readings={"n": source}).readings
            if is_told:
                assert own_number(readings, now, now - timedelta(hours=36), limits) == 7
                continue
            with pytest.raises(Unknown, match="was over at"):
                own_number(readings, now, now - timedelta(hours=36), limits)
