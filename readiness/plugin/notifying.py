"""Notifies people that the verdict has changed since the run before; not that it is still the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from readiness.clients.notifying import Delivery, Notifier
from readiness.evidence.journal import RecordedRun
from readiness.evidence.recorded_request import RecordedRequest
from readiness.outcomes import Effect, Unknown
from readiness.plugin.reporting import HTML
from readiness.plugin.session import RunSession
from readiness.redaction.redactor import REDACTOR
from readiness.rendering.announcements import changed, has_changed
from readiness.rendering.terminal import line_of
from readiness.transport.guard import Guard, Request
from readiness.verdict import Verdict


def notify(config: pytest.Config, session: RunSession) -> None:
    """Send before the journal is closed: whether it arrived is part of the evidence. A replay changes nothing."""
    run, verdict, folder = session.run, session.verdict, session.folder
    recorded = session.journal.recorded if session.journal else None
    if run.replay or verdict is None or folder is None or recorded is None:
        return
    if not any(has_changed(before, verdict) for before in (run.before, *run.also_before)):
        return

    # Without a place to send to, and without the permission, nobody has asked for it.
    may_notify = Effect.NOTIFY in run.allowed
    if run.environment.notify is None and not may_notify:
        return

    sentences: Iterator[str] = iter(["nobody was told of the change: run with --allow notify"])
    if may_notify:
        sentences = _send(config, session, recorded, verdict, folder / HTML)

    reporter = config.pluginmanager.get_plugin("terminalreporter")
    for sentence in sentences:
        if reporter:
            reporter.write_line(line_of(f"NOTIFY   {sentence}"))


def _send(
    config: pytest.Config, session: RunSession, recorded: RecordedRun, verdict: Verdict, page: Path
) -> Iterator[str]:
    """Send to every place, and yield a sentence on what became of it."""

    def keep(request: Request) -> None:
        config.hook.pytest_readiness_request(record=RecordedRequest(**request.record()))

    environment = session.run.environment
    notifier = Notifier(environment.notify, Guard(environment.allowed_hosts, session.run.allowed, keep))
    try:
        message = changed(recorded, verdict, page)
        deliveries = notifier.send(REDACTOR.text(message.title), REDACTOR.text(message.body))
    except (Unknown, Exception) as error:  # noqa: BLE001  whatever breaks in a message: reported, and the run goes on
        reason = str(error).partition("\n")[0]
        yield f"nobody was told of the change: {type(error).__name__}: {reason}"
        return
    yield from map(_sentence, deliveries)


def _sentence(delivery: Delivery) -> str:
    became = "told of the change" if delivery.delivered else f"could not be told: {delivery.why}"
    return f"{delivery.place}: {became}"
