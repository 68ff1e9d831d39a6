"""A line of `attest: both` passes where a machine saw its part and a person says the other: each row is a whole run.

To add a row, add a `Row` to ROWS: what the machine finds, what the person says, and what must come of both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from readiness.evidence.attested import lacks_a_word
from readiness.evidence.journal import read_run
from readiness.outcomes import Outcome
from tests import warm

TODAY = datetime.now(UTC).date()
WORD = {"statement": "everybody was asked and knows whom to call", "who": "Ada Example", "at": TODAY}
WORD |= {"valid_until": TODAY + timedelta(days=2), "evidence": "https://wiki.shop.internal/x"}
EXPIRED = {**WORD, "at": TODAY - timedelta(days=9), "valid_until": TODAY - timedelta(days=1)}
DENIED = {**WORD, "holds": False}
UP: dict[str, Any] = {"file": "status.json", "pointer": "/status"}
BROKEN: dict[str, Any] = {"file": "status.json", "pointer": "/nowhere"}
ATTEST = "readiness attest book/up --env shop"


@dataclass(frozen=True)
class Row:
    """The two parts, and what must come of them."""

    name: str
    says: str | None
    """What the file says that the machine reads; None where the machine sees nothing."""
    word: dict[str, Any] | None
    outcome: str
    told: str
    """What the terminal says of it."""
    is_configured: bool = True
    attest: str | bool = "both"


ROWS = [
    Row("both are there", "up", WORD, "pass", "ATTESTED book/up"),
    Row("nobody has attested it", "up", None, "unknown", "the machine's part holds, the person's is missing: nobody"),
    Row("the word expired", "up", EXPIRED, "unknown", "the attestation of Ada Example on"),
    Row("the person says no", "up", DENIED, "fail", "speak with Ada Example"),
    Row("the machine says no", "down", WORD, "fail", "this voids what Ada Example attested"),
    Row("the machine says no and nobody a word", "down", None, "fail", "status: down, allowed = up"),
    Row(
        "the machine sees nothing", None, WORD, "unknown", "this is the machine's part: Ada Example attested the other"
    ),
    Row("the machine sees nothing and the person says no", None, DENIED, "fail", "speak with Ada Example"),
    Row("neither is there", None, None, "unknown", "and the person's part is missing too: nobody has attested book/up"),
    Row("nothing is configured", None, WORD, "unknown", "this is the machine's part", is_configured=False),
    Row("one part is enough elsewhere", "up", None, "pass", "GO", attest=True),
]


def ran(folder: Path, row: Row) -> str:
    line: dict[str, Any] = {
        "id": "up",
        "ref": "1",
        "says": "up",
        "phase": ["preflight"],
        "gate": "blocker",
        "attest": row.attest,
    }
    line["decided_by"] = {"readings.fact_is": {"reading": "status", "equals": "up"}}
    (folder / "book.yaml").write_text(yaml.safe_dump({"runbook": "book", "title": "Book", "lines": [line]}))
    (folder / "status.json").write_text(json.dumps({"status": row.says or "up"}))
    if row.word:
        (folder / "shop.attestations.yaml").write_text(yaml.safe_dump({"attestations": {"book/up": row.word}}))

    source = UP if row.says else BROKEN
    readings = {"status": {**source, "file": str(folder / "status.json")}} if row.is_configured else {}
    environment: dict[str, Any] = {"environment": "shop", "runbooks": ["book.yaml"], "allowed_hosts": ["127.0.0.1"]}
    environment |= {"target": {"url": "http://127.0.0.1:9"}, "readings": readings}
    (folder / "shop.yaml").write_text(json.dumps(environment))
    done = warm.run(
        *("pytest", "-q", "-m", "preflight", "--env", "shop"),
        *(f"--environments={folder}", f"--reports={folder / 'reports'}"),
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_only_both_parts_are_a_pass(row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = " ".join(ran(tmp_path, row).split())
    (folder,) = (tmp_path / "reports" / "shop").glob("2*-preflight")
    run = read_run(folder)
    (result,) = run.results
    assert result.outcome == row.outcome, out
    assert row.told in out
    if row.outcome == "unknown" and row.word is not WORD:
        assert ATTEST in out

    # The judgement follows from the journal alone.
    main(["verify", str(folder), "--json", f"--environments={tmp_path}"])
    assert json.loads(capsys.readouterr().out)["problems"] == []
    kinds = {one.kind for one in result.provenance or ()}
    assert kinds >= ({"file", "word"} if result.attested and row.says else set())


@pytest.mark.parametrize("name", ["nobody has attested it", "nothing is configured"])
def test_one_part_is_no_pass_whatever_a_journal_says(name: str, tmp_path: Path) -> None:
    (row,) = (row for row in ROWS if row.name == name)
    ran(tmp_path, row)
    (folder,) = (tmp_path / "reports" / "shop").glob("2*-preflight")
    run = read_run(folder)
    (result,) = run.results
    assert lacks_a_word(run, result.model_copy(update={"outcome": Outcome.PASS}))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("both are there", "configured: readings.status (of the environment file); and attested: by Ada Example"),
        ("nobody has attested it", "and nobody has attested it: readiness attest book/up"),
        ("the word expired", "and the attestation of Ada Example on"),
    ],
)
def test_the_plan_says_which_part_is_there(name: str, told: str, tmp_path: Path) -> None:
    (row,) = (row for row in ROWS if row.name == name)
    ran(tmp_path, row)
    planned = warm.run("readiness", "plan", "--env", "shop", "--environments", str(tmp_path)).stdout
    assert told in " ".join(planned.split())


def test_a_word_that_meant_nothing_is_refused(tmp_path: Path) -> None:
    assert "attest" in ran(tmp_path, Row("partly", "up", WORD, "", "", attest="partly"))
    assert not list(tmp_path.rglob("journal.jsonl"))
