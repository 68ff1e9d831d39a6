"""The shipped lines that judge evidence of drills and rehearsals, by their own limits, in a whole run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.rehearsal.evidence import LoadTarget
from readiness.rehearsal.stages import STAGES, Stage
from readiness.sandbox.service import REVISION
from tests.drills.evidence import TABLE, evidence, put, put_all
from tests.drills.test_drill_checks import BAD
from tests.matrix.judging import LINES
from tests.matrix.proven_elsewhere import BY_EVIDENCE, PROVEN_ELSEWHERE
from tests.rehearsal.test_load_checks import ERRORS, RECENT, SLOW, launch
from tests.rehearsal.test_rehearsal import put as put_rehearsal
from tests.whole_run import outcomes

PAIRS = sorted(pair for pair, test in PROVEN_ELSEWHERE.items() if test == BY_EVIDENCE)
PEAK = {"peak": Stage(users=20_000, hold_minutes=15)}
"""A stage of the team's own: none that ships has as many users as the launch document counts on."""
SERVED = LoadTarget(url="http://127.0.0.1:9", revision=REVISION, revision_at_end=REVISION)


def rehearse(reports: Path, other: dict[str, Any], *names: str) -> None:
    """Lay down a rehearsal of each stage, or of some, as it would be if all went well but for this."""
    stages = {**STAGES, **PEAK}
    for name in names or stages:
        # What comes back after the load is judged too where it is there: see tests/rehearsal/test_recovery.py.
        asked = stages[name].model_copy(update={"recovery_minutes": 0.0})
        began = int(RECENT.timestamp())
        held = {began + second: 100 for second in range(round(asked.hold_minutes * 60))}
        made = launch(
            run=f"{RECENT:%Y%m%dT%H%M%SZ}-{name}",
            environment="local",
            stage=name,
            asked=asked,
            target=SERVED,
            hold_until=RECENT + timedelta(minutes=asked.hold_minutes),
            seconds={second: (count, count) for second, count in held.items()},
            users=dict.fromkeys(held, asked.users),
            **other,
        )
        put_rehearsal(reports, made)


def drill_failed(name: str, facts: dict[str, Any]) -> Callable[[Path], object]:
    """Return what lays down the evidence of a drill that failed, in place of the one that passed."""
    return lambda reports: put(reports, evidence(name, facts=facts))


def decided(*checks: str) -> set[str]:
    """Return the lines that these checks decide."""
    return {line for check, line in PAIRS if check in checks}


ROWS_LOST = {"tables": (TABLE.model_copy(update={"restored": 0}),)}
"""Nothing came back of a table: too slow a restore is a matter of those lines alone that say how long."""
STAGE_LINES = decided("load.rehearsal_passed", "load.capacity")
FAULTS: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "all went well": (lambda _: None, set()),
    **{
        f"{name} failed": (drill_failed(name, facts), decided(f"drills.{name.replace('-', '_')}"))
        for name, facts in {**BAD, "restore": ROWS_LOST}.items()
    },
    "restore slow": (
        drill_failed("restore", BAD["restore"]),
        {f"launch400k/{line}" for line in ("backup-verified", "restore-verified")},
    ),
    "rehearsals slow": (lambda reports: rehearse(reports, SLOW), STAGE_LINES | decided("load.response_time")),
    "rehearsals with errors": (lambda reports: rehearse(reports, ERRORS), STAGE_LINES | decided("load.error_rate")),
    "smoke slow": (
        lambda reports: rehearse(reports, SLOW, "smoke"),
        {f"launch400k/{line}" for line in ("load-smoke", "load-p95", "go-load")},
    ),
    "more users slow": (lambda reports: rehearse(reports, SLOW, *PEAK), {"launch400k/active-users"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_bad_evidence_turns_exactly_its_lines(tmp_path: Path, name: str) -> None:
    plant, turned = FAULTS[name]
    put_all(tmp_path / "reports")
    rehearse(tmp_path / "reports", {})
    plant(tmp_path / "reports")

    asked = {line.replace("/", "-"): {check: LINES[line].decided_by[check]} for check, line in PAIRS}
    target = {"url": "http://127.0.0.1:9", "revision": REVISION}
    found = outcomes(tmp_path, asked, environment="local", target=target)
    assert found == {line.replace("/", "-"): "fail" if line in turned else "pass" for _, line in PAIRS}


def test_each_pair_is_turned_by_some_evidence() -> None:
    assert {line for _, turned in FAULTS.values() for line in turned} == {line for _, line in PAIRS}
