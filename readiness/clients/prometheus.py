"""Prometheus, or whatever speaks its HTTP API: Mimir, Thanos, VictoriaMetrics.

Source: prometheus.io/docs/prometheus/latest/querying/api. Values come as text, "NaN" and "+Inf" among them; an error
may come with status 400, 422 or 503 and says itself what it is; a partial answer comes with status 200 and `warnings`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from readiness.environment import schema
from readiness.outcomes import Unknown
from readiness.transport.answer import Answer
from readiness.transport.system import System

_OK = 200
_ERRORS = {400, 422, 500, 503}
"""With these Prometheus says in JSON what is wrong; a proxy in front says it in words."""
_WORDS_SHOWN = 160
T = TypeVar("T")


@dataclass(frozen=True)
class Series:
    """One series of an answer at one moment."""

    labels: Mapping[str, str]
    value: float


class Rule(BaseModel):
    """An alert rule as the server evaluates it."""

    model_config = ConfigDict(frozen=True)

    name: str
    query: str
    seconds: float = Field(0.0, alias="duration")
    """For how long the condition must hold."""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    health: str = "unknown"
    """ok, err or unknown."""
    state: str = "unknown"
    """inactive, pending or firing."""
    last_error: str = Field("", alias="lastError")
    evaluated_at: str = Field("", alias="lastEvaluation")


class ScrapeTarget(BaseModel):
    """One place that the server reads metrics from."""

    model_config = ConfigDict(frozen=True)

    url: str = Field(alias="scrapeUrl")
    labels: dict[str, str] = {}
    health: str
    """up, down or unknown."""
    last_error: str = Field("", alias="lastError")
    interval: str = Field("", alias="scrapeInterval")
    """Between two looks, such as 15s; older servers do not tell."""


class _Group(BaseModel):
    name: str
    rules: list[dict[str, Any]]


class Prometheus(System[schema.Prometheus]):
    """The server that the environment names under `prometheus`."""

    LACK = ("no Prometheus is configured", "set prometheus.url in the environment file")

    def vector(self, query: str, seconds_ago: float = 0.0) -> list[Series]:
        """Ask for an instant vector; nothing is an empty list. Raises Unknown, also for a partial answer."""
        at = {"time": f"{time.time() - seconds_ago:.3f}"} if seconds_ago else {}
        data = self._ask("/api/v1/query", query=query, **at)
        kind = data.get("resultType")
        rows = [{"value": data.get("result")}] if kind == "scalar" else data.get("result")
        if kind not in {"vector", "scalar"} or not isinstance(rows, list):
            raise Unknown(f"{query} answers no vector but {kind}", "ask for one value at one moment")
        return [_series(row, query) for row in rows]

    def value(self, query: str, seconds_ago: float = 0.0) -> float:
        """Ask for one finite number. Raises Unknown for no series, several, NaN and infinity."""
        found = self.vector(query, seconds_ago)
        if not found:
            raise Unknown(f"{query} has no series", "is the metric scraped, and are its labels right?")
        if len(found) > 1:
            raise Unknown(f"{query} has {len(found)} series, one is wanted", "add them up: sum(...)")
        if not math.isfinite(found[0].value):
            raise Unknown(f"{query} is {found[0].value}", "nothing to divide by? is there traffic?")
        return found[0].value

    def rules(self) -> list[Rule]:
        """List all alert rules. Raises Unknown."""
        found: list[dict[str, Any]] = []
        token = ""
        while True:  # newer servers give them in pages
            data = self._ask("/api/v1/rules", type="alert", **({"group_next_token": token} if token else {}))
            for group in self._each(_Group, data.get("groups"), "rules"):
                found += group.rules
            token = data.get("groupNextToken") or ""
            if not token:
                return self._each(Rule, found, "rules")

    def targets(self) -> list[ScrapeTarget]:
        """List what is scraped. Raises Unknown."""
        data = self._ask("/api/v1/targets", state="active")
        return self._each(ScrapeTarget, data.get("activeTargets"), "targets")

    def alertmanagers(self) -> list[str]:
        """List the Alertmanagers that alerts are sent to. Raises Unknown."""
        found = self._ask("/api/v1/alertmanagers").get("activeAlertmanagers")
        return [str(one.get("url")) for one in self._each(dict[str, Any], found, "alertmanagers")]

    def _ask(self, path: str, **parameters: str) -> dict[str, Any]:
        words = f"?{urlencode(parameters)}" if parameters else ""
        answer = self._http.get(
            self.settings.url + path + words, token=self.settings.token, headers={**self.settings.headers}
        )
        if answer.status != _OK:
            raise _refused(answer)
        found = answer.json()
        data = found.get("data") if isinstance(found, dict) and found.get("status") == "success" else None
        if not isinstance(data, dict):
            raise Unknown(f"{answer.url} answered something else than Prometheus does", "is prometheus.url right?")
        if found.get("warnings"):
            told = "; ".join(map(str, found["warnings"]))[:_WORDS_SHOWN]
            raise Unknown(f"{answer.url} answered in part: {told}", "mend the part that is missing, then run again")
        return data

    def _each(self, kind: type[T], found: Any, what: str) -> list[T]:
        try:
            return TypeAdapter(list[kind]).validate_python(found)  # type: ignore[valid-type]
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise Unknown(
                f"Prometheus' {what} are not as its API says: {place}: {first['msg']}", "is prometheus.url right?"
            ) from None


def _series(row: Any, query: str) -> Series:
    try:
        _, text = row["value"]
        return Series({str(key): str(value) for key, value in row.get("metric", {}).items()}, float(text))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unknown(f"{query} answers what is no sample", "is prometheus.url right?") from None


def _refused(answer: Answer) -> Unknown:
    """Say what the server says about its refusal, where it says anything."""
    if answer.status not in _ERRORS:
        try:
            answer.expect(_OK)
        except Unknown as unknown:
            return unknown
    text = answer.body.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        found = answer.json()
        text = f"{found.get('errorType', 'error')}: {found.get('error', '')}" if isinstance(found, dict) else text
    told = " ".join(text.split())[:_WORDS_SHOWN] or "nothing more"
    return Unknown(f"{answer.url} answered {answer.status}: {told}", "correct the query, or look at the server's log")
