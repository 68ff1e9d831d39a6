"""What a document states beside its lines: reports of incidents, vendors, stages of a roll-out, reviews."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.environment.incidents import parse
from readiness.errors import BadRunbook
from readiness.runbook.document_facts import RolloutStage, stage_before, stage_faults, template
from readiness.runbook.lines import Runbook, load, locate, shipped
from readiness.runbook.schedule import Frequency, Rhythm, pauses
from readiness.runbook.template_words import shipped_words

SHIPPED = {name: load(locate(name, Path())) for name in shipped()}
REVIEWED = "signoff.incidents_reviewed"
LINE: dict[str, Any] = {"id": "a", "ref": "1", "says": "a", "phase": ["postlaunch"], "gate": "warning"}
SCHEDULE: dict[str, Any] = {"first": {"at": "T+1h", "phase": "postlaunch"}, "daily": {"every": "day"}}
SCHEDULE |= {"weekly": "every week", "often": "every 5 minutes"}


def book(tmp_path: Path, decided_by: object, **more: object) -> Runbook:
    path = tmp_path / "book.yaml"
    whole = {"runbook": "book", "title": "Book", "schedule": SCHEDULE, **more}
    path.write_text(yaml.safe_dump({**whole, "lines": [{**LINE, "decided_by": decided_by}]}), encoding="utf-8")
    return load(path)


@pytest.mark.parametrize(
    ("decided_by", "says"),
    [
        ({"schedule.review_held": {"review": "frist"}}, "review 'frist' is not known; did you mean 'first'?"),
        ({"schedule.kept_up": {"review": "first", "window": "7d"}}, "first is held once, at T+1h"),
        ({"schedule.review_held": {"review": "daily"}}, "daily comes back every day"),
        ({"schedule.kept_up": {"review": "daily", "window": "24h"}}, "within 24h of what comes back every day nothing"),
        ({"schedule.kept_up": {"review": "daily", "window": "1d"}}, "state a longer window, as 2d"),
        ({"schedule.kept_up": {"review": "daily", "window": "1455m"}}, "nothing is ever too late"),
        ({"schedule.kept_up": {"review": "weekly", "window": "7d"}}, "state a longer window, as 14d"),
        ({"schedule.kept_up": {"review": "often", "window": "7m"}}, "state a longer window, as 10m"),
        ({"schedule.kept_up": {"window": "5m", "each": {"review": ["often", "daily"]}}}, "every 5 minutes nothing"),
        ({"schedule.review_held": {"each": {"review": ["first", "dayly"]}}}, "did you mean 'daily'?"),
        ({"schedule.review_attested": {"review": "monthly", "days_at_most": 7}}, "review 'monthly' is not known"),
        (
            {REVIEWED: {"days_back": 7, "fields": ["root_case"]}},
            "field 'root_case' is not known; did you mean 'root_cause'",
        ),
    ],
)
def test_a_line_names_only_what_its_runbook_has(tmp_path: Path, decided_by: object, says: str) -> None:
    with pytest.raises(BadRunbook) as refused:
        book(tmp_path, decided_by, incident_report={"root_cause": "why"})
    assert says in " ".join(refused.value.problems)
    assert all(problem.startswith("book.yaml") for problem in refused.value.problems)


@pytest.mark.parametrize(
    "decided_by",
    [
        {"schedule.review_held": {"review": "first"}},
        {"schedule.kept_up": {"review": "daily", "window": "7d"}},
        {"schedule.kept_up": {"review": "daily", "window": "1456m"}},
        {"schedule.kept_up": {"review": "weekly", "window": "8d"}},
        {"schedule.kept_up": {"review": "often", "window": "8m"}},
        {"schedule.review_attested": {"review": "daily", "days_at_most": 1}},
        {REVIEWED: {"days_back": 7, "fields": ["root_cause"]}},
    ],
)
def test_what_it_has_may_be_named(tmp_path: Path, decided_by: object) -> None:
    assert book(tmp_path, decided_by, incident_report={"root_cause": "why"}).lines


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("incident_report", {"Root cause": "why"}, "write it as root_cause"),
        ("incident_report", {"root_cause": ""}, "root_cause"),
        ("vendors", {"supabase": {}}, "support"),
        ("vendors", {"supabase": {"support": "x@example.org", "documentation": "docs"}}, "https://"),
        ("rollout", {"P0": {"means": "few", "share_at_most": 5}}, "for 5 % write 0.05"),
        ("rollout", {"P0": {"means": "few", "share_at_least": 0.5, "share_at_most": 0.1}}, "above share_at_most"),
        ("rollout", {"P0": {"means": "few", "allowlist": "all"}}, "allowlist"),
        ("rolout", {}, "rolout"),
    ],
)
def test_a_mistake_is_refused_with_its_key(tmp_path: Path, key: str, value: object, says: str) -> None:
    with pytest.raises(BadRunbook) as refused:
        book(tmp_path, {"health.live": {}}, **{key: value})
    assert says in " ".join(refused.value.problems)
    assert all(problem.startswith("book.yaml") for problem in refused.value.problems)


def demanded() -> dict[str, tuple[Runbook, list[str]]]:
    found = {}
    for name, runbook in SHIPPED.items():
        for line in runbook.lines:
            fields = line.decided_by.get(REVIEWED, {}).get("fields", [])
            if fields:
                found[f"{name}/{line.id}"] = (runbook, fields)
    return found


@pytest.mark.parametrize("name", demanded())
def test_a_line_demands_all_that_its_own_runbook_s_report_tells(name: str) -> None:
    runbook, fields = demanded()[name]
    assert fields == list(runbook.incident_report)


@pytest.mark.parametrize("name", [name for name, runbook in SHIPPED.items() if runbook.incident_report])
def test_a_template_that_is_filled_in_is_whole_and_an_empty_one_tells_nothing(name: str) -> None:
    text = template(SHIPPED[name].title, SHIPPED[name].incident_report)
    front = "---\nid: INC-1\ntitle: x\nstarted_at: 2026-12-01T09:00:00Z\nended_at: null\n---"
    body = text.partition("\n---\n")[2]
    assert not set(parse(f"{front}\n{body}").fields) & set(SHIPPED[name].incident_report)
    bare = body.replace("<!--", "").replace("-->", "")
    assert not set(parse(f"{front}\n{bare}", template=shipped_words()).fields) & set(SHIPPED[name].incident_report)
    filled = bare.replace("\n\n##", "\nThis is what we saw.\n\n##") + "This is what we saw.\n"
    assert set(SHIPPED[name].incident_report) <= set(parse(f"{front}\n{filled}", template=shipped_words()).fields)


STAGES = ["P0", "P1", "P2"]


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        ({"from": "P1", "to": "P0"}, []),
        ({"from": "p1", "to": " disabled "}, []),
        ({}, []),
        ({"from": "P9"}, ["--from: stage 'P9' is not known"]),
        ({"to": "P00"}, ["--to: stage 'P00' is not known; did you mean 'P0'?"]),
        ({"from": "P0", "to": "P2"}, ["--to: P2 is further than P0"]),
    ],
)
def test_a_rollback_goes_between_stages_of_the_runbook(stated: Mapping[str, str], says: list[str]) -> None:
    found = list(stage_faults(stated, STAGES))
    assert len(found) == len(says)
    assert all(problem.startswith(begin) for problem, begin in zip(found, says, strict=True))
    assert list(stage_faults(stated, [])) == []


def test_a_rollback_goes_one_stage_back() -> None:
    assert [stage_before(STAGES, name) for name in STAGES] == ["disabled", "P0", "P1"]


def test_a_stage_without_bounds_fits_every_share() -> None:
    assert [RolloutStage(means="all").fits(share) for share in (0.0, 0.5, 1.0)] == [True] * 3
    assert RolloutStage(means="few", share_at_most=0.1).fits(0.2) is False


BEGIN = datetime(2026, 12, 1, 9, tzinfo=UTC)
HOURLY = Rhythm(Frequency.HOURLY)


@pytest.mark.parametrize(
    ("records", "until", "number"),
    [
        ([], 1, 0),
        ([], 1.25, 0),  # a quarter of an hour is no pause
        ([], 1.3, 1),
        ([1, 2, 3], 3.5, 0),
        ([1, 3], 3.5, 1),
        ([1, 3], 6, 2),
        ([-0.5], 0.7, 0),
        ([-0.5], 0.8, 1),  # what was before the begin counts as the last one
        ([9], 1, 0),  # what is still to come shows nothing
        ([9], 2, 1),
    ],
)
def test_a_pause_is_too_long_a_little_after_the_rhythm(records: list[float], until: float, number: int) -> None:
    known = [BEGIN + timedelta(hours=hours) for hours in records]
    assert len(pauses(HOURLY, known, BEGIN, BEGIN + timedelta(hours=until))) == number


def test_five_minutes_are_late_after_seven_and_a_half() -> None:
    assert Rhythm(Frequency.MINUTELY, 5).late_after == timedelta(minutes=7, seconds=30)
