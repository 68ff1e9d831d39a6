"""What is different under xdist: workers observe and judge, the controller decides."""

from __future__ import annotations

import time
from typing import Any

import pytest

from readiness.evidence.recorded_deadline import RecordedDeadline
from readiness.plugin.deciding import publish_records
from readiness.plugin.lines import PROBLEMS
from readiness.plugin.session import SESSION, is_controller
from readiness.plugin.transfer import dump, load

OUTPUT = "readiness"


class Controller:
    """Hooks of xdist, in the controller."""

    def __init__(self) -> None:
        self._begun_at: float | None = None

    def pytest_configure_node(self, node: Any) -> None:
        """Hand each worker the instant that the run began, so that all judge the same and have one deadline."""
        # Also a worker that takes the place of a crashed one: it has what is left.
        if self._begun_at is None:
            self._begun_at = time.monotonic()
        session = node.config.stash.get(SESSION, None)
        if session:
            started_at = session.run.started_at.isoformat()
            node.workerinput["readiness"] = {"started_at": started_at, "begun_at": self._begun_at}

    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Publish the records that a worker had left. Raises UsageError for what it could not use."""
        del error
        left = getattr(node, "workeroutput", {}).get(OUTPUT, {})
        if left.get("problems"):
            raise pytest.UsageError("\n".join(left["problems"]))
        publish_records(node.config, load(left.get("seen", [])))

        session = node.config.stash.get(SESSION, None)
        if session and left.get("deadline"):
            session.deadline = RecordedDeadline.model_validate(left["deadline"])


def pytest_configure(config: pytest.Config) -> None:
    """Register what fits this process."""
    if is_controller(config) and config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(Controller(), "readiness-controller")


def hand_over(config: pytest.Config) -> None:
    """Leave for the controller what no report has taken along: xdist sends a worker's output when it ends."""
    session = config.stash.get(SESSION, None)
    records = session.observer.take_records() if session else []
    output: dict[str, Any] = getattr(config, "workeroutput")  # noqa: B009  xdist puts it there
    deadline = session.deadline.model_dump() if session and session.deadline else None
    output[OUTPUT] = {"seen": dump(records), "problems": config.stash.get(PROBLEMS, []), "deadline": deadline}
