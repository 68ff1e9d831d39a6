"""Reviews that are on record or are not: by runs, by rows of a team's own, by the word of a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.environment.schema import Environment, Reading
from readiness.evidence.ledger import Ledger
from readiness.files.evidence_file import EvidenceArchive
from readiness.observations.schedule import (
    OnceLimits,
    RegularLimits,
    kept_up,
    record_of_reviews,
    review_record,
    review_word,
)
from readiness.outcomes import NotConfigured, Unknown
from readiness.runbook.attestations import Attestation, Attestations
from readiness.runbook.lines import Runbook
from readiness.sources.readings import Readings
from tests.clients.conftest import Make

NOW = datetime.now(UTC)
SHOP = Environment.model_construct(environment="shop")
LINE = {"id": "a", "ref": "1", "says": "a", "phase": ["postlaunch"], "gate": "warning", "rendered_as": "trends"}
SCHEDULE = {
    "1h": {"at": "T+1h", "what": "look at the logs", "phase": "postlaunch"},
    "4h": {"at": "T+4h", "what": "first checkpoint", "phase": "postlaunch"},
    "handoff": {"at": "T+8h", "what": "hand over"},
    "24h": {"at": "T+24h", "what": "day-1 meeting", "phase": "postlaunch"},
    "sign_off": {"at": "T+7d", "what": "sign-off", "phase": "ga"},
    "hourly": {"every": "hour", "what": "look at all of it"},
    "weekly": {"every": "week", "what": "weekly review"},
}
BOOK = Runbook.model_validate({"runbook": "shop", "title": "Shop", "schedule": SCHEDULE, "lines": [LINE]})


def at(hours_ago: float) -> datetime:
    return NOW - timedelta(hours=hours_ago)


def told(make: Make, folder: Path, rows: list[dict[str, Any]] | None) -> Readings:
    if rows is None:
        return make(systems=False).readings
    path = folder / "held.json"
    path.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    return make(systems=False, readings={"reviews_held": Reading(file=path, pointer="/rows")}).readings


def row(hours_ago: float, review: object = "4h") -> dict[str, Any]:
    return {"review": review, "at": at(hours_ago).isoformat()}


def held(
    make: Make,
    folder: Path,
    rows: list[dict[str, Any]] | None,
    launched: float,
    review: str = "4h",
    moment: datetime = NOW,
) -> bool:
    readings, archive = told(make, folder, rows), EvidenceArchive(folder)
    return review_record(
        readings, archive, SHOP, moment, at(launched), "shop/a", BOOK.schedule, OnceLimits(review)
    ).held


@pytest.mark.parametrize(
    ("rows", "launched", "review", "found"),
    [
        ([row(20)], 24.5, "4h", True),
        ([row(20, "shop/4h")], 24.5, "4h", True),
        ([row(20, "other/4h")], 24.5, "4h", False),
        ([row(20, "1h")], 24.5, "4h", False),
        ([row(20, 4)], 24.5, "4h", False),
        ([row(23)], 24.5, "4h", False),  # an hour before its time
        ([row(20.7)], 24.5, "4h", True),  # twelve minutes before
        ([row(-1)], 24.5, "4h", False),  # that is still to come
        ([], 24.5, "4h", False),
        ([row(16, "handoff")], 24.5, "handoff", True),
        ([], 24.5, "handoff", False),  # the next review of all has been
        ([row(100, "24h")], 170, "24h", True),
        ([row(1, "24h")], 170, "24h", False),  # after the sign-off
        ([], 170, "24h", False),
    ],
)
def test_a_row_shows_the_review_that_it_names(
    make: Make, tmp_path: Path, rows: list[dict[str, Any]], launched: float, review: str, found: bool
) -> None:
    assert held(make, tmp_path, rows, launched, review) is found


@pytest.mark.parametrize(
    ("rows", "launched", "review", "why"),
    [
        ([], 5, "4h", "not on record yet: first checkpoint"),
        ([], 25, "24h", "pytest -m postlaunch shows it"),
        ([], 167, "24h", "pytest -m postlaunch shows it"),  # the last of its phase, until the sign-off
        ([], 170, "sign_off", "pytest -m ga shows it"),  # nothing follows it
        ([{"review": "4h", "at": "yesterday"}], 24.5, "4h", "at"),
        ([{"review": "4h"}], 24.5, "4h", "at"),
        ([], 24.5, "weakly", "did you mean 'weekly'"),
        ([], 24.5, "hourly", "has no one time"),
    ],
)
def test_what_may_still_be_held_or_cannot_be_read_is_unknown(
    make: Make, tmp_path: Path, rows: list[dict[str, Any]], launched: float, review: str, why: str
) -> None:
    with pytest.raises(Unknown) as unknown:
        held(make, tmp_path, rows, launched, review)
    assert why in str(unknown.value) + unknown.value.remedy


def test_a_run_of_its_phase_shows_it_without_any_reading(make: Make, tmp_path: Path) -> None:
    with pytest.raises(Unknown):
        held(make, tmp_path, None, 5)
    (tmp_path / "shop").mkdir()
    Ledger(tmp_path / "shop", None).open(tmp_path / "shop/20261201T090000Z-postlaunch", phase="postlaunch", kind="run")
    # The ledger writes the time itself, however long the tests before took.
    later = datetime.now(UTC)
    assert held(make, tmp_path, None, 5, moment=later)
    assert held(make, tmp_path, [{"review": "4h"}], 5, moment=later)  # decided already: the reading is not asked
    assert held(make, tmp_path, [], 30, moment=later) is False  # a run of today shows nothing of yesterday


def test_without_a_phase_and_a_reading_nothing_is_configured(make: Make, tmp_path: Path) -> None:
    record_of_reviews(told(make, tmp_path, None), BOOK.schedule, "4h")
    with pytest.raises(NotConfigured, match=r"no run shows .*hand over.*readings\.reviews_held"):
        record_of_reviews(told(make, tmp_path, None), BOOK.schedule, "handoff")


@pytest.mark.parametrize(
    ("hours", "launched", "number"),
    [
        ([0.5, 1.5, 2.5, 3.5], 99, 0),
        ([0.5, 1.5, 3.5], 99, 1),
        ([2.5], 99, 2),
        ([0.5, 1.5], 2, 0),  # before the launch nobody looks at what comes after it
        ([0.5], 1, 0),
        ([], 2, 1),
        ([], 99, 1),
    ],
)
def test_pauses_of_a_window_are_told(
    make: Make, tmp_path: Path, hours: list[float], launched: float, number: int
) -> None:
    readings = told(make, tmp_path, [row(ago, "hourly") for ago in hours])
    archive = EvidenceArchive(tmp_path)
    found = kept_up(readings, archive, SHOP, NOW, at(launched), "shop/a", BOOK.schedule, RegularLimits("hourly", "4h"))
    assert len(found.pauses) == number
    assert found.what == "look at all of it, every hour"


@pytest.mark.parametrize(
    ("review", "window", "hours", "launched", "why"),
    [
        ("hourly", "4h", [], 1, "not on record yet: look at all of it, every hour"),
        ("hourly", "4h", [-1], 1, "not on record yet"),  # that is still to come
        ("hourly", "1h", [], 99, "within 1h of what comes back every hour nothing is ever too late"),
        ("hourly", "1h", [0.5], 99, "state a longer window, as 2h"),
        ("hourly", "75m", [], 99, "nothing is ever too late"),
        ("weekly", "7d", [], 999, "within 7d of what comes back every week nothing is ever too late"),
        ("weekly", "30d", [], 99, "not on record yet: weekly review"),
        ("1h", "4h", [], 99, "1h is held once"),
    ],
)
def test_what_cannot_be_late_yet_is_not_kept_up(
    make: Make, tmp_path: Path, review: str, window: str, hours: list[float], launched: float, why: str
) -> None:
    readings = told(make, tmp_path, [row(ago, review) for ago in hours])
    with pytest.raises(Unknown, match=why):
        kept_up(
            readings,
            EvidenceArchive(tmp_path),
            SHOP,
            NOW,
            at(launched),
            "shop/a",
            BOOK.schedule,
            RegularLimits(review, window),
        )


def word(days_ago: int, review: str, launched_days_ago: float) -> tuple[bool, int]:
    day = NOW.date() - timedelta(days=days_ago)
    entry = Attestation(
        statement="we held it as planned",
        who="Ada Example",
        at=day,
        valid_until=day + timedelta(days=90),
        evidence="https://wiki.shop.internal/review",
    )
    attested = Attestations(attestations={"shop/a": entry})
    found = review_word(attested, SHOP, NOW, at(24 * launched_days_ago), "shop/a", BOOK.schedule, OnceLimits(review))
    return found.early, found.days


@pytest.mark.parametrize(
    ("days_ago", "review", "launched", "found"),
    [
        (0, "weekly", 30, (False, 0)),
        (8, "weekly", 30, (False, 8)),
        (3, "24h", 4, (False, 0)),
        (1, "24h", 4, (False, 2)),
        (4, "24h", 4, (True, -1)),
    ],
)
def test_the_day_of_a_word_is_held_against_the_day_of_the_review(
    days_ago: int, review: str, launched: float, found: tuple[bool, int]
) -> None:
    assert word(days_ago, review, launched) == found
