"""Which incidents a review of the launch is about, and by when their reports are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from readiness.clients import files
from readiness.observations import incidents
from readiness.outcomes import NotConfigured, Unknown
from tests.observations.incident_reviews import EXAMPLE, KNOWN, MOMENT, Review, nothing_wrong


class Later(datetime):
    """A clock that shows the moment that is judged."""

    @classmethod
    def now(cls, _tz: Any = None) -> Any:
        return MOMENT


LAUNCHED = MOMENT - datetime(2026, 12, 3, 8, 0, tzinfo=UTC)  # 70 minutes before the incident
TOO_LATE = ["INC-12: written 2026-12-04 15:00Z, due 2026-12-04 08:00Z"]


@pytest.mark.parametrize(
    ("launched", "written", "late", "reports"),
    [
        (LAUNCHED, "2026-12-04T08:00:00Z", [], 1),
        (LAUNCHED, "2026-12-04T15:00:00Z", TOO_LATE, 1),
        (LAUNCHED, "null", ["INC-12: not dated, due 2026-12-04 08:00Z"], 1),
        # It began before the launch, or when its first day was over: another review is about it.
        (LAUNCHED - timedelta(hours=2), "2026-12-04T15:00:00Z", [], 0),
        (LAUNCHED + timedelta(hours=23), "2026-12-04T15:00:00Z", [], 0),
        (LAUNCHED + timedelta(hours=22, minutes=49), "2026-12-04T15:00:00Z", 1, 1),
    ],
)
def test_the_first_day_has_its_reports_within_it(
    review: Review, monkeypatch: pytest.MonkeyPatch, launched: timedelta, written: str, late: Any, reports: int
) -> None:
    monkeypatch.setattr(incidents, "datetime", Later)
    text = EXAMPLE.replace("2026-12-04T15:00:00Z", written)
    found = review([KNOWN], text, launched=launched, within="24h")
    assert found.late == late or len(found.late) == late
    assert (found.reports, found.known) == (reports, reports)


def test_before_the_first_day_is_over_nobody_knows(review: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidents, "datetime", Later)
    for hours, is_over in ((24, True), (23.999, False)):
        launched = timedelta(hours=hours)
        if is_over:
            assert nothing_wrong(review([], launched=launched, within="24h"))
            continue
        with pytest.raises(Unknown, match="the 24h after the launch are over at 2026-12-08 15:00:03Z"):
            review([], launched=launched, within="24h")
    with pytest.raises(NotConfigured, match="set launch_at"):
        review([], within="24h")


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.mark.parametrize(
    ("limits", "written", "is_told"),
    [
        # The first day is over 12 hours before the moment.
        ({"within": "24h"}, -hours(40), False),
        ({"within": "24h"}, -hours(12) - timedelta(seconds=1), False),
        ({"within": "24h"}, -hours(12), True),
        ({"since": "launch"}, -hours(40), False),
        ({"since": "launch"}, -hours(36), True),
        ({}, -hours(40), True),
    ],
)
def test_a_list_of_before_that_time_leaves_incidents_out(
    review: Review, monkeypatch: pytest.MonkeyPatch, limits: Any, written: timedelta, is_told: bool
) -> None:
    monkeypatch.setattr(incidents, "datetime", Later)
    monkeypatch.setattr(files, "time", SimpleNamespace(time=MOMENT.timestamp))
    asked = {"launched": hours(36), "known_written": MOMENT + written} | limits
    if is_told:
        assert nothing_wrong(review([], **asked))
    else:
        with pytest.raises(Unknown, match=r"readings\.known_incidents is of 2026-12-0.* was over at 2026-12-0"):
            review([], **asked)
    started = MOMENT - hours(30)
    unreported = KNOWN | {"started_at": started.isoformat(), "ended_at": (started + hours(1)).isoformat()}
    assert review([unreported], **asked).unreported, "what is on the list is known, whenever it was written"


def test_a_list_of_the_future_still_names_what_is_on_it(review: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "time", SimpleNamespace(time=MOMENT.timestamp))
    asked: dict[str, Any] = {"launched": hours(240), "since": "launch", "known_written": MOMENT + hours(3)}
    assert review([KNOWN], **asked).unreported
    with pytest.raises(Unknown, match="in the future"):
        review([], **asked)


def test_a_sign_off_looks_back_to_the_launch(review: Review) -> None:
    old = KNOWN | {"started_at": "2026-10-03T09:10:00Z", "ended_at": "2026-10-03T09:52:00Z"}
    assert review([old]).unreported == []
    assert review([old], launched=timedelta(days=90), since="launch").unreported == ["INC-12: uploads were refused"]
    assert review([old], launched=timedelta(days=9), since="launch").unreported == []
    with pytest.raises(NotConfigured, match="set launch_at"):
        review([old], since="launch")
