"""Closes the channels through which a secret could reach a report, the terminal or a file."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

import pytest
from _pytest._code.code import ExceptionRepr
from _pytest.config.exceptions import UsageError

from readiness.plugin.recording import REDACTOR
from readiness.plugin.run import RUN
from readiness.secret import encodings, known_secrets


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Scrub a report before any other plugin sees it."""
    report = yield
    if RUN in item.config.stash:
        _scrub(report)
    return report


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Scrub what collecting has to say."""
    report = yield
    if RUN in collector.config.stash:
        _scrub(report)
    return report


class Redacting:
    """Hooks that see a report once more, before it is told or sent to the controller."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Scrub again: subtests and other plugins add to a report after it was made."""
        _scrub(report)

    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """Scrub the text of a warning."""
        warning_message.message = type(warning_message.message)(REDACTOR.text(str(warning_message.message)))


class _Filter(logging.Filter):
    """Scrubs log records as they are made."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = REDACTOR.text(record.getMessage()), None
        return True


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Put the nets out: over the terminal, the log, and the reports."""
    if RUN not in config.stash:
        return
    config.pluginmanager.register(Redacting(), "readiness-redacting")
    for name in ("report_handler", "caplog_handler", "log_file_handler", "log_cli_handler"):
        handler = getattr(config.pluginmanager.get_plugin("logging-plugin"), name, None)
        if handler:
            handler.addFilter(_Filter())
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter._tw._file = _Net(reporter._tw._file)  # noqa: SLF001  the last net; the writer has no public one


class _Net:
    """A stream that scrubs what is written to it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Scrub and write."""
        self._stream.write(REDACTOR.text(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse ids that hold a secret: an id cannot be changed later."""
    if RUN not in config.stash:
        return
    forms = [form for value in known_secrets() for form in encodings(value)]
    for item in items:
        if any(form in item.nodeid for form in forms):
            raise UsageError(f"{item.location[0]}: the id of a parameter holds a secret; name the parameter otherwise")


def _scrub(report: pytest.TestReport | pytest.CollectReport) -> None:
    report.sections = [(REDACTOR.text(name), REDACTOR.text(text)) for name, text in report.sections]
    if isinstance(report, pytest.TestReport):
        report.user_properties = REDACTOR.plain(report.user_properties)
    longrepr = report.longrepr
    if isinstance(longrepr, str):
        report.longrepr = REDACTOR.text(longrepr)
    elif isinstance(longrepr, tuple):
        report.longrepr = (longrepr[0], longrepr[1], REDACTOR.text(longrepr[2]))
    elif isinstance(longrepr, ExceptionRepr) or hasattr(longrepr, "__dict__"):
        _walk(longrepr)


def _walk(node: Any) -> None:
    """Scrub all text in the representation of an exception: its chain, arguments, locals and crash message."""
    for name, value in list(vars(node).items()):
        if isinstance(value, str):
            setattr(node, name, REDACTOR.text(value))
        elif isinstance(value, list | tuple):
            setattr(node, name, type(value)(_scrubbed(one) for one in value))
        elif hasattr(value, "__dict__"):
            _walk(value)


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return REDACTOR.text(value)
    if isinstance(value, tuple):
        return tuple(_scrubbed(one) for one in value)
    if hasattr(value, "__dict__"):
        _walk(value)
    return value
