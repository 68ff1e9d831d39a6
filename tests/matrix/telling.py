"""Tells at the end what of the fault matrix cost twice: it proves no less, and says what to look at."""

from __future__ import annotations

import pytest

ONE_BY_ONE = "planted one by one"
LOOKED_TWICE = "looked at twice"
TITLES = {
    ONE_BY_ONE: "faults that are not the sum of themselves, and were planted one by one",
    LOOKED_TWICE: "looks in which a line was unknown for a moment, and as declared when repeated",
}


class CostTwice:
    """A pytest plugin that collects what the tests note of their plantings."""

    def __init__(self) -> None:
        self._noted: dict[str, list[str]] = {name: [] for name in TITLES}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect; a worker sends it along with its reports."""
        if report.when != "call":
            return
        for name, value in report.user_properties:
            if name in self._noted:
                self._noted[name].append(str(value))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell."""
        for name, noted in self._noted.items():
            if noted:
                terminalreporter.section(TITLES[name])
            for one in noted:
                terminalreporter.line(one)
