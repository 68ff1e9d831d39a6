"""`verify --all` tells each change between two runs of a phase; what takes something away holds only once accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness.__main__ import main
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.reasons import Reason
from readiness.evidence.recorded_binding import RecordedProject
from readiness.evidence.run_changes import between, target_digest
from tests.plugin.project import Project, line

FIGURE: dict[str, Any] = {"demo.figure": {"share_below": 0.7}}
OTHER_TARGET = "http://127.0.0.1:10"


def stated(project: Project, limits: dict[str, Any] = FIGURE, **one: object) -> None:
    project.runbook(line("one", limits, **one), line("two", "demo.quick"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path)
    stated(made)
    monkeypatch.chdir(tmp_path)
    assert made.preflight().exit == 0
    return made


def found(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    main(["verify", "--all", "--env", "tiny", "--json", *words])
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


TOLD: dict[str, tuple[Callable[[Project], None], str]] = {
    "a tighter limit": (
        lambda project: stated(project, {"demo.figure": {"share_below": 0.6}}),
        "TIGHTENED book/one: demo.figure.share_below 0.7 -> 0.6",
    ),
    "a line added": (
        lambda project: project.runbook(line("one", FIGURE), line("two", "demo.quick"), line("three", "demo.quick")),
        "TIGHTENED book/three: the line is new",
    ),
    "another severity": (lambda project: stated(project, severity="SEV-1"), "changed book/one: severity none -> SEV-1"),
    "another sentence": (lambda project: stated(project, says="it is well"), "changed book/one: its sentence"),
    "a key of the environment": (
        lambda project: project.environment(owners={"book/one": "Ada"}),
        "the environment file says something else",
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_takes_nothing_away_is_told(name: str, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    change, sentence = TOLD[name]
    change(project)
    assert project.preflight().exit == 0
    facts = found(capsys)
    assert any(told.endswith(sentence) for told in facts["told"]), facts
    assert facts["reason"] == "good", facts


TAKES_AWAY: dict[str, tuple[Callable[[Project], None], str]] = {
    "a looser limit": (
        lambda project: stated(project, {"demo.figure": {"share_below": 0.8}}),
        "LOOSENED book/one: demo.figure.share_below 0.7 -> 0.8",
    ),
    "a line gone": (lambda project: project.runbook(line("one", FIGURE)), "LOOSENED book/two: the line is gone"),
    "another target": (
        lambda project: project.environment(target={"url": OTHER_TARGET, "revision": "abc123"}),
        f"TARGET http://127.0.0.1:9 -> {OTHER_TARGET}",
    ),
}


@pytest.mark.parametrize("name", TAKES_AWAY)
def test_what_takes_something_away_holds_once_accepted(
    name: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    change, sentence = TAKES_AWAY[name]
    change(project)
    assert project.preflight().exit == 0
    facts = found(capsys)
    (gap,) = facts["gaps"]
    assert sentence in gap
    assert (facts["reason"], facts["exit"]) == ("loosened", Reason.LOOSENED.code)

    limits = facts["told"][-1].rpartition(" ")[2]
    by_name = {"limits": limits, "target": target_digest(OTHER_TARGET)}
    accepted, other = ("target", "limits") if name == "another target" else ("limits", "target")
    assert found(capsys, "--limits", by_name[other])["reason"] == "loosened"
    facts = found(capsys, "--limits", by_name[accepted][:16])
    assert (facts["reason"], facts["gaps"]) == ("good", [])
    assert any(sentence in told for told in facts["told"])


def _binding(run: RecordedRun, **changed: object) -> RecordedRun:
    assert run.start.binding
    binding = run.start.binding.model_copy(update=changed)
    return RecordedRun(run.folder, run.start.model_copy(update={"binding": binding}), run.plan)


def _start(run: RecordedRun, **changed: object) -> RecordedRun:
    return RecordedRun(run.folder, run.start.model_copy(update=changed), run.plan)


SAID_BEFORE: dict[str, tuple[Callable[[RecordedRun], RecordedRun], Reason, str]] = {
    "nothing": (lambda run: run, Reason.GOOD, ""),
    "another key": (lambda run: _start(run, key_id="b" * 64), Reason.GOOD, "KEY none -> bbbbbbbbbbbbbbbb"),
    "no binding any more": (lambda run: _start(run, binding=None), Reason.NOT_EVIDENCE, "the run before did"),
    "no looks any more": (lambda run: _start(run, binds_results=False), Reason.NOT_EVIDENCE, "those before did"),
    "another project": (
        lambda run: _binding(run, project=RecordedProject(stated="bank")),
        Reason.OTHER_PROJECT,
        "PROJECT shop -> bank",
    ),
}


@pytest.mark.parametrize("name", SAID_BEFORE)
def test_what_a_run_said_the_next_one_must_say_too(name: str, project: Project) -> None:
    (folder,) = (path.parent for path in (project.folder / "reports/tiny").glob("2*/journal.jsonl"))
    before = _binding(read_run(folder), project=RecordedProject(stated="shop"))
    change, reason, sentence = SAID_BEFORE[name]
    told = list(between(before, change(before)))
    assert [one.reason for one in told] == ([reason] if sentence else [])
    assert all(sentence in one.says for one in told)
