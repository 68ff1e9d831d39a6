"""An environment states what a line needs to know: judged, told, and never looser without saying so."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from readiness.evidence.journal import read_run
from readiness.evidence.reasons import Reason
from tests import warm
from tests.plugin.project import ROOT, Project, line

FIGURE: dict[str, Any] = {"demo.figure": {"share_below": 0.4}}
TODAY = datetime.now(UTC).date()
WHY = "the figure counts both shops here"
LOOSER = {"book/one": {"share_below": 0.6, "because": WHY}}
TOLD = f"share_below 0.6 by tiny.yaml, looser (the line: 0.4), because {WHY}"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give a project whose first line fails, and whose second is short of a limit."""
    made = Project(tmp_path)
    made.runbook(line("one", FIGURE), line("two", "demo.named"))
    monkeypatch.chdir(tmp_path)
    return made


def flat(text: str) -> str:
    return " ".join(text.split())


def test_without_it_the_remedy_names_the_key(project: Project) -> None:
    ran = project.preflight()
    assert ran.outcomes() == {"one": "fail", "two": "unknown"}
    assert ran.of("two")["remedy"] == "state it in the environment file: lines: {book/two: {name: ...}}"


def test_a_line_is_decided_by_what_the_environment_states(project: Project) -> None:
    project.environment(lines={"book/two": {"name": "a"}, "one": {"share_below": 0.3}})
    assert project.preflight().outcomes() == {"one": "fail", "two": "pass"}
    project.environment(lines={"book/two": {"each": {"name": ["a", "b"]}}})
    project.write("figures.json", '{"b": 2}')
    assert project.preflight().outcomes() == {"one": "fail", "two:a": "pass", "two:b": "fail"}


def test_two_workers_see_the_same(project: Project) -> None:
    project.environment(lines={"book/two": {"name": "a"}, **LOOSER})
    ran = project.run("-m", "preflight", "-n", "2")
    assert (ran.outcomes(), ran.exit) == ({"one": "pass", "two": "pass"}, 0), ran.out
    assert TOLD in flat(ran.out)


def test_a_looser_limit_is_told_everywhere_with_the_lines_own(project: Project) -> None:
    project.environment(lines={"two": {"name": "a"}, **LOOSER})
    planned = flat(project.run("--collect-only").out)
    assert f"by tiny.yaml share_below 0.6, looser (the line: 0.4), because {WHY}" in planned
    assert "by tiny.yaml name a (the line states none)" in planned

    ran = project.preflight()
    assert ran.exit == 0, ran.out
    assert f"LIMIT one (pass): {TOLD}" in flat(ran.out)
    assert ran.of("one")["overlaid"] == [TOLD]
    assert "overlaid" not in ran.of("two")
    (folder,) = (project.folder / "reports/tiny").glob("2*-preflight")
    for name in ("summary.md", "report.html", "junit.xml"):
        text = folder.joinpath(name).read_text("utf-8").replace("\\", "")
        assert "looser (the line: 0.4)" in text, name

    recorded = read_run(folder)
    assert recorded.plan
    planned_line = recorded.plan.line("book/one")
    assert planned_line
    assert planned_line.overlaid
    assert planned_line.overlaid.own == FIGURE
    assert planned_line.limits == {"demo.figure": {"share_below": 0.6}}
    assert main(["sign-off", "--env", "tiny"]) == 0
    assert "looser (the line: 0.4)" in (project.folder / "reports/tiny/sign-off.html").read_text("utf-8")


