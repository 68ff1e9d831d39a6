"""Every shipped line that speaks of a time: evidence never counts before its time, from before the launch, or twice.

The lines are those of the runbooks, so that one more is held to the same. Each is judged by its own check in a world
that has one event at one second, while the launch and the clock move over every boundary.
"""

from __future__ import annotations

import importlib
import inspect
import re
import threading
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from readiness import Measure
from readiness.clients.pagerduty import OnCall
from readiness.environment.service_levels import Window
from readiness.files.evidence_file import EvidenceArchive
from readiness.observations import OBSERVATIONS, Context, Given, incidents, load_all, slo
from readiness.outcomes import Outcome, Phase, Unknown
from readiness.runbook import lines as runbook_lines
from readiness.runbook.attestations import Attestation, Attestations
from readiness.runbook.lines import Item, Line, Runbook, limits_of
from readiness.runbook.sign_off import Approval, SignOff
from readiness.sources.levels import Quantile
from readiness.timeline import AFTER_SIGN_OFF, due_at, is_due, parse_offset, parse_span
from readiness.verdict import DecisionOutcome, Expected, decide

load_all()
BOOKS: list[Runbook] = [runbook_lines.load(runbook_lines.locate(name, Path())) for name in runbook_lines.shipped()]
LAUNCH_BOOKS = {book.runbook for book in BOOKS if book.schedule.get("launch")}
"""The runbooks of one launch; the others are about every day."""
ITEMS = [item for book in BOOKS for item in book.items()]
SINCE = [item for item in ITEMS if {"since", "window"} <= item.limits.keys()]
ON_CALL = [item for item in ITEMS if item.check in {"team.primary_on_call", "team.secondary_on_call"}]
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
WEEK = 7 * DAY
LAUNCHES = [
    datetime.fromisoformat(text).astimezone(UTC)
    for text in (
        "2026-12-01T09:00:00Z",
        "2027-03-27T18:30:00+01:00",  # the night before the clocks of Europe go forward
        "2026-10-31T23:59:59-04:00",  # the night before those of America go back
        "2028-02-28T23:30:00Z",  # half an hour before a leap day
        "2027-12-31T23:59:59+05:45",
    )
]
CLOCKS = [-WEEK, -SECOND, timedelta(0), SECOND, HOUR, DAY - SECOND, DAY, WEEK - SECOND, WEEK, WEEK + SECOND, WEEK + DAY]
COUNTED = {
    *("slo.breaker_events_window", "signoff.no_manual_interventions"),
    *("signoff.on_call_burden", "signoff.support_volume"),
}
"""What is counted one by one: a single one too many is decided at once. Of a share nobody knows before the end."""


def named(item: Item) -> str:
    return f"{item.name} by {item.check}"


