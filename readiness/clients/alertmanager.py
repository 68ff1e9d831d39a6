"""Alertmanager, API v2. Source: its OpenAPI description, api/v2/openapi.yaml.

`POST /alerts` answers 200 with an empty body, whatever becomes of the alert; only its receiver can tell that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from readiness.environment import schema
from readiness.outcomes import Effect, Unknown
from readiness.transport.answer import Answer
from readiness.transport.system import System
from readiness.transport.typed import typed

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

    LACK = ("no Alertmanager is configured", "set alertmanager.url in the environment file")

    def receivers(self) -> list[str]:
        """Name all receivers. Raises Unknown."""
        found = self._ask("GET", "/receivers", Effect.READ).expect(200)
        return [one.name for one in self._each(Receiver, found)]

    def alerts(self, **labels: str) -> list[Alert]:
        """List the alerts that carry these labels, silenced ones too. Raises Unknown."""
        words = urlencode([("filter", f'{name}="{value}"') for name, value in labels.items()])
        found = self._ask("GET", f"/alerts?{words}" if words else "/alerts", Effect.READ).expect(200)
        return self._each(Alert, found)

    def post(self, labels: Mapping[str, str], annotations: Mapping[str, str], begins: datetime, ends: datetime) -> None:
        """Raise an alert, or change its end: the labels are what it is known by. It notifies people. Raises Unknown."""
        alert: dict[str, Any] = {
            "labels": {**labels},
            "annotations": {**annotations},
            "startsAt": begins.isoformat(),
            "endsAt": ends.isoformat(),
        }
        answer = self._ask("POST", "/alerts", Effect.NOTIFY, [alert]).expect(200)
        if answer.body.strip():
            raise Unknown(f"{answer.url} answered something else than Alertmanager does", "is alertmanager.url right?")

    def _ask(self, method: str, path: str, effect: Effect, json: Any = None) -> Answer:
        where, headers = f"{self.settings.url}/api/v2{path}", {**self.settings.headers}
        return self._http.send(method, where, effect=effect, token=self.settings.token, headers=headers, json=json)

    def _each(self, kind: type[T], answer: Answer) -> list[T]:
        return typed(list[kind], answer.json(), answer, "Alertmanager", "alertmanager.url")  # type: ignore[valid-type]
