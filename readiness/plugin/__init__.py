"""The pytest plugin. This file and the hooks' names are all of it that a test suite beside it ever imports.

A run is a readiness run where the command line says `--env` (or `--replay`), or where a `conftest.py` names the plugin:

    pytest_plugins = ["readiness.plugin"]

Only then are the options declared and the other modules registered. A suite that declares `--env` for itself keeps it,
and runs as if this plugin were not there. A phase in a bare folder, without tests and settings, is told that it lacks
`--env`. A folder whose `conftest.py` names the plugin has pytest's settings in a file
of its own; everywhere else `settings` brings them.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from readiness.plugin import hooks

NAME = __name__
MODULES = (
    "readiness.plugin.settings",
    "readiness.plugin.options",
    "readiness.plugin.check_files",
    "readiness.plugin.lines",
    "readiness.plugin.observing",
    "readiness.plugin.judging",
    "readiness.plugin.deciding",
    "readiness.plugin.recording",
    "readiness.plugin.reporting",
    "readiness.plugin.redacting",
    "readiness.plugin.planning",
    "readiness.plugin.progress",
    "readiness.plugin.telling",
    "readiness.plugin.workers",
    "readiness.plugin.other_plugins",
    "readiness.plugin.finishing",
    "readiness.plugin.summarising",
)
ENV = "--env"
ASKING = (ENV, "--replay")
"""What makes a run a readiness run."""
INVOCATION = "READINESS_INVOCATION"
"""The variable in which a gate hands its id to the run that it starts."""
OPTIONS: dict[str, dict[str, Any]] = {
    ENV: {
        "metavar": "NAME",
        "help": "the environment to judge: a file environments/NAME.yaml. Choose a phase with it: -m preflight (before "
        "the launch), smoke (T-0 to T+5m), postlaunch (hourly) or ga (the sign-off)",
    },
    "--as-of": {
        "metavar": "TIME",
        "help": "judge the list as it must stand then: T-1h (relative to launch_at), or 2026-12-01T08:00:00Z",
    },
    "--allow": {
        "metavar": "EFFECT",
        "action": "append",
        "default": [],
        "help": "permit an effect beyond reading: write, load or notify (repeatable)",
    },
    "--replay": {
        "metavar": "RUN",
        "help": "judge the folder of a recorded run again, contacting nothing: --replay=RUN",
    },
    "--environments": {
        "metavar": "DIR",
        "help": "where environment files are: --environments=DIR (default: environments)",
    },
    "--reports": {
        "metavar": "DIR",
        "help": "where runs leave their evidence: --reports=DIR (default: reports)",
    },
}
OTHERS = tuple(option for option in OPTIONS if option != ENV)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hooks that the plugin calls. It is the first to be called, so a start is noted here, before it can end.

    From here on whatever ends pytest leaves an entry in the ledger of the environment that it named.
    """
    pluginmanager.add_hookspecs(hooks)
    config = pluginmanager.get_plugin("pytestconfig")
    if config is not None and hasattr(config, "known_args_namespace"):
        _note_start(config)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Take part at once where a conftest.py loads the plugin: the hook below is under way then, and passes it by."""
    if _is_named(pluginmanager):
        _declare_all(parser)
        _register(pluginmanager)


@pytest.hookimpl(trylast=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Take part where the run is a readiness run. Every conftest.py has been read by now, and has declared its own."""
    pluginmanager = early_config.pluginmanager
    if _is_asked(early_config, args) and early_config.known_args_namespace.debug:
        # Said here, because pytest opens the file before any other hook is called.
        raise pytest.UsageError("--debug is refused: it writes down what is to be masked; leave it out")
    if pluginmanager.hasplugin(MODULES[0]):
        return
    if _is_named(pluginmanager):
        _declare_all(parser)
        _register(pluginmanager)
    elif _is_asked(early_config, args):
        if not _declare(parser, ENV):
            _forget_start(early_config)  # it is an option of that suite, and names nothing of ours
        else:
            _declare_all(parser, OTHERS)
            _register(pluginmanager)
            settings = importlib.import_module(MODULES[0])
            settings.bring(early_config, parser, args)
    elif early_config.known_args_namespace.help:
        for option in OPTIONS:
            _declare(parser, option)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Say what a phase lacks in a bare folder: where nobody has tests, settings or an option `--env`."""
    phase = getattr(config.option, "markexpr", "")
    is_nobodys = config.inipath is None and not hasattr(config.option, "env")
    is_empty = exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and not terminalreporter.stats
    if not phase or not is_nobodys or not is_empty:
        return
    forgotten = importlib.import_module("readiness.plugin.forgotten")
    hint = forgotten.hint(phase, config.invocation_params.dir / "environments")
    if hint:
        terminalreporter.line(hint)


def _note_start(config: pytest.Config) -> None:
    """Note a start that names an environment; it leaves its evidence also where it may print nowhere."""
    added = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    words = [*config.getini("addopts"), *added, *config.invocation_params.args]
    if _is_asked(config, words):
        importlib.import_module("readiness.files.output").reopen_closed()
        importlib.import_module("readiness.redaction.stream").mask_prints(config.add_cleanup)
        importlib.import_module("readiness.plugin.starting").note(config, words, os.environ)


def _forget_start(config: pytest.Config) -> None:
    importlib.import_module("readiness.plugin.starting").settle(config)


def _is_named(pluginmanager: pytest.PytestPluginManager) -> bool:
    """Check whether a conftest.py names the plugin."""
    return any(NAME in _names(plugin) for plugin in pluginmanager.get_plugins())


def _names(plugin: object) -> Sequence[str]:
    """Return the plugins that a module names; it may write them into one text."""
    names = getattr(plugin, "pytest_plugins", ())
    if isinstance(names, str):
        return names.split(",")
    return names if isinstance(names, Sequence) else ()


def _is_asked(config: pytest.Config, args: Sequence[str]) -> bool:
    """Check whether the command line asks for a readiness run; a worker has its options from the controller."""
    if getattr(config.option, "env", None) is not None:
        return True
    return any(word.partition("=")[0] in ASKING for word in args)


def _declare(parser: pytest.Parser, option: str) -> bool:
    """Declare an option; False where somebody else has declared it."""
    group = parser.getgroup("readiness", "production readiness (example: pytest -m preflight --env prod)")
    try:
        group.addoption(option, **OPTIONS[option])
    except (ValueError, argparse.ArgumentError):  # the one of pytest, the other of what it is built on
        return False
    return True


def _declare_all(parser: pytest.Parser, options: Iterable[str] = OPTIONS) -> None:
    """Declare what a readiness run needs. Raises UsageError where one of them is not to be had."""
    for option in options:
        if not _declare(parser, option):
            conflict = "is declared by a conftest.py or by another plugin; a readiness run needs it for itself"
            raise pytest.UsageError(f"{option} {conflict}: leave the other out, or run in a folder of its own")


def _register(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the other modules, in their order."""
    # All of them first: they import each other, and where the suite is installed as editable pytest knows none.
    pytest.register_assert_rewrite(*MODULES)
    with _passing_by_what_stays():
        for module in MODULES:
            pluginmanager.import_plugin(module)


@contextmanager
def _passing_by_what_stays() -> Iterator[None]:
    """Keep the garbage collector from what is imported within: a quarter of the start went into looking through it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # also at the end of the process, which took as long again
        if was_enabled:
            gc.enable()