@dataclass
class World:
    """A service with a good event every half hour, for ever, and bad ones at one instant."""

    now: datetime
    launch_at: datetime | None
    bad_at: datetime
    bad: int = 50
    shifts: list[OnCall] = field(default_factory=list)

    def of(self, runbook: str) -> World:
        """Return the same readings, whichever runbook asks."""
        del runbook
        return self

    # What the levels are asked.
    def figure(self, level: str, name: str, window: Window) -> float:
        end = self.now - timedelta(seconds=window.seconds_ago)
        begin = end - parse_span(window.window)
        bad = self.bad if begin <= self.bad_at <= end else 0
        usual = (end - begin) / (DAY if level == "support_requests" else HOUR / 2)
        good = 0 if level in {"breaker_openings", "pages"} else usual
        figures = {"count": good + bad, "failed": bad, "available": good / (good + bad) if good else 1.0}
        return figures[name]

    def occurrences(self, level: str, window: Window) -> float:
        return self.figure(level, "count", window)

    def quantile(self, level: str, window: Window) -> Quantile:
        is_slow = self.figure(level, "failed", window) / self.figure(level, "count", window) > 1 - (
            window.quantile or 0
        )
        return Quantile(9e3 if is_slow else 1.0, at_least=False)

    def unseen(self, _level: str, _window: Window) -> float:
        return 0.0

    def is_of_looks(self, _level: str) -> bool:
        return False

    def called(self, level: str) -> str:
        return level

    # What the readings are asked: the audit trail.
    def rows(self, _reading: object, *_columns: str) -> list[dict[str, Any]]:
        deployed = {"at": self.now - 90 * DAY, "actor": "ci", "action": "deployed", "by_hand": False}
        return [deployed, {"at": self.bad_at, "actor": "ada", "action": "restarted", "by_hand": True}]

    def told_at(self, _reading: object) -> None:
        return None

    def as_instant(self, _reading: object, value: datetime, _column: str) -> datetime:
        return value

    def require(self, *_asked: object) -> None:
        return None

    # What PagerDuty is asked.
    configured = True

    def on_calls(self, _begin: datetime, _end: datetime) -> list[OnCall]:
        return self.shifts


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Return a list whose first element is what the clock shows."""
    shown: list[datetime] = [datetime.now(UTC)]

    class Clock(datetime):
        @classmethod
        def now(cls, _tz: Any = None) -> Any:
            return shown[0]

    for module in (slo, incidents):
        monkeypatch.setattr(module, "datetime", Clock)
    return shown


def judged(item: Item, world: World, moment: datetime | None = None) -> tuple[str, str]:
    """Return how an item comes out by its own check, and why."""
    area, _, name = item.check.partition(".")
    check = getattr(importlib.import_module(f"checks.test_{area}"), f"test_{name}")
    limits = limits_of(item, typing.get_type_hints(check)["limits"])
    moment = moment or world.now
    context = Context(
        environment=SimpleNamespace(environment="shop", approvers={}),  # type: ignore[arg-type]
        moment=moment,
        launch_at=world.launch_at,
        archive=EvidenceArchive(Path("nowhere")),
        attestations=Attestations(),
        sign_off=None,
        line=item.name,
        called_off=threading.Event(),
    )
    nobody = SimpleNamespace(configured=False, require_configured=lambda: None)
    clients = SimpleNamespace(levels=world, readings=world, pagerduty=world, roster=nobody)
    given = Given(context, clients, limits)  # type: ignore[arg-type]
    measure = Measure()
    try:
        looks = {
            parameter: OBSERVATIONS[parameter].call(given)
            for parameter in inspect.signature(check).parameters
            if parameter in OBSERVATIONS
        }
        check(**looks, limits=limits, measure=measure)
    except Unknown as unknown:
        return "unknown", f"{unknown.reason} {unknown.remedy}"
    except AssertionError:
        return "fail", ""
    return "pass" if measure.taken and all(one.ok for one in measure.taken) else "fail", ""


def every(items: list[Item]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("item", items, ids=named)


@pytest.mark.parametrize("launch_at", LAUNCHES, ids=str)
@every(SINCE)
def test_what_was_before_the_launch_does_not_speak_for_after_it(
    item: Item, launch_at: datetime, clock: list[datetime]
) -> None:
    """All was ill a second before the launch, and well since: that is seen when the window is over, and not before."""
    for since in CLOCKS:
        clock[0] = launch_at + since
        found, why = judged(item, World(clock[0], launch_at, bad_at=launch_at - SECOND))
        assert found == ("pass" if since >= WEEK else "unknown"), f"{since} after the launch: {why}"


@pytest.mark.parametrize("launch_at", LAUNCHES, ids=str)
@every(SINCE)
def test_what_has_happened_is_decided_where_the_rest_of_the_window_cannot_mend_it(
    item: Item, launch_at: datetime, clock: list[datetime]
) -> None:
    for since in CLOCKS:
        clock[0] = launch_at + since
        found, why = judged(item, World(clock[0], launch_at, bad_at=launch_at + SECOND))
        expected = "fail" if since >= (SECOND if item.check in COUNTED else WEEK) else "unknown"
        # A week later it is no longer in the window: it does not count twice.
        if since > WEEK + SECOND:
            expected = "pass"
        assert found == expected, f"{since} after the launch: {why}"


@pytest.mark.parametrize(
    ("judged_at", "looked_at"), [(WEEK, DAY), (WEEK + DAY, WEEK - SECOND), (DAY, 30 * DAY), (WEEK - SECOND, 30 * DAY)]
)
@every(SINCE)
def test_a_run_that_plans_or_looks_back_sees_no_more_than_there_was(
    item: Item, judged_at: timedelta, looked_at: timedelta, clock: list[datetime]
) -> None:
    launch_at = LAUNCHES[0]
    clock[0] = launch_at + looked_at
    before, after = (World(clock[0], launch_at, bad_at=launch_at + one) for one in (-SECOND, SECOND))
    assert judged(item, before, launch_at + judged_at)[0] == "unknown"
    expected = "fail" if item.check in COUNTED else "unknown"
    assert judged(item, after, launch_at + judged_at)[0] == expected


@every(SINCE)
def test_without_a_launch_time_nobody_knows_and_the_key_is_told(item: Item, clock: list[datetime]) -> None:
    clock[0] = LAUNCHES[0]
    found, why = judged(item, World(clock[0], None, bad_at=LAUNCHES[0] - SECOND))
    assert found == "unknown"
    assert "set launch_at in the environment file" in why


def lines_with(book: Runbook) -> Iterator[tuple[str, Line]]:
    yield from ((f"{book.runbook}/{line.id}", line) for line in book.lines)


LINES = dict(pair for book in BOOKS for pair in lines_with(book))
OF_AFTER = re.compile(r"7-day|in 7 days|since launch|within 24 hours|within a week|once a week|roll-out's")
"""The words by which a line of a launch speaks of the time after it."""


@pytest.mark.parametrize("name", [name for name in LINES if OF_AFTER.search(LINES[name].says)])
def test_a_line_that_speaks_of_after_the_launch_says_so_to_its_check(name: str) -> None:
    book, line = name.partition("/")[0], LINES[name]
    assert book in LAUNCH_BOOKS
    assert line.due
    assert parse_offset(line.due) >= timedelta(0)
    for item in (item for item in ITEMS if item.line_id == name):
        asked = {"since", "within"} & fields_of(item)
        assert not asked or asked & item.limits.keys(), f"{item.check} takes {' and '.join(sorted(asked))}"


def fields_of(item: Item) -> set[str]:
    """Return the limits that a check takes; of one that is planned nobody knows."""
    area, _, name = item.check.partition(".")
    if item.check in runbook_lines.planned_checks():
        return set()
    check = getattr(importlib.import_module(f"checks.test_{area}"), f"test_{name}")
    model = typing.get_type_hints(check).get("limits")
    return set(model.model_fields) if model else set()


def test_lines_of_every_day_do_not_count_from_a_launch() -> None:
    found = {item.runbook for item in ITEMS if {"since", "within"} & item.limits.keys()}
    assert found == LAUNCH_BOOKS


@pytest.mark.parametrize("launch_at", LAUNCHES, ids=str)
@pytest.mark.parametrize("name", [name for name, line in LINES.items() if line.due and line.due != AFTER_SIGN_OFF])
def test_a_line_counts_from_its_second(name: str, launch_at: datetime) -> None:
    due = LINES[name].due
    at = due_at(due, launch_at)
    assert at is not None
    assert at - launch_at == parse_offset(due or "")
    assert [is_due(due, at + one, launch_at) for one in (-SECOND, timedelta(0), SECOND)] == [False, True, True]


@pytest.mark.parametrize("launch_at", LAUNCHES, ids=str)
@pytest.mark.parametrize("name", sorted(LAUNCH_BOOKS))
def test_nobody_approves_before_all_that_decides_has_fallen_due(name: str, launch_at: datetime) -> None:
    (book,) = (book for book in BOOKS if book.runbook == name)
    day = (launch_at + 30 * DAY).date()
    consent = SignOff(decision="approved", approvals=(Approval(role="Lead", name="Ada Example", approved_on=day),))
    items = [item for item in book.items(Phase.GA) if item.line.due != AFTER_SIGN_OFF]
    last = max(parse_offset(item.line.due or "T-0") for item in items)
    for since in (*CLOCKS, last - SECOND, last, last + SECOND):
        moment = launch_at + since
        expected = [
            Expected(
                item.key,
                item.line.gate,
                due=is_due(item.line.due, moment, launch_at),
                due_at=due_at(item.line.due, launch_at),
            )
            for item in items
        ]
        well = [DecisionOutcome(item.key, Outcome.PASS) for item in items]
        verdict = decide(Phase.GA, expected, well, sign_off=consent)
        decides = any(one.decides for one in expected)
        assert verdict.good is (decides and since >= last), f"{since}: {verdict.action}"


def attested(day: datetime) -> Attestation:
    return Attestation.model_validate(
        {
            "statement": "it was looked at with those who were there",
            "who": "Ada Example",
            "at": str(day.date()),
            "valid_until": str((day + 200 * DAY).date()),
            "evidence": "https://wiki.shop.internal/notes",
        }
    )


@pytest.mark.parametrize("launch_at", LAUNCHES, ids=str)
@pytest.mark.parametrize("name", LINES)
def test_a_word_ticks_no_line_of_the_other_side_of_the_launch(name: str, launch_at: datetime) -> None:
    due = LINES[name].due
    signed_at = launch_at + WEEK
    divides = signed_at if due == AFTER_SIGN_OFF else launch_at
    is_of_after = due == AFTER_SIGN_OFF or parse_offset(due or "T-0") >= timedelta(0)

    for day in (launch_at - DAY, launch_at, launch_at + DAY, signed_at - DAY, signed_at, signed_at + DAY):
        is_of_the_other = day.date() < divides.date() if is_of_after else day.date() > divides.date()
        is_refused = attested(day).of_another_time(due, launch_at, signed_at) is not None
        assert is_refused is (due is not None and is_of_the_other)
        # And none of a day that has not come: that is known to every line.
        assert attested(day).lapsed(day - 2 * DAY)


@pytest.mark.parametrize("span", ["24h", "7d"])
@pytest.mark.parametrize("launch_at", LAUNCHES, ids=str)
def test_a_word_is_late_from_the_day_after_the_deadline(launch_at: datetime, span: str) -> None:
    deadline = launch_at + parse_span(span)
    assert [attested(deadline + one * DAY).is_late(deadline) for one in (-1, 0, 1)] == [False, False, True]


def shift(level: int, start: datetime | None, end: datetime | None = None) -> OnCall:
    user = {"id": f"P{level}", "summary": f"Person {'AB'[level - 1]}"}
    return OnCall.model_validate({"escalation_level": level, "user": user, "start": start, "end": end})


@pytest.mark.parametrize("launch_at", LAUNCHES, ids=str)
@every(ON_CALL)
def test_who_is_on_call_is_asked_for_the_time_that_the_runbook_means(item: Item, launch_at: datetime) -> None:
    """Of the launch in the runbook of a launch; of now in one of every day, and of the launch while it is ahead."""
    is_of_launch = item.runbook in LAUNCH_BOOKS
    item = Item(item.runbook, item.line, item.check, {**item.limits, **({} if is_of_launch else {"backed_up": []})})
    if item.check == "team.secondary_on_call":
        item.limits.pop("backed_up", None)

    def found(now: timedelta, begin: timedelta, end: timedelta) -> str:
        turns = [shift(level, launch_at + begin, launch_at + end) for level in (1, 2)]
        return judged(item, World(launch_at + now, launch_at, launch_at, shifts=turns))[0]

    half_a_year = 182 * DAY
    launch_alone, now_alone = (-HOUR, DAY), (half_a_year, half_a_year + DAY)
    assert found(half_a_year, *launch_alone) == ("pass" if is_of_launch else "fail")
    assert found(half_a_year, *now_alone) == ("fail" if is_of_launch else "pass")
    # Before the launch both ask for its hours; a second less is a gap.
    assert found(-DAY, *launch_alone) == "pass"
    assert found(-DAY, -HOUR + SECOND, DAY) == "fail"
    assert found(-DAY, -HOUR, DAY - SECOND) == "fail"
    # A second before the launch, and a second after it: who was there in an hour that is over answers no call.
    for now in (-SECOND, SECOND):
        assert found(now, now, 2 * DAY) == ("fail" if is_of_launch else "pass")
    # Without a launch time the lines of every day are decided, and the others say which key is missing.
    turns = [shift(level, None) for level in (1, 2)]
    word, why = judged(item, World(launch_at, None, launch_at, shifts=turns))
    assert word == ("unknown" if is_of_launch else "pass")
    assert "set launch_at" in why or not is_of_launch
