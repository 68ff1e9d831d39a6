"""A test suite that has nothing to do with this one runs as if the wheel were not installed."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
import yaml

from tests.beside import WARNS_EVERYWHERE
from tests.clients.servers import Asked, Server, document, whole
from tests.packaging.installed import Installed
from tests.plugin.project import ENVIRONMENT, line

USAGE_ERROR, NO_TESTS = 4, 5
WITHOUT = ("-p", "no:readiness.plugin")

SUITE = """\
import json
import pathlib
import sys
import warnings

import pytest


@pytest.fixture
def measure():
    return "a fixture of its own"


@pytest.mark.smoke
def test_warns(measure, request):
    warnings.warn("a warning is no failure here")
    assert measure == "a fixture of its own"
    imported = sorted(name for name in sys.modules if name.partition(".")[0] in {"readiness", "pydantic"})
    pathlib.Path("imported.json").write_text(json.dumps(imported))


@pytest.mark.parametrize("value", [1, 1])
def test_fails(value):
    assert value == 2
"""
SETTINGS = "[pytest]\nmarkers =\n    smoke: quick ones\n"
OWN_ENV = """\
import pytest


def pytest_addoption(parser):
    parser.addoption("--env", default="dev", help="where this suite goes")
    parser.addoption("--reports", default="out", help="what this suite writes")


@pytest.fixture
def env(request):
    return request.config.getoption("--env")
"""
USES_ENV = (
    "def test_env(env, pytestconfig):\n    assert (env, pytestconfig.getoption('reports')) == ('staging', 'out')\n"
)
OWN_REPORTS = "def pytest_addoption(parser):\n    parser.addoption('--reports')\n"
NAMES_PLUGIN = """\
pytest_plugins = ["readiness.plugin"]


