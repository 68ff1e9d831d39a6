"""Evidence of drills, as it would be if all went well; a test says what did not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from readiness.drill import evidence as drill_evidence
from readiness.drill.evidence import DrillEvidence, DrillStep, Table
from readiness.drill.verdict import STEPS
from readiness.sandbox.service import REVISION

BEGAN = datetime.now(UTC) - timedelta(hours=2)
TABLE = Table(name="public.uploads", rows=100, checksum="7", restored=100, restored_checksum="7")
FACTS: dict[str, dict[str, Any]] = {
    "restore": {
        "backup": "nightly.dump",
        "size": 5000,
        "taken_at": BEGAN - timedelta(hours=1),
        "tables": (TABLE,),
        "seconds": 60.0,
        "scratch": "readiness_restore_1",
        "dropped": True,
    },
    "kill-switch": {
        "accepted_before": True,
        "in_flight": 1,
        "completed": 1,
        "refused_seconds": 0.2,
        "accepted_after": True,
    },
    "rollback": {
        "before": "r2",
        "wanted": "r1",
        "served": "r1",
        "healthy": True,
        "seconds": 40.0,
        "forward_seconds": 40.0,
    },
    "circuit-breaker": {"breaker": "storage", "before": "closed", "opened_seconds": 1.0, "closed_seconds": 5.0},
    "fallback": {"before_itself": True, "served_seconds": 1.0, "recovered_seconds": 1.0},
    "incident": {"alert": "ApiDown", "detected_seconds": 20.0, "resolved_seconds": 20.0, "document": "incident.md"},
}


def steps(*names: str) -> tuple[DrillStep, ...]:
    began = [BEGAN + timedelta(seconds=second) for second in range(len(names))]
    return tuple(
        DrillStep(name=name, says=name, began=at, ended=at + timedelta(seconds=1), done=True)
        for name, at in zip(names, began, strict=True)
    )


def evidence(name: str, *, facts: dict[str, Any] | None = None, **other: Any) -> DrillEvidence:
    """Make the evidence of a drill of two hours ago."""
    fields: dict[str, Any] = {
        "schema": "readiness/drill/1",
        "run": f"{BEGAN:%Y%m%dT%H%M%SZ}-{name}",
        "environment": "local",
        "drill": name,
        "url": "http://127.0.0.1:9",
        "revision": REVISION,
        "started_at": BEGAN,
        "finished_at": BEGAN + timedelta(minutes=1),
        "ended": "whole",
        "steps": steps(*STEPS) if name == "incident" else (),
        "facts": {"drill": name, **FACTS[name], **(facts or {})},
    }
    return DrillEvidence.model_validate({**fields, **other})


def put(reports: Path, found: DrillEvidence) -> Path:
    """Lay it where a drill would."""
    folder = reports / found.environment / drill_evidence.FOLDER / found.run
    drill_evidence.write(found, folder)
    return folder


def put_all(reports: Path) -> None:
    """Lay down one of each that passes."""
    for name in drill_evidence.NAMES:
        put(reports, evidence(name))
