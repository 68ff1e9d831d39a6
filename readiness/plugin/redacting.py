"""Closes the channels through which a secret could reach a report, the terminal or a log.

Each hook is here because something leaked without it; `recording` searches all files once more at the end.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

import pytest
from _pytest._code.code import TerminalRepr
from _pytest.config.exceptions import UsageError

from readiness.plugin.lines import PROBLEMS
from readiness.plugin.session import SESSION, is_controller
from readiness.plugin.transfer import REPORT_RECORDS, REPORT_RESULT
from readiness.redaction.redactor import REDACTOR
from readiness.redaction.stream import MaskedStream, MaskingFilter

IDENTIFYING = {
    "nodeid",
    "location",
    "keywords",
    "outcome",
    "when",
    "duration",
    "start",
    "stop",
    "node",
    "call",
    "result",
}
"""The attributes of a report that say who it is about: they stay as they are."""
ATTACHED = {REPORT_RESULT, REPORT_RECORDS}
"""The attributes that are masked where they are attached."""
PLAIN = {*ATTACHED, "user_properties"}
"""The attributes that hold plain JSON, to any depth."""
LOG_HANDLERS = ("report_handler", "caplog_handler", "log_file_handler", "log_cli_handler")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Install the redaction filters before any output."""
    config = session.config
    if SESSION not in config.stash:
        return
    config.pluginmanager.register(Redacting(), "readiness-redacting")
    logs = config.pluginmanager.get_plugin("logging-plugin")
    for name in LOG_HANDLERS:
        handler = getattr(logs, name, None)
        if isinstance(handler, logging.Handler):
            handler.addFilter(MaskingFilter())
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not isinstance(reporter._tw._file, MaskedStream):  # noqa: SLF001  as below
        reporter._tw._file = MaskedStream(reporter._tw._file)  # noqa: SLF001  the last net; the writer has no public one


@pytest.hookimpl(tryfirst=True)
def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Keep a secret out of an id: an id cannot be changed later."""
    if SESSION in config.stash and isinstance(val, str) and REDACTOR.text(val) != val:
        return f"{argname}-secret"
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse an id that holds a secret all the same, because somebody wrote it so."""
    if SESSION not in config.stash:
        return
    leaking = [item for item in items if REDACTOR.text(item.nodeid) != item.nodeid]
    problems = [f"{item.location[0]}: the id of a parameter holds a secret; name it otherwise" for item in leaking]
    if problems and is_controller(config):
        raise UsageError("\n".join(dict.fromkeys(problems)))
    if problems:
        config.stash[PROBLEMS] = [*config.stash.get(PROBLEMS, []), *dict.fromkeys(problems)]
        items.clear()


class Redacting:
    """Hooks that see what is reported before anyone else does."""

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Scrub a report before any other plugin sees it."""
        report = yield
        _scrub(report)
        return report

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Scrub the report of collecting."""
        report = yield
        _scrub(report)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Scrub again: subtests and other plugins add to a report after it was made."""
        _scrub(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """Scrub a warning."""
        warning_message.message = UserWarning(REDACTOR.text(str(warning_message.message)))
        if warning_message.line:
            warning_message.line = REDACTOR.text(warning_message.line)

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        """Scrub what pytest says of a defect of a plugin."""
        _scrubbed(excrepr)


def _scrub(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Scrub all that a report says; who it is about stays as it is."""
    # A worker masked what it attached; this process may know more secrets than it.
    is_of_a_worker = hasattr(report, "node")
    untouched = IDENTIFYING if is_of_a_worker else IDENTIFYING | ATTACHED
    for name, value in list(vars(report).items()):
        if name in untouched:
            continue
        if value is None or name not in PLAIN:
            setattr(report, name, _scrubbed(value))
            continue

        plain = REDACTOR.plain(value)
        # Pytest unpacks each property as a pair, which JSON knows only as a list.
        if name == "user_properties" and isinstance(plain, list):
            setattr(report, name, [tuple(pair) if isinstance(pair, list) else pair for pair in plain])
        else:
            setattr(report, name, plain)


def _scrubbed(value: Any) -> Any:
    """Scrub text at any depth: the chain of an exception, arguments, locals, the crash message."""
    if isinstance(value, str):
        return REDACTOR.text(value)

    # In place: others may hold the same list.
    if isinstance(value, list):
        value[:] = [_scrubbed(part) for part in value]
        return value

    if isinstance(value, tuple):
        parts = [_scrubbed(part) for part in value]
        is_named = hasattr(value, "_fields")
        return type(value)(*parts) if is_named else tuple(parts)

    if isinstance(value, dict):
        return {_scrubbed(key): _scrubbed(part) for key, part in value.items()}

    # What pytest draws a failure from, and the context of a subtest.
    if isinstance(value, TerminalRepr) or type(value).__module__ == "_pytest.subtests":
        for name, part in list(getattr(value, "__dict__", {}).items()):
            object.__setattr__(value, name, _scrubbed(part))  # also where the class is frozen
    return value
