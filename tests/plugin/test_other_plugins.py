"""A run beside other people's plugins of pytest has the right word and exit code, or is refused in one clear line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import beside, warm
from tests.plugin.project import CHECKS, CONFTEST, ROOT, Project, line

GO, NO_GO, INCOMPLETE, REFUSED = 0, 1, 10, 4
WORDS = {GO: "GO  preflight", NO_GO: "NO-GO  preflight", INCOMPLETE: "INCOMPLETE  preflight", REFUSED: "ERROR: "}
ENTRY_POINTS = (
    "asyncio",
    "custom_exit_code",
    "flakefinder",
    "flaky",
    "pytest-bdd",
    "pytest_cov",
    "pytest_forked",
    "pytest_mock",
    "randomly",
    "repeat",
    "rerunfailures",
    "sugar",
    "timeout",
)
"""The names under which pytest knows what requirements-beside.lock brings."""

HEALTHY, RED, FLAKY, WARNS = "healthy", "red", "flaky", "warns"
MORE_CHECKS = '''

@pytest.mark.preflight
def test_flaky(figure: float, measure: Measure) -> None:
    """It holds, but not the first time.

    Remedy: mend it.
    """
    import pathlib

    tries = pathlib.Path("tries.txt")
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    measure(len(tries.read_text()), "try").above(1)


@pytest.mark.preflight
def test_warns(figure: float, measure: Measure) -> None:
    """It holds, and warns.

    Remedy: none.
    """
    import warnings

    measure(figure, "figure").below(1)
    warnings.warn("what it measured may not be what it says")
'''
LINES = {
    HEALTHY: [line("one", "demo.figure"), line("two", "demo.quick")],
    RED: [line("one", "demo.figure"), line("two", "demo.swallows")],
    FLAKY: [line("one", "demo.figure"), line("two", "demo.flaky")],
    WARNS: [line("one", "demo.figure"), line("two", "demo.warns")],
}
ALL = ENTRY_POINTS


@dataclass(frozen=True)
class Row:
    """A run beside plugins: what it judges, beside whom, with which options, and how it ends."""

    lines: str
    exit: int
    beside: tuple[str, ...]
    options: str = ""
    message: str = ""

    def __str__(self) -> str:
        plugins = "all" if self.beside == ALL else ",".join(self.beside)
        return f"{self.lines} beside {plugins} {self.options}".strip()


ROWS = [
    Row(HEALTHY, GO, ALL),
    Row(FLAKY, NO_GO, ALL, "--reruns=3 --max-runs=3 --forked --suppress-tests-failed-exit-code --randomly-seed=7 -v"),
    # Tries again: the first word counts.
    Row(FLAKY, NO_GO, ("rerunfailures",), "--reruns=3"),
    Row(FLAKY, NO_GO, ("flaky",), "--force-flaky --max-runs=3"),
    # Runs elsewhere: here all the same.
    Row(HEALTHY, GO, ("pytest_forked",), "--forked"),
    Row(RED, NO_GO, ("pytest_forked",), "--forked"),
    # Makes several items of one: a line is judged once.
    Row(HEALTHY, REFUSED, ("repeat",), "--count=2", message="a line is judged once"),
    Row(HEALTHY, REFUSED, ("repeat",), "--count=2 --repeat-scope=session", message="(such as --count, --flake-finder)"),
    Row(HEALTHY, REFUSED, ("flakefinder",), "--flake-finder --flake-runs=2", message="a line is judged once"),
    # Has an exit code of its own.
    Row(RED, NO_GO, ("custom_exit_code",), "--suppress-tests-failed-exit-code"),
    Row(HEALTHY, INCOMPLETE, ("custom_exit_code",), "--suppress-no-test-exit-code -k nothing"),
    # Stops in between.
    Row(HEALTHY, INCOMPLETE, ("timeout",), "--session-timeout=0.000001"),
    # A warning of a check stays an error of it.
    Row(WARNS, INCOMPLETE, (), message="UserWarning: what it measured may not be what it says"),
]


def the_run(folder: Path, row: Row, **files: str) -> tuple[int, str]:
    """Run the row's lines beside its plugins; return the exit code and all that was printed."""
    project = Project(folder)
    project.write("checks/test_demo.py", CHECKS + MORE_CHECKS)
    for name, text in files.items():
        project.write(f"{name}.py", text)
    project.runbook(*LINES[row.lines])
    without = [word for name in ENTRY_POINTS if name not in row.beside for word in ("-p", f"no:{name}")]
    path = os.pathsep.join([str(ROOT), str(beside.plugins())])
    variables = {**os.environ, "PYTHONPATH": path, "COLUMNS": "100", "NO_COLOR": "1"}
    words = ["--env=tiny", "-m", "preflight", *without, *row.options.split()]
    ran = warm.run("pytest", *words, folder=folder, variables=variables)
    return ran.returncode, ran.stdout + ran.stderr


def check(row: Row, exit_code: int, out: str) -> None:
    assert exit_code == row.exit, out
    assert WORDS[row.exit] in out, out
    assert row.message in out, out
    assert "INTERNALERROR" not in out, out
    assert "Traceback" not in out, out


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_each_alone(tmp_path: Path, name: str) -> None:
    """It is really there: pytest knows its name, and the run is right all the same."""
    for row in (Row(HEALTHY, GO, (name,)), Row(RED, NO_GO, (name,))):
        check(row, *the_run(tmp_path, row))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_word_is_right_or_it_is_refused(tmp_path: Path, row: Row) -> None:
    check(row, *the_run(tmp_path, row))


def test_what_a_plugin_counts_by_itself_lets_nobody_go_on(tmp_path: Path) -> None:
    """The lines are well, and the word stays theirs; who asked for a coverage that is missed has a red run."""
    row = Row(HEALTHY, 1, ("pytest_cov",), "--cov=checks --cov-fail-under=100")
    exit_code, out = the_run(tmp_path, row)
    told = " ".join(out.split())
    assert exit_code == row.exit, out
    assert "BESIDE what another plugin of pytest counts (its own words stand above) failed" in told, out
    assert "GO preflight of tiny: well by its lines, and red beside them" in told, out


def test_all_of_them_are_there(tmp_path: Path) -> None:
    """What is beside a run in these tests is what the lock file brings: none is left out by a name that was changed."""
    names = "names = [name for name, plugin in config.pluginmanager.list_name_plugin() if plugin]"
    told = f"\n\ndef pytest_unconfigure(config):\n    {names}\n    print('beside:', *names)\n"
    _, out = the_run(tmp_path, Row(RED, NO_GO, ALL), conftest=CONFTEST + told)
    (text,) = [text for text in out.splitlines() if text.startswith("beside:")]
    assert set(ENTRY_POINTS) <= set(text.split())


@pytest.mark.parametrize("row", [Row(HEALTHY, GO, ()), Row(RED, NO_GO, ())], ids=str)
def test_a_plugin_that_warns_in_every_hook_ends_no_run(tmp_path: Path, row: Row) -> None:
    check(row, *the_run(tmp_path, row, conftest=CONFTEST + beside.WARNS_EVERYWHERE))
