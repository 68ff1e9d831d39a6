"""A marked test alert, followed from Alertmanager to where people would read it. It notifies; it ends by itself."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from readiness.clients.alertmanager import Alert, Alertmanager
from readiness.environment.monitoring import Alerts
from readiness.environment.schema import Environment
from readiness.observations import known_reading, observation, pause
from readiness.outcomes import Effect
from readiness.sources.readings import Readings

ALERTS_RECEIVED = known_reading("alerts_received", "what the alerts' receiver has got: a list of objects")
MARK = "readiness_run"
NAME = "ReadinessRehearsal"
SAYS = {
    "summary": "Test alert of the production readiness suite: nothing is wrong",
    "description": "It proves that alerts arrive, and ends by itself.",
}
POLL_SECONDS = 0.1
LONGEST_POLL_SECONDS = 2.0
GROWTH = 1.3
"""Of the pause between two polls."""
LEFT_OVER = timedelta(minutes=2)
"""The alert ends this long after the wait, also where this process can no longer end it."""


@dataclass(frozen=True)
class AlertDelivery:
    """What became of the test alert."""

    arrived: bool
    seconds: float
    """Until it arrived, or until the wait was given up."""
    held_back: list[str]
    """Silences, inhibitions and muted times that kept it back."""
    receivers: list[str]
    """Where Alertmanager routed it."""


@observation(needs=ALERTS_RECEIVED, effect=Effect.NOTIFY, waits=lambda environment: environment.alerts.wait_seconds)
def alert_delivery(
    alertmanager: Alertmanager,
    readings: Readings,
    environment: Environment,
    severity: str,
    called_off: threading.Event,
) -> AlertDelivery:
    """Post the alert, wait until the receiver has got it, and end it; return what became of it."""
    settings = environment.alerts
    mark = f"readiness-{uuid.uuid4().hex[:12]}"
    labels = {
        "alertname": NAME,
        **settings.labels,
        "severity": settings.severities.get(severity, severity),
        MARK: mark,
    }

    # Before anybody is notified: raises where what arrives cannot be seen.
    _has_arrived(readings, mark)

    begins = datetime.now(UTC)
    started = time.monotonic()
    ends_at_the_latest = begins + timedelta(seconds=settings.wait_seconds) + LEFT_OVER
    alertmanager.post(labels, SAYS, begins, ends_at_the_latest)
    try:
        return _follow(alertmanager, readings, mark, started, settings, called_off)
    finally:
        alertmanager.post(labels, SAYS, begins, datetime.now(UTC))


def _follow(
    alertmanager: Alertmanager,
    readings: Readings,
    mark: str,
    started: float,
    settings: Alerts,
    called_off: threading.Event,
) -> AlertDelivery:
    """Return what became of the alert, as soon as that is decided or the wait is over."""
    seconds_between = POLL_SECONDS
    while True:
        has_arrived = _has_arrived(readings, mark)
        seconds = time.monotonic() - started
        alerts = alertmanager.alerts(**{MARK: mark})
        held_back = [reason for alert in alerts for reason in _held_back(alert)]
        receivers = sorted({receiver.name for alert in alerts for receiver in alert.receivers})

        # Held back or routed elsewhere, it will not arrive: there is nothing to wait for.
        is_elsewhere = bool(receivers) and settings.receiver is not None and settings.receiver not in receivers
        if has_arrived or held_back or is_elsewhere or seconds > settings.wait_seconds:
            return AlertDelivery(has_arrived, seconds, held_back, receivers)

        pause(called_off, seconds_between)
        seconds_between = min(seconds_between * GROWTH, LONGEST_POLL_SECONDS)


def _has_arrived(readings: Readings, mark: str) -> bool:
    """Return whether the receiver has the mark, wherever in an alert it keeps it. Raises Unknown."""
    return any(mark in json.dumps(row, default=str) for row in readings.rows(ALERTS_RECEIVED))


def _held_back(alert: Alert) -> list[str]:
    """Return what keeps an alert back; "suppressed" alone where Alertmanager does not name it."""
    status = alert.status
    reasons = [f"silence {silence}" for silence in status.silenced_by]
    reasons += [f"inhibited by {fingerprint}" for fingerprint in status.inhibited_by]
    reasons += [f"muted by {interval}" for interval in status.muted_by]
    if not reasons and status.state == "suppressed":
        return ["suppressed"]
    return reasons
