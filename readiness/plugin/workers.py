"""What is different under xdist: workers look and judge, the controller decides."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.plugin.deciding import tell
from readiness.plugin.lines import PROBLEMS
from readiness.plugin.looking import POOL
from readiness.plugin.run import RUN, is_controller, is_real

OUTPUT = "readiness"


class Controller:
    """Hooks of xdist, in the controller."""

    def pytest_configure_node(self, node: Any) -> None:
        """Give each worker the same instant."""
        run = node.config.stash.get(RUN, None)
        if run:
            node.workerinput["readiness"] = {"started_at": run.started_at.isoformat()}

    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take what a worker had left to say."""
        del error
        left = getattr(node, "workeroutput", {}).get(OUTPUT, {})
        config: pytest.Config = node.config
        tell(config, [(kind, record) for kind, record in left.get("seen", [])])
        problems = left.get("problems", [])
        if problems and PROBLEMS not in config.stash:
            config.stash[PROBLEMS] = problems


def pytest_configure(config: pytest.Config) -> None:
    """Register what fits this process."""
    if is_real(config) and is_controller(config) and config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(Controller(), "readiness-controller")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over from the worker; in the controller, tell the problems that workers found while collecting."""
    config = session.config
    if not is_real(config):
        return
    if not is_controller(config):
        seen = config.stash[POOL].fetch_seen() if POOL in config.stash else []
        output: dict[str, Any] = config.workeroutput  # type: ignore[attr-defined]  xdist puts it there
        output[OUTPUT] = {"seen": [list(one) for one in seen], "problems": config.stash.get(PROBLEMS, [])}
    elif PROBLEMS in config.stash:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell those problems."""
    for problem in config.stash.get(PROBLEMS, []):
        terminalreporter.write_line(f"ERROR: {problem}", red=True)
