"""What stood before a run comes from the ledger: no folder that goes, comes or is dated otherwise changes a step."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.evidence import ledger
from readiness.evidence.acceptance import _contradicts_previous
from readiness.evidence.journal import read_run
from readiness.evidence.previous_run import without_steps
from tests.plugin.project import Project, Ran
from tests.plugin.test_run_after_run import RATE, look, runs, verdicts

DIES = "\n\ndef pytest_runtest_teardown():\n    import os\n    os._exit(0)\n"
CLOCK = """

import datetime as of_python
import readiness.plugin.options


class Shifted(of_python.datetime):
    @classmethod
    def now(cls, tz=None):
        return of_python.datetime.now(tz) + of_python.timedelta(minutes={minutes})


readiness.plugin.options.datetime = Shifted
"""


def made(folder: Path) -> Project:
    project = Project(folder)
    project.environment(launch_at="2020-01-01T00:00:00Z", allow=[])
    project.runbook(RATE)
    return project


@pytest.fixture(scope="module")
def paged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the reports of a project whose last run was PAGE; a value just below the step would leave it there."""
    project = made(tmp_path_factory.mktemp("paged"))
    look(project, 0.01)
    look(project, 0.11)
    assert verdicts(project) == ["OK", "PAGE"]
    return project.folder / "reports"


