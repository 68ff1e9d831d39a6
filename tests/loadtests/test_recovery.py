"""After the hold few users stay: a target that is caught in its failure when the load has gone has failed."""

from __future__ import annotations

from pathlib import Path

from loadtests.trial import Trial, truth_server
from loadtests.truth import Law
from readiness.rehearsal.evidence import RehearsalEvidence, folders
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.stages import BORNE
from readiness.rehearsal.verdict import Conclusion, judge
from readiness.rendering.rehearsal_page import FILE

STAGE = {
    "users": 40,
    "users_per_second": 40,
    "hold_minutes": 0.1,
    "recovery_minutes": 0.2,
    "think_seconds": [0.1, 0.3],
    "settle_seconds": 1,
    "p95_seconds_below": 0.5,
}
NOT_RECOVERED = "the target did not recover: p95 was"


def rehearse(folder: Path, law: Law) -> RehearsalEvidence:
    with truth_server(law) as url:
        return Trial(folder, url, STAGE).run()


def test_a_target_that_stays_slow_when_the_load_has_gone_fails(tmp_path: Path) -> None:
    evidence = rehearse(tmp_path, Law(0.05, 0.08, breaks_at=8, broken_seconds=0.8))
    judged = judge(Figures.of(evidence))
    assert judged.word is Conclusion.FAIL
    says = [reason.says for reason in judged.reasons]
    assert any(NOT_RECOVERED in one and "with 10 users in place of 40" in one for one in says), says
    page = (next(folders(tmp_path / "reports", "trial")) / FILE).read_text(encoding="utf-8")
    assert "Response time when the load had gone" in page
    assert "p95 when the load had gone, at most" in page


def test_a_target_that_bears_the_load_is_asked_by_few_users_at_the_end(tmp_path: Path) -> None:
    evidence = rehearse(tmp_path, Law(0.02, 0.06))
    figures = Figures.of(evidence)
    assert evidence.ended == "whole"
    assert evidence.sent == evidence.recorded
    assert figures.recovery.requests > 0
    assert figures.recovery.p95.low < 0.5
    assert not list(figures.recovery.faults(evidence.asked))
    assert evidence.hold_until
    # The last second is over before the few have gone.
    asked_late = [users for second, users in evidence.users.items() if second > evidence.hold_until.timestamp() + 6]
    assert set(asked_late[:-2]) == {BORNE}
    assert not [reason for reason in judge(figures).reasons if "recover" in reason.says]
