"""Times relative to the launch, and when a line counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.timeline import (
    AFTER_SIGN_OFF,
    Event,
    end_of_day,
    events,
    is_due,
    parse_as_of,
    parse_day,
    parse_instant,
    parse_offset,
    parse_span,
)

LAUNCH = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
OFFSETS = st.builds("T{}{}{}".format, st.sampled_from("+-"), st.integers(0, 500), st.sampled_from("mhdw"))
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("T-0", timedelta(0)),
        ("T+0", timedelta(0)),
        ("T-7d", timedelta(days=-7)),
        ("T-1h", timedelta(hours=-1)),
        ("T+5m", timedelta(minutes=5)),
        ("T+2w", timedelta(weeks=2)),
    ],
)
def test_an_offset(text: str, offset: timedelta) -> None:
    assert parse_offset(text) == offset


@pytest.mark.parametrize(
    "text",
    [
        *("", "T", "T-", "T-1", "T1h", "t-1h", "T-1h ", "T-1.5h", "-1h", "T--1h", "T-1y", "T-1h\n", "T-0\n"),
        *("T-\uff11h", "T-\u0661d", "T+1\u0966m", "T-\u00b2h", "T-\U0001d7ceh", "T-\uff10"),
    ],
)
def test_what_is_no_offset(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a time relative to launch such as T-7d, T-1h, T-0 or T\+5m"):
        parse_offset(text)


@pytest.mark.parametrize(
    ("text", "span"), [("30s", timedelta(seconds=30)), ("5m", timedelta(minutes=5)), ("7d", timedelta(days=7))]
)
def test_a_span(text: str, span: timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["5 minutes", "\uff15m", "\u0665h", "5m\n", "1_0d", "+5m", "\u2175d"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(ValueError, match="such as 30s, 5m, 24h or 7d"):
        parse_span(text)


@pytest.mark.parametrize(
    "text", ["\uff12026-12-01T09:00:00Z", "2026-12-01T\u06609:00:00Z", "2026-12-01T09:00:00\uff3a"]
)
def test_an_instant_of_other_digits_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date and time such as"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["\uff12026-12-01", "2026-\u0661\u0662-01", "2026-12-01\n"])
def test_a_day_of_other_digits_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date such as"):
        parse_day(text)


def test_an_instant_is_told_in_utc() -> None:
    assert parse_instant("2026-12-01T10:00:00+01:00") == LAUNCH
    assert parse_instant("2026-12-01T10:00:00+01:00").tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "told"), [("2026-12-01T09:00:00", "has no time zone"), ("tomorrow", "is not a date and time such as")]
)
def test_what_is_no_instant(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_instant(text)


def test_as_of() -> None:
    assert parse_as_of("T-1h", LAUNCH) == LAUNCH - timedelta(hours=1)
    assert parse_as_of("2026-12-01T09:00:00Z", None) == LAUNCH
    with pytest.raises(ValueError, match="the environment names no launch_at"):
        parse_as_of("T-1h", None)


@given(OFFSETS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_what_is_due_stays_due(due: str, moment: datetime, later: timedelta) -> None:
    assert not is_due(due, moment, LAUNCH) or is_due(due, moment + later, LAUNCH)


@given(OFFSETS)
def test_a_line_is_due_from_its_own_time_on(due: str) -> None:
    moment = parse_as_of(due, LAUNCH)
    assert is_due(due, moment, LAUNCH)
    assert not is_due(due, moment - timedelta(seconds=1), LAUNCH)


@given(MOMENTS)
def test_without_a_time_a_line_always_counts_and_after_sign_off_never(moment: datetime) -> None:
    assert is_due(None, moment, LAUNCH)
    assert is_due("T-1h", moment, None)
    assert not is_due(AFTER_SIGN_OFF, moment, LAUNCH)


def test_events_are_in_order_and_without_a_launch_nothing_is_due() -> None:
    expiring = [Event(LAUNCH - timedelta(days=1), "certificate", "shop.example.com", "Ada")]
    due = [("book/one", "T-7d", ""), ("book/one", "T-7d", ""), ("book/two", None, ""), ("book/end", AFTER_SIGN_OFF, "")]
    found = events(LAUNCH, due, expiring)
    assert [(one.kind, one.what) for one in found] == [
        ("due", "book/one"),
        ("certificate", "shop.example.com"),
        ("launch", "the launch"),
    ]
    assert events(None, due, expiring) == expiring


@pytest.mark.parametrize("day", [date(2026, 12, 31), date(2028, 2, 28), date(2028, 2, 29), date(2000, 1, 1)])
def test_a_day_ends_where_the_next_begins(day: date) -> None:
    following = day + timedelta(days=1)
    assert end_of_day(day) == datetime(following.year, following.month, following.day, tzinfo=UTC)