@pytest.fixture
def project(paged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give such a project of a test's own."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(paged, tmp_path / "reports", symlinks=True)
    return made(tmp_path)


def just_below(project: Project) -> Ran:
    ran = look(project, 0.095)
    assert "PAGE  postlaunch of tiny" in ran.out, ran.out
    assert main(["verify", "tiny", "postlaunch"]) == 1
    return ran


def with_conftest(project: Project, more: str) -> str:
    conftest = (project.folder / "conftest.py").read_text("utf-8")
    project.write("conftest.py", conftest + more)
    return conftest


def test_a_deleted_folder_loses_no_step(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(runs(project)[-1])
    just_below(project)
    assert "REFUTED" not in capsys.readouterr().out
    for folder in runs(project):
        shutil.rmtree(folder)
    just_below(project)


def test_a_folder_that_is_copied_in_changes_nothing(project: Project) -> None:
    calm, _ = runs(project)
    shutil.copytree(calm, calm.with_name("20991128T090000Z-postlaunch"))
    just_below(project)


@pytest.mark.parametrize(("minutes", "told"), [(-3, "later: one of the clocks is wrong"), (-60, "is wrong"), (60, "")])
def test_a_clock_that_steps_is_told_and_loses_no_step(minutes: int, told: str, project: Project) -> None:
    with_conftest(project, CLOCK.format(minutes=minutes))
    ran = look(project, 0.095)
    assert "PAGE  postlaunch of tiny" in ran.out, ran.out
    assert told in " ".join(ran.out.split())


HOURS = 60
CLOCKS = [  # of each run: how many minutes its clock is ahead, what it measures, and what it comes to
    ("ahead for good", [(72 * HOURS, 0.095, "PAGE"), (73 * HOURS, 0.095, "PAGE")]),
    ("ahead, and mended", [(72 * HOURS, 0.095, "PAGE"), (0, 0.095, "PAGE")]),
    ("years ahead, and mended", [(24 * 4000 * HOURS, 0.095, "PAGE"), (0, 0.095, "PAGE")]),
    ("back for good", [(-72 * HOURS, 0.095, "PAGE"), (-71 * HOURS, 0.095, "PAGE")]),
    ("back, and mended", [(-72 * HOURS, 0.095, "PAGE"), (0, 0.095, "PAGE")]),
    ("to and fro", [(72 * HOURS, 0.095, "PAGE"), (-72 * HOURS, 0.095, "PAGE"), (0, 0.095, "PAGE")]),
    # What releases a step is what was measured, in as many runs as ever.
    ("well again while it is ahead", [(72 * HOURS, 0.02, "OK"), (0, 0.095, "ALERT")]),
    ("well below in three runs", [(72 * HOURS, 0.08, "PAGE"), (-72 * HOURS, 0.08, "PAGE"), (0, 0.08, "ALERT")]),
]


@pytest.mark.parametrize(("clock", "then"), CLOCKS, ids=[clock for clock, _ in CLOCKS])
def test_no_clock_releases_a_step(
    clock: str, then: list[tuple[int, float, str]], project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    conftest = (project.folder / "conftest.py").read_text("utf-8")
    stood: list[str] = []
    for minutes, figure, _ in then:
        project.write("conftest.py", conftest + CLOCK.format(minutes=minutes))
        before = set(runs(project))
        look(project, figure)
        (left,) = set(runs(project)) - before
        finish = read_run(left).finish
        assert finish
        stood.append(str(finish.verdict))
        main(["verify", str(left)])
        assert "REFUTED" not in capsys.readouterr().out, clock
    assert stood == [word for _, _, word in then]


def test_a_clock_far_ahead_is_told(project: Project) -> None:
    with_conftest(project, CLOCK.format(minutes=60 * 72))
    ran = look(project, 0.095)
    assert "nobody looked for so long, or one is wrong; all steps stay" in " ".join(ran.out.split())


def test_a_run_of_a_version_that_forgot_by_the_clock_is_not_refuted(project: Project) -> None:
    with_conftest(project, CLOCK.format(minutes=60 * 72))
    look(project, 0.095)
    newest = read_run(max(runs(project)))
    before = newest.start.before
    assert before
    forgot = newest.start.model_copy(update={"keeps_steps": False, "before": without_steps(before)})
    honest = newest.start.model_copy(update={"before": without_steps(before)})
    reading = ledger.read(project.folder / "reports/tiny/ledger.jsonl", {})
    for folder in (None, reading):
        assert _contradicts_previous(replace(newest, start=forgot), folder) == []
        assert "says otherwise" in _contradicts_previous(replace(newest, start=honest), folder)[0]


def test_a_run_that_never_ended_is_unknown_and_named_until_a_whole_one_follows(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    conftest = with_conftest(project, DIES)
    look(project, 0.01)
    died = runs(project)[-1]
    project.write("conftest.py", conftest)
    named = f"{died.name} opened and never ended: what it saw is unknown, so all steps stay"
    project.runbook(RATE, {**RATE, "id": "other"})
    assert named in " ".join(look(project, 0.095, "-k", "rate").out.split())
    assert named in " ".join(just_below(project).out.split())
    assert read_run(runs(project)[-1]).start.unsealed == (died.name,)
    assert named in capsys.readouterr().out
    assert named not in " ".join(just_below(project).out.split())


def test_each_seal_carries_the_steps(project: Project) -> None:
    reading = ledger.read(project.folder / "reports/tiny/ledger.jsonl", {})
    calm, paged = (reading.runs[folder.name].entry for folder in runs(project))
    assert calm.standing == ()
    assert paged.standing
    assert [(state.line, state.step) for state in paged.standing] == [("book/rate", "page")]


def test_a_plan_is_stood_on_by_nobody(project: Project) -> None:
    for _ in range(4):
        look(project, 0.01, "--as-of=2099-01-01T00:00:00Z")
    just_below(project)


def test_a_first_run_is_told(tmp_path: Path) -> None:
    project = made(tmp_path)
    ran = look(project, 0.01)
    assert ran.exit == 0
    assert "before    none that the ledger here knows: taken as the first" in ran.out
    assert "taken as the first" not in look(project, 0.01).out


def test_what_is_pruned_is_needed_by_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    look(project, 0.04)
    altered, paged, newest = runs(project)
    (altered / "summary.md").write_text("edited", "utf-8")
    assert main(["prune", "--env", "tiny", "--keep", "1h"]) == 0
    assert "removed 0 runs" in capsys.readouterr().out
    assert main(["prune", "--env", "tiny", "--keep", "0s", "--dry-run"]) == 0
    assert f"would remove {paged.name}  PAGE" in capsys.readouterr().out
    assert runs(project) == [altered, paged, newest]
    assert main(["prune", "--env", "tiny", "--keep", "0s"]) == 0
    assert f"KEPT         {altered.name}" in (told := capsys.readouterr().out)
    assert "removed 1 runs" in told
    assert runs(project) == [altered, newest]
    shutil.rmtree(altered)
    assert main(["verify", "--all", "--env", "tiny"]) == 11
    assert paged.name not in "".join(one for one in capsys.readouterr().out.splitlines() if "REFUTED" in one)
    assert main(["history", "--env", "tiny"]) == 0
    assert "tiny postlaunch: 3 runs" in capsys.readouterr().out
    assert main(["verify", "tiny", "postlaunch"]) == 1
    assert "REFUTED" not in capsys.readouterr().out
    for _ in range(2):
        look(project, 0.2)
    assert main(["prune", "--env", "tiny", "--keep", "0s"]) == 0
    assert "ROLLBACK  postlaunch of tiny" in look(project, 0.19).out


@pytest.mark.parametrize("span", ["", "soon", "-1d"])
def test_a_span_that_is_none_removes_nothing(span: str, project: Project) -> None:
    assert main(["prune", "--env", "tiny", f"--keep={span}"]) == 4
    assert len(runs(project)) == 2