def test_verify_tells_what_was_loosened_since(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.environment(lines={"two": {"name": "a"}, "one": {"share_below": 0.55}})
    assert project.preflight().exit == 0
    assert main(["verify", "tiny", "preflight"]) == 0
    capsys.readouterr()

    project.environment(lines={"two": {"name": "a"}, **LOOSER})
    assert main(["verify", "tiny", "preflight"]) == Reason.NOT_TODAY.code
    told = flat(capsys.readouterr().out)
    assert "book/one: demo.figure.share_below 0.55 -> 0.6" in told
    assert "has changed since" not in told
    assert project.preflight().exit == 0
    assert main(["verify", "--all", "--env", "tiny"]) == Reason.LOOSENED.code
    assert "LOOSENED book/one: demo.figure.share_below 0.55 -> 0.6" in flat(capsys.readouterr().out)


FILLED_IN = "TIGHTENED book/two: demo.named.name the check's own -> a"


def test_what_was_unknown_for_want_of_a_limit_is_not_loosened_by_it(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.runbook(line("two", "demo.named"), line("three", "demo.figure"))
    assert project.preflight().exit == 10
    project.environment(lines={"two": {"name": "a"}})
    assert project.preflight().exit == 0
    capsys.readouterr()
    assert main(["verify", "--all", "--env", "tiny"]) == 0
    assert FILLED_IN in flat(capsys.readouterr().out)

    # What the check decided by its own default is another matter: its measurements say which that was.
    project.environment(lines={"two": {"name": "a"}, "three": {"share_below": 0.7}})
    assert project.preflight().exit == 0
    assert main(["verify", "--all", "--env", "tiny"]) == 0
    assert "TIGHTENED book/three: demo.figure.share_below 0.8 -> 0.7" in flat(capsys.readouterr().out)

    project.environment(lines={"two": {"name": "a"}})
    assert project.preflight().exit == 0
    assert main(["verify", "--all", "--env", "tiny"]) == Reason.LOOSENED.code


def test_another_reason_demands_the_same(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.environment(lines={"two": {"name": "a"}, **LOOSER})
    assert project.preflight().exit == 0
    other = {"share_below": 0.6, "because": "the figure counts all three shops"}
    project.environment(lines={"two": {"name": "a"}, "one": other})
    capsys.readouterr()
    assert main(["verify", "tiny", "preflight"]) == 0
    assert "tiny.yaml has changed since, in what preflight does not rest on: lines" in flat(capsys.readouterr().out)


def test_verify_knows_what_a_run_would_refuse(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.environment(**PRODUCTION, lines={"two": {"name": "a"}, **LOOSER})
    assert project.preflight().exit == 0
    assert main(["verify", "tiny", "preflight"]) == 0
    capsys.readouterr()
    project.environment(**PRODUCTION, lines={"two": {"name": "a"}, "one": {"share_below": 0.6}})
    assert main(["verify", "tiny", "preflight"]) == Reason.NOT_TODAY.code
    assert "a new run would be refused: tiny.yaml:" in flat(capsys.readouterr().out)


def test_people_may_speak_of_what_the_environment_names(project: Project) -> None:
    project.runbook(line("two", "demo.named"))
    project.write("figures.json", '{"b": 2}')
    waived = {"requested_by": "Bo Chen", "approved_by": "Cy Diaz", "reason": "risk-accepted"}
    waived |= {"because": "two clients know of it", "at": str(TODAY), "until": str(TODAY + timedelta(days=30))}
    project.write("environments/tiny.waivers.yaml", yaml.safe_dump({"waivers": {"book/two:b": waived}}))
    refused = project.preflight()
    assert (refused.exit, refused.looked) == (4, [])
    project.environment(lines={"two": {"each": {"name": ["a", "b"]}}})
    ran = project.preflight()
    assert (ran.exit, ran.of("two:b")["waived"]) == (0, True), ran.out
    words = ["--env", "tiny", "--who", "Ada Byron", "--statement", "the figure was looked at"]
    words += ["--evidence", "https://wiki.shop.internal/figure", "--valid-for", "30d"]
    assert main(["attest", "two:b", *words]) == 0
    assert main(["attest", "two:c", *words]) == 4


def test_the_word_for_a_failure_is_the_environments(project: Project) -> None:
    project.runbook(line("one", FIGURE, severity="SEV-3"))
    project.environment(lines={"one": {"severity": "SEV-1"}})
    ran = project.preflight()
    assert ran.of("one")["severity"] == "SEV-1"
    told = "severity of a failure SEV-1 by tiny.yaml, changed (the line: SEV-3)"
    assert f"LIMIT one (fail): {told}" in flat(ran.out)
    assert f"by tiny.yaml {told.replace(' by tiny.yaml', '')}" in flat(project.run("--collect-only").out)


PRODUCTION: dict[str, Any] = {"production": True, "allow": []}


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_in_production_a_looser_blocker_says_why(project: Project, workers: tuple[str, ...]) -> None:
    unsaid = {"two": {"name": "a"}, "one": {"share_below": 0.6}}
    project.environment(**PRODUCTION, lines=unsaid)
    ran = project.preflight(*workers)
    assert (ran.exit, ran.looked) == (4, [])
    assert "tiny.yaml:" in ran.out
    why = "lines.one: demo.figure: share_below 0.6 is looser (the line: 0.4); write why in production: because: ..."
    assert why in flat(ran.out)

    project.environment(**PRODUCTION, lines={"two": {"name": "a"}, **LOOSER})
    assert project.preflight().exit == 0
    project.environment(**PRODUCTION, lines={"two": {"name": "a"}, "one": {"share_below": 0.3}})
    assert project.preflight().exit == 1


def test_in_production_the_checks_own_default_is_not_loosened_in_silence(project: Project) -> None:
    project.runbook(line("one", "demo.figure"))
    project.environment(**PRODUCTION, lines={"one": {"share_below": 0.9}})
    ran = project.preflight()
    assert ran.exit == 4
    assert "share_below 0.9 is looser (by default: 0.8)" in flat(ran.out)
    project.runbook(line("one", "demo.figure", gate="warning"), line("two", "demo.quick"))
    assert project.preflight().exit == 0


REACHED = {"warn": 0.5, "page": 0.95}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a limit that is nearly one": (
        {"one": {"share_belov": 0.3}},
        "lines.one: demo.figure: limit 'share_belov' is not known; did you mean 'share_below'?",
    ),
    "a text for a number": (
        {"one": {"share_below": "little"}},
        "lines.one: demo.figure: limit 'share_below': a number is wanted, not 'little'",
    ),
    "a line that is nearly one": ({"book/oen": {"share_below": 0.3}}, "line 'book/oen' is not known; did you mean 'b"),
    "a step that the line has failed by": (
        {"later": {"share_below": 0.45}},
        "lines.later: demo.figure: ladder: warn: 0.5 is never a warning",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_told_before_anything_is_contacted(name: str, project: Project) -> None:
    lines, told = REFUSED[name]
    later = line("later", {"demo.figure": {"share_below": 0.6}}, phase=["postlaunch"], ladder=REACHED)
    project.runbook(line("one", FIGURE), later)
    project.environment(lines=lines)
    ran = project.preflight()
    assert (ran.exit, ran.looked) == (4, []), ran.out
    assert "tiny.yaml:" in ran.out
    assert flat(ran.out).count(told) == 1


def test_a_limit_of_a_later_day_is_told_with_its_origin(project: Project) -> None:
    soon = str(TODAY + timedelta(days=3))
    dated = {"share_below": {"value": 0.3, "from": soon}, "because": WHY}
    project.environment(lines={"one": dated, "umbrella/d1-migrations": {"migration": "0007_artists"}})
    planned = flat(project.run("--collect-only").out)
    told = f"by tiny.yaml share_below 0.4; share_below 0.3 from {soon} on, stricter (the line: 0.4), because {WHY}"
    assert told in planned
    assert f"from {soon} on by tiny.yaml share_below 0.3" in planned
    assert "waiting tiny.yaml: lines: umbrella/d1-migrations: their runbook is not followed" in planned


def test_a_replay_takes_the_limits_that_are_stated_now(project: Project) -> None:
    project.environment(lines={"two": {"name": "a"}, **LOOSER})
    project.preflight()
    (recorded,) = (project.folder / "reports/tiny").glob("2*-preflight")
    project.environment(lines={"two": {"name": "a"}})
    again = project.preflight(f"--replay={recorded}")
    assert (again.outcomes(), again.looked) == ({"one": "fail", "two": "pass"}, [])


def plan_of(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "NO_COLOR": "1"}
    return warm.run("readiness", "plan", "--env", "tiny", *words, folder=project.folder, variables=variables)


def test_the_plan_as_data_says_where_each_limit_comes_from(project: Project) -> None:
    project.runbook(line("one", FIGURE), line("two", "demo.named"), line("three", "demo.figure"))
    project.environment(lines={"two": {"name": "a"}, **LOOSER})
    ran = plan_of(project, "-m", "preflight", "--json")
    rows = {row["id"]: row for row in json.loads(ran.stdout)["rows"]}
    assert [limit["from"] for name in ("one", "two", "three") for limit in rows[f"book/{name}"]["limits"]] == [
        "environment",
        "environment",
        "default",
    ]
    assert rows["book/one"]["limits"][0] == {
        "limit": "share_below",
        "value": 0.6,
        "from": "environment",
        "file": "tiny.yaml",
        "effect": "looser",
        "in_place_of": 0.4,
        "in_place_of_default": False,
        "because": WHY,
    }
    assert rows["book/one"]["turns_red"] == "unless the figure is low; out of its limit: share 0.6 or more"
    assert not (project.folder / "reports").exists()
