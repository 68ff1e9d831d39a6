"""How the tests are told apart: by the fixtures they use and the folder they are in, never by a list of their names.

`make check` leaves out what starts servers, rehearsals, what tries with xdist's workers again what it has tried
without, and what tries the installed package; `make test` takes everything. A test that starts a server without asking
for the fixture `starts_servers` fails in `make check`: there is no database to start there. Rehearsals lie in a folder
of their own, see the Makefile.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it ships no types

from tests.budgets import MORE_SECONDS, SECONDS

ROOT = Path(__file__).parents[1]
STARTS_SERVERS = "starts_servers"
STARTS_WORKERS = "starts_workers"
MARKS = {
    "servers": "starts a sandbox, a database or a demo; set by itself where the fixture starts_servers is used",
    "workers": "starts a run with workers, three interpreters; set by itself where a parameter has -n,"
    " or the fixture starts_workers is used",
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
        if STARTS_WORKERS in fixtures or _starts_workers(item):
            item.add_marker("workers")
        if item.nodeid.startswith(PACKAGING):
            item.add_marker("installed")
    items.sort(key=_budget, reverse=True)


def _budget(item: pytest.Item) -> float:
    file = item.nodeid.partition("::")[0]
    return MORE_SECONDS.get(file, SECONDS)


def _starts_workers(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    given = callspec.params.values() if callspec else ()
    words = [word for value in given if isinstance(value, str | tuple | list) for word in _words(value)]
    return any(word.startswith("-n") for word in words)


def _words(value: str | Sequence[object]) -> list[str]:
    return value.split() if isinstance(value, str) else [str(word) for word in value]


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
