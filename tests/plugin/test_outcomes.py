"""What happens to a check becomes its outcome, and no mishap becomes a pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.project import CONFTEST, Project, Ran, line

LINES = [
    line("passes", "demo.figure"),
    line("fails", {"demo.figure": {"share_below": 0.4}}),
    line("shares-a-look", {"demo.figure": {"share_below": 0.6}}),
    line("quick", "demo.quick"),
    line("writes", "demo.writes"),
    line("hidden", "demo.hidden"),
    line("hidden-too", "demo.hidden"),
    line("broken", "demo.broken"),
    line("crashes", "demo.crashes"),
    line("leaves", "demo.leaves"),
    line("nothing", "demo.nothing"),
    line("swallows", "demo.swallows"),
    line("skips", "demo.skips"),
    line("expects-failure", "demo.expects_failure"),
    line("cleans-up", "demo.cleans_up"),
    line("early", {"demo.named": {"name": "early"}}, due="T-1h"),
    line("elsewhere", {"demo.named": {"name": "elsewhere"}}),
]
OUTCOMES = {
    "passes": "pass",
    "fails": "fail",
    "shares-a-look": "pass",
    "quick": "pass",
    "writes": "pass",
    "hidden": "unknown",
    "hidden-too": "unknown",
    "broken": "unknown",
    "crashes": "unknown",
    "leaves": "unknown",
    "nothing": "unknown",
    "swallows": "fail",
    "skips": "not run",
    "expects-failure": "not run",
    "cleans-up": "fail",
    "early": "not due",
    "elsewhere": "not applicable",
}
REASON = "there is no elsewhere in this target"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    found = Project(tmp_path_factory.mktemp("outcomes"))
    found.runbook(*LINES)
    found.environment(not_applicable={"book/elsewhere": REASON})
    return found


@pytest.fixture(scope="module")
def ran(project: Project) -> Ran:
    return project.preflight()


def test_each_has_its_outcome(ran: Ran) -> None:
    assert ran.outcomes() == OUTCOMES, ran.out
    assert ran.exit == 1


def test_workers_find_the_same(project: Project) -> None:
    shared = project.preflight("-n", "2")
    assert shared.outcomes() == OUTCOMES, shared.out
    assert shared.exit == 1
    assert "NO-GO" in shared.out


def test_what_is_not_judged_is_not_looked_at(ran: Ran) -> None:
    assert ran.looked == ["answer_time", "figure", "written"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fails", "figure: 0.5, allowed < 0.4"),
        ("hidden", "GET /figure answered 403"),
        ("hidden-too", "GET /figure answered 403"),
        ("broken", "ZeroDivisionError"),
        ("crashes", "KeyError"),
        ("leaves", "SystemExit"),
        ("nothing", "measured nothing"),
        ("skips", "not today"),
        ("cleans-up", "no space left"),
        ("early", "T-1h"),
        ("elsewhere", REASON),
    ],
)
def test_each_says_why(ran: Ran, name: str, reason: str) -> None:
    assert reason in ran.of(name)["reason"]


def test_a_failure_tells_its_remedy_and_an_unknown_its_own(ran: Ran) -> None:
    assert ran.of("fails")["remedy"] == "lower it."
    assert ran.of("hidden")["remedy"] == "give the probe the role viewer"


def test_measurements_are_recorded_on_pass_and_fail(ran: Ran) -> None:
    expected = {"name": "figure", "value": 0.5, "comparator": "below", "unit": ""}
    assert ran.of("passes")["measurements"] == [{**expected, "limit": 0.8, "ok": True}]
    assert ran.of("fails")["measurements"] == [{**expected, "limit": 0.4, "ok": False}]


def test_the_terminal_tells_what_is_wrong_and_ends_with_the_verdict(ran: Ran) -> None:
    for told in (
        "fails holds",
        "figure: 0.5, allowed < 0.4",
        "lower it.",
        "GET /figure answered 403",
        "give the probe the role viewer",
        "pytest -m preflight --env tiny 'checks/test_demo.py::test_figure[fails]'",
        "readiness verify",
    ):
        assert told in ran.out, f"{told!r} is not in:\n{ran.out}"
    assert ran.out.rstrip().splitlines()[-1].startswith("NO-GO")
    assert "Traceback" not in ran.out
    assert "short test summary" not in ran.out


def test_a_trace_is_there_for_who_asks(project: Project) -> None:
    out = project.preflight("-vv", "-k", "crashes").out
    assert 'measure({}["no such key"]' in out


LOOKS_ON = """
import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        leave("seen.txt", f"{type(call.excinfo.value).__name__ if call.excinfo else None} {report.outcome}")
    return report