def pytest_configure(config):
    names = [name for name, plugin in config.pluginmanager.list_name_plugin() if plugin]
    print(*sorted(name for name in names if name.startswith("readiness.plugin")))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a suite with a fixture, a mark, a warning and a failure; a folder of environments that are not ours."""
    (tmp_path / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "staging.yaml").write_text("url: https://staging.example.com\n", encoding="utf-8")
    return tmp_path


def told(text: str) -> str:
    """Return what pytest says, without the times and the list of plugins."""
    return re.sub(r"in \d+\.\d+s|^plugins: .*$|=+", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("words", [(), ("--fixtures",), ("--markers",)], ids=" ".join)
def test_it_runs_as_without(installed: Installed, folder: Path, words: tuple[str, ...]) -> None:
    beside = installed.run("pytest", *words, cwd=folder)
    alone = installed.run("pytest", *WITHOUT, *words, cwd=folder)
    assert beside.returncode == alone.returncode, beside.stdout + beside.stderr
    assert told(beside.stdout) == told(alone.stdout)
    assert beside.stderr == alone.stderr
    if not words:
        assert "2 failed, 1 passed, 1 warning" in beside.stdout


def test_tests_that_a_phase_leaves_out_are_nobodys_mistake(installed: Installed, folder: Path) -> None:
    (folder / "pytest.ini").unlink()
    beside = installed.run("pytest", "-m", "preflight", cwd=folder)
    alone = installed.run("pytest", *WITHOUT, "-m", "preflight", cwd=folder)
    assert "3 deselected" in beside.stdout
    assert told(beside.stdout) == told(alone.stdout)


def test_a_phase_in_a_bare_folder_is_told_what_it_lacks(installed: Installed, tmp_path: Path) -> None:
    ran = installed.run("pytest", "-m", "preflight", cwd=tmp_path)
    assert ran.returncode == NO_TESTS
    (line,) = [line for line in ran.stdout.splitlines() if line.startswith("-m preflight")]
    assert "no --env names one: write environments/NAME.yaml, then pytest -m preflight --env NAME" in line


def test_it_imports_two_small_files(installed: Installed, folder: Path) -> None:
    """What it costs is measured in tests/benchmarks; that it stays so is seen by what is imported."""
    installed.run("pytest", cwd=folder)
    imported = json.loads((folder / "imported.json").read_text(encoding="utf-8"))
    assert imported == ["readiness", "readiness.plugin", "readiness.plugin.hooks"]


@pytest.mark.parametrize("words", [("--env", "staging"), ("--env=staging", "-n1")], ids=["alone", "workers"])
def test_a_suite_keeps_its_own_env(installed: Installed, folder: Path, words: tuple[str, ...]) -> None:
    (folder / "test_suite.py").write_text(USES_ENV, encoding="utf-8")
    (folder / "conftest.py").write_text(OWN_ENV, encoding="utf-8")
    ran = installed.run("pytest", *words, cwd=folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout


def test_a_suite_keeps_the_help_of_its_own_env(installed: Installed, folder: Path) -> None:
    (folder / "conftest.py").write_text(OWN_ENV, encoding="utf-8")
    helped = installed.run("pytest", "--help", cwd=folder)
    assert "where this suite goes" in helped.stdout, helped.stdout + helped.stderr


def test_help_teaches_where_nobody_else_has_the_options(installed: Installed, folder: Path) -> None:
    assert "pytest -m preflight --env prod" in installed.run("pytest", "--help", cwd=folder).stdout


def test_another_option_that_is_taken_is_one_clean_line(installed: Installed, folder: Path) -> None:
    (folder / "conftest.py").write_text(OWN_REPORTS, encoding="utf-8")
    ran = installed.run("pytest", "-m", "preflight", "--env", "staging", cwd=folder)
    assert ran.returncode == USAGE_ERROR, ran.stdout + ran.stderr
    assert "--reports is declared by a conftest.py or by another plugin" in ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("variables", [{}, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}], ids=["by itself", "by the line"])
def test_a_conftest_that_names_the_plugin_has_it_once(
    installed: Installed, folder: Path, variables: dict[str, str]
) -> None:
    """The entry point has the name that the line names, so that pytest knows the one for the other."""
    (folder / "conftest.py").write_text(NAMES_PLUGIN, encoding="utf-8")
    ran = installed.run("pytest", "-s", cwd=folder, **variables)
    names = next(text for text in ran.stdout.splitlines() if text.startswith("readiness.plugin")).split()
    assert len(names) == len(set(names))
    assert names[0] == "readiness.plugin"
    assert "readiness.plugin.lines" in names


def only_health(server: Server, connection: socket.socket, asked: Asked) -> None:
    behaviour = document({"status": "ok"}) if asked.path == "/health" else whole(404)
    behaviour(server, connection, asked)


@pytest.mark.parametrize(
    ("path", "exit_code", "word"), [("/health", 0, "GO  preflight"), ("/gone", 1, "NO-GO  preflight")]
)
def test_a_plugin_that_warns_ends_no_readiness_run(
    installed: Installed, tmp_path: Path, path: str, exit_code: int, word: str
) -> None:
    """In a bare folder the settings are the plugin's own: every warning of a check is an error, and of nobody else."""
    lines = [line("one", {"health.live": {"path": path, "seconds_below": 60}})]
    book = {"runbook": "book", "title": "The book", "lines": lines}
    (tmp_path / "warner.py").write_text(WARNS_EVERYWHERE, encoding="utf-8")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "book.yaml").write_text(yaml.safe_dump(book), encoding="utf-8")
    with Server(only_health) as server:
        environment = {**ENVIRONMENT, "target": {"url": server.url}}
        (tmp_path / "environments" / "tiny.yaml").write_text(yaml.safe_dump(environment), encoding="utf-8")
        words = ["--env=tiny", "-m", "preflight", "-p", "warner"]
        ran = installed.run("pytest", *words, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    out = ran.stdout + ran.stderr
    assert ran.returncode == exit_code, out
    assert word in out, out
    assert "at the summary" in out, out
