"""What the evidence of a drill proves, and which evidence counts."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from readiness.drill import evidence as drill_evidence
from readiness.drill.evidence import DrillEvidence
from readiness.drill.verdict import judge
from readiness.environment.schema import Environment
from readiness.errors import BadRun
from readiness.files.evidence_file import EvidenceArchive, digest_of
from readiness.observations.drills import Demand
from readiness.outcomes import Unknown
from readiness.rehearsal.verdict import Conclusion
from readiness.sandbox.service import REVISION
from readiness.sources.readings import Readings
from tests.drills.evidence import BEGAN, TABLE, evidence, put, steps


def table(**changes: Any) -> dict[str, Any]:
    return {"tables": (TABLE.model_copy(update=changes),)}


FAILED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a table is missing": ("restore", table(restored=None), "public.uploads did not come back"),
    "a table is empty": ("restore", table(restored=0), "came back empty; it has 100 rows"),
    "rows are missing": ("restore", table(restored=79), "came back with 79 rows; it has 100"),
    "a row is missing of a dump made now": (
        "restore",
        {"made_here": True, **table(rows_after=100, checksum_after="7", restored=99)},
        "came back with 99 rows of 100",
    ),
    "other contents of a dump made now": (
        "restore",
        {"made_here": True, **table(rows_after=100, checksum_after="7", restored_checksum="8")},
        "came back with other contents",
    ),
    "no table at all": ("restore", {"tables": ()}, "no table to compare"),
    "no date": ("restore", {"taken_at": None}, "does not say credibly when it was made"),
    "from the future": ("restore", {"taken_at": BEGAN + timedelta(days=1)}, "does not say credibly"),
    "outdated": ("restore", {"taken_at": BEGAN - timedelta(hours=25)}, "25.0 h old, allowed are 24"),
    "slow": ("restore", {"seconds": 4 * 3600.0}, "the restore took 4.0 h, allowed are less than 4"),
    "refused": ("restore", {"refused": "input file is too short"}, "cannot be restored: input file is too short"),
    "empty": ("restore", {"size": 0}, "is an empty file"),
    "left behind": ("restore", {"dropped": False}, "the scratch database was not dropped"),
    "not refused": ("kill-switch", {"refused_seconds": None, "told": "status 202"}, "not refused while it was off"),
    "lost in flight": ("kill-switch", {"completed": 0}, "1 of 1 uploads in flight did not complete"),
    "stays off": ("kill-switch", {"accepted_after": False}, "after it was switched on again"),
    "too slow": ("rollback", {"seconds": 181.0}, "the rollback took 3.0 min, allowed are 3"),
    "wrong version": ("rollback", {"seconds": None, "served": "r0"}, "r0 was served, r1 was wanted"),
    "silent": ("rollback", {"seconds": None, "served": ""}, "did not say which version it serves, r1 was wanted"),
    "unhealthy": ("rollback", {"seconds": None, "healthy": False}, "r1 was served and not healthy"),
    "not forward": ("rollback", {"forward_seconds": None}, "r2 was not served again"),
    "never opens": ("circuit-breaker", {"opened_seconds": None}, "the breaker storage never opened"),
    "never closes": ("circuit-breaker", {"closed_seconds": None}, "did not close"),
    "nothing in its place": ("fallback", {"served_seconds": None}, "the fallback never served"),
    "stays in its place": ("fallback", {"recovered_seconds": None}, "did not serve again"),
    "never detected": ("incident", {"detected_seconds": None}, "the alert ApiDown never fired"),
    "fires on": ("incident", {"resolved_seconds": None}, "did not end after the mitigation"),
}
OPEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "nothing in flight": ("kill-switch", {"in_flight": 0, "completed": 0}, "in_flight_rows"),
    "off before": ("kill-switch", {"accepted_before": False}, "refused before the switch was touched"),
    "served already": ("rollback", {"before": "r1"}, "r1 was served already"),
    "open before": ("circuit-breaker", {"before": "open"}, "was open before anything was broken"),
    "broken before": ("fallback", {"before_itself": False}, "before it was broken"),
    "firing before": ("incident", {"firing_before": True}, "was firing before"),
}


@pytest.mark.parametrize("name", drill_evidence.NAMES)
def test_what_went_well_passes(name: str) -> None:
    assert judge(evidence(name)).word is Conclusion.PASS


@pytest.mark.parametrize("case", FAILED)
def test_what_the_target_failed_in_fails(case: str) -> None:
    name, facts, says = FAILED[case]
    judged = judge(evidence(name, facts=facts))
    assert judged.word is Conclusion.FAIL
    assert any(says in reason.says for reason in judged.reasons), judged


@pytest.mark.parametrize("case", OPEN)
def test_what_could_not_be_tried_is_inconclusive(case: str) -> None:
    name, facts, says = OPEN[case]
    judged = judge(evidence(name, facts=facts))
    assert judged.word is Conclusion.INCONCLUSIVE
    assert any(says in reason.says for reason in judged.reasons), judged


def test_a_step_of_an_incident_that_was_not_done_fails() -> None:
    judged = judge(evidence("incident", steps=steps("simulate", "detect", "mitigate", "resolve", "document")))
    assert judged.word is Conclusion.FAIL
    assert "steps that were not done: publish" in judged.reasons[0].says


@pytest.mark.parametrize("ended", ["running", "cut short"])
def test_a_drill_that_did_not_end_proves_nothing(ended: str) -> None:
    assert judge(evidence("rollback", ended=ended)).word is Conclusion.INCONCLUSIVE


UNSEEN = "the alert ApiDown did not fire within 300 s"


def stopped_after_a_failure(name: str = "incident", **other: Any) -> DrillEvidence:
    (step,) = steps("detect")
    failed = step.model_copy(update={"done": False, "failed": True, "found": UNSEEN})
    nothing = {"detected_seconds": None, "resolved_seconds": None, "document": ""}
    return evidence(name, ended="cut short", ended_because="status 503", steps=(failed,), facts=nothing, **other)


def test_what_the_target_failed_in_stands_where_the_drill_was_cut_short_after_it() -> None:
    judged = judge(stopped_after_a_failure())
    assert judged.word is Conclusion.FAIL
    assert [reason.says for reason in judged.reasons] == [
        f"step 'detect' failed (detect): {UNSEEN}",
        "it was cut short: status 503",
    ]


def test_a_step_that_was_cut_short_is_no_failure() -> None:
    (step,) = steps("detect")
    cut = evidence("incident", ended="cut short", steps=(step.model_copy(update={"done": False}),))
    assert judge(cut).word is Conclusion.INCONCLUSIVE


def test_what_was_not_put_back_fails_also_where_it_was_cut_short() -> None:
    assert judge(evidence("rollback", ended="cut short", left=("go forward: status 500",))).word is Conclusion.FAIL
    assert judge(evidence("rollback", left=("go forward: status 500",))).word is Conclusion.FAIL


def test_changed_tables_need_not_have_the_same_rows() -> None:
    assert judge(evidence("restore", facts=table(changing=True, restored=3))).word is Conclusion.PASS
    while_dumping = {
        "made_here": True,
        **table(rows_after=104, checksum_after="9", restored=102, restored_checksum="8"),
    }
    assert judge(evidence("restore", facts=while_dumping)).word is Conclusion.PASS


LOCAL = Environment.model_validate(
    {
        "environment": "local",
        "runbooks": ["ingestion"],
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": "http://127.0.0.1:1", "revision": REVISION},
    }
)
NO_READINGS = cast("Readings", None)  # the revision is a literal here


def demand(reports: Path, moment: datetime = BEGAN) -> Demand:
    return Demand(EvidenceArchive(reports), LOCAL, NO_READINGS, moment, days_at_most=31)


def newest(reports: Path, found: DrillEvidence) -> DrillEvidence:
    put(reports, found)
    return demand(reports, BEGAN + timedelta(days=2)).newest(found.drill)


AGAINST: dict[str, tuple[DrillEvidence, str]] = {
    "another revision": (evidence("rollback", revision="r0"), f"it ran on revision r0, {REVISION} is to be launched"),
    "no revision": (evidence("fallback", revision=None, revision_unknown_because="404"), "does not know the revision"),
    "cut short": (evidence("restore", ended="cut short", ended_because="SIGTERM"), "it was cut short: SIGTERM"),
    "killed": (evidence("restore", ended="running"), "it was cut short: it did not end"),
    "inconclusive": (evidence("kill-switch", facts={"in_flight": 0, "completed": 0}), "no upload was in flight"),
    "to come": (evidence("restore", finished_at=BEGAN + timedelta(days=3)), "it ended after the moment that is judged"),
    "stale": (evidence("incident", finished_at=BEGAN - timedelta(days=30)), "it is 32 days old, allowed are 31"),
}


@pytest.mark.parametrize("case", AGAINST)
def test_evidence_that_does_not_count_is_unknown_with_the_reason(case: str, tmp_path: Path) -> None:
    found, says = AGAINST[case]
    with pytest.raises(Unknown) as told:
        newest(tmp_path, found)
    assert says in told.value.reason
    assert told.value.remedy == f"readiness drill {found.drill} --env local"


def test_a_restore_outlives_a_deployment(tmp_path: Path) -> None:
    assert newest(tmp_path, evidence("restore", revision="r0")).drill == "restore"
    assert newest(tmp_path, evidence("incident", revision=None)).drill == "incident"


def test_an_older_drill_counts_where_the_newer_was_cut_short(tmp_path: Path) -> None:
    put(tmp_path, evidence("restore", run="20260101T000000Z-restore"))
    assert newest(tmp_path, evidence("restore", ended="cut short")).run == "20260101T000000Z-restore"


def test_a_failure_is_not_hidden_by_an_older_success(tmp_path: Path) -> None:
    put(tmp_path, evidence("kill-switch", run="20260101T000000Z-kill-switch"))
    assert (
        newest(tmp_path, evidence("kill-switch", facts={"accepted_after": False})).run != "20260101T000000Z-kill-switch"
    )


def test_a_failure_that_was_cut_short_is_not_hidden_by_an_older_success(tmp_path: Path) -> None:
    put(tmp_path, evidence("incident", run="20260101T000000Z-incident"))
    assert newest(tmp_path, stopped_after_a_failure()).ended == "cut short"


def test_evidence_of_before_steps_told_of_failures_is_read(tmp_path: Path) -> None:
    folder = put(tmp_path, evidence("incident"))
    body = json.loads((folder / drill_evidence.FILE).read_text("utf-8"))
    for step in body["steps"]:
        del step["failed"]
    (folder / drill_evidence.FILE).write_text(json.dumps({**body, "digest": digest_of(body)}), "utf-8")
    assert judge(drill_evidence.read(folder)).word is Conclusion.PASS


def test_evidence_that_was_altered_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, evidence("restore", facts={"dropped": False})) / drill_evidence.FILE
    path.write_text(path.read_text("utf-8").replace('"dropped":false', '"dropped":true'), "utf-8")
    with pytest.raises(Unknown, match="was altered after it was written"):
        demand(tmp_path).newest("restore")


def test_evidence_that_was_torn_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, evidence("restore")) / drill_evidence.FILE
    path.write_text(path.read_text("utf-8")[:99], "utf-8")
    with pytest.raises(BadRun):
        drill_evidence.read(path.parent)
    with pytest.raises(Unknown, match="cannot be read"):
        demand(tmp_path).newest("restore")
