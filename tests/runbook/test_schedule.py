"""The schedule of a runbook: its forms, what was held and what was missed, and the calendar that is made of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
import yaml

from readiness.errors import BadRunbook
from readiness.outcomes import Phase
from readiness.rendering.calendar_file import calendar
from readiness.rendering.schedule_lines import Scheduled, lines
from readiness.runbook.lines import Runbook, load, locate, shipped
from readiness.runbook.schedule import BEFORE, meetings, missed
from readiness.timeline import Event

LAUNCH = datetime(2026, 12, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
LINE = {
    "id": "a",
    "ref": "1",
    "says": "a",
    "phase": ["preflight"],
    "gate": "blocker",
    "decided_by": {"health.live": {}},
}
Make = Callable[[object], Runbook]


@pytest.fixture
def book(tmp_path: Path) -> Make:
    """Return what loads a runbook with a schedule."""

    def load_it(schedule: object) -> Runbook:
        path = tmp_path / "book.yaml"
        text = yaml.safe_dump({"runbook": "book", "title": "Book", "schedule": schedule, "lines": [LINE]})
        path.write_text(text, encoding="utf-8")
        return load(path)

    return load_it


def written(runbook: Runbook) -> dict[str, str]:
    return {name: one.at or f"every {one.every}" for name, one in runbook.schedule.items()}


@pytest.mark.parametrize(
    ("entry", "means"),
    [
        ("T-1h", "T-1h"),
        ("T-0", "T-0"),
        ("every day", "every day"),
        ("every 5 minutes", "every 5 minutes"),
        ("every 1 week", "every week"),
        ({"at": "T+4h", "what": "first review"}, "T+4h"),
        ({"every": "2 weeks"}, "every 2 weeks"),
        ({"every": "month", "owner": "Ada"}, "every month"),
    ],
)
def test_an_entry_has_one_time(book: Make, entry: object, means: str) -> None:
    assert written(book({"one": entry})) == {"one": means}


def test_a_list_is_an_entry_each(book: Make) -> None:
    assert written(book({"reviews": ["T+1h", "T+4h"]})) == {"reviews T+1h": "T+1h", "reviews T+4h": "T+4h"}


@pytest.mark.parametrize(
    "entry",
    [
        "start of day",
        "T+1 h",
        "T+1x",
        "every now and then",
        "every 0 minutes",
        "every 99999 days",
        "every \u0665 minutes",
        "daily",
        "",
        5,
        None,
        ["T+1h", 5],
        {},
        {"what": "nothing"},
        {"at": "T+1h", "every": "day"},
        {"at": "T+1h", "phase": "later"},
        {"at": "T+1h", "who": "Ada"},
        {"every": "sometimes"},
        {"every": 5},
        [],
    ],
)
def test_a_time_that_nobody_can_read_is_refused_with_its_key(book: Make, entry: object) -> None:
    with pytest.raises(BadRunbook) as refused:
        book({"one": entry})
    assert all(problem.startswith("book.yaml:") and "schedule" in problem for problem in refused.value.problems)


SHIPPED = [load(locate(name, Path())) for name in shipped()]


@pytest.mark.parametrize("runbook", SHIPPED, ids=shipped())
def test_what_ships_says_what_is_done(runbook: Runbook) -> None:
    assert runbook.schedule
    for name, one in runbook.schedule.items():
        assert len(one.what.split()) > 1, name


REVIEWS = {
    "1h": {"at": "T+1h", "what": "look at the logs", "owner": "engineer", "phase": "postlaunch"},
    "4h": {"at": "T+4h", "what": "first checkpoint", "phase": "postlaunch"},
    "8h": {"at": "T+8h", "what": "hand over"},
}


@pytest.mark.parametrize(
    ("began", "at", "names"),
    [
        ([], 0.5, []),
        ([], 1, ["1h"]),
        ([], 5, ["1h", "4h"]),
        ([], 99, ["1h", "4h"]),  # the hand-over shows in no run
        ([1], 2, []),
        ([0.75], 2, []),
        ([0.74], 2, ["1h"]),
        ([3.7], 5, ["4h"]),
        ([3.9], 5, ["1h"]),
        ([1, 4], 99, []),
        ([4], 5, ["1h"]),  # one run shows one of them
        ([5], 6, ["1h"]),
        ([1, 99], 6, ["4h"]),  # a run of later shows nothing of a moment before
    ],
)
def test_a_run_between_a_review_and_the_next_one_shows_it(
    book: Make, began: list[float], at: float, names: list[str]
) -> None:
    planned = meetings("book", book(REVIEWS).schedule, LAUNCH)
    begun = {Phase.POSTLAUNCH: [LAUNCH + hours * HOUR for hours in began], Phase.SMOKE: [LAUNCH + HOUR]}
    assert [one.meeting.name for one in missed(planned, begun, LAUNCH + at * HOUR)] == names


def test_what_is_not_over_may_still_be_held(book: Make) -> None:
    planned = meetings("book", book(REVIEWS).schedule, LAUNCH)
    first, second = missed(planned, {}, LAUNCH + 5 * HOUR)
    assert (first.until, second.until) == (LAUNCH + 4 * HOUR - BEFORE, None)
    assert timedelta() < BEFORE < HOUR


def test_the_last_review_of_a_phase_may_be_held_until_the_next_of_another(book: Make) -> None:
    sign_off = {"at": "T+7d", "what": "sign it off", "phase": "ga"}
    planned = meetings("book", book({**REVIEWS, "sign-off": sign_off}).schedule, LAUNCH)
    week = 7 * 24 * HOUR
    before = missed(planned, {}, LAUNCH + week - timedelta(seconds=1))
    assert [(one.meeting.name, one.until is None) for one in before] == [("1h", False), ("4h", True)]
    _, last, open_still = missed(planned, {}, LAUNCH + week)
    assert (last.meeting.name, last.until) == ("4h", LAUNCH + week)
    assert (open_still.meeting.name, open_still.until) == ("sign-off", None)


def told(runbook: Runbook, launch_at: datetime | None, moment: datetime, *began: datetime) -> list[str]:
    return list(lines(Scheduled([runbook], launch_at, {Phase.POSTLAUNCH: list(began)}, moment)))


def test_missed_and_overdue_reviews_are_told_with_the_command(book: Make) -> None:
    first, second = told(book(REVIEWS), LAUNCH, LAUNCH + 5 * HOUR)
    assert first.startswith("MISSED   2026-12-01 10:00Z  look at the logs (book) (engineer): ")
    assert first.endswith(": no run of postlaunch began until 2026-12-01 12:45Z")
    assert second == "OVERDUE  2026-12-01 13:00Z  first checkpoint (book): pytest -m postlaunch shows it"


def test_what_a_line_found_to_be_held_is_not_missed(book: Make) -> None:
    runbook = book(REVIEWS)
    shown = Scheduled([runbook], LAUNCH, {}, LAUNCH + 5 * HOUR, frozenset({("book", "1h"), ("other", "4h")}))
    assert [one.meeting.name for one in shown.missed()] == ["4h"]


DAILY = {"daily": {"every": "day", "what": "look at all of it", "phase": "postlaunch"}}


@pytest.mark.parametrize(
    ("launch_at", "hours", "began", "late"),
    [
        (None, 0, [], False),  # whether it is launched nobody knows
        (LAUNCH, -1, [], False),
        (LAUNCH, 1, [], False),
        (LAUNCH, 24, [], False),
        (LAUNCH, 25, [], True),
        (LAUNCH, 25, [2], False),
        (LAUNCH, 48, [2], True),
        (LAUNCH, 48, [2, 30], False),
        (LAUNCH, 48, [2, 99], True),
        (None, 48, [2], True),
    ],
)
def test_what_comes_back_is_late_after_so_long(
    book: Make, launch_at: datetime | None, hours: float, began: list[float], late: bool
) -> None:
    runs = [LAUNCH + one * HOUR for one in began]
    (line,) = told(book(DAILY), launch_at, LAUNCH + hours * HOUR, *runs)
    assert line.startswith("LATE     every day: look" if late else "always   every day: look")


@pytest.mark.parametrize("runbook", SHIPPED, ids=shipped())
def test_other_people_s_calendars_read_it(runbook: Runbook) -> None:
    scheduled = Scheduled([runbook], LAUNCH, {}, LAUNCH)
    events = [
        *scheduled.events(),
        Event(LAUNCH, "launch", "the launch"),
        Event(LAUNCH + HOUR, "token", "x; y,\nz", "Ada"),
    ]
    text = calendar("prod", events, [runbook], LAUNCH, LAUNCH)

    entries: Any = icalendar.Calendar.from_ical(text).walk("VEVENT")
    assert len(entries) == len(events) + sum(one.every is not None for one in runbook.schedule.values())
    assert len({str(entry["uid"]) for entry in entries}) == len(entries)
    assert {str(entry["dtstart"].dt.tzinfo) for entry in entries} == {"UTC"}
    assert "prod: token: x; y, z (Ada)" in [str(entry["summary"]) for entry in entries]
    rules = {str(entry["summary"]): entry.get("rrule") for entry in entries}
    assert all(
        bool(rules[f"prod: {one.what} ({runbook.runbook}){f' ({one.owner})' if one.owner else ''}"]) == bool(one.every)
        for one in runbook.schedule.values()
    )
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))


def test_an_event_keeps_its_id_when_the_launch_moves(book: Make) -> None:
    def ids(launch_at: datetime) -> set[str]:
        runbook = book({**REVIEWS, **DAILY})
        events = list(Scheduled([runbook], launch_at, {}, LAUNCH).events())
        made = calendar("prod", events, [runbook], launch_at, LAUNCH)
        entries: Any = icalendar.Calendar.from_ical(made).walk("VEVENT")
        return {str(entry["uid"]) for entry in entries}

    assert ids(LAUNCH) == ids(LAUNCH + 30 * HOUR)
    assert len(ids(LAUNCH)) == 4


def test_two_entries_of_one_name_are_refused(book: Make) -> None:
    with pytest.raises(BadRunbook) as refused:
        book({"reviews T+1h": {"at": "T+9h", "what": "look again"}, "reviews": ["T+1h"]})
    assert "reviews T+1h: two entries have this name" in refused.value.problems[0]


@pytest.mark.parametrize("apart", [1, 5, 14, 15, 16, 45])
def test_a_run_at_its_own_time_shows_a_review_however_near_the_next_one_is(book: Make, apart: int) -> None:
    times = {"first": "T+60m", "next": f"T+{60 + apart}m"}
    schedule = {name: {"at": at, "phase": "postlaunch"} for name, at in times.items()}
    planned = meetings("book", book(schedule).schedule, LAUNCH)
    both = {Phase.POSTLAUNCH: [LAUNCH + HOUR, LAUNCH + HOUR + timedelta(minutes=apart)]}
    assert missed(planned, both, LAUNCH + 9 * HOUR) == []
    one = {Phase.POSTLAUNCH: [LAUNCH + HOUR]}
    assert [found.meeting.name for found in missed(planned, one, LAUNCH + 9 * HOUR)] == ["next"]
