"""A plan contacts nobody and decides nothing; a replay judges again what a run has seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.verdict import INCOMPLETE_EXIT
from tests import warm
from tests.plugin.project import Project, line


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.runbook(
        line("one", {"demo.figure": {"share_below": 0.7}}, due="T-1h"),
        line("two", {"demo.named": {"name": "a"}}, gate="warning"),
        line("later", "demo.figure", phase=["postlaunch"]),
    )
    return found


def test_a_plan_shows_each_line_and_leaves_nothing(project: Project) -> None:
    ran = project.run("--collect-only")
    assert ran.exit == 0, ran.out
    for told in ("one holds", "two holds", "later holds", "T-1h", "warning", "demo.figure", "0.7", "postlaunch"):
        assert told in ran.out, f"{told!r} is not in:\n{ran.out}"
    assert (ran.looked, ran.results) == ([], [])
    assert not (project.folder / "reports").exists()
    assert "GO" not in ran.out
    assert "<Function" not in ran.out


def test_a_plan_shows_the_limits_that_a_line_leaves_to_its_check(project: Project) -> None:
    project.runbook(line("one", "demo.figure"), line("two", {"demo.figure": {"share_below": 0.7}}))
    out = project.run("--collect-only").out
    assert out.count("by default share_below 0.8") == 1
    assert "by default share_below 0.7" not in out


def test_a_limit_that_is_missing_is_told_before_configured(project: Project) -> None:
    project.runbook(line("two", "demo.named"))
    planned = " ".join(project.run("--collect-only").out.split())
    remedy = "state it in the environment file: lines: {book/two: {name: ...}}"
    sentence = f"the line states no name ({remedy})"
    assert f"not configured: {sentence}" in planned
    assert "1 not configured" in planned
    result = project.preflight().of("two")
    assert f"{result['reason']} ({result['remedy']})" == f"not configured: {sentence}"


@pytest.mark.parametrize("limits", [{"name": 5}, {"name": None}, {"name": ["a"]}])
def test_a_plan_of_wrong_limits_is_their_one_line(project: Project, limits: dict[str, object]) -> None:
    project.runbook(line("one", "demo.figure"), line("two", {"demo.named": limits}))
    ran = project.run("--collect-only")
    assert ran.exit == 4
    assert ran.out.count("book: line two: demo.named: limit ") == 1
    assert "Traceback" not in ran.out
    assert "INTERNALERROR" not in ran.out
    assert "one holds" not in ran.out


def test_a_plan_of_one_phase(project: Project) -> None:
    out = project.run("--collect-only", "-m", "preflight").out
    assert "one holds" in out
    assert "later holds" not in out


def test_the_plan_of_the_sandbox_starts_nothing() -> None:
    ran = warm.run("readiness", "plan", "--env", "local", "-m", "preflight")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "database.pool_headroom" in ran.stdout


def test_a_replay_gives_the_same_without_a_look(project: Project) -> None:
    first = project.preflight("--as-of=T-1h")
    assert first.looked == ["figure", "figure_of a"]
    (recorded,) = (project.folder / "reports" / "tiny").glob("2*-preflight")
    again = project.preflight(f"--replay={recorded}")
    assert again.looked == []
    assert again.outcomes() == first.outcomes() == {"one": "pass", "two": "pass"}, again.out
    assert first.exit == INCOMPLETE_EXIT, first.out  # another moment than now: a plan


def test_a_replay_with_a_new_limit_judges_anew(project: Project) -> None:
    project.preflight("--as-of=T-1h")
    (recorded,) = (project.folder / "reports" / "tiny").glob("2*-preflight")
    project.runbook(line("one", {"demo.figure": {"share_below": 0.1}}), line("new", "demo.quick"))
    again = project.preflight(f"--replay={recorded}")
    assert again.outcomes() == {"one": "fail", "new": "unknown"}, again.out
    assert again.looked == []


def test_a_replay_is_found_by_its_name_and_is_never_evidence(project: Project) -> None:
    project.preflight("--as-of=T-1h")
    (recorded,) = (project.folder / "reports" / "tiny").glob("2*-preflight")
    again = project.preflight("--replay", recorded.name)
    assert (again.outcomes(), again.exit) == ({"one": "pass", "two": "pass"}, INCOMPLETE_EXIT), again.out
    assert "a replay is not evidence" in again.out
    assert f"a replay of {recorded.name}" in (project.folder / "reports/tiny").joinpath(
        f"{again_folder(project)}/summary.md"
    ).read_text("utf-8").replace("\\", "")
    places = ["--reports", str(project.folder / "reports"), "--environments", str(project.folder / "environments")]
    assert main(["verify", again_folder(project), "--env", "tiny", *places]) == 10
    assert main(["verify", "preflight", "--env", "tiny", *places]) == 10  # the recorded run is a plan
    ledger = (project.folder / "reports" / "tiny" / "ledger.jsonl").read_text("utf-8")
    assert len(ledger.splitlines()) == 2  # the run's own


REPLAYS = [  # the figure that was recorded, what the recorded run came to, the word of its replay and its exit
    ("preflight", "0.5", 0, "INCOMPLETE", INCOMPLETE_EXIT),
    ("preflight", "0.9", 1, "NO-GO", 1),
    ("postlaunch", "0.5", 0, "INCOMPLETE", INCOMPLETE_EXIT),
    ("postlaunch", "0.9", 1, "ALERT", 1),
]


@pytest.mark.parametrize(("phase", "figure", "recorded", "word", "code"), REPLAYS)
def test_a_replay_is_never_taken_for_a_run_of_now(
    phase: str, figure: str, recorded: int, word: str, code: int, tmp_path: Path
) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", {"demo.figure": {"share_below": 0.7}}, phase=["preflight", "postlaunch"]))
    project.write("figure.txt", figure)
    assert project.run("-m", phase).exit == recorded
    (folder,) = (project.folder / "reports/tiny").glob(f"2*-{phase}")

    again = project.run("-m", phase, f"--replay={folder}")
    assert again.exit == code, again.out
    verdict = " ".join(again.out[again.out.index(f"\n{word}  ") :].split())
    assert verdict.startswith(f"{word} {phase} of tiny: the answers that {folder.name} recorded at 2")
    assert "go on" not in again.out
    assert "nothing to do" not in again.out


def again_folder(project: Project) -> str:
    (found,) = (project.folder / "reports" / "tiny").glob("2*-replay")
    return found.name


def test_a_run_of_another_phase_is_not_replayed(project: Project) -> None:
    project.preflight("--as-of=T-1h")
    (recorded,) = (project.folder / "reports" / "tiny").glob("2*-preflight")
    refused = project.run("-m", "postlaunch", f"--replay={recorded}")
    assert refused.exit == 4
    assert "a run of tiny preflight, and this is --env tiny -m postlaunch" in refused.out
