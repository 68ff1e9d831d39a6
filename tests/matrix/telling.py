"""Tells at the end which groups of faults had to be planted one by one: they cost twice, and prove no less."""

from __future__ import annotations

import pytest

ONE_BY_ONE = "planted one by one"


class OneByOne:
    """A pytest plugin that collects what the tests note of their groups."""

    def __init__(self) -> None:
        self._groups: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect; a worker sends it along with its reports."""
        if report.when == "call":
            self._groups += [str(value) for name, value in report.user_properties if name == ONE_BY_ONE]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell."""
        if self._groups:
            terminalreporter.section("faults that are not the sum of themselves, and were planted one by one")
            for group in self._groups:
                terminalreporter.line(group)
