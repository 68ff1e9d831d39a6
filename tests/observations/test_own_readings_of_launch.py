"""A team's own reading speaks of a time since the launch only once that is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from readiness.environment.schema import Reading
from readiness.observations import slo
from readiness.observations.readings import OwnReading, own_fact, own_number
from readiness.outcomes import NotConfigured, Unknown
from tests.clients.conftest import Make

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

    monkeypatch.setattr(slo, "datetime", Clock)
    readings = make(systems=False, readings={"refunds": Reading(value=3)}).readings
    limits = OwnReading("refunds", window, since)
    for look in (own_number, own_fact):
        if is_told:
            assert look(readings, LAUNCH + clock, LAUNCH, limits) == 3
            continue
        with pytest.raises(Unknown, match="since the launch are over at"):
            look(readings, LAUNCH + clock, LAUNCH, limits)


def test_without_a_launch_time_the_key_is_told(make: Make) -> None:
    readings = make(systems=False, readings={"refunds": Reading(value=3)}).readings
    with pytest.raises(NotConfigured, match="set launch_at"):
        own_number(readings, LAUNCH, None, OwnReading("refunds", "7d", "launch"))
