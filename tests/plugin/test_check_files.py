"""A file of checks of which the run decides none is left out, and nothing else is: a team's red test stays red.

To add a row, add to BESIDE what a file may hold that pytest runs and that is no check.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from readiness.plugin.check_files import has_only_checks
from tests.plugin.project import Project, line

CHECKS = """
import pytest
from datetime import UTC as HERE
from readiness import Limits, Measure

BOUND: float = 1.0


class Below(Limits):
    at_most: float = BOUND


class Stricter(Below):
    pass


def shown(figure):
    return str(figure)


@pytest.mark.preflight
def test_other(figure: float, limits: Below, measure: Measure) -> None:
    '''Nobody asks for this.'''
    measure(figure, "figure").at_most(limits.at_most)
"""
BESIDE = {
    "function": "def test_red():\n    assert False",
    "function of another fixture": "def test_red(tmp_path):\n    assert not tmp_path",
    "name without a separator": "def testRed():\n    assert False",
    "coroutine": "async def test_red(measure):\n    assert False",
    "class": "class TestRed:\n    def test_red(self):\n        assert False",
    "class of unittest": "import unittest\nclass Red(unittest.TestCase):\n    def test_red(self):\n        self.fail()",
    "class of unittest by its name": (
        "from unittest import TestCase\nclass Red(TestCase):\n    def test_red(self):\n        self.fail()"
    ),
    "class that has its tests from another": "from shared import Shared\nclass Red(Shared):\n    pass",
    "limits with tests": "class Red(Limits):\n    def test_red(self):\n        assert False",
    "imported": "from shared import test_shared",
    "imported by another name": "from shared import helper as test_red",
    "all that is there": "from shared import *",
    "assigned": "test_red = shown",
    "assigned among others": "a, test_red = 1, shown",
    "assigned with a type": "test_red: object = shown",
    "class that is assigned": "TestRed = type('TestRed', (), {'test_red': shown})",
    "under a condition": "if True:\n    def test_red():\n        assert False",
    "under a try": "try:\n    import nothing\nexcept ImportError:\n    def test_red():\n        assert False",
    "in a loop": "for n in (1,):\n    def test_red():\n        assert False",
    "among the names of the file": "globals()['test_red'] = shown",
    "by a call": "exec('def test_red(): assert False')",
    "a check by its argument, which has a default": "def test_red(measure=None):\n    assert False",
    "an argument that parameters give": (
        "@pytest.mark.parametrize('measure', [1])\ndef test_red(measure):\n    assert False"
    ),
    "an argument that parameters give, among others": (
        "@pytest.mark.parametrize(('a', 'measure'), [(1, 1)])\ndef test_red(a, measure):\n    assert False"
    ),
    "an argument that parameters give in one word": (
        "@pytest.mark.parametrize('a, measure', [(1, 1)])\ndef test_red(a, measure):\n    assert False"
    ),
    "an argument that a mock gives": (
        "from unittest import mock\n@mock.patch('os.getcwd')\ndef test_red(measure):\n    assert False"
    ),
    "an argument that another library gives": (
        "import hypothesis\n@hypothesis.given(measure=None)\ndef test_red(measure):\n    assert False"
    ),
    "a fixture of that name": (
        "@pytest.fixture\ndef measure():\n    return 1\n\n\ndef test_red(measure):\n    assert False"
    ),
    "a fixture by that name": "@pytest.fixture(name='measure')\ndef anything():\n    return 1",
    "a fixture that is assigned": "measure = pytest.fixture(shown)",
    "a fixture that is imported": "from shared import measure",
    "a fixture that is imported by another name": "from shared import anything",
    "a fixture of a neighbour": "from .test_demo import shown as anything",
    "by an assigned call": "_ = globals().update(test_red=shown)",
    "by a helper": "def add():\n    setattr(there, 'test_red', shown)\n\n\n_ = add()",
    "by the module of modules": "from sys import modules as there\n_ = there[__name__].__dict__.update(test_red=shown)",
    "a class of unittest by the name of ours": (
        "from unittest import TestCase as Limits\nclass Red(Limits):\n    def check(self):\n        self.fail()"
    ),
    "a class of unittest by the name that a helper gives it": (
        "def add():\n    global Limits\n    from unittest import TestCase as Limits\n\n\n_ = add()\n"
        "class Red(Limits):\n    def check(self):\n        self.fail()"
    ),
    "a class that something is done to": "def kept(one):\n    return one\n\n\n@kept\nclass Red(Limits):\n    pass",
    "a hook": "def pytest_generate_tests(metafunc):\n    raise OSError",
    "a mark for all": "pytestmark = pytest.mark.preflight",
}


def test_a_file_of_checks_has_only_checks() -> None:
    assert has_only_checks(ast.parse(CHECKS))


@pytest.mark.parametrize("beside", BESIDE.values(), ids=list(BESIDE))
def test_a_file_with_something_beside_checks_is_none(beside: str) -> None:
    assert not has_only_checks(ast.parse(f"{CHECKS}\n\n{beside}\n"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.runbook(line("passes", "demo.figure"))
    return made


def test_a_file_of_which_nothing_is_decided_is_not_imported(project: Project) -> None:
    project.write("checks/test_others.py", f"{CHECKS}\nPLACE = open('nothing-here')\n")

    ran = project.preflight()

    assert ran.outcomes() == {"passes": "pass"}
    assert ran.exit == 0


def test_it_is_imported_where_a_line_names_a_check_of_it(project: Project) -> None:
    project.runbook(line("passes", "demo.figure"), line("others", "others.other"))
    project.write("checks/test_others.py", f"{CHECKS}\nPLACE = open('nothing-here')\n")

    ran = project.preflight()

    assert ran.exit not in (0, 1)
    assert "nothing-here" in ran.out


def test_it_is_imported_where_the_command_line_names_it(project: Project) -> None:
    project.write("checks/test_others.py", f"{CHECKS}\nPLACE = open('nothing-here')\n")

    ran = project.preflight("checks/test_others.py", "checks/test_demo.py")

    assert "nothing-here" in ran.out


@pytest.mark.parametrize(
    "red",
    [
        "@pytest.mark.preflight\ndef test_red():\n    assert False",
        "@pytest.mark.preflight\nclass TestRed:\n    def test_red(self):\n        assert False",
    ],
    ids=["function", "class"],
)
def test_a_red_test_in_such_a_file_is_told(project: Project, red: str) -> None:
    project.write("checks/test_others.py", f"{CHECKS}\n\n{red}\n")

    ran = project.preflight()

    assert ran.exit == 1
    assert "test_red" in ran.out


COLLECTING = """
import pytest


def pytest_pycollect_makeitem(collector, name, obj):
    if name.startswith("spec_"):
        return pytest.Function.from_parent(collector, name=name, callobj=obj)
"""


def test_a_file_is_read_where_something_else_collects_too(project: Project) -> None:
    """As pytest-describe does, and many a conftest.py."""
    project.write("checks/conftest.py", COLLECTING)
    project.write("checks/test_others.py", f"{CHECKS}\n\n@pytest.mark.preflight\ndef spec_red():\n    assert False\n")

    ran = project.preflight()

    assert ran.exit == 1
    assert "spec_red" in ran.out


def test_a_file_is_read_where_its_fixture_measure_is_not_ours(project: Project) -> None:
    project.write(
        "checks/conftest.py",
        "import pytest\n\n\n@pytest.fixture(name='measure')\ndef anything():\n    return print\n",
    )
    red = "@pytest.mark.preflight\ndef test_red(measure):\n    assert False"
    project.write("checks/test_others.py", f"import pytest\n\n\n{red}\n")

    ran = project.preflight()

    assert ran.exit
    assert "test_red" in ran.out or "measure" in ran.out
