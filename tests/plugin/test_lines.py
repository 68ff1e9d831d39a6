"""One runbook line is one pytest item, and what does not fit is told at once, before anything is looked at."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.plugin.project import CHECKS, CONFTEST, Project, line

USAGE_ERROR, INCOMPLETE = 4, 10


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.runbook(line("one", "demo.figure"), line("two", {"demo.named": {"each": {"name": ["a", "b"]}}}))
    return found


def test_a_line_is_an_item_for_each_thing_that_it_names(project: Project) -> None:
    ran = project.preflight()
    assert ran.outcomes() == {"one": "pass", "two:a": "pass", "two:b": "pass"}, ran.out
    assert ran.exit == 0
    assert [result["nodeid"] for result in ran.results] == [
        "checks/test_demo.py::test_figure[one]",
        "checks/test_demo.py::test_named[two:a]",
        "checks/test_demo.py::test_named[two:b]",
    ]
    assert ran.looked == ["figure", "figure_of a", "figure_of b"]


def test_two_runbooks_keep_their_lines_apart(project: Project) -> None:
    project.runbook(line("one", {"demo.figure": {"share_below": 0.4}}), name="other")
    project.environment(runbooks=["book.yaml", "other.yaml"])
    ran = project.preflight()
    found = {result["nodeid"].partition("[")[2]: result["outcome"] for result in ran.results}
    assert found == {"book.one]": "pass", "other.one]": "fail", "book.two:a]": "pass", "book.two:b]": "pass"}
    assert {result["line"] for result in ran.results} == {"book/one", "book/two", "other/one"}
    assert ran.exit == 1


SUBJECTS = ("größe", "a — b", "a\\b", "a b", "it's", "a:b::c[d]", "${x}", "and", "tab\there")


@pytest.mark.parametrize("words", [(), ("-n2",)], ids=["alone", "workers"])
def test_a_subject_of_any_letters_is_decided_and_again_selects_only_it(
    project: Project, words: tuple[str, ...]
) -> None:
    named = {"each": {"name": [*SUBJECTS, *(f"{name} more" for name in SUBJECTS)]}}
    project.runbook(line("one", "demo.figure"), line("two", {"demo.named": named}))
    project.write("figures.json", json.dumps(dict.fromkeys(SUBJECTS, 2.0)))
    ran = project.preflight(*words)
    failed = {f"two:{name}": "fail" for name in SUBJECTS}
    assert ran.outcomes() == {"one": "pass", **failed, **{f"{name} more": "pass" for name in failed}}, ran.out
    assert ran.exit == 1
    commands = [shlex.split(ran.of(name)["again"]) for name in failed]
    start = ["pytest", "-m", "preflight", "--env", "tiny"]
    assert [command[:-1] for command in commands] == [start] * len(SUBJECTS)
    assert project.preflight(*(command[-1] for command in commands)).outcomes() == failed


def test_an_item_that_no_decision_is_found_for_is_told(project: Project) -> None:
    project.runbook(line("two", {"demo.named": {"each": {"name": ["größe"]}}}))
    option = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support"
    ran = project.preflight("-o", f"{option}=true")
    assert ran.exit == USAGE_ERROR, ran.out
    assert "book/two:größe: pytest calls it checks/test_demo.py::test_named[two:größe]" in ran.out
    assert ran.looked == []


def test_a_result_that_no_decision_is_found_for_is_told(project: Project) -> None:
    renames = """

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport():
    report = yield
    report.nodeid += "@group"
    return report
