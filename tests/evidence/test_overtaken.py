"""Which runs of a phase count where some were under way at the same time.

A row is a ledger: `+a` begins a run, `a=GO` ends it. What counts is told from the run that began last.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from readiness.evidence import ledger
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.overtaken import beside, not_overtaken
from readiness.evidence.retention import removable

URL = "http://127.0.0.1:9"
LATER = datetime(2100, 1, 1, tzinfo=UTC)
ROWS: dict[str, str] = {
    "+a a=GO": "a",
    "+a a=GO +b b=GO": "b",
    "+b +a a=GO b=NO-GO": "a b",
    "+b +a b=NO-GO a=GO": "a",
    "+b +a a=NO-GO b=GO": "a b",
    "+b +a +c a=GO c=GO b=NO-GO": "c b",
    "+b +c +a a=GO b=NO-GO c=GO": "a c",
    "+c +b +a a=GO b=NO-GO c=GO": "a b c",
    "+b +a a=GO b=NO-GO +c c=GO": "c",
    "+b +a a=GO +c b=NO-GO c=GO": "c",
    "+b +a a=GO +c c=GO b=NO-GO": "c b",
    "+b +a a=GO": "a",
    "+a +b a=GO": "a",
    "+a": "",
}


def written(home: Path, row: str) -> LedgerReading:
    writer = ledger.Ledger(home, None)
    home.mkdir()
    for word in row.split():
        name, _, verdict = word.removeprefix("+").partition("=")
        (home / name).mkdir(exist_ok=True)
        if verdict:
            facts = {"verdict": verdict, "exit": int(verdict != "GO"), "whole": True, "standing": []}
            writer.seal(home / name, phase="preflight", target=URL, **facts)
        else:
            writer.open(home / name, phase="preflight", target=URL)
    return ledger.read(writer.path, {})


@pytest.mark.parametrize("row", ROWS)
def test_a_run_counts_until_another_began_and_ended_after_it(row: str, tmp_path: Path) -> None:
    reading = written(tmp_path / "tiny", row)
    counting = [record.name for record in not_overtaken(reversed(reading.runs.values()))]
    assert counting == ROWS[row].split()

    newest, *others = counting or [""]
    assert [record.name for record in beside(reading, newest)] == others
    # What counts is what retention leaves.
    assert not {record.name for record in removable(reading, LATER)} & set(counting)


def test_one_that_may_not_overtake_leaves_what_was_before_it(tmp_path: Path) -> None:
    reading = written(tmp_path / "tiny", "+a a=NO-GO +b b=GO")
    newest_first = list(reversed(reading.runs.values()))
    assert [record.name for record in not_overtaken(newest_first, lambda record: record.name != "b")] == ["b", "a"]
