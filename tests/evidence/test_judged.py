"""Whoever edits a journal and mends its chain is still contradicted by what was measured."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness.__main__ import main
from readiness.evidence.journal import Journal, read_run
from readiness.evidence.rejudge import judge, limits_digest
from readiness.redaction.redactor import Redactor
from readiness.verdict import VerdictStatus

Journaled = dict[str, Any]


def line(name: str, **more: Any) -> Journaled:
    told: Journaled = {"id": f"book/{name}", "runbook": "book", "ref": "1", "says": f"{name} holds"}
    told |= {"phase": ["preflight"], "gate": "blocker", "due": None, "checks": [f"demo.{name}"]}
    return {**told, "limits": {f"demo.{name}": {}}, "ladder": {}, "diagnostics": [], **more}


def result(name: str, value: float = 1, **more: Any) -> Journaled:
    measured = {"name": "figure", "value": value, "comparator": "below", "limit": 2, "unit": "", "ok": value < 2}
    told: Journaled = {"line": f"book/{name}", "check": f"demo.{name}", "subject": None, "nodeid": name}
    told |= {"outcome": "pass" if value < 2 else "fail", "measurements": [measured], "reason": "", "remedy": ""}
    return {**told, "seconds": 0.1, "step": None, "gate": "blocker", **more}


def run_of(phase: str = "preflight", **ladder: float) -> Journaled:
    """Give a run of three lines: one passes, one fails, one is not due."""
    lines = [line("good"), line("bad", ladder=ladder), line("later", due="T-1h")]
    items = [
        {"line": one["id"], "check": one["checks"][0], "subject": None, "due": one["due"] is None} for one in lines
    ]
    start: Journaled = {"schema": "readiness/journal/1", "run": "r", "env": "tiny", "phase": phase, "suite": "s"}
    start |= {"as_of": "2026-11-21T09:00:00Z", "started_at": "2026-11-21T09:00:00Z", "limits_digest": ""}
    # The launch is far ahead whenever this is run: until an hour before it the good word holds.
    start |= {"launch_at": "2126-12-01T09:00:00Z", "target": {"url": "http://x", "revision": "1"}}
    results = [result("good"), result("bad", 3), result("later", outcome="not due", measurements=[])]
    finish = {"verdict": "NO-GO", "exit": 1, "action": "", "finished_at": "2026-11-21T09:01:00Z"}
    finish["counts"] = {"pass": 1, "fail": 1, "not due": 1}
    return {"start": start, "plan": {"lines": lines, "items": items}, "results": results, "finish": finish}


def write(folder: Path, told: Journaled, *, digest: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    journal = Journal(folder, Redactor(frozenset))
    journal.write("start", {**told["start"], "limits_digest": digest or limits_digest(told["plan"]["lines"])})
    journal.write("plan", told["plan"])
    for one in told["results"]:
        journal.write("result", one)
    if told["finish"]:
        journal.write("finish", told["finish"])
    journal.close()
    return folder


def test_an_honest_run_is_not_refuted(tmp_path: Path) -> None:
    judged = judge(read_run(write(tmp_path, run_of())))
    assert judged.refuted == ()
    assert judged.verdict.word is VerdictStatus.NO_GO
    assert (judged.decided, judged.demanded) == (2, 2)


def test_an_approval_of_before_all_had_fallen_due_was_good_by_its_own_rules(tmp_path: Path) -> None:
    told = run_of("ga")
    told["plan"]["lines"] = [line("good", phase=["ga"]), line("later", phase=["ga"], due="T+7d")]
    told["plan"]["items"] = [one for one in told["plan"]["items"] if one["line"] != "book/bad"]
    told["results"] = [one for one in told["results"] if one["line"] != "book/bad"]
    told["start"]["launch_at"] = "2026-12-01T09:00:00Z"
    told["start"]["as_of"] = told["start"]["started_at"] = "2026-12-02T09:00:00Z"
    told["finish"] |= {"verdict": "APPROVED", "exit": 0, "counts": {"pass": 1, "not due": 1}}
    told["finish"] |= {"holds_until": "2026-12-08T09:00:00Z", "finished_at": "2026-12-02T09:01:00Z"}
    judged = judge(read_run(write(tmp_path, told)))
    assert judged.refuted == ()
    assert judged.verdict.word is VerdictStatus.INCOMPLETE


def go(told: Journaled) -> None:
    told["finish"] |= {"verdict": "GO", "exit": 0, "counts": {"pass": 2, "not due": 1}}


def edit(**changes: Any) -> Callable[[Journaled], None]:
    return lambda told: told["results"][1].update(changes)


def measured(**changes: Any) -> Callable[[Journaled], None]:
    def change(told: Journaled) -> None:
        told["results"][1]["outcome"] = "pass"
        told["results"][1]["measurements"][0].update(changes)

    return change


LIES: dict[str, tuple[Callable[[Journaled], object], str]] = {
    "verdict-only": (lambda told: told, "the results add up to NO-GO"),
    "outcome": (edit(outcome="pass"), "recorded as pass, its record proves fail"),
    "outcome-warn": (edit(outcome="warn"), "recorded as warn, its record proves fail"),
    "ok": (measured(ok=True), "recorded as met, compared again it is not met"),
    "value-not-a-number": (measured(value="1", ok=True), "recorded as met, compared again it is not comparable"),
    "no-measurement": (edit(outcome="pass", measurements=[]), "recorded as pass, its record proves unknown"),
    "not-applicable": (edit(outcome="not applicable"), "recorded as not applicable, its record proves unknown"),
    "not-due": (edit(outcome="not due"), "recorded as not due, its record proves not run"),
    "dropped": (lambda told: told["results"].pop(1), "the results add up to INCOMPLETE"),
    "unknown-to-the-plan": (
        lambda told: told["results"].append(result("other")),
        "book/other (demo.other): the plan does not demand it",
    ),
    "planned-not-due": (
        lambda told: (told["plan"]["items"][1].update(due=False), told["results"][1].update(outcome="not due")),
        "planned as not due, and its time (None) had come",
    ),
    "decision-removed": (
        lambda told: (told["plan"]["items"].pop(1), told["results"].pop(1)),
        "book/bad: the plan has the line, and no decision of it",
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_every_lie_is_refuted(name: str, tmp_path: Path) -> None:
    told = copy.deepcopy(run_of())
    change, sentence = LIES[name]
    change(told)
    go(told)
    judged = judge(read_run(write(tmp_path / "run", told)))
    assert any(sentence in one for one in judged.refuted), judged.refuted
    assert main(["verify", str(tmp_path / "run")]) == 11


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines.pop(1),
        lambda lines: lines[1].update(gate="warning"),
        lambda lines: lines[1]["limits"]["demo.bad"].update(share_below=9),
        lambda lines: lines[1].update(due="T-1h"),
    ],
    ids=["line", "gate", "limit", "due"],
)
def test_a_changed_plan_is_refuted(change: Callable[[list[Journaled]], object], tmp_path: Path) -> None:
    told = copy.deepcopy(run_of())
    digest = limits_digest(told["plan"]["lines"])
    change(told["plan"]["lines"])
    judged = judge(read_run(write(tmp_path, told, digest=digest)))
    assert any("the plan is not the one that the start names" in one for one in judged.refuted)


def test_the_step_of_a_ladder_is_derived_again(tmp_path: Path) -> None:
    told = run_of("postlaunch", page=2.5, rollback=5)
    told["results"][1]["step"] = "alert"
    told["finish"] |= {"verdict": "ALERT"}
    judged = judge(read_run(write(tmp_path, told)))
    assert judged.verdict.word is VerdictStatus.PAGE
    assert any("recorded at the step alert, its measurements lead to page" in one for one in judged.refuted)


STEPS = {  # of a failure that reaches PAGE: how many in a row it takes, and the step that is recorded of it
    (1, "page"): True,
    (1, None): False,
    (2, None): True,
    (2, "page"): False,
}


@pytest.mark.parametrize(("consecutive", "step"), STEPS)
def test_the_step_of_a_result_is_the_one_that_its_verdict_takes(
    consecutive: int, step: str | None, tmp_path: Path
) -> None:
    told = run_of("postlaunch", page=2.5, rollback=5)
    told["start"]["takes_steps"] = True
    told["plan"]["lines"][1]["consecutive"] = consecutive
    told["results"][1]["step"] = step
    judged = judge(read_run(write(tmp_path, told)))
    assert any("recorded at the step" in one for one in judged.refuted) is not STEPS[consecutive, step]


BEFORE: Journaled = {"run": "q", "head": "0" * 64, "started_at": "2026-11-21T08:00:00Z", "verdict": "ROLLBACK"}
STOOD = {"line": "book/bad", "check": "demo.bad", "outcome": "fail", "step": "rollback", "runs": 1, "failures": 1}


def stood_run(value: float, outcome: str) -> Journaled:
    """Give a run after one that stood at ROLLBACK."""
    told = run_of("postlaunch", page=2.5, rollback=5)
    told["start"]["before"] = {**BEFORE, "decisions": [STOOD]}
    told["results"][1] = result("bad", value, outcome=outcome, step="page" if value >= 2.5 else None)
    told["finish"] |= {"verdict": "ROLLBACK", "counts": {"pass": 1, outcome: 1, "not due": 1}}
    return told


def test_what_stood_before_is_part_of_the_verdict(tmp_path: Path) -> None:
    told = stood_run(4.6, "fail")
    told["finish"]["standing"] = [{**STOOD, "runs": 2, "failures": 2, "calm": 1, "below": "page"}]
    judged = judge(read_run(write(tmp_path / "a", told)))
    assert judged.verdict.word is VerdictStatus.ROLLBACK
    assert judged.refuted == ()
    assert judge(read_run(tmp_path / "a"), {}).verdict.word is VerdictStatus.PAGE
    assert judge(read_run(write(tmp_path / "b", stood_run(3, "fail")))).verdict.word is VerdictStatus.PAGE


def test_a_run_that_could_not_look_leaves_the_step(tmp_path: Path) -> None:
    told = stood_run(1, "unknown")
    told["results"][1]["measurements"] = []
    assert judge(read_run(write(tmp_path, told))).verdict.word is VerdictStatus.ROLLBACK


@pytest.mark.parametrize(
    "forge",
    [
        lambda told: told["start"].update(before=None),
        lambda told: told["start"]["before"]["decisions"][0].update(step="page"),
        lambda told: told["finish"]["standing"][0].update(runs=9),
        lambda told: told["finish"].update(standing=[]),
        lambda told: told["start"].update(hysteresis={"margin": 0.01, "runs": 1}),
    ],
    ids=["no-before", "another-step", "runs", "nothing-stood", "another-margin"],
)
def test_a_lie_about_what_stood_is_refuted(forge: Callable[[Journaled], object], tmp_path: Path) -> None:
    told = stood_run(4.6, "fail")
    told["finish"]["standing"] = [{**STOOD, "runs": 2, "failures": 2, "calm": 1, "below": "page"}]
    forge(told)
    assert judge(read_run(write(tmp_path, told))).refuted


def test_a_run_without_an_end_is_incomplete_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = run_of()
    told["results"], told["finish"] = [result("good")], None
    assert main(["verify", str(write(tmp_path, told)), "--json"]) == 10
    facts = json.loads(capsys.readouterr().out)
    assert facts["endings"] == ["early: 1 of 2 results kept, it died before its first item"]
    assert facts["missing"] == ["book/bad", "book/later"]


def test_an_old_run_can_be_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = run_of()
    told["results"][1] = result("bad")
    go(told)
    folder = str(write(tmp_path / "run", told))
    (tmp_path / "environments").mkdir()  # the evidence lies alone: no file says what it must be
    assert main(["verify", folder, f"--environments={tmp_path / 'environments'}"]) == 0
    told["start"]["started_at"] = "2020-01-01T00:00:00Z"
    old = str(write(tmp_path / "old", told))
    assert main(["verify", old, "--newer-than", "30m"]) == 13
    assert "longer than 30m ago" in capsys.readouterr().out


def test_a_journal_that_was_touched_is_no_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, run_of()) / "journal.jsonl"
    path.write_text(path.read_text("utf-8").replace('"value":3', '"value":1'), "utf-8")
    assert main(["verify", str(tmp_path)]) == 11
    assert "not evidence: the journal cannot be trusted" in capsys.readouterr().out


def test_an_unknown_comparator_is_no_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = run_of()
    measured(comparator="near", ok=True)(told)
    assert main(["verify", str(write(tmp_path, told))]) == 11
    assert "record 3 (result): measurements.0.comparator: one of 'below'" in capsys.readouterr().out


def test_no_run_is_no_go(tmp_path: Path) -> None:
    assert main(["verify", "prod", "preflight", "--reports", str(tmp_path)]) == 12


def test_everything_is_rendered_again(tmp_path: Path) -> None:
    folder = write(tmp_path, run_of())
    assert main(["verify", str(folder), "--render"]) == 1
    assert "# NO-GO: preflight of tiny" in (folder / "summary.md").read_text("utf-8")
    assert "<failure" in (folder / "junit.xml").read_text("utf-8")
