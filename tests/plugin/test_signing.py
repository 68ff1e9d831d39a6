"""The last phase: the lines and the people decide together, and the journal keeps what both said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.evidence.journal import read_run
from readiness.evidence.rejudge import judge
from tests.plugin.project import Project, Ran, line

USAGE_ERROR, INCOMPLETE = 4, 10
CHECK = '''\
"""The week was calm."""
import pytest

from readiness import Limits, Measure


class Below(Limits):
    share_below: float = 0.8


@pytest.mark.ga
@pytest.mark.preflight
def test_calm(figure: float, limits: Below, measure: Measure) -> None:
    """The figure is low.

    Remedy: lower it.
    """
    measure(figure, "figure").below(limits.share_below)
'''
DEFERRED = {"decision": "deferred", "reason": "a client <b>asked</b>", "review_on": "2030-01-31"}
APPROVED = {
    "decision": "approved",
    "approvals": [{"role": "SRE Lead", "name": "Cy Diaz", "approved_on": "2019-12-08"}],
}
SIGNED = {**APPROVED, "signed_at": "2020-01-01T00:00:00Z"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.write("checks/test_week.py", CHECK)
    found.environment(launch_at="2019-12-01T09:00:00Z")
    later = line("later", "week.calm", phase=["ga"], due="after sign-off", gate="warning")
    found.runbook(line("calm", "week.calm", phase=["ga", "preflight"]), later)
    assert found.preflight().exit == 0
    return found


def sign(project: Project, **told: Any) -> None:
    project.write("environments/tiny.sign-off.yaml", yaml.safe_dump(told))


def ga(project: Project, *words: str) -> Ran:
    return project.run("-m", "ga", *words)


def newest(project: Project) -> Path:
    return max(project.folder.glob("reports/tiny/2*"), key=lambda path: path.stat().st_mtime)


@pytest.mark.parametrize(
    ("told", "code", "word"),
    [
        (None, INCOMPLETE, "INCOMPLETE"),
        ({"decision": "approved"}, INCOMPLETE, "INCOMPLETE"),
        (APPROVED, 0, "APPROVED"),
        ({"decision": "open"}, INCOMPLETE, "INCOMPLETE"),
        (DEFERRED, 1, "DEFERRED"),
    ],
)
def test_people_decide_and_the_journal_proves_it(
    project: Project, told: dict[str, Any] | None, code: int, word: str
) -> None:
    if told:
        sign(project, **told)
    ran = ga(project)
    assert (ran.exit, ran.outcomes()) == (code, {"calm": "pass", "later": "not due"}), ran.out
    assert f"{word}  ga of tiny" in ran.out
    judged = judge(read_run(newest(project)))
    assert (judged.verdict.word, judged.refuted) == (word, ())
    if told == DEFERRED:
        assert "look again on 2030-01-31" in ran.out
        pages = [(newest(project) / name).read_text(encoding="utf-8") for name in ("report.html", "pytest.html")]
        assert "<b>asked" not in "".join(pages)


def test_a_decision_that_was_changed_afterwards_is_refuted(project: Project) -> None:
    sign(project, **DEFERRED)
    ga(project)
    path = newest(project) / "journal.jsonl"
    records = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    run = read_run(newest(project))
    assert run.start.sign_off
    assert run.finish
    forged = run.start.model_copy(update={"sign_off": None})
    assert judge(type(run)(**{**vars(run), "start": forged})).refuted
    assert records[0]["sign_off"]["decision"] == "deferred"


def test_a_replay_stands_on_what_was_decided_then(project: Project) -> None:
    sign(project, **DEFERRED)
    ga(project)
    folder = newest(project)
    sign(project, decision="approved")
    ran = ga(project, f"--replay={folder}")
    assert "DEFERRED  ga of tiny" in ran.out


def test_what_is_due_after_the_sign_off_counts_once_it_is_signed(project: Project) -> None:
    sign(project, **SIGNED)
    ran = ga(project)
    assert ran.outcomes() == {"calm": "pass", "later": "pass"}
    assert "signed on 2020-01-01" in ran.out
    assert judge(read_run(newest(project))).refuted == ()


def test_a_file_that_cannot_be_used_stops_the_last_phase_alone(project: Project) -> None:
    sign(project, decision="aproved")
    ran = ga(project)
    assert ran.exit == USAGE_ERROR
    assert "tiny.sign-off.yaml:1: decision: 'aproved' is not known; did you mean 'approved'?" in ran.out
    assert ran.looked == []
    assert project.preflight().outcomes() == {"calm": "pass"}


def test_the_environment_may_name_another_place(project: Project) -> None:
    project.environment(launch_at="2019-12-01T09:00:00Z", sign_off="elsewhere.yaml")
    project.write("environments/elsewhere.yaml", yaml.safe_dump(DEFERRED))
    assert "DEFERRED" in ga(project).out


def test_what_is_attached_may_need_a_limit_of_the_check(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.runbook(
        line("named", {"demo.named": {"name": "x"}}, diagnostics=["figure_of"], diagnostics_always=True),
    )
    ran = project.preflight()
    assert ran.of("named")["diagnostics"] == {"figure_of": {"figure": 0.5}}
    assert ran.looked == ["figure_of x"]
