"""What was to be held and was not, and records of it that nobody can read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

HELD = "schedule.review_held[launch400k/{}]"
ASSESSMENT, DAY_END = HELD.format("assessment-held"), HELD.format("day-end-held")
KEPT_UP = ("schedule.kept_up[launch400k/metrics-watched]", "schedule.kept_up[umbrella/health-watched]")
DAILY = tuple(f"schedule.kept_up[{name}/daily-look]" for name in ("agency", "playbook", "umbrella"))
BY_RECORD = (ASSESSMENT, DAY_END, *KEPT_UP, *DAILY)
"""What no run of the suite shows: without the record of the team nobody knows."""
OF_THE_WEEK = ("umbrella/weekly-review", "umbrella/maintenance-closed", "agency/weekly-review")
"""The lines to which people give their word every week."""
WEEKLY = tuple(f"schedule.review_attested[{name}]" for name in OF_THE_WEEK)


@fault("postlaunch", turns={ASSESSMENT: "fail"})
def review_missed(target: SandboxTarget) -> Iterator[None]:
    """Nobody held the early assessment: it is on no record, and the next review has been."""
    target.admin.rows("update operations.reviews_held set review = 'put off' where review = 'launch400k/assessment'")
    yield
    target.admin.rows("update operations.reviews_held set review = 'launch400k/assessment' where review = 'put off'")


@fault("postlaunch", turns=turning("fail", *KEPT_UP))
def nobody_watched_for_a_while(target: SandboxTarget) -> Iterator[None]:
    """For 20 minutes of the last hour nobody looked at what is to be looked at every five."""
    away = "at between now() - interval '40 minutes' and now() - interval '20 minutes'"
    target.admin.rows(f"update operations.reviews_held set review = 'away ' || review where {away}")  # noqa: S608  our own words
    yield
    target.admin.rows("update operations.reviews_held set review = substr(review, 6) where review like 'away %'")


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
