"""A week is not approved before it is over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from readiness.outcomes import Gate, Outcome, Phase
from readiness.verdict import Expected, VerdictStatus, decide
from tests.verdict.test_verdict import APPROVED, KEYS, blocker, found

DUE = datetime(2026, 12, 8, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("later", "word"),
    [
        (Expected(KEYS[1], Gate.BLOCKER, due=False, due_at=DUE), VerdictStatus.INCOMPLETE),
        (Expected(KEYS[1], Gate.ACTION, due=False, due_at=DUE), VerdictStatus.INCOMPLETE),
        (Expected(KEYS[1], Gate.WARNING, due=False, due_at=DUE), VerdictStatus.APPROVED),
        (Expected(KEYS[1], Gate.BLOCKER, due=False), VerdictStatus.APPROVED),  # after the sign-off
    ],
)
def test_people_sign_once_and_not_before_all_that_decides_has_fallen_due(later: Expected, word: VerdictStatus) -> None:
    verdict = decide(Phase.GA, [blocker(), later], [found(Outcome.PASS)], sign_off=APPROVED)
    assert verdict.word is word
    if not verdict.good:
        assert "too early: 1 lines that decide fall due by 2026-12-08 09:00:00Z" in verdict.action
    failed = decide(Phase.GA, [blocker(), later], [found(Outcome.FAIL)], sign_off=APPROVED)
    assert failed.word is VerdictStatus.DEFERRED
    unknown = decide(Phase.GA, [blocker(), later], [found(Outcome.UNKNOWN)], sign_off=APPROVED)
    assert (unknown.word, "too early" in unknown.action) == (VerdictStatus.INCOMPLETE, False)
    # Before the launch a good word that holds until then is what is wanted.
    assert decide(Phase.PREFLIGHT, [blocker(), later], [found(Outcome.PASS)]).good
