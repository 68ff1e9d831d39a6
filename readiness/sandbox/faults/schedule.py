"""What was to be held and was not, and records of it that nobody can read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

HELD = "schedule.review_held[launch400k/{}]"
ASSESSMENT, DAY_END = HELD.format("assessment-held"), HELD.format("day-end-held")
KEPT_UP = ("schedule.kept_up[launch400k/metrics-watched]", "schedule.kept_up[umbrella/health-watched]")
DAILY = tuple(f"schedule.kept_up[{name}/daily-look]" for name in ("agency", "playbook", "umbrella"))
FIRST_DAY = (
    *(f"schedule.review_held[review-{hours}h-held]" for hours in (1, 4, 24)),
    *(DAY_END, HELD.format("review-24h-held")),
)
HOURLY = "schedule.kept_up[hourly-look]"
BY_RECORD = (ASSESSMENT, *FIRST_DAY, HOURLY, *KEPT_UP, *DAILY)
"""What no run of the suite shows: without the record of the team nobody knows."""
HANDED_OVER = "schedule.review_attested[shift-handed-over]"
OF_THE_WEEK = ("umbrella/weekly-review", "umbrella/maintenance-closed", "agency/weekly-review")
"""The lines to which people give their word every week."""
WEEKLY = tuple(f"schedule.review_attested[{name}]" for name in OF_THE_WEEK)


@fault("postlaunch", turns={ASSESSMENT: "fail"})
def review_missed(target: SandboxTarget) -> Iterator[None]:
    """Nobody held the early assessment: it is on no record, and the next review has been."""
    target.admin.rows("update operations.reviews_held set review = 'put off' where review = 'launch400k/assessment'")
    yield
    target.admin.rows("update operations.reviews_held set review = 'launch400k/assessment' where review = 'put off'")


@fault("postlaunch", turns=turning("fail", *FIRST_DAY))
def first_day_not_reviewed(target: SandboxTarget) -> Iterator[None]:
    """After the early assessment nobody held a review of the launch's first day, and the sign-off has come."""
    with _off_the_record(target, "review like 'ingestion/review-%' or review like 'launch400k/review%'"):
        yield


@fault("postlaunch", turns={HOURLY: "fail"})
def hourly_look_forgotten(target: SandboxTarget) -> Iterator[None]:
    """For four hours of the last half day nobody made the hourly look."""
    away = "at between now() - interval '12 hours' and now() - interval '8 hours'"
    with _off_the_record(target, f"review = 'ingestion/health' and {away}"):
        yield


@fault("postlaunch", turns=turning("fail", *DAILY))
def daily_look_forgotten(target: SandboxTarget) -> Iterator[None]:
    """For two days nobody made the daily look."""
    with _off_the_record(target, "review like '%/daily' and at between now() - interval '2 days' and now()"):
        yield


@fault("postlaunch", turns={HANDED_OVER: "fail"})
def shift_handed_over_days_later(target: SandboxTarget) -> Iterator[None]:
    """Somebody attests the handing over of the first shift, and did so only a week after it."""
    target.attested.redate(["ingestion/shift-handed-over"], datetime.now(UTC).date())
    yield
    target.attested.write()


@fault("postlaunch", turns=turning("fail", *KEPT_UP))
def nobody_watched_for_a_while(target: SandboxTarget) -> Iterator[None]:
    """For 20 minutes of the last hour nobody looked at what is to be looked at every five."""
    away = "at between now() - interval '40 minutes' and now() - interval '20 minutes'"
    often = "review in ('launch400k/metrics', 'umbrella/health')"
    with _off_the_record(target, f"{often} and {away}"):
        yield


@contextmanager
def _off_the_record(target: SandboxTarget, which: str) -> Iterator[None]:
    """Take some of what was held off the record, and put it back."""
    taken = target.admin.rows(f"delete from operations.reviews_held where {which} returning review, at")  # noqa: S608  our own words
    yield
    target.admin.rows(
        "insert into operations.reviews_held select * from unnest(%s::text[], %s::timestamptz[])",
        *([row["review"] for row in taken], [row["at"] for row in taken]),
    )


@fault("postlaunch", turns=turning("unknown", *BY_RECORD))
def reviews_not_dated(target: SandboxTarget) -> Iterator[None]:
    """The record says which review was held, and no longer when."""
    target.admin.rows("alter table operations.reviews_held rename column at to held_on")
    yield
    target.admin.rows("alter table operations.reviews_held rename column held_on to at")


@fault("ga", turns=turning("fail", *WEEKLY))
def weekly_review_of_last_week(target: SandboxTarget) -> Iterator[None]:
    """The last weekly review was eight days ago; what is to be held every month still is in time."""
    target.attested.redate(OF_THE_WEEK, datetime.now(UTC).date() - timedelta(days=8))
    yield
    target.attested.write()
