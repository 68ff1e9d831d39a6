"""Adds a run to the history of its environment, once its journal is closed. The run does not depend on it."""

from __future__ import annotations

import pytest

from readiness.errors import BadRun
from readiness.files.history_tables import FILE
from readiness.plugin.session import RunSession
from readiness.rendering.history import append
from readiness.rendering.terminal import line_of


def write_history(config: pytest.Config, session: RunSession) -> None:
    """Add the run, or report that it could not be added; a replay observed nothing, so it has no place there."""
    if session.proof is None or session.run.replay:
        return
    run, judged = session.proof
    try:
        append(run.folder.parent / FILE, run, judged)
    except BadRun as error:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter:
            why = f"{str(error).splitlines()[0]}; the run itself is whole, see readiness history --rebuild"
            reporter.write_line(line_of(f"HISTORY  this run is not in it: {why}"), yellow=True)
