"""How the tests are told apart: by the fixtures they use and the folder they are in, never by a list of their names.

`make check` leaves out what starts servers, rehearsals, whole runs, and what tries the installed package; `make test`
takes everything. A test that starts a server without asking for the fixture `starts_servers` fails in `make check`:
there is no database to start there. Rehearsals lie in a folder of their own, see the Makefile.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it ships no types

from tests.budgets import MORE_SECONDS, SECONDS

ROOT = Path(__file__).parents[1]
STARTS_SERVERS = "starts_servers"
STARTS_RUNS = "tests.warm"
"""Who has something of this module, or of one that has something of it, starts whole runs."""
SHARED_FIXTURES = "tests.own"
MARKS = {
    "servers": "starts a sandbox, a database or a demo; set by itself where the fixture starts_servers is used",
    "runs": "judges whole runs, each in a process of its own; set by itself where the test or a fixture of it is in a"
    " module that reaches tests.warm",
    "installed": "tries the wheel, or this folder as it is installed beside other suites; set by its folder",
}
MATRIX = "tests/matrix/test_fault_matrix.py"
PACKAGING = "tests/packaging/"


def mark(items: list[pytest.Item]) -> None:
    """Mark each test with its tier; what may cost most comes first, so that no worker ends long after the others."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if STARTS_SERVERS in fixtures:
            item.add_marker("servers")
        if any(_starts_runs(module) for module in _modules(item)):
            item.add_marker("runs")
        if item.nodeid.startswith(PACKAGING):
            item.add_marker("installed")
    items.sort(key=_budget, reverse=True)


def _budget(item: pytest.Item) -> float:
    file = item.nodeid.partition("::")[0]
    return MORE_SECONDS.get(file, SECONDS)


def _modules(item: pytest.Item) -> set[str]:
    """Return the modules that a test and its fixtures are from, without the fixtures that all tests share."""
    if not isinstance(item, pytest.Function):
        return set()
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    modules = {fixture.func.__module__ for defined in fixtures for fixture in defined}
    return (modules | {item.module.__name__}) - {SHARED_FIXTURES}


@cache
def _starts_runs(name: str) -> bool:
    """Check whether a module of the tests has something of the one that starts runs, itself or by another."""
    if name == STARTS_RUNS:
        return True
    module = sys.modules.get(name)
    return module is not None and any(_starts_runs(other) for other in _origins(module) if other != name)


def _origins(module: ModuleType) -> Iterator[str]:
    """Return the modules of our tests that a module has something of."""
    for value in vars(module).values():
        origin = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        if isinstance(origin, str) and origin.startswith("tests."):
            yield origin


class ByUnit(LoadScopeScheduling):  # type: ignore[misc]  # for the same reason
    """Gives a file to one worker, so that its fixtures are made once; the fault matrix by its kinds of sandbox.

    The tests of the wheel go to one worker too: they share what it is installed in.
    `--dist=loadgroup` would do it by a mark, but groups nothing with pytest 9.2 (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(PACKAGING):
            return PACKAGING
        file, _, rest = nodeid.partition("::")
        unit, colon, _ = rest.partition("[")[2].partition(":")
        return f"{file}: {unit}" if file == MATRIX and colon else file
