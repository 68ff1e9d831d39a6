"""What is rendered says the same as the journal, and no text of a provider becomes markup, a command or script."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from readiness.evidence import run_folders
from readiness.evidence.journal import RecordedRun
from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.evidence.records import Finish, Plan, RecordedTarget, ReplayOf, Result, Start
from readiness.files import atomic_write
from readiness.outcomes import Gate, Outcome, Phase
from readiness.plugin.reporting import finish_page
from readiness.rendering import exports
from readiness.verdict import VerdictStatus

HOSTILE = "a|b `c` <img src=x onerror=alert(1)> </script>\x00\ud800 100%\n::error::x @all"


def result(name: str, outcome: Outcome, text: str = "why") -> Result:
    measured = RecordedMeasurement(name=text, value=0.5, comparator="below", limit=0.8, unit="share", ok=True)
    return Result(
        line=f"book/{name}",
        check="demo.check",
        nodeid=name,
        outcome=outcome,
        measurements=(measured,) if outcome is Outcome.PASS else (),
        reason=text,
        remedy=text,
        seconds=0.25,
        gate=Gate.BLOCKER,
        says=text,
        ref="1",
    )


def run_of(*results: Result, text: str = "tiny") -> RecordedRun:
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    start = Start(
        schema="readiness/journal/1",
        run="r",
        env=text,
        phase=Phase.PREFLIGHT,
        as_of=now,
        started_at=now,
        suite="s",
        target=RecordedTarget(url="http://x", revision=text),
        limits_digest="",
    )
    end = Finish(verdict=VerdictStatus.NO_GO, exit=1, action=text, counts={"fail": 1}, finished_at=now)
    return RecordedRun(Path(), start, Plan(lines=(), items=()), results=list(results), finish=end)


EVERY = [result(outcome.replace(" ", "-"), outcome) for outcome in Outcome]


def test_junit_has_a_case_for_every_result() -> None:
    suite = ET.fromstring(exports.junit(run_of(*EVERY))).find("testsuite")
    assert suite is not None
    kinds = {
        case.get("name"): next((child.tag for child in case if child.tag != "properties"), "passed") for case in suite
    }
    kinds.pop(None)
    assert kinds == {
        "book/pass": "passed",
        "book/warn": "passed",
        "book/fail": "failure",
        "book/unknown": "error",
        "book/not-run": "error",
        "book/not-due": "skipped",
        "book/not-applicable": "skipped",
    }
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7",
        "failures": "1",
        "errors": "2",
        "skipped": "2",
    }
    values = {one.get("name"): one.get("value") for one in suite.iterfind("testcase/properties/property")}
    assert set(values) == {"line", "gate", "outcome", "measured", "limit"}


def test_junit_takes_any_text() -> None:
    text = exports.junit(run_of(result("a", Outcome.FAIL, HOSTILE), text=HOSTILE))
    assert ET.fromstring(text) is not None
    text.encode()


def test_the_summary_is_not_markup() -> None:
    text = exports.markdown(run_of(result("a", Outcome.FAIL, HOSTILE), text=HOSTILE))
    assert "<img" not in text
    assert "@all" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}


def test_the_summary_fits() -> None:
    run = run_of(*(result(f"line-{number}", Outcome.FAIL, "x" * 400) for number in range(2000)))
    text = exports.markdown(run)
    assert len(text.encode()) <= exports.BYTES_AT_MOST
    assert "more lines are in the journal" in text


def test_the_summary_leaves_room_for_what_stands_there_already() -> None:
    run = run_of(*(result(f"line-{number}", Outcome.FAIL, "x" * 400) for number in range(200)))
    assert len(exports.markdown(run, 5_000).encode()) <= 5_000
    assert len(exports.markdown(run, -1).encode()) < 100


def test_a_run_says_what_it_is_worth() -> None:
    run = run_of(*EVERY)
    assert exports.worth(run) == "Not evidence: nobody signed it"
    signed = replace(run, start=run.start.model_copy(update={"key_id": "ab" * 32}))
    assert exports.worth(signed) == f"Signed with the key {'ab' * 8}"
    again = replace(run, start=run.start.model_copy(update={"replay_of": ReplayOf(run="r", head="h")}))
    assert exports.worth(again) == "Not evidence: a replay of r"


def test_github_sees_ten_commands_on_lines_of_their_own() -> None:
    run = run_of(*(result(f"line-{number}", Outcome.FAIL, HOSTILE) for number in range(30)), text=HOSTILE)
    commands = list(exports.commands_for_github(run))
    assert len(commands) == 10
    assert all(re.fullmatch(r"::(error|warning|notice) title=[^\n:,]*::[^\n\r]*", command) for command in commands)


def test_only_the_own_script_of_the_page_may_run(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("def test_x(): pass\n", "utf-8")
    page = tmp_path / "pytest.html"
    words = [sys.executable, "-m", "pytest", "-q", f"--html={page}", "--self-contained-html", "-p", "no:cacheprovider"]
    subprocess.run([*words, "-p", "no:locust", str(tmp_path)], cwd=tmp_path, check=True, capture_output=True)
    hostile = '</h1><script>alert(1)</script><!DOCTYPE html>\n<html lang="en">'
    page.write_text(page.read_text("utf-8").replace("</h1>", hostile, 1), "utf-8")
    finish_page(page, tmp_path / "report.html")
    once = page.read_text("utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", once, re.DOTALL)
    allowed = re.findall(r"'sha256-([^']+)'", once)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert allowed == [digests[-1]]
    assert len(scripts) == 2
    assert once.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert '<p>The verdict and every line: <a href="report.html">report.html</a></p>' in once
    finish_page(page, tmp_path / "report.html")
    assert page.read_text("utf-8") == once


def test_a_page_that_lies_elsewhere_names_the_report(tmp_path: Path) -> None:
    page = tmp_path / "own.html"
    page.write_text("<!DOCTYPE html>\n<html><head></head><body><h1>x</h1></body></html>", "utf-8")
    finish_page(page, tmp_path / "<b>" / "report.html")
    assert f"<p>The verdict and every line: {tmp_path}/&lt;b&gt;/report.html</p>" in page.read_text("utf-8")


def test_a_page_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        finish_page(tmp_path / "pytest.html", tmp_path / "report.html")


def test_folders_are_never_shared_and_the_newest_is_known(tmp_path: Path) -> None:
    at = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)
    names = [run_folders.make(tmp_path, "prod", at, "ga").name for _ in range(3)]
    assert names == ["20261121T090000Z-ga", "20261121T090000Z-ga-2", "20261121T090000Z-ga-3"]
    # A folder that was removed: the ledger still has the run, and its name is not given away.
    assert run_folders.make(tmp_path, "uat", at, "ga", taken={"20261121T090000Z-ga"}).name == "20261121T090000Z-ga-2"
    assert run_folders.make(tmp_path, "prod", at, "ga", replay=True).name == "20261121T090000Z-ga-replay"
    assert run_folders.find(tmp_path, ["prod", "ga"]).name == names[-1]
    assert run_folders.find(tmp_path, [str(tmp_path / "prod" / "latest-ga")]).name == names[-1]


def test_a_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "summary.md"
    atomic_write.write_whole(path, "first")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic_write.write_whole(path, "second")
    assert path.read_text("utf-8") == "first"
    assert [one.name for one in tmp_path.iterdir()] == ["summary.md"]
