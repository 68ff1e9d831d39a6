"""Until when evidence counts is read from what the environment's runs have left."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from readiness.environment.declarations import Declaration
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.records import RecordedObservation
from readiness.rendering.expiring import lines_on, of_declared, of_people, of_rehearsals_and_drills, of_runs
from readiness.runbook.attestations import Attestation
from readiness.runbook.waivers import Waiver, WaiverReason
from readiness.timeline import Event
from tests.evidence.test_judged import line, run_of, write

DAY = datetime(2026, 12, 2, tzinfo=UTC)


def run_with(folder: Path, *observations: tuple[str, Any], **limits: Any) -> RecordedRun:
    told = run_of()
    told["plan"]["lines"].append(line("aged", checks=[], limits=limits))
    found = read_run(write(folder, told))
    found.observations = [RecordedObservation(name=name, value=value) for name, value in observations]
    return found


def test_the_words_of_people_count_to_the_end_of_a_day() -> None:
    word = Attestation(
        statement="Ada looked herself",
        who="Ada",
        at=date(2026, 12, 1),
        valid_until=date(2026, 12, 1),
        evidence="https://wiki.shop.internal/x",
    )
    waiver = Waiver(
        requested_by="Ada",
        approved_by="Grace",
        reason=WaiverReason.MITIGATED,
        because="we watch it by hand",
        at=date(2026, 12, 1),
        until=date(2026, 12, 1),
    )
    found = list(of_people({"book/one": word}, {"book/two": waiver}))
    assert found == [Event(DAY, "attestation", "book/one", "Ada"), Event(DAY, "waiver", "book/two", "Ada")]


WORDS = {
    "readings.region": "book/good",
    "service_levels.orders.count": "book/bad",
    "service_levels.orders.failed": "book/bad",
}
"""What is only declared, and the line that rests on it."""
RESTS_ON: dict[str, tuple[set[str], dict[str, list[str]]]] = {
    # Who answers for what, and the lines of each entry.
    "of a reading": ({"readings.region"}, {"readings.region": ["book/good"]}),
    "of a level, by its figures": ({"service_levels.orders"}, {"service_levels.orders": ["book/bad"]}),
    "of a level, and of one figure": (
        {"service_levels.orders", "service_levels.orders.count"},
        {"service_levels.orders": ["book/bad"], "service_levels.orders.count": ["book/bad"]},
    ),
    "of what no line rests on": ({"team"}, {}),
}


@pytest.mark.parametrize("name", RESTS_ON)
def test_the_lines_that_rest_on_a_declared_value_are_known_from_the_runs(name: str, tmp_path: Path) -> None:
    entries, lines = RESTS_ON[name]
    told = run_of()
    for result in told["results"]:
        keys = [key for key, on in WORDS.items() if on == result["line"]]
        result["provenance"] = [{"kind": "declared", "key": key, "file": "tiny.yaml"} for key in keys]
    declaration = Declaration(who="Ada Example", at=date(2026, 12, 1), valid_until=date(2026, 12, 1))
    declarations = dict.fromkeys(entries, declaration)
    assert lines_on(declarations, [read_run(write(tmp_path, told))]) == lines
    assert {(one.at, one.what) for one in of_declared(declarations)} == {(DAY, entry) for entry in entries}


def test_observations_tell_of_certificates_tokens_and_backups(tmp_path: Path) -> None:
    told = DAY.isoformat()
    run = run_with(
        tmp_path,
        ("certificates", [{"host": "shop.example.com", "not_after": told}, {"host": "x", "not_after": None}]),
        ("probe_token", {"expires_at": "2026-12-01", "note": "expires_at"}),
        ("newest_backup", {"taken_at": "2026-12-01T12:00:00+00:00"}),
        ("attestation", {"valid_until": "2026-12-01"}),
        ("odd", {"expires_at": "soon", "not_after": 7}),
        **{"backup.recent": {"hours_at_most": 12}},
    )
    assert [(one.at, one.kind, one.what) for one in of_runs([run])] == [
        (DAY, "certificate", "certificates shop.example.com"),
        (DAY, "token", "probe_token"),
        (DAY, "backup", "newest_backup"),
    ]


def test_the_newest_rehearsal_and_drill_of_a_kind_count(tmp_path: Path) -> None:
    def leave(folder: str, **told: Any) -> None:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "evidence.json").write_text(json.dumps(told), encoding="utf-8")

    whole, late = {"stage": "launch", "ended": "whole"}, "2026-11-25T00:00:00+00:00"
    leave("rehearsals/1-launch", **whole, finished_at="2026-11-01T00:00:00+00:00")
    leave("rehearsals/2-launch", **whole, finished_at=late)
    leave("rehearsals/3-launch", **whole, finished_at=None)
    leave("rehearsals/4-launch", stage="launch", ended="cut short", finished_at="2026-11-26T00:00:00+00:00")
    leave("drills/1-restore", drill="restore", ended="whole", finished_at=late)
    (tmp_path / "drills" / "2-torn").mkdir()
    (tmp_path / "drills" / "2-torn" / "evidence.json").write_text("{", encoding="utf-8")
    run = run_with(tmp_path / "run", **{"load.rehearsal_passed": {"days_at_most": 7}})
    found = list(of_rehearsals_and_drills(tmp_path, [run]))
    assert found == [Event(DAY, "rehearsal", "launch"), Event(datetime(2026, 12, 26, tzinfo=UTC), "drill", "restore")]
