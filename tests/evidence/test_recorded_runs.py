"""Runs that an earlier version recorded and signed are still evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.evidence.journal import FILE, read_run
from readiness.evidence.records import RecordedObservation, Result
from readiness.evidence.rejudge import judge
from readiness.outcomes import DecisionKey, Outcome
from readiness.verdict import VerdictStatus

RECORDED = Path(__file__).parent / "recorded"
REPORTS = RECORDED / "reports"
RUNS = {
    "20261129T002626Z-preflight": VerdictStatus.NO_GO,
    "20261129T002642Z-postlaunch": VerdictStatus.PAGE,
    "20261129T002657Z-postlaunch": VerdictStatus.ALERT,
}


@pytest.mark.parametrize(("name", "word"), RUNS.items())
def test_verify_accepts_a_run_of_an_earlier_version(
    name: str, word: VerdictStatus, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--reports", str(REPORTS), "--environments", str(RECORDED / "environments")]
    code = main(["verify", str(REPORTS / "tiny" / name), *places])
    told = capsys.readouterr().out
    assert code == 1, told
    assert f"verdict   {word}" in told
    assert "signed by ci" in told
    assert "REFUTED" not in told


def test_its_ledger_holds(capsys: pytest.CaptureFixture[str]) -> None:
    places = ["--reports", str(REPORTS), "--environments", str(RECORDED / "environments")]
    code = main(["verify", "--all", "--env", "tiny", *places])
    told = capsys.readouterr().out
    assert code == 0, told
    assert "everything holds" in told


def test_it_says_what_it_said_then() -> None:
    run = read_run(REPORTS / "tiny" / "20261129T002626Z-preflight")
    results = {result.key: result for result in run.results}
    attested = results[DecisionKey("book/seen-by-ada", "demo.named", None)]
    assert (attested.outcome, attested.attested) == (Outcome.PASS, True)
    assert attested.instead_of
    assert attested.instead_of["outcome"] == "unknown"
    waived = results[DecisionKey("book/fails", "demo.figure", None)]
    assert (waived.outcome, waived.waived, waived.severity) == (Outcome.FAIL, True, "SEV-2")
    assert results[DecisionKey("book/each", "demo.named", "größe")].outcome is Outcome.PASS
    assert judge(run).refuted == ()


@pytest.mark.parametrize("name", RUNS)
def test_a_record_is_written_as_it_was_written_then(name: str) -> None:
    """Field for field and in the same order: other tools read the journal by these names."""
    kinds: dict[str, type[Result | RecordedObservation]] = {"result": Result, "observation": RecordedObservation}
    for text in (REPORTS / "tiny" / name / FILE).read_text("utf-8").splitlines():
        written = json.loads(text)
        kind = written["record"]
        if kind in kinds:
            own = set(kinds[kind].model_fields)
            fields = {key: value for key, value in written.items() if key in own}
            assert set(written) - own <= {"seq", "prev", "at", "record"}
            again = kinds[kind].model_validate(fields).plain()
            if kind == "observation":  # there the journal's own `at` comes first
                assert again == fields
            else:
                assert list(again.items()) == list(fields.items())
