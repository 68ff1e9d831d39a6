"""What no fault of the sandbox turns red, and the test that does so on a whole run."""

from __future__ import annotations

BY_EVIDENCE = "tests/whole_runs/test_shipped_evidence.py::test_bad_evidence_turns_exactly_its_lines"
"""They judge the evidence of a drill or a rehearsal, which lies with the reports and not in the target."""
PROVEN_ELSEWHERE = {
    ("drills.restore", "agency/backup-integrity"): BY_EVIDENCE,
    ("drills.restore", "agency/disaster-recovery"): BY_EVIDENCE,
    ("drills.restore", "launch400k/backup-verified"): BY_EVIDENCE,
    ("drills.restore", "launch400k/restore-verified"): BY_EVIDENCE,
    ("drills.restore", "playbook/restore-monthly"): BY_EVIDENCE,
    ("drills.rollback", "agency/rollback-time"): BY_EVIDENCE,
    ("drills.kill_switch", "agency/flag-rollback"): BY_EVIDENCE,
    ("drills.kill_switch", "ingestion/kill-switch-tested"): BY_EVIDENCE,
    ("drills.circuit_breaker", "launch400k/breakers-tested"): BY_EVIDENCE,
    ("drills.fallback", "launch400k/fallbacks"): BY_EVIDENCE,
    ("drills.incident", "playbook/monthly-drill"): BY_EVIDENCE,
    ("load.rehearsal_passed", "launch400k/load-smoke"): BY_EVIDENCE,
    ("load.rehearsal_passed", "launch400k/load-load"): BY_EVIDENCE,
    ("load.rehearsal_passed", "launch400k/load-stress"): BY_EVIDENCE,
    ("load.rehearsal_passed", "launch400k/load-launch"): BY_EVIDENCE,
    ("load.rehearsal_passed", "launch400k/go-load"): BY_EVIDENCE,
    ("load.response_time", "launch400k/load-p95"): BY_EVIDENCE,
    ("load.error_rate", "launch400k/load-errors"): BY_EVIDENCE,
    ("load.capacity", "launch400k/active-users"): BY_EVIDENCE,
}
"""A check and a line that it decides, and the test that turns it red."""
