"""The four checks of a rehearsal in a whole run: each piece of evidence turns exactly its lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.evidence.signing import FILE_VARIABLE
from readiness.rehearsal import evidence as rehearsal_evidence
from readiness.rehearsal.evidence import LoadTarget, RehearsalEvidence
from readiness.rehearsal.stages import Stage
from readiness.rendering import rehearsal_entry
from tests.evidence.launch import new_key
from tests.rehearsal.test_rehearsal import counts, evidence, put
from tests.whole_run import outcomes

ROOT = Path(__file__).parents[2]
LINES = ["load-launch", "load-p95", "load-errors", "active-users"]
"""Of launch400k; the runbook of this test demands one stage, so that one file of evidence is enough."""
LIMITS: dict[str, Any] = {"days_at_most": 14, "p95_seconds_below": 1.5, "share_below": 0.01}
ONE_STAGE = {"stage": "launch", **LIMITS}
DECIDED: dict[str, dict[str, Any]] = {
    "load-launch": {"load.rehearsal_passed": {**ONE_STAGE, "users_at_least": 2000, "minutes_at_least": 15}},
    "load-p95": {"load.response_time": ONE_STAGE},
    "load-errors": {"load.error_rate": ONE_STAGE},
    "active-users": {"load.capacity": {**LIMITS, "users_at_least": 2000}},
}
RECENT = datetime.now(UTC) - timedelta(hours=2)
LAUNCH = Stage(users=2000, hold_minutes=15)


def launch(**other: Any) -> RehearsalEvidence:
    """Make evidence of a launch rehearsal of two hours ago that passes."""
    began = int(RECENT.timestamp())
    base: dict[str, Any] = {
        "run": f"{RECENT:%Y%m%dT%H%M%SZ}-launch",
        "stage": "launch",
        "asked": LAUNCH,
        "started_at": RECENT,
        "hold_from": RECENT,
        "hold_until": RECENT + timedelta(minutes=15),
        "finished_at": RECENT + timedelta(minutes=16),
        "seconds": {began + second: (100, 100) for second in range(900)},
        "users": dict.fromkeys(range(began, began + 900), LAUNCH.users),
    }
    return evidence(**{**base, **other})


def judged(folder: Path, decided: dict[str, dict[str, Any]] = DECIDED) -> dict[str, str]:
    """Run preflight on an environment with these lines; give the outcome of each."""
    target = {"url": "http://127.0.0.1:9", "revision": "r1"}
    return outcomes(folder, decided, environment="staging", target=target)


def tampered(reports: Path) -> None:
    path = put(reports, launch(errors={"status 500": 300})) / rehearsal_evidence.FILE
    path.write_text(path.read_text().replace('"failed":300', '"failed":0'))


PASS = dict.fromkeys(LINES, "pass")
UNKNOWN = dict.fromkeys(LINES, "unknown")
SLOW = {"kernel": counts(1540, 6000), "naive": counts(1541, 6000)}
CASES: dict[str, tuple[Callable[[Path], object], dict[str, str]]] = {
    "healthy": (lambda reports: put(reports, launch()), PASS),
    "none": (lambda _: None, UNKNOWN),
    "slow": (
        lambda reports: put(reports, launch(**SLOW)),
        PASS | {"load-launch": "fail", "load-p95": "fail", "active-users": "fail"},
    ),
    "errors": (
        lambda reports: put(reports, launch(errors={"status 500": 300})),
        PASS | {"load-launch": "fail", "load-errors": "fail", "active-users": "fail"},
    ),
    "too short": (
        lambda reports: put(reports, launch(asked=LAUNCH.model_copy(update={"hold_minutes": 10}))),
        PASS | {"load-launch": "fail"},
    ),
    "cut short": (lambda reports: put(reports, launch(ended="cut short")), UNKNOWN),
    "stale": (lambda reports: put(reports, launch(finished_at=RECENT - timedelta(days=15))), UNKNOWN),
    "another revision": (
        lambda reports: put(
            reports, launch(target=LoadTarget(url="http://127.0.0.1:9", revision="r0", revision_at_end="r0"))
        ),
        UNKNOWN,
    ),
    "loosened": (
        lambda reports: put(reports, launch(asked=LAUNCH.model_copy(update={"p95_seconds_below": 3.0}))),
        UNKNOWN,
    ),
    "tampered": (tampered, UNKNOWN),
    "starved": (lambda reports: put(reports, launch(generator={"queue_share": 0.6})), UNKNOWN),
}


@pytest.mark.parametrize("name", CASES)
def test_exactly_these_lines_turn(tmp_path: Path, name: str) -> None:
    plant, expected = CASES[name]
    plant(tmp_path / "reports")
    assert judged(tmp_path) == expected


ALL_STAGES: dict[str, dict[str, Any]] = {
    "load-passed": {"load.rehearsal_passed": LIMITS},
    "load-p95": {"load.response_time": LIMITS},
    "load-errors": {"load.error_rate": LIMITS},
}
ERRORS: dict[str, Any] = {"errors": {"status 500": 300}}
PARTLY: dict[str, tuple[dict[str, dict[str, Any]], dict[str, str]]] = {
    "the one there passed": ({"smoke": {}}, dict.fromkeys(ALL_STAGES, "unknown")),
    "the one there was slow": ({"smoke": SLOW}, {"load-passed": "fail", "load-p95": "fail", "load-errors": "unknown"}),
    "the one there had errors": (
        {"smoke": ERRORS},
        {"load-passed": "fail", "load-p95": "unknown", "load-errors": "fail"},
    ),
    "one is inconclusive": (
        {"smoke": SLOW, "load": {}, "stress": {}, "launch": {**ERRORS, "ended": "cut short"}},
        {"load-passed": "fail", "load-p95": "fail", "load-errors": "unknown"},
    ),
    "all are there": (
        {"smoke": SLOW, "load": {}, "stress": {}, "launch": {}},
        {"load-passed": "fail", "load-p95": "fail", "load-errors": "pass"},
    ),
}


@pytest.mark.parametrize("name", PARTLY)
def test_a_good_figure_says_nothing_of_a_stage_that_is_missing(tmp_path: Path, name: str) -> None:
    found, expected = PARTLY[name]
    for stage, other in found.items():
        put(tmp_path / "reports", launch(run=f"{RECENT:%Y%m%dT%H%M%SZ}-{stage}", stage=stage, **other))
    assert judged(tmp_path, ALL_STAGES) == expected


def _sealed(folder: Path) -> None:
    rehearsal_entry.begin(folder, folder, "launch")
    rehearsal_entry.end(folder, folder)


def _forged(folder: Path) -> None:
    _sealed(folder)
    rehearsal_evidence.write(launch(naive=counts(900, 6000)), folder)  # its own digest fits


SIGNED: dict[str, tuple[Callable[[Path], None], str]] = {
    "sealed": (_sealed, "pass"),
    "forged after it was sealed": (_forged, "unknown"),
    "never sealed": (lambda folder: rehearsal_entry.begin(folder, folder, "launch"), "unknown"),
    "put there by hand": (lambda _: None, "unknown"),
}


@pytest.mark.parametrize("name", SIGNED)
def test_where_the_project_trusts_a_key_only_sealed_evidence_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(new_key(tmp_path, "ci", tmp_path)))
    plant, outcome = SIGNED[name]
    plant(put(tmp_path / "reports", launch()))
    assert judged(tmp_path) == dict.fromkeys(LINES, outcome)


def test_evidence_that_another_key_sealed_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_key(tmp_path, "ci", tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv(FILE_VARIABLE, str(new_key(tmp_path / "elsewhere", "forger")))
    _sealed(put(tmp_path / "reports", launch()))
    assert judged(tmp_path) == UNKNOWN


DATED: list[tuple[str, dict[str, Any], dict[str, Any], str, bool]] = [
    # A rehearsal; the limits from a later day on, and until then; the outcome now; whether the line will then fail.
    ("quick enough then", {"p95": 0.5, "took": 400}, {"value": 0.5, "until_then": 1.5}, "pass", False),
    ("too slow then", {"p95": 0.5, "took": 400}, {"value": 0.3, "until_then": 1.5}, "pass", True),
    ("made by a looser limit", {"p95": 1.5, "took": 400}, {"value": 0.5, "until_then": 1.5}, "pass", True),
    ("too slow now", {"p95": 0.3, "took": 400}, {"value": 1.5, "until_then": 0.3}, "fail", False),
]


@pytest.mark.parametrize(
    ("made", "limit", "outcome", "will_fail"), [row[1:] for row in DATED], ids=[row[0] for row in DATED]
)
def test_a_limit_of_a_rehearsal_may_bind_from_a_day(
    made: dict[str, Any], limit: dict[str, Any], outcome: str, *, will_fail: bool, tmp_path: Path
) -> None:
    asked = LAUNCH.model_copy(update={"p95_seconds_below": made["p95"]})
    took = {"kernel": counts(made["took"], 6000), "naive": counts(made["took"] + 1, 6000)}
    put(tmp_path / "reports", launch(asked=asked, **took))
    begins = (datetime.now(UTC) + timedelta(days=10)).date()
    dated = {"load-p95": {"load.response_time": {**ONE_STAGE, "p95_seconds_below": {"from": str(begins), **limit}}}}
    assert judged(tmp_path, dated) == {"load-p95": outcome}

    (journal,) = (tmp_path / "reports").rglob("journal.jsonl")
    results = [
        record for record in map(json.loads, journal.read_text("utf-8").splitlines()) if record["record"] == "result"
    ]
    (ahead,) = results[0].get("ahead") or ({"measurements": [{"ok": True}]},)
    assert will_fail is not (bool(ahead["measurements"]) and all(each["ok"] for each in ahead["measurements"]))
