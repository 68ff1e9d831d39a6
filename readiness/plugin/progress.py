"""While the run goes on: how far it is and what it waits for, where somebody watches."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from readiness.outcomes import Outcome
from readiness.plugin.session import SESSION, is_controller, is_real
from readiness.rendering.terminal import line_of

EVERY_SECONDS = 10.0  # where nobody watches: one line in so many seconds, so that a pipeline's log shows life
ERASE = "\r\x1b[2K"
NAMED_FROM_SECONDS = 1.0
OPEN = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_RUN)


class Progress:
    """One line, written over and over on a terminal, and added now and then to a log."""

    def __init__(self, config: pytest.Config, reporter: pytest.TerminalReporter) -> None:
        self._config, self._reporter = config, reporter
        self._demanded = len(config.stash[SESSION].run.demanded())
        self._started = self._last_shown = time.monotonic()
        self._is_on_terminal = False
        """Whether the line stands on a terminal, where it has to be erased in the end."""

    def pytest_readiness_waiting(self, title: str, since: float | None) -> None:
        """Show what is waited for once it takes long."""
        waited_seconds = time.monotonic() - since if since is not None else 0
        takes_long = waited_seconds >= NAMED_FROM_SECONDS
        self._show(f"waiting for: {title} ({waited_seconds:.1f} s)" if takes_long else "")

    def pytest_readiness_result(self) -> None:
        """Count one more."""
        self._show("")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Make room for the report."""
        if self._is_on_terminal:
            self._write(ERASE)

    def _show(self, waiting: str) -> None:
        now = time.monotonic()
        if not self._reporter.isatty and now - self._last_shown < EVERY_SECONDS:
            return
        self._last_shown = now

        counts = Counter(result.outcome for result in self._config.stash[SESSION].results)
        parts = [f"{sum(counts.values())}/{self._demanded} decided"]
        parts += [f"{counts[word]} {word}" for word in OPEN if counts[word]]
        if waiting:
            parts.append(waiting)
        text = f"{', '.join(parts)}, {now - self._started:.0f} s"

        # A line that wraps could not be erased.
        width: int = self._reporter._tw.fullwidth  # noqa: SLF001  no public way to it
        line = line_of(text)[: width - 1]
        self._write(f"{ERASE}{line}" if self._reporter.isatty else f"{line}\n")
        self._is_on_terminal = bool(self._reporter.isatty)

    def _write(self, text: str) -> None:
        """Write past the capture of what checks print."""
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        with capture.global_and_fixture_disabled():
            self._reporter._tw.write(text, flush=True)  # noqa: SLF001  the reporter writes whole lines only


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register in the controller."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if is_real(config) and is_controller(config) and reporter is not None and config.get_verbosity() >= 0:
        config.pluginmanager.register(Progress(config, reporter), "readiness-progress")