"""
    project.write("conftest.py", CONFTEST + renames)
    ran = project.preflight()
    assert "no decision is found for checks/test_demo.py::test_figure[one]@group" in ran.out
    assert ran.exit not in {0, 1}
    assert "INCOMPLETE" in ran.out


def test_a_line_narrows_the_phases_of_its_check(project: Project) -> None:
    project.runbook(line("now", "demo.figure"), line("later", "demo.figure", phase=["postlaunch"]))
    assert project.preflight().outcomes() == {"now": "pass"}
    assert project.run("-m", "postlaunch").outcomes() == {"later": "pass"}


def test_all_that_does_not_fit_is_told_at_once(project: Project) -> None:
    project.runbook(
        line("no-check", "demo.figures"),
        line("no-limit", {"demo.figure": {"share_belov": 1}}),
        line("bad-limit", {"demo.figure": {"share_below": "many"}}),
        line("not-there", "demo.quick", phase=["smoke"]),
        line("unmarked", "more.unmarked"),
        line("skipped", "more.skipped"),
        line("unknown-look", "more.unknown_look"),
        line("shadows", "more.shadows"),
        line("no-attachment", "demo.figure", diagnostics=["recent_failures_of_tin"]),
    )
    project.write(
        "checks/test_more.py",
        '"""More."""\nimport pytest\n'
        "@pytest.mark.preflight\ndef test_unmarked(written: float, measure) -> None: ...\n"
        "@pytest.mark.preflight\n@pytest.mark.skip\ndef test_skipped(figure: float, measure) -> None: ...\n"
        "@pytest.mark.preflight\ndef test_unknown_look(figur: float, measure) -> None: ...\n"
        "from readiness import Limits\n"
        "class Shadow(Limits):\n    line: str = 'mine'\n"
        "@pytest.mark.preflight\ndef test_shadows(of_the_line: str, limits: Shadow, measure) -> None: ...\n",
    )
    project.write(
        "conftest.py",
        f"{CONFTEST}\n@observation\ndef of_the_line(line: str) -> str:\n    return line\n",
    )
    ran = project.preflight()
    assert ran.exit == USAGE_ERROR, ran.out
    for told in (
        "'demo.figures' is not known; did you mean 'demo.figure'?",
        "limit 'share_belov' is not known; did you mean 'share_below'?",
        "limit 'share_below': a number is wanted",
        "smoke",
        '@pytest.mark.effect("write")',
        "skip is not allowed on a check",
        "'figur' is not known; did you mean 'figure'?",
        "'recent_failures_of_tin' is not known; did you mean 'recent_failures_of_tiny'?",
        "Shadow calls a limit line; of_the_line is given something else by that name",
    ):
        assert told in ran.out, f"{told!r} is not in:\n{ran.out}"
    assert "Traceback" not in ran.out
    assert "INTERNALERROR" not in ran.out
    assert ran.looked == []


def test_workers_tell_the_same_problems(project: Project) -> None:
    project.runbook(line("no-limit", {"demo.figure": {"share_belov": 1}}))
    ran = project.preflight("-n", "2")
    assert ran.exit == USAGE_ERROR, ran.out
    assert ran.out.count("limit 'share_belov' is not known; did you mean 'share_below'?") == 1
    assert "INTERNALERROR" not in ran.out
    assert ran.looked == []


@pytest.mark.parametrize("words", [(), ("-n2",), ("--continue-on-collection-errors",)], ids=" ".join)
def test_a_broken_file_of_checks_is_incomplete(project: Project, words: tuple[str, ...]) -> None:
    project.runbook(line("one", "demo.figure"), line("gone", "broken.gone"))
    project.write("checks/test_broken.py", "import no_such_module\n\ndef test_gone(measure): ...\n")
    ran = project.preflight(*words)
    assert ran.exit in {2, INCOMPLETE}, ran.out
    assert "no_such_module" in ran.out
    assert "INCOMPLETE" in ran.out
    assert "GO " not in ran.out


def test_a_check_that_no_line_names_is_left_out(project: Project) -> None:
    ran = project.preflight("-v")
    assert "nobody_asks" not in ran.out
    assert "skipped" not in ran.out


def test_a_narrower_selection_is_incomplete(project: Project) -> None:
    for words in (["-k", "one"], ["checks/test_demo.py::test_figure"], ["--deselect=checks/test_demo.py::test_figure"]):
        ran = project.preflight(*words)
        assert ran.exit == INCOMPLETE, ran.out
        assert "INCOMPLETE" in ran.out


def test_checks_need_an_environment(project: Project) -> None:
    ran = project.run("-m", "preflight", env=None)
    assert ran.exit == USAGE_ERROR, ran.out
    assert "--env" in ran.out
    assert "tiny" in ran.out


def test_other_tests_need_none(project: Project) -> None:
    project.write("others/test_own.py", "def test_own(): pass\n")
    ran = project.run("others", env=None)
    assert ran.exit == 0, ran.out
    assert "1 passed" in ran.out


OVERRIDES = {
    "in the conftest of the checks": (
        "checks/conftest.py",
        "import pytest\n\n\n@pytest.fixture\ndef figure():\n    return 0.1\n",
    ),
    "in the file of the check": (
        "checks/test_demo.py",
        CHECKS + "\n\n@pytest.fixture\ndef figure():\n    return 0.1\n",
    ),
    "by another name of the function": (
        "checks/conftest.py",
        "import pytest\n\n\n@pytest.fixture(name='figure')\ndef harmless():\n    return 0.1\n",
    ),
    "for each check by itself": (
        "checks/conftest.py",
        "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef figure():\n    return 0.1\n",
    ),
    "what measures": (
        "checks/conftest.py",
        "import pytest\n\n\n@pytest.fixture\ndef measure():\n    return print\n",
    ),
    "in the project's conftest": (
        "conftest.py",
        CONFTEST + "\n\nimport pytest\n\n\n@pytest.fixture(name='figure')\ndef mine():\n    return 0.1\n",
    ),
}


@pytest.mark.parametrize("where", OVERRIDES)
def test_nothing_stands_in_the_place_of_an_observation(where: str, project: Project) -> None:
    """A good figure of a fixture would decide the line, beside the evidence of a bad one."""
    project.write("figure.txt", "0.9")
    project.runbook(line("one", "demo.figure"))
    assert project.preflight().outcomes() == {"one": "fail"}
    project.write(*OVERRIDES[where])
    ran = project.preflight()
    assert (ran.exit, ran.results) == (USAGE_ERROR, []), ran.out
    assert "stands in the place of the suite's own; give it another name" in " ".join(ran.out.split())


def test_a_fixture_of_another_name_may_be_there(project: Project) -> None:
    project.write("checks/conftest.py", "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef mine(): ...\n")
    project.runbook(line("one", "demo.figure"))
    assert project.preflight().outcomes() == {"one": "pass"}
