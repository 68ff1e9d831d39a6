"""A figure that no document names is told as the runbook's own: in the plan, and where a line fails by it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from readiness.errors import BadRunbook
from readiness.runbook.chosen import chosen_faults
from readiness.runbook.lines import load
from tests.plugin.project import Project, line

FIGURE: dict[str, Any] = {"demo.figure": {"share_below": 0.4}}
CHOSEN = ["share_below"]
CHOICE = "the runbook chose this figure, its document names none: share_below 0.4"
SEVERAL: dict[str, Any] = {"demo.several": {"share_below": 0.4, "days_at_most": 3, "at_least": 21, "times_at_most": 2}}
TIMES = "the runbook chose this figure, its document names none: times_at_most 2"
OWN = {"book/one": {"share_below": 0.45}}
ROWS: list[tuple[str, dict[str, Any], list[str], dict[str, Any], float, str, str]] = [
    # What is shown; the limits; which are chosen; what the environment states; the figure; outcome; remedy.
    ("chosen, and not kept", FIGURE, CHOSEN, {}, 0.5, "fail", f"lower it; {CHOICE}; state your own"),
    ("chosen, and kept", FIGURE, CHOSEN, {}, 0.3, "pass", ""),
    ("the document's own", FIGURE, [], {}, 0.5, "fail", "lower it."),
    (
        "chosen, beside the document's that is broken",
        SEVERAL,
        ["days_at_most", "at_least"],
        {},
        0.5,
        "fail",
        "lower it.",
    ),
    ("worked out of a chosen one", SEVERAL, ["times_at_most"], {}, 0.1, "fail", f"lower it; {TIMES}"),
    ("stated by the environment instead", FIGURE, CHOSEN, OWN, 0.5, "fail", "lower it."),
]


@pytest.mark.parametrize(
    ("limits", "chosen", "stated", "figure", "outcome", "remedy"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_who_fails_by_a_chosen_figure_is_told(
    limits: dict[str, Any],
    chosen: list[str],
    stated: dict[str, Any],
    figure: float,
    outcome: str,
    remedy: str,
    tmp_path: Path,
) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", limits, chosen=chosen))
    project.environment(lines=stated)
    project.write("figure.txt", str(figure))
    result = project.preflight().of("one")
    assert (result["outcome"], result["remedy"].startswith(remedy)) == (outcome, True)
    assert ("the runbook chose" in result["remedy"]) is ("the runbook chose" in remedy)


def test_one_thing_of_several_can_have_a_chosen_figure(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", {"demo.figure": {"each": {"share_below": [0.4, 0.9]}}}, chosen=CHOSEN))
    ran = project.preflight()
    assert ran.outcomes() == {"one:0.4": "fail", "one:0.9": "pass"}
    assert CHOICE in ran.of("one:0.4")["remedy"]


def test_the_plan_tells_chosen_figures_apart(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", FIGURE, chosen=CHOSEN), line("two", FIGURE))
    out = project.preflight("--collect-only").out
    assert "chosen by the runbook, its document names no figure: share_below 0.4" in out
    assert "by the line share_below 0.4" in out

    project.environment(lines=OWN)
    assert "its document names no figure" not in project.preflight("--collect-only").out


@pytest.mark.parametrize(
    ("value", "may_be_chosen"),
    [
        (5, True),
        (0.4, True),
        ("7d", True),
        ([3, 4], True),
        (["7d", "30d"], True),
        ({"until_launch": 0.5, "after": 0.1}, True),
        ("/health", False),
        ("", False),
        ("7 days", False),
        (["/health", "/ready"], False),
        (True, False),
        (None, False),
        ({"name": "shop"}, False),
    ],
    ids=repr,
)
def test_figures_alone_are_chosen(value: object, may_be_chosen: bool) -> None:
    for stated in ({"limit": value}, {"each": {"limit": [value]}}):
        told = list(chosen_faults(["limit"], {"demo.figure": stated}))
        assert told == (
            [] if may_be_chosen else ["chosen: limit 'limit' is no figure; numbers and spans such as 7d are chosen"]
        )


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (["share_belov"], "line 'one': chosen: limit 'share_belov' is not known; did you mean 'share_below'?"),
        (["demo.figure"], "line 'one': chosen: limit 'demo.figure' is not known (known: share_below)"),
        (["each"], "line 'one': chosen: limit 'each' is not known"),
        ("share_below", "chosen: a list is wanted"),
    ],
)
def test_what_is_no_limit_cannot_be_chosen(chosen: object, told: str, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", FIGURE, chosen=chosen))
    with pytest.raises(BadRunbook, match=re.escape(told)):
        load(tmp_path / "environments/book.yaml")
