"""Which lines of a log are errors, however their level is spelt."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from readiness.environment.schema import Reading
from readiness.observations.logs import LogSinceLaunch, log_since_launch
from readiness.outcomes import Unknown
from tests.clients.conftest import Make

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def logged(make: Make, folder: Path, *levels: object) -> LogSinceLaunch:
    file = folder / "service.jsonl"
    lines = [{"at": NOW.isoformat(), "level": level, "event": "payment failed"} for level in levels]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    clients = make(readings={"log_lines": Reading(file=file, format="jsonl")})
    return log_since_launch(clients.readings, NOW, None, None, clients.loki)


@pytest.mark.parametrize(
    ("level", "errors"),
    [(level, 1) for level in (50, 60, 50.0, "50", "60", "error", "ERROR", "err", "E", "F", "crit", "CRITICAL", "fatal")]
    + [(level, 1) for level in ("emerg", "emergency", "alert", "panic", "dpanic", "SEVERE", " error ")]
    + [(level, 0) for level in (10, 20, 30, 35, 40, "30", "trace", "debug", "Information", "notice", "WARNING", "warn")]
    + [(level, 0) for level in ("verbose", "fine", "d", "I", "W", "t", "inf", None, "")],
    ids=repr,
)
def test_an_error_is_one_however_its_level_is_spelt(level: object, errors: int, make: Make, tmp_path: Path) -> None:
    assert logged(make, tmp_path, "info", level).errors == errors


@pytest.mark.parametrize("level", [3, "0", -1, "nan", "bad", "oops " * 40, True, ["error"]])
def test_a_level_that_nobody_knows_is_no_harmless_one(level: object, make: Make, tmp_path: Path) -> None:
    with pytest.raises(Unknown, match=r"has lines of the level .*: nobody knows if they are errors") as caught:
        logged(make, tmp_path, "info", level)
    assert len(caught.value.reason) < 140


@pytest.mark.parametrize("seconds", [1, 0, -1])
def test_the_hour_before_the_launch_says_nothing_of_after_it(make: Make, tmp_path: Path, seconds: int) -> None:
    file = tmp_path / "service.jsonl"
    file.write_text(json.dumps({"at": NOW.isoformat(), "level": "info", "event": "started"}), encoding="utf-8")
    clients = make(readings={"log_lines": Reading(file=file, format="jsonl")})
    readings, loki = clients.readings, clients.loki
    launch_at = NOW + timedelta(seconds=seconds)
    assert log_since_launch(readings, NOW, launch_at, None, loki).lines == 1
    if seconds < 0:
        assert log_since_launch(readings, NOW, launch_at, "launch", loki).errors == 0
        return
    with pytest.raises(Unknown, match="still to come"):
        log_since_launch(readings, NOW, launch_at, "launch", loki)
