"""What pytest's configuration file says in the suite's own folder, for a run where there is none: bare, or a team's.

A team's file says what its own tests need. A readiness run beside them has its settings from here: the same everywhere.
"""

from __future__ import annotations

import copy
import types
from pathlib import Path

import pytest

from readiness import shipped
from readiness.outcomes import Phase
from readiness.plugin.other_plugins import TO_ERRORS, let_them_warn

FOLDERS = pytest.StashKey[tuple[Path, ...]]()
"""The folders of checks that `bring` set; absent where pytest's own `testpaths` names them."""

OWN_CHECKS = "checks"
UNWANTED = (
    "locust",  # it brings a fixture named `session` into every run
    "anyio",
    "hypothesispytest",
    "cacheprovider",  # a run judges what is there now; evidence lies in reports/
)
PHASES = {
    Phase.PREFLIGHT: "before the launch (GO, NO-GO, INCOMPLETE)",
    Phase.SMOKE: "the launch sequence really works, T-0 to T+5m",
    Phase.POSTLAUNCH: "hourly after the launch (OK, ALERT, PAGE, PAUSE, ROLLBACK)",
    Phase.GA: "the sign-off of general availability, a week later",
}


def bring(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Set what a readiness run needs, before pytest reads its command line for good."""
    for name in UNWANTED:
        config.pluginmanager.consider_pluginarg(f"no:{name}")
    parser.addini("strict", "a readiness run is strict unless the configuration file says otherwise", "bool", True)

    _pass_by_conftest_of_checkout(config.pluginmanager)

    folders = tuple(folder for folder in (shipped.checks(), _own(config)) if folder.is_dir())
    config.stash[FOLDERS] = folders

    # Which words are paths only pytest's parser knows: the others are options and their values.
    paths = parser.parse_known_args(args, namespace=copy.copy(config.option)).file_or_dir
    args[:] = [_located(config, word) if word in paths else word for word in args]
    if not paths:
        args += [str(folder) for folder in folders]

    # Two files of checks may have one name: a team's and a shipped one.
    args.insert(0, "--import-mode=importlib")


def _pass_by_conftest_of_checkout(manager: pytest.PytestPluginManager) -> None:
    """Have pytest pass by the conftest.py above the shipped checks, which a checkout has and a wheel has not.

    It names this plugin, which takes part already, and pytest refuses that of one that lies elsewhere than the project.
    Pytest takes a file as loaded whose path is the name of a plugin.
    """
    conftest = shipped.home() / "conftest.py"
    if conftest.is_file() and not manager.has_plugin(str(conftest)):
        manager.register(types.ModuleType("conftest"), str(conftest))


def _located(config: pytest.Config, word: str) -> str:
    """Return a path or node id as pytest finds it: of a shipped check it is `checks/test_health.py` everywhere."""
    path, separator, names = word.partition("::")
    is_here = (config.invocation_params.dir / path).exists()
    shipped_path = shipped.home() / path
    if is_here or not shipped_path.exists():
        return word
    return f"{shipped_path}{separator}{names}"


def _own(config: pytest.Config) -> Path:
    """Return the folder of the team's own checks: where the command was given, else at pytest's root."""
    here = config.invocation_params.dir / OWN_CHECKS
    return here if here.is_dir() else config.rootpath / OWN_CHECKS


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Return a shipped file under its name in the suite's own folder, so that evidence is the same everywhere."""
    if FOLDERS not in parent.config.stash or module_path.parent != shipped.checks():
        return None
    module: pytest.Module = pytest.Module.from_parent(
        parent, path=module_path, nodeid=f"{OWN_CHECKS}/{module_path.name}"
    )
    return module


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks of checks, and let no warning of a check pass that the configuration file does not let pass."""
    for phase, says in PHASES.items():
        config.addinivalue_line("markers", f"{phase}: {says}")
    config.addinivalue_line(
        "markers", "effect(name): what a check does to the target beyond reading: write, load or notify"
    )
    if FOLDERS in config.stash:
        config.getini("filterwarnings").insert(0, TO_ERRORS)  # the later ones count, and those are the file's
    let_them_warn(config)
