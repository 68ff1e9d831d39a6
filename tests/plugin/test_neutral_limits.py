"""Which limits have nothing in their place where a line leaves them out: only these never ask for less."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path
from typing import Any

import pytest

from readiness.plugin.neutral_limits import _neutral_in
from tests.plugin.project import Project, line

HELD = "if limits.share_below is not None:\n    measure(share).below(limits.share_below)\n"
NOT_NEUTRAL = {
    "another figure": "measure(share).below(limits.share_below or 0.5)",
    "another figure beside it": f"{HELD}measure(share).below(limits.share_below or 0.5)",
    "another comparison": f"{HELD}else:\n    measure(share).below(0.5)",
    "a name that stands outside": (
        "bound = 0.5\nif limits.share_below is not None:\n    bound = limits.share_below\nmeasure(share).below(bound)"
    ),
    "an end": "if limits.share_below is not None:\n    return\nmeasure(share).below(0.5)",
    "limits that are handed on": f"{HELD}measure(share).below(bound_of(limits))",
    "a truth": "if limits.share_below:\n    measure(share).below(limits.share_below)",
    "none of it": "if limits.share_below is None:\n    measure(share).below(0.5)",
    "another value": "if limits.share_below is not None or limits.share_below == 0:\n    measure(share).below(1)",
}


def test_a_limit_that_is_compared_where_it_is_stated_is_neutral() -> None:
    assert list(_neutral_in(ast.parse(HELD))) == ["share_below"]
    nested = f"if limits.seconds_below is not None:\n{textwrap.indent(HELD, '    ')}"
    assert sorted(_neutral_in(ast.parse(nested))) == ["seconds_below", "share_below"]


@pytest.mark.parametrize("name", NOT_NEUTRAL)
def test_a_limit_with_something_in_its_place_is_not(name: str) -> None:
    assert list(_neutral_in(ast.parse(NOT_NEUTRAL[name]))) == []


OPTIONAL = '''\
"""What a line may leave out."""
import pytest

from readiness import Limits, Measure


class Optional(Limits):
    share_below: float | None = None
    bound_below: float | None = None
    names: tuple[str, ...] = ()


@pytest.mark.preflight
def test_optional(figure: float, limits: Optional, measure: Measure) -> None:
    """The figure is low.

    Remedy: lower it.
    """
    if limits.share_below is not None:
        measure(figure, "figure").below(limits.share_below)
    measure(figure, "figure").below(limits.bound_below or 0.9)
'''


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"share_below": 0.8}, ""),
        ({"bound_below": 5}, "bound_below 5 is looser (by default: nothing); write why in production"),
        ({"names": ["a"]}, "names a is looser (by default: none); write why in production"),
    ],
)
def test_in_production_what_may_be_left_out_is_not_narrowed_in_silence(
    limits: dict[str, Any], told: str, tmp_path: Path
) -> None:
    project = Project(tmp_path)
    project.write("checks/test_optional.py", OPTIONAL)
    project.runbook(line("one", "optional.optional"))
    project.environment(production=True, allow=[], lines={"one": limits})
    ran = project.preflight()
    assert (ran.exit == 4) is bool(told), ran.out
    assert told in " ".join(ran.out.split())
    project.environment(production=True, allow=[], lines={"one": {**limits, "because": "one shop has this figure"}})
    assert project.preflight().exit == 0
