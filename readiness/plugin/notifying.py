"""Tells people that the verdict has changed since the run before; not that it is still the same. Never changes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from readiness.clients.notifying import Delivery, Notifier
from readiness.evidence.journal import read_run
from readiness.evidence.records import RecordedRequest
from readiness.outcomes import Effect, Unknown
from readiness.plugin.recording import FOLDER
from readiness.plugin.reporting import HTML
from readiness.plugin.run import RUN, is_controller, is_real
from readiness.redaction.redactor import REDACTOR
from readiness.rendering.announcements import changed, has_changed
from readiness.transport.guard import Guard, Request
from readiness.verdict import Verdict


def pytest_configure(config: pytest.Config) -> None:
    """Register; a replay changes nothing, so it tells nobody."""
    if is_real(config) and is_controller(config) and config.stash[RUN].replay is None:
        config.pluginmanager.register(Messenger(config), "readiness-messenger")


class Messenger:
    """The controller has the only one."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._run = config.stash[RUN]

    @pytest.hookimpl(tryfirst=True)
    def pytest_readiness_verdict(self, verdict: Verdict) -> None:
        """Send before the journal is closed: whether it arrived is part of the evidence."""
        if FOLDER not in self._config.stash or not has_changed(self._run.before, verdict):
            return
        settings, may = self._run.environment.notify, Effect.NOTIFY in self._run.allowed
        if settings is None and not may:
            return  # nobody asked for it
        for sentence in self._send(verdict) if may else ["nobody was told of the change: run with --allow notify"]:
            reporter = self._config.pluginmanager.get_plugin("terminalreporter")
            if reporter:
                reporter.write_line(f"NOTIFY   {REDACTOR.text(sentence)}")

    def _send(self, verdict: Verdict) -> Iterator[str]:
        folder = self._config.stash[FOLDER]
        guard = Guard(self._run.environment.allowed_hosts, self._run.allowed, self._keep)
        notifier = Notifier(self._run.environment.notify, guard)
        try:
            message = changed(read_run(folder), verdict, folder / HTML)
            told = notifier.send(REDACTOR.text(message.title), REDACTOR.text(message.body))
        except (Unknown, Exception) as error:  # noqa: BLE001  whatever breaks in a message: told, and the run goes on
            yield f"nobody was told of the change: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
            return
        yield from map(_sentence, told)

    def _keep(self, request: Request) -> None:
        self._config.hook.pytest_readiness_request(record=RecordedRequest(**request.record()))


def _sentence(told: Delivery) -> str:
    return f"{told.place}: {'told of the change' if told.delivered else f'could not be told: {told.why}'}"
