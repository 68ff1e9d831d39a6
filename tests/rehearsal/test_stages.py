"""The stages that ship are those of the runbook that asks for them."""

from __future__ import annotations

from pathlib import Path

from readiness.rehearsal.stages import STAGES
from readiness.runbook import lines as runbook_lines


def test_the_table_says_what_the_launch_runbook_says() -> None:
    lines = runbook_lines.load(runbook_lines.locate("launch400k", Path())).lines
    decided = [line.decided_by.get("load.rehearsal_passed", {}) for line in lines]
    of_a_stage = [limits for limits in decided if "stage" in limits]
    asked = {limits["stage"]: (limits["users_at_least"], limits["minutes_at_least"]) for limits in of_a_stage}
    assert asked == {name: (stage.users, stage.hold_minutes) for name, stage in STAGES.items()}
    p95s = {line.decided_by["load.response_time"]["p95_seconds_below"] for line in lines if line.id == "load-p95"}
    shares = {line.decided_by["load.error_rate"]["share_below"] for line in lines if line.id == "load-errors"}
    assert (p95s, shares) == ({1.5}, {0.01})
    assert {(stage.p95_seconds_below, stage.share_below) for stage in STAGES.values()} == {(1.5, 0.01)}
