"""A value that somebody wrote down is stated, not measured: each row is a whole run, its word and what it says.

To add a row, add a `Row` to ROWS: the source of the reading, where it is judged, and what must come of it.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from readiness.evidence.journal import read_run
from readiness.rendering import exports, formats
from readiness.verdict import INCOMPLETE_EXIT
from tests import warm
from tests.whole_run import Judged, judge

STATED = "readings.status is stated in shop.yaml: not measured"
VERSIONED = "readings.status is stated in status.json, a file under version control: not measured"
REMEDY = "name a source that is asked: sql, http, metric or promql; or say in `declared` of the environment file who"
VOUCH = "readiness attest book/up --env shop"
LINE = {"readings.fact_is": {"reading": "status", "equals": "up"}}
TODAY = datetime.now(UTC).date()
WORD = {"statement": "Ada looked at the console herself", "who": "Ada Example", "at": TODAY}
WORD |= {"valid_until": TODAY + timedelta(days=2), "evidence": "https://wiki.shop.internal/x"}
DECLARED = {"who": "Ada Example", "at": str(TODAY), "valid_until": str(TODAY + timedelta(days=2))}
EXPIRED = {**DECLARED, "at": str(TODAY - timedelta(days=9)), "valid_until": str(TODAY - timedelta(days=1))}
TO_COME = {**DECLARED, "at": str(TODAY + timedelta(days=3)), "valid_until": str(TODAY + timedelta(days=5))}
BY_ADA = f"{STATED}; declared by Ada Example on {DECLARED['at']}, valid until {DECLARED['valid_until']}"
BY_ADA_ONCE = f"{STATED}; declared by Ada Example on {EXPIRED['at']}, valid until {EXPIRED['valid_until']}"
BY_ADA_LATER = f"{STATED}; declared by Ada Example on {TO_COME['at']}, valid until {TO_COME['valid_until']}"


@dataclass(frozen=True)
class Row:
    """What is judged, and what must come of it."""

    name: str
    reading: dict[str, Any]
    word: str
    outcome: str
    stated: str
    """What the results say of it; empty where nothing was only stated."""
    production: bool = True
    attested: bool = False
    versioned: bool = False
    phase: str = "preflight"
    declared: dict[str, Any] | None = None
    """Who answers for the reading."""

    @property
    def exit(self) -> int:
        return {"INCOMPLETE": INCOMPLETE_EXIT, "GO": 0, "OK": 0}.get(self.word, 1)


UP: dict[str, Any] = {"value": "up"}
FILE: dict[str, Any] = {"file": "status.json", "pointer": "/status"}
ROWS = [
    Row("a literal in production", UP, "INCOMPLETE", "unknown", STATED),
    Row("a literal after the launch", UP, "INCOMPLETE", "unknown", STATED, phase="postlaunch"),
    Row("a literal elsewhere", UP, "GO", "pass", STATED, production=False),
    Row("a literal that says no", {"value": "down"}, "NO-GO", "fail", STATED),
    Row("a literal that a person vouches for", UP, "GO", "pass", "", attested=True),
    Row("a literal that somebody declares", UP, "GO", "pass", BY_ADA, declared=DECLARED),
    Row("a literal whose word expired", UP, "INCOMPLETE", "unknown", BY_ADA_ONCE, declared=EXPIRED),
    Row("a literal whose word is to come", UP, "INCOMPLETE", "unknown", BY_ADA_LATER, declared=TO_COME),
    Row("a declared literal that says no", {"value": "down"}, "NO-GO", "fail", BY_ADA, declared=DECLARED),
    Row("a file that a job left", FILE, "GO", "pass", ""),
    Row("a file of the repository", FILE, "INCOMPLETE", "unknown", VERSIONED, versioned=True),
    Row("a file of the repository elsewhere", FILE, "GO", "pass", VERSIONED, versioned=True, production=False),
]


def ran(folder: Path, row: Row) -> Judged:
    (folder / "status.json").write_text('{"status": "up"}')
    if row.versioned:
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        subprocess.run(["git", "-C", str(folder), "add", "status.json"], check=True)
    if row.attested:
        entries = {"attestations": {"book/up": WORD}}
        (folder / "shop.attestations.yaml").write_text(yaml.safe_dump(entries))

    reading = dict(row.reading)
    if "file" in reading:
        reading["file"] = str(folder / reading["file"])
    return judge(
        folder,
        {"up": LINE},
        phase=row.phase,
        environment="shop",
        production=row.production,
        target={"url": "http://127.0.0.1:9"},
        readings={"status": reading},
        declared={"readings.status": row.declared} if row.declared else {},
    )


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_each_row_has_its_word_and_says_where_it_comes_from(
    row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = ran(tmp_path, row)
    assert (judged.word, judged.exit, judged.outcomes["up"]) == (row.word, row.exit, row.outcome), judged.out

    # The judgement follows from the journal alone.
    (folder,) = (tmp_path / "reports" / "shop").glob(f"2*-{row.phase}")
    assert main(["verify", str(folder), "--json", f"--environments={tmp_path}"]) == row.exit
    assert json.loads(capsys.readouterr().out)["problems"] == []

    run = read_run(folder)
    (result,) = run.results
    assert result.says_stated == row.stated
    shown = " ".join(judged.out.split())
    pages = [shown, exports.markdown(run), exports.junit(run), (folder / "report.html").read_text("utf-8")]
    for page in [*pages, formats.ctrf(run)]:
        assert "is stated in" not in page or row.stated, page
        assert row.stated.partition(": not measured")[0] in page, page
    if row.outcome == "unknown":
        assert REMEDY in shown
        assert VOUCH in shown


@pytest.mark.parametrize(
    ("name", "state"),
    [
        (
            "a literal in production",
            f"stated: {STATED.removesuffix(': not measured')}: in production it passes nothing",
        ),
        ("a file of the repository", "stated: readings.status is stated in status.json, a file under version control"),
        ("a literal elsewhere", f"configured: {STATED}"),
        ("a literal that a person vouches for", "attested: by Ada Example"),
        ("a literal that somebody declares", f"configured: {STATED}; declared by Ada Example on"),
        ("a literal whose word expired", f"{STATED.partition(':')[0]}; what Ada Example declared on"),
        ("a file that a job left", "configured "),
    ],
)
def test_the_plan_says_it_before_the_run(name: str, state: str, tmp_path: Path) -> None:
    (row,) = (row for row in ROWS if row.name == name)
    ran(tmp_path, row)
    planned = warm.run("readiness", "plan", "--env", "shop", "--environments", str(tmp_path)).stdout
    assert state in " ".join(planned.split())
    is_measured_or_vouched_for = state in {"configured ", "attested: by Ada Example"}
    assert is_measured_or_vouched_for == ("is stated in" not in planned)


def test_a_replay_knows_what_was_stated(tmp_path: Path) -> None:
    row = ROWS[0]
    ran(tmp_path, row)
    (folder,) = (tmp_path / "reports" / "shop").glob("2*-preflight")
    content = json.loads((tmp_path / "shop.yaml").read_text())
    again = judge(tmp_path, {"up": LINE}, f"--replay={folder}", **content)
    assert again.reasons["up"] == STATED


def test_a_pass_that_hides_what_was_stated_is_refuted(tmp_path: Path) -> None:
    """Who edits the outcome alone is found out by the record itself, whatever the seal says."""
    ran(tmp_path, ROWS[0])
    (folder,) = (tmp_path / "reports" / "shop").glob("2*-preflight")
    text = (folder / "journal.jsonl").read_text()
    (folder / "journal.jsonl").write_text(text.replace('"outcome":"unknown"', '"outcome":"pass"'))
    assert main(["verify", str(folder)]) != 0
