"""Adds the run to the history of its environment once its journal is closed. The run does not depend on it."""

from __future__ import annotations

import pytest

from readiness.errors import BadRun
from readiness.evidence.journal import read_run
from readiness.files.history_tables import FILE
from readiness.plugin.recording import FOLDER
from readiness.plugin.run import RUN, is_controller, is_real
from readiness.rendering.history import append


def pytest_configure(config: pytest.Config) -> None:
    """Register; a replay looked at nothing, so it has no place in the history."""
    if is_real(config) and is_controller(config) and config.stash[RUN].replay is None:
        config.pluginmanager.register(Historian(config), "readiness-historian")


class Historian:
    """The controller has the only one."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_readiness_verdict(self) -> None:
        """Add it, or say that it could not be added."""
        if FOLDER not in self._config.stash:
            return
        folder = self._config.stash[FOLDER]
        try:
            append(folder.parent / FILE, read_run(folder))
        except BadRun as error:
            reporter = self._config.pluginmanager.get_plugin("terminalreporter")
            if reporter:
                told = f"{str(error).splitlines()[0]}; the run itself is whole, see readiness history --rebuild"
                reporter.write_line(f"HISTORY  this run is not in it: {told}", yellow=True)
