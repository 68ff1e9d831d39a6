"""A marked test alert, followed from Alertmanager to where people would read it. It notifies; it ends by itself."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from readiness.clients.alertmanager import Alert, Alertmanager
from readiness.environment.schema import Alerts, Environment
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
POLL_SECONDS, LONGEST_POLL_SECONDS, GROWTH = 0.1, 2.0, 1.3
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
    """Raise the alert, wait until the receiver has got it, and end it."""
    settings, mark = environment.alerts, f"readiness-{uuid.uuid4().hex[:12]}"
    labels = {
        "alertname": NAME,
        **settings.labels,
        "severity": settings.severities.get(severity, severity),
        MARK: mark,
    }
    _has(readings, mark)  # before anybody is notified: can we see what arrives?
    begins, started = datetime.now(UTC), time.monotonic()
    alertmanager.post(labels, SAYS, begins, begins + timedelta(seconds=settings.wait_seconds) + LEFT_OVER)
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
    seconds_between, receiver = POLL_SECONDS, settings.receiver
    while True:
        arrived, seconds = _has(readings, mark), time.monotonic() - started
        known = alertmanager.alerts(**{MARK: mark})
        held_back = [reason for alert in known for reason in _held_back(alert)]
        receivers = sorted({one.name for alert in known for one in alert.receivers})
        elsewhere = bool(receivers) and receiver is not None and receiver not in receivers
        if arrived or held_back or elsewhere or seconds > settings.wait_seconds:
            return AlertDelivery(arrived, seconds, held_back, receivers)
        pause(called_off, seconds_between)
        seconds_between = min(seconds_between * GROWTH, LONGEST_POLL_SECONDS)


def _has(readings: Readings, mark: str) -> bool:
    return any(mark in json.dumps(row, default=str) for row in readings.rows(ALERTS_RECEIVED))


def _held_back(alert: Alert) -> list[str]:
    status = alert.status
    reasons = {"silence": status.silenced_by, "inhibited by": status.inhibited_by, "muted by": status.muted_by}
    told = [f"{why} {which}" for why, found in reasons.items() for which in found]
    return told or (["suppressed"] if status.state == "suppressed" else [])
