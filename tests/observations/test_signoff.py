"""The week's burden, its figures day by day, and published pages: at the edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.environment.schema import Environment, Reading
from readiness.observations.flags import flag_share
from readiness.observations.signoff import (
    SupportVolume,
    VolumeLimits,
    documentation,
    interventions,
    pages,
    support_volume,
)
from readiness.observations.slo import WindowLimits
from readiness.observations.trends import daily_levels
from readiness.outcomes import NotConfigured, Unknown
from readiness.sandbox.postgres import Server as Database
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Server, document, whole
from tests.observations.incident_reviews import written

NOW = datetime(2026, 12, 8, 15, 0, tzinfo=UTC)


def entry(days_ago: float, **changes: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {"at": at, "actor": "deployer", "action": "deployed", "by_hand": False} | changes


def pointed(make: Make, url: str, name: str) -> Clients:
    return make(url, readings={name: Reading(http=url)})


def test_what_was_done_by_hand_in_the_window_is_named(make: Make) -> None:
    trail = [entry(20, by_hand=True), entry(6.9, by_hand=True, actor="ada"), entry(1), entry(-1, by_hand=True)]
    with Server(document(trail)) as server:
        found = interventions(pointed(make, server.url, "audit_trail").readings, NOW, None, "7d", None)
    assert found.found == ["2026-12-01 17:24Z ada: deployed"]
    assert found.summary == " (2026-12-01 17:24Z ada: deployed)"


def test_many_interventions_are_told_in_short(make: Make) -> None:
    with Server(document([entry(n / 10, by_hand=True) for n in range(8)])) as server:
        told = interventions(pointed(make, server.url, "audit_trail").readings, NOW, None, "7d", None).summary
    assert told.endswith("and 3 more)")


@pytest.mark.parametrize(
    ("trail", "reason"),
    [
        ([], "the audit trail is empty"),
        ([entry(3)], "the audit trail begins 2026-12-05 15:00Z, and the window 2026-12-01 15:00Z"),
        ([entry(9, by_hand="no")], "by_hand is 'no'"),
        ([entry(9, at="2026-12-01T10:00:00")], "no time zone"),
        ([{"at": "x"}], "no column actor"),
    ],
)
def test_a_trail_that_cannot_tell_is_unknown(make: Make, trail: object, reason: str) -> None:
    with Server(document(trail)) as server, pytest.raises(Unknown, match=reason):
        interventions(pointed(make, server.url, "audit_trail").readings, NOW, None, "7d", None)


@pytest.mark.parametrize(
    ("since", "days_ago", "is_told"),
    [("launch", 9, False), ("launch", 1.5, False), ("launch", 1, True), ("launch", 0, True), (None, 9, True)],
)
def test_a_trail_of_before_the_end_of_its_time_has_not_seen_all(
    make: Make, tmp_path: Path, since: Any, days_ago: float, is_told: bool
) -> None:
    now = datetime.now(UTC)
    by_hand = [entry(0, at=(now - timedelta(days=days)).isoformat(), by_hand=days == 5) for days in (20, 5)]
    for trail, count in ((by_hand[:1], 0), (by_hand, 1)):
        source = written(tmp_path / "trail.json", trail, now - timedelta(days=days_ago))
        readings = make(systems=False, readings={"audit_trail": source}).readings
        asked = (readings, now, now - timedelta(days=8), "7d", since)
        if is_told or count:
            found = interventions(*asked)
            assert found.against(0) == count
            assert bool(found.unseen) is not is_told
            continue
        with pytest.raises(Unknown, match=r"readings\.audit_trail is of "):
            interventions(*asked)


def test_a_young_trail_still_tells_of_what_it_saw(make: Make) -> None:
    with Server(document([entry(3, by_hand=True)])) as server:
        assert interventions(pointed(make, server.url, "audit_trail").readings, NOW, None, "7d", None).found


def counted(make: Make, database: Database, sql: str) -> Clients:
    where = "{window} > interval '0' and {offset} >= interval '0'"
    return make(dsn=database.dsn(), service_levels={"events": {"count": {"sql": f"{sql} where {where}"}}})


def test_pages_are_counted_by_the_week(make: Make, database: Database) -> None:
    levels = counted(make, database, "select 3").levels
    assert pages(levels, NOW, None, WindowLimits("events", "7d", None)).per_week == 3
    assert pages(levels, NOW, None, WindowLimits("events", "14d", None)).per_week == 1.5
    with pytest.raises(NotConfigured, match=r"service_levels\.pages\.count"):
        pages(levels, NOW, None, WindowLimits("pages", "7d", None))


def test_support_is_held_against_the_weeks_before(make: Make, database: Database) -> None:
    sql = "select case when {offset} = interval '0' then 30 when {offset} < interval '8 days' then 10 else 20 end"
    found = support_volume(counted(make, database, sql).levels, NOW, None, VolumeLimits("events", "7d", None, 2))
    assert (found.now, found.before) == (30, (10, 20))
    assert found.times(5, 1.5) == 2


def test_weeks_that_are_not_on_record_are_left_out(make: Make, database: Database) -> None:
    sql = "select case when {offset} < interval '8 days' then 10 end"
    assert support_volume(
        counted(make, database, sql).levels, NOW, None, VolumeLimits("events", "7d", None, 3)
    ).before == (10, None, None)


@pytest.mark.parametrize("before", [(), (None,), (0.0, 0.0), (None, 0.0)])
def test_without_a_week_to_compare_with_nothing_is_normal(before: tuple[float | None, ...]) -> None:
    with pytest.raises(Unknown, match="nothing is known to be normal"):
        SupportVolume("7d", 3, before).times(5, 1.5)


def test_a_handful_of_requests_is_no_trend() -> None:
    assert SupportVolume("7d", 5, (1, 1)).times(5, 1.5) == 1


def published(make: Make, server: Server) -> list[str]:
    url = f"{server.url}/docs"
    environment = Environment(
        environment="shop",
        runbooks=("ingestion",),
        allowed_hosts=("127.0.0.1",),
        target={"url": url},  # type: ignore[arg-type]
        documentation={"Q & A": url},
    )
    return documentation(make(server.url).http, environment).missing


@pytest.mark.parametrize(
    ("status", "body", "missing"),
    [
        (200, "<h1>q &amp;\n a</h1>", ""),
        (200, "<h1>Sign in</h1>", "does not hold its title"),
        (404, "not found", "answered 404"),
        (410, "Q &amp; A is gone", "answered 410"),
    ],
)
def test_a_page_is_published_where_its_title_can_be_read(make: Make, status: int, body: str, missing: str) -> None:
    with Server(whole(status, body)) as server:
        found = published(make, server)
    assert len(found) == bool(missing)
    assert missing in "".join(found)


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_a_page_that_is_not_shown_to_us_is_unknown(make: Make, status: int) -> None:
    with Server(whole(status, "no")) as server, pytest.raises(Unknown, match=str(status)):
        published(make, server)


@pytest.mark.parametrize(("enabled", "share", "all_of_them"), [(True, 0.1, 1.0), (False, 0.5, 0.5), (False, "1", 1.0)])
def test_the_share_that_gets_a_flag(make: Make, enabled: object, share: object, all_of_them: float) -> None:
    rows = [{"name": "v2", "enabled": enabled, "rollout_share": share}]
    with Server(document(rows)) as server:
        readings = pointed(make, server.url, "feature_flags").readings
        assert flag_share(readings, "v2") == all_of_them
        with pytest.raises(Unknown, match="the flag v3 does not exist"):
            flag_share(readings, "v3")


def test_each_day_has_its_figures_and_what_is_unknown_says_why(make: Make, database: Database) -> None:
    ago = "(extract(epoch from {offset}) / 86400)::int"
    where = "{window} > interval '0'"
    level = {
        "count": {"sql": f"select 10 + {ago} where {where}"},
        "failed": {"sql": f"select case {ago} when 2 then null else 1 end where {where}"},
    }
    found = daily_levels(make(dsn=database.dsn(), service_levels={"events": level}).levels, "events", "7d")
    assert [day.count for day in found] == [16, 15, 14, 13, 12, 11, 10]
    assert [day.failed for day in found] == [1, 1, 1, 1, None, 1, 1]
    assert [bool(day.unknown) for day in found] == [False, False, False, False, True, False, False]
    assert {day.p99_seconds for day in found} == {day.available for day in found} == {None}
    assert found[-1].ends_on == datetime.now(UTC).date()
    assert [(found[-1].ends_on - day.ends_on).days for day in found] == [6, 5, 4, 3, 2, 1, 0]
