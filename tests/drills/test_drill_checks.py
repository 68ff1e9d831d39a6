"""The checks of drills in a whole run: each piece of evidence turns exactly its lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from readiness.drill import evidence as drill_evidence
from readiness.evidence import ledger
from readiness.evidence.signing import FILE_VARIABLE
from tests.drills.evidence import evidence, put, put_all
from tests.evidence.launch import new_key
from tests.whole_run import outcomes

ROOT = Path(__file__).parents[2]
LIMITS: dict[str, dict[str, Any]] = {
    "restore": {"hours_below": 4, "backup_hours_at_most": 24},
    "rollback": {"minutes_at_most": 3},
    "incident": {"steps": ["simulate", "detect", "publish", "mitigate", "resolve", "document"]},
}
BAD: dict[str, dict[str, Any]] = {
    "restore": {"seconds": 5 * 3600.0},
    "kill-switch": {"refused_seconds": None},
    "rollback": {"seconds": 200.0},
    "circuit-breaker": {"opened_seconds": None},
    "fallback": {"served_seconds": None},
    "incident": {"detected_seconds": None},
}


def judged(folder: Path, environment: str = "local", **other: Any) -> dict[str, str]:
    """Run preflight on an environment with a line for each drill; give the outcome of each."""
    decided = {
        name: {f"drills.{name.replace('-', '_')}": {"days_at_most": 31, **LIMITS.get(name, {})}}
        for name in drill_evidence.NAMES
    }
    target = {"url": "http://127.0.0.1:9", "revision": evidence("restore").revision}
    return outcomes(folder, decided, environment=environment, target=target, **other)


def test_drills_that_passed(tmp_path: Path) -> None:
    put_all(tmp_path / "reports")
    assert judged(tmp_path) == dict.fromkeys(drill_evidence.NAMES, "pass")


def test_the_drills_of_the_staging_copy_count_where_the_environment_says_so(tmp_path: Path) -> None:
    put_all(tmp_path / "reports")
    assert judged(tmp_path, environment="live") == dict.fromkeys(drill_evidence.NAMES, "unknown")
    found = judged(tmp_path, environment="live", production=True, drills={"drilled_in": "local"})
    assert found == dict.fromkeys(drill_evidence.NAMES, "pass")


def test_where_the_project_trusts_a_key_only_sealed_drills_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(new_key(tmp_path, "ci", tmp_path)))
    put_all(tmp_path / "reports")
    (restored,) = drill_evidence.folders(tmp_path / "reports", "local", "restore")
    ledger.seal_evidence(restored, "pass", 0, phase="restore")
    assert judged(tmp_path) == dict.fromkeys(drill_evidence.NAMES, "unknown") | {"restore": "pass"}


def test_no_drills(tmp_path: Path) -> None:
    assert judged(tmp_path) == dict.fromkeys(drill_evidence.NAMES, "unknown")


def test_drills_that_failed(tmp_path: Path) -> None:
    for name, facts in BAD.items():
        put(tmp_path / "reports", evidence(name, facts=facts))
    assert judged(tmp_path) == dict.fromkeys(drill_evidence.NAMES, "fail")


@pytest.mark.parametrize("name", ["kill-switch", "incident"])
def test_one_that_failed_turns_its_own_line_alone(tmp_path: Path, name: str) -> None:
    put_all(tmp_path / "reports")
    put(tmp_path / "reports", evidence(name, facts=BAD[name]))
    assert judged(tmp_path) == dict.fromkeys(drill_evidence.NAMES, "pass") | {name: "fail"}


def test_drills_that_were_cut_short(tmp_path: Path) -> None:
    for name in drill_evidence.NAMES:
        put(tmp_path / "reports", evidence(name, ended="cut short", ended_because="it was stopped by SIGTERM"))
    assert judged(tmp_path) == dict.fromkeys(drill_evidence.NAMES, "unknown")