"""


def test_a_hook_of_the_team_sees_what_was_raised(tmp_path: Path) -> None:
    """It takes a screenshot of what failed, say: the report that it gets is that of a failed test."""
    project = Project(tmp_path)
    project.write("conftest.py", CONFTEST + LOOKS_ON)
    project.runbook(*(line(name, f"demo.{name}") for name in ("crashes", "figure")))
    project.preflight()
    assert sorted((tmp_path / "seen.txt").read_text("utf-8").split("\n")) == ["", "KeyError failed", "None passed"]


DRAWS = """
import pytest

draw = pytest.ExceptionInfo.getrepr


def getrepr(self, *arguments, **options):
    leave("drawn.txt", str(self.value))
    return draw(self, *arguments, **options)


pytest.ExceptionInfo.getrepr = getrepr
"""
SKIPS_AS_UNITTEST_DOES = """
import unittest

import pytest


@pytest.mark.preflight
def test_leaves_out(figure, measure):
    \"\"\"A skip is no pass.

    Remedy: none.
    \"\"\"
    measure(figure, "figure").below(1)
    raise unittest.SkipTest("not today")
"""


def test_no_trace_is_drawn_for_nobody(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("conftest.py", CONFTEST + DRAWS)
    project.write("checks/test_old.py", SKIPS_AS_UNITTEST_DOES)
    names = {"hidden": "demo.hidden", "crashes": "demo.crashes", "skips": "demo.skips", "leaves-out": "old.leaves_out"}
    project.runbook(*(line(name, check) for name, check in names.items()))
    quiet = project.preflight()
    outcomes = {"hidden": "unknown", "crashes": "unknown", "skips": "not run", "leaves-out": "not run"}
    assert quiet.outcomes() == outcomes, quiet.out
    assert quiet.of("leaves-out")["reason"] == "the check skipped itself: not today"
    assert not (tmp_path / "drawn.txt").exists()
    assert project.preflight("-vv").outcomes() == quiet.outcomes()
    assert "no such key" in (tmp_path / "drawn.txt").read_text("utf-8")


def test_what_is_due_then_is_judged_as_of_then(project: Project) -> None:
    assert project.preflight("--as-of=T-1h", "-k", "early").outcomes()["early"] == "pass"


def test_an_effect_that_is_not_allowed_is_still_asked_for_through_the_guard(project: Project) -> None:
    """The observation runs; it is the client that refuses. Here the look has no client, so it passes."""
    assert project.preflight("-k", "writes").of("writes")["outcome"] == "pass"


def test_after_the_launch_the_ladder_counts(tmp_path_factory: pytest.TempPathFactory) -> None:
    project = Project(tmp_path_factory.mktemp("ladder"))
    later: dict[str, object] = {"phase": ["postlaunch"], "diagnostics": ["recent_failures_of_tiny"]}
    project.runbook(
        line("calm", {"demo.figure": {}}, ladder={"page": 0.9}, **later),
        line("warned", {"demo.figure": {}}, ladder={"warn": 0.4, "page": 0.9}, **later),
        line("paged", {"demo.figure": {"share_below": 0.3}}, ladder={"alert": 0.3, "page": 0.5}, **later),
    )
    ran = project.run("-m", "postlaunch")
    assert ran.outcomes() == {"calm": "pass", "warned": "warn", "paged": "fail"}, ran.out
    assert [ran.of(name)["step"] for name in ("calm", "warned", "paged")] == [None, "warn", "page"]
    assert ran.of("paged")["diagnostics"] == {"recent_failures_of_tiny": [{"upload": 7}]}
    assert ran.exit == 1
    assert ran.out.rstrip().splitlines()[-1].startswith("PAGE")


@pytest.mark.parametrize("words", [(), ("-n2",)], ids=["alone", "workers"])
def test_a_good_run_says_go_last(tmp_path: Path, words: tuple[str, ...]) -> None:
    project = Project(tmp_path)
    project.runbook(line("passes", "demo.figure"))
    ran = project.preflight(*words)
    assert ran.exit == 0, ran.out
    assert ran.out.rstrip().splitlines()[-1].startswith("GO")
