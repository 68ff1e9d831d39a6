"""Alertmanager, API v2. Source: its OpenAPI description, api/v2/openapi.yaml.

`POST /alerts` answers 200 with an empty body, whatever becomes of the alert; only its receiver can tell that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from readiness.environment import schema
from readiness.outcomes import Effect, Unknown
from readiness.redaction.shown import shown
from readiness.transport.answer import Answer
from readiness.transport.system import System
from readiness.transport.typed import typed

_OK = 200
_WORDS_SHOWN = 160
T = TypeVar("T")


class AlertStatus(BaseModel):
    """What Alertmanager does with an alert."""

    model_config = ConfigDict(frozen=True)

    state: str
    """unprocessed, active or suppressed."""
    silenced_by: list[str] = Field(alias="silencedBy")
    inhibited_by: list[str] = Field(alias="inhibitedBy")
    muted_by: list[str] = Field([], alias="mutedBy")
    """By a time interval of the route; older versions do not say so."""


class Receiver(BaseModel):
    """Where alerts are sent to, by name."""

    model_config = ConfigDict(frozen=True)

    name: str


class Alert(BaseModel):
    """One alert that Alertmanager knows."""

    model_config = ConfigDict(frozen=True)

    labels: dict[str, str]
    status: AlertStatus
    receivers: list[Receiver]


class Alertmanager(System[schema.Prometheus]):
    """The server that the environment names under `alertmanager`."""

    NAME = "Alertmanager"
    LACK = ("no Alertmanager is configured", "set alertmanager.url in the environment file")

    def receivers(self) -> list[str]:
        """Return the names of all receivers. Raises Unknown."""
        answer = self._send("GET", "/receivers", Effect.READ, "the question for its receivers")
        receivers = self._typed(TypeAdapter(list[Receiver]), answer)
        return [receiver.name for receiver in receivers]

    def alerts(self, **labels: str) -> list[Alert]:
        """Return the alerts that carry these labels, silenced ones too. Raises Unknown."""
        matchers = [("filter", f'{name}="{value}"') for name, value in labels.items()]
        path = f"/alerts?{urlencode(matchers)}" if matchers else "/alerts"
        answer = self._send("GET", path, Effect.READ, "the question for its alerts")
        return self._typed(TypeAdapter(list[Alert]), answer)

    def post(self, labels: Mapping[str, str], annotations: Mapping[str, str], begins: datetime, ends: datetime) -> None:
        """Post an alert, which notifies people; labels that it has already change its end. Raises Unknown."""
        alert = {
            "labels": {**labels},
            "annotations": {**annotations},
            "startsAt": begins.isoformat(),
            "endsAt": ends.isoformat(),
        }
        asked = f"the posted alert {labels.get('alertname', 'without a name')}"
        answer = self._send("POST", "/alerts", Effect.NOTIFY, asked, [alert])
        if answer.body.strip():
            raise Unknown(f"{answer.url} answered something else than Alertmanager does", "is alertmanager.url right?")

    def _send(self, method: str, path: str, effect: Effect, asked: str, json: Any = None) -> Answer:
        """Return the answer of status 200. Raises Unknown for any other, which says what was asked."""
        settings = self.settings
        answer = self._http.send(
            method,
            f"{settings.url}/api/v2{path}",
            effect=effect,
            token=settings.token,
            headers=settings.headers,
            json=json,
        )
        if answer.status != _OK:
            raise _refused(answer, asked)
        return answer

    @staticmethod
    def _typed(adapter: TypeAdapter[T], answer: Answer) -> T:
        return typed(adapter, answer.json(), answer, "Alertmanager", "alertmanager.url")


def _refused(answer: Answer, asked: str) -> Unknown:
    """Return the error for a status other than 200: what was asked, Alertmanager's own words, and what to do next."""
    try:
        answer.expect(_OK, asked=asked)
    except Unknown as unknown:
        reason, remedy = unknown.reason, unknown.remedy

    words = " ".join(answer.body.decode("utf-8", "replace").split()).strip('"')
    is_page = words.startswith("<")  # of a proxy or a sign-in
    if words and not is_page:
        reason += f": {shown(words, _WORDS_SHOWN)}"
    if answer.status >= 500:  # noqa: PLR2004  the server's own failures, RFC 9110
        remedy = "is Alertmanager up and ready? look at its log, or that of the proxy before it, then run again"
    return Unknown(reason, remedy)
