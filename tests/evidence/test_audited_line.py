"""A line of `readiness verify --all` keeps its columns apart, however long the words are.

A row is how a run ended, whether something was red beside its lines, and what it is worth.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from readiness.evidence.audit import Audited
from readiness.evidence.ledger_reading import LedgerLine, LedgerRecord
from readiness.evidence.reasons import Reason
from readiness.evidence.statements import LedgerEntry
from readiness.rendering.verified import audited_line
from readiness.verdict import VerdictStatus

AT = datetime(2026, 11, 24, tzinfo=UTC)
ROWS = [(str(verdict), is_red) for verdict in VerdictStatus for is_red in (False, True)]
STATES = {
    "holds": (Reason.GOOD, False),
    "ALTERED": (Reason.ALTERED, False),
    "not evidence": (Reason.NOT_SIGNED, False),
    "MISSING": (Reason.ALTERED, True),
}


def record_of(verdict: str, *, is_red: bool) -> LedgerRecord:
    entry = LedgerEntry(entry=2, prev="", at=AT, env="tiny", run="a-run", verdict=verdict, red_beside=is_red)
    seal = LedgerLine(2, "", "sealed", entry, {}, None, signed=False)
    return LedgerRecord("a-run", sealed=seal)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("verdict", "is_red"), ROWS)
def test_columns_stand_apart(verdict: str, is_red: bool, state: str) -> None:
    reason, is_missing = STATES[state]
    record = record_of(verdict, is_red=is_red)
    line = " ".join(audited_line(Audited(record, reason, is_missing)).split())
    assert line == f"2026-11-24 00:00:00Z {record.ended} {state} a-run not signed"
