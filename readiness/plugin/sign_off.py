"""Ends the last phase in the page that approvers sign. The run and its verdict do not depend on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.errors import BadRun
from readiness.outcomes import Phase
from readiness.plugin.recording import FOLDER
from readiness.plugin.run import RUN, is_controller, is_real
from readiness.plugin.sealing import SEALING
from readiness.redaction.redactor import REDACTOR
from readiness.rendering.dossier import gather
from readiness.rendering.sign_off_page import write


def pytest_configure(config: pytest.Config) -> None:
    """Register; a replay is no evidence, so there is nothing new to sign."""
    run = config.stash[RUN] if is_real(config) and is_controller(config) else None
    if run and run.phase is Phase.GA and run.replay is None:
        config.pluginmanager.register(PageWriter(config), "readiness-page-writer")


class PageWriter:
    """The controller has the only one."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._told = ""

    @pytest.hookimpl(trylast=True)
    def pytest_readiness_verdict(self) -> None:
        """Write it once the journal is closed."""
        if FOLDER not in self._config.stash:
            return
        folder, sealing = self._config.stash[FOLDER], self._config.stash[SEALING]
        try:
            dossier = gather(folder.parents[1], folder.parent.name, sealing.trusted)
            path, head = write(dossier, sealing.signer, REDACTOR.text)
        except (BadRun, OSError) as error:
            why = str(error).splitlines()[0]
            self._told = f"was not written and entered: {why}; again with readiness sign-off"
        else:
            sealing.head = head or sealing.head
            here = Path.cwd()
            self._told = str(path.relative_to(here) if path.is_relative_to(here) else path)

    def pytest_unconfigure(self) -> None:
        """Say where it is, below the verdict."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter and self._told:
            reporter.write_line(f"sign-off {REDACTOR.text(self._told)}")
