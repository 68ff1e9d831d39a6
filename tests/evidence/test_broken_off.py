"""Which killed runs count beside the run that began last: those that another one found under way, until a whole one.

A row is a ledger: `+a` begins a run, `+a(b)` one that finds b under way, `a=GO` ends it, `a~GO` ends it narrowed, and
`a!` says that its process lives. What counts is told of the run that began last.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.evidence import ledger, run_folders
from readiness.evidence.broken_off import broken_off_beside, killed_beside, under_way
from readiness.evidence.ledger_reading import LedgerReading
from readiness.outcomes import Phase

URL = "http://127.0.0.1:9"
ROWS: dict[str, str] = {
    "+a a=GO": "",
    "+b +a a=GO": "",
    "+b +a(b) a=GO": "b",
    "+b +a(b) a=NO-GO": "b",
    "+b +a(b) a~GO": "b",
    "+b b! +a(b) a=GO": "",
    "+b +a(b) a=GO b=GO": "",
    "+b +a(b) a=GO +c c=GO": "",
    "+b +a(b) a=GO +c c=NO-GO": "",
    "+b +a(b) a=GO +c c~GO": "b",
    "+b +a(b) a=GO +c(b) c=GO": "b",
    "+b +a a=GO +c(b) c=GO": "b",
    "+b +a(b) +c(a,b) c=GO": "b a",
    "+b +a(b) +c(a,b) c=GO +d(b) d=GO": "b",
    "+b +a(b)": "b",
    "+b +a(b) b!": "",
}


def written(home: Path, row: str) -> LedgerReading:
    writer = ledger.Ledger(home, None)
    home.mkdir()
    for word in row.split():
        name = word.lstrip("+")[0]
        folder = home / name
        folder.mkdir(exist_ok=True)
        facts = {"phase": "preflight", "target": URL}
        if word.startswith("+"):
            alive = word[2:].strip("()")
            writer.open(folder, **facts, **({"under_way": alive.split(",")} if alive else {}))
        elif word.endswith("!"):
            run_folders.hold(folder)
        else:
            verdict = word[2:]
            writer.seal(folder, **facts, verdict=verdict, exit=int(verdict != "GO"), whole="=" in word, standing=[])
    return ledger.read(writer.path, {})


@pytest.mark.parametrize("row", ROWS)
def test_a_killed_run_counts_beside_those_that_found_it_under_way(row: str, tmp_path: Path) -> None:
    reading = written(tmp_path / "tiny", row)
    newest = list(reading.runs)[-1]
    assert [record.name for record in broken_off_beside(reading, newest)] == ROWS[row].split()
    assert len(list(killed_beside(reading, newest))) == len(ROWS[row].split())


def test_a_run_under_way_is_known_by_its_lock(tmp_path: Path) -> None:
    for name in ("20261201T080000Z-preflight", "20261201T080000Z-smoke", "20261201T090000Z-preflight"):
        (tmp_path / name).mkdir()
    release = run_folders.hold(tmp_path / "20261201T080000Z-preflight")
    assert under_way(tmp_path, Phase.PREFLIGHT) == ("20261201T080000Z-preflight",)
    assert under_way(tmp_path, Phase.SMOKE) == ()
    release()
    assert under_way(tmp_path, Phase.PREFLIGHT) == ()
