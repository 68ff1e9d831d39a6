"""The formats of others: valid by their own schema, and nothing that is no pass looks like one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from readiness.evidence.journal import FILE
from readiness.evidence.records import Finish, RecordedTarget
from readiness.outcomes import Outcome
from readiness.rendering.formats import ctrf, result_statement
from readiness.verdict import VerdictStatus
from tests.evidence.test_exports import EVERY, HOSTILE, result, run_of

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "ctrf-0.0.json").read_text("utf-8"))


def test_ctrf_is_valid_and_counts_each_outcome() -> None:
    report = json.loads(ctrf(run_of(*EVERY)))
    jsonschema.validate(report, SCHEMA, format_checker=jsonschema.FormatChecker())
    statuses = {test["rawStatus"]: test["status"] for test in report["results"]["tests"]}
    assert statuses == {
        "pass": "passed",
        "warn": "passed",
        "fail": "failed",
        "unknown": "other",
        "not run": "pending",
        "not due": "skipped",
        "not applicable": "skipped",
    }
    summary = report["results"]["summary"]
    assert summary["tests"] == sum(summary[one] for one in ("passed", "failed", "skipped", "pending", "other")) == 7
    assert summary["extra"]["verdict"] == "NO-GO"


def test_ctrf_takes_any_text_and_comes_out_the_same_again() -> None:
    run = run_of(result("a", Outcome.FAIL, HOSTILE), text=HOSTILE)
    once = ctrf(run)
    jsonschema.validate(json.loads(once), SCHEMA)
    assert ctrf(run) == once


def stated(folder: Path, exits: int, *outcomes: Outcome, revision: str = "a" * 40) -> dict[str, Any]:
    run = run_of(*(result(outcome.replace(" ", "-"), outcome) for outcome in outcomes))
    (folder / FILE).write_text("{}\n", "utf-8")
    start = run.start.model_copy(update={"target": RecordedTarget(url="http://x", revision=revision)})
    finish = Finish.model_validate(
        {**(run.finish or run.start).model_dump(), "exit": exits, "verdict": VerdictStatus.GO}
    )
    return result_statement(replace(run, folder=folder, start=start, finish=finish))


@pytest.mark.parametrize(
    ("exits", "outcomes", "word"),
    [
        (0, (Outcome.PASS,), "PASSED"),
        (0, (Outcome.PASS, Outcome.WARN), "WARNED"),
        (1, (Outcome.PASS, Outcome.FAIL), "FAILED"),
        (10, (Outcome.PASS, Outcome.UNKNOWN), "FAILED"),
        (10, (Outcome.PASS, Outcome.NOT_RUN), "FAILED"),
    ],
)
def test_a_test_result_passes_with_a_good_verdict_alone(
    exits: int, outcomes: tuple[Outcome, ...], word: str, tmp_path: Path
) -> None:
    statement = stated(tmp_path, exits, *outcomes)
    predicate = statement["predicate"]
    assert (predicate["result"], predicate["passedTests"]) == (word, ["book/pass"])
    named = [predicate[key] for key in ("warnedTests", "failedTests")]
    assert named == [
        [f"book/{one}" for one in ("warn", "fail") if one in outcomes and one == kind] for kind in ("warn", "fail")
    ]
    assert statement["subject"][0]["digest"] == {"gitCommit": "a" * 40}


def test_a_revision_that_is_no_commit_is_no_subject(tmp_path: Path) -> None:
    (subject,) = stated(tmp_path, 0, Outcome.PASS, revision="2026.11")["subject"]
    assert subject["name"].endswith(FILE)
