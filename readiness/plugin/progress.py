"""A live line on a terminal: how far the run is and what it waits for."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from readiness.plugin.looking import POOL
from readiness.plugin.run import RESULTS, RUN, is_controller, is_real

EVERY_SECONDS = 0.2
ERASE = "\r\x1b[2K"


class Progress:
    """Writes the line from a thread, as long as the items run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = time.monotonic()
        self._demanded = len(config.stash[RUN].demanded())
        self._reporter: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")

    def pytest_runtestloop(self) -> None:
        """Begin with the first item."""
        self._thread.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Make room for the report."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._write(ERASE + self._line())
        self._write(ERASE)

    def _write(self, text: str) -> None:
        if self._reporter:
            self._reporter._tw.write(text, flush=True)  # noqa: SLF001  the reporter has no public way to a bare line

    def _line(self) -> str:
        counts = Counter(record["outcome"] for record in self._config.stash[RESULTS])
        parts = [f"{sum(counts.values())}/{self._demanded} decided"]
        parts += [f"{counts[word]} {word}" for word in ("fail", "unknown") if counts[word]]
        waiting = self._config.stash[POOL].waiting_for if POOL in self._config.stash else ""
        parts += [f"waiting for {waiting}"] if waiting else []
        text = f"{', '.join(parts)} ({time.monotonic() - self._started:.0f} s)"
        width: int = self._reporter._tw.fullwidth if self._reporter else 80  # noqa: SLF001
        return text[: width - 1]


def pytest_configure(config: pytest.Config) -> None:
    """Register where somebody watches."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    watched = reporter is not None and reporter.isatty
    if watched and is_real(config) and is_controller(config):
        config.pluginmanager.register(Progress(config), "readiness-progress")
