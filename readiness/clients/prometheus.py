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
from readiness.errors import wrong_value
from readiness.files.canonical_json import JsonObject
from readiness.measurements import as_decimal
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.timeline import why_not_of_now
from readiness.transport.answer import Answer
from readiness.transport.system import System
from readiness.transport.typed import at_key

_OK = 200
_REMEDIES = {
    400: "correct the query",
    422: "correct the query",
    500: "look at the server's log",
    503: "is the server up and ready, or does the query take longer than it allows? look at its log",
}
"""With these Prometheus says in JSON what is wrong (its HTTP API, "Format overview"); a proxy says it in words."""
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
    rules: list[JsonObject]


class Prometheus(System[schema.Prometheus]):
    """The server that the environment names under `prometheus`."""

    NAME = "Prometheus"
    LACK = ("no Prometheus is configured", "set prometheus.url in the environment file")

    def vector(self, query: str, seconds_ago: float = 0.0) -> list[Series]:
        """Return the instant vector of a query, an empty list for no series. Raises Unknown, also for a part of it."""
        parameters = {"query": query}
        if seconds_ago:
            parameters["time"] = f"{time.time() - seconds_ago:.3f}"
        data = self._get("/api/v1/query", parameters)

        kind = data.get("resultType")
        result = data.get("result")
        # A scalar is a value without labels: what time() or scalar(...) answers.
        rows = [{"value": result}] if kind == "scalar" else result
        if kind not in {"vector", "scalar"} or not isinstance(rows, list):
            raise Unknown(f"{query} answers no vector but {kind}", "ask for one value at one moment")
        asked_for = time.time() - seconds_ago
        return [_series(row, query, asked_for) for row in rows]

    def value(self, query: str, seconds_ago: float = 0.0) -> float:
        """Return the finite number that a query answers. Raises Unknown for no series, several, NaN and infinity."""
        vector = self.vector(query, seconds_ago)
        if not vector:
            raise Unknown(f"{query} has no series", "is the metric scraped, and are its labels right?")
        if len(vector) > 1:
            raise Unknown(f"{query} has {len(vector)} series, one is wanted", "add them up: sum(...)")

        value = vector[0].value
        if not math.isfinite(value):
            raise Unknown(f"{query} is {value}", "nothing to divide by? is there traffic?")
        return value

    def rules(self) -> list[Rule]:
        """Return all alert rules. Raises Unknown."""
        groups = TypeAdapter(list[_Group])
        rules: list[JsonObject] = []
        parameters = {"type": "alert"}
        while True:
            data = self._get("/api/v1/rules", parameters)
            for group in _typed(groups, data.get("groups"), "rules"):
                rules += group.rules

            # Newer servers answer in pages; the last one, and any answer of an older server, has no token.
            next_token = data.get("groupNextToken")
            if not next_token:
                return _typed(TypeAdapter(list[Rule]), rules, "rules")
            parameters["group_next_token"] = next_token

    def targets(self) -> list[ScrapeTarget]:
        """Return the targets that are scraped. Raises Unknown."""
        data = self._get("/api/v1/targets", {"state": "active"})
        return _typed(TypeAdapter(list[ScrapeTarget]), data.get("activeTargets"), "targets")

    def alertmanagers(self) -> list[str]:
        """Return the URLs of the Alertmanagers that alerts are sent to. Raises Unknown."""
        data = self._get("/api/v1/alertmanagers", {})
        rows = _typed(TypeAdapter(list[JsonObject]), data.get("activeAlertmanagers"), "alertmanagers")
        return [str(row.get("url")) for row in rows]

    def _get(self, path: str, parameters: Mapping[str, str]) -> JsonObject:
        """Return the `data` of a successful answer. Raises Unknown, also for a partial one."""
        settings = self.settings
        query = f"?{urlencode(parameters)}" if parameters else ""
        answer = self._http.get(settings.url + path + query, token=settings.token, headers=settings.headers)
        if answer.status != _OK:
            raise _refused(answer)

        document = answer.json()
        data = at_key(document, "data") if at_key(document, "status") == "success" else None
        if not isinstance(data, dict):
            raise Unknown(f"{answer.url} answered something else than Prometheus does", "is prometheus.url right?")

        # Thanos and Mimir answer 200 with what they have when one of their stores is away.
        warnings = document.get("warnings")
        if warnings:
            text = shown("; ".join(map(str, warnings)), _WORDS_SHOWN)
            # Newer servers also doubt a query: it adds up what does not belong together, or has no buckets.
            if text.startswith("PromQL warning: "):
                raise Unknown(f"{answer.url} answered with a {text}", "correct the query, or what it asks for")
            raise Unknown(f"{answer.url} answered in part: {text}", "mend the part that is missing, then run again")
        return data


def _typed(adapter: TypeAdapter[T], value: Any, what: str) -> T:
    """Return a part of an answer as the adapter's type. Raises Unknown that names `what` it is."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Unknown(
            f"Prometheus' {what} are not as its API says: {place}: {wrong_value(first)}",
            "is prometheus.url right?",
        ) from None


def _series(row: Any, query: str, asked_for: float) -> Series:
    """Return one row of a vector: `{"metric": {label: value}, "value": [seconds, text]}`. Raises Unknown.

    A server answers the instant that it was `asked_for`; one far from it comes out of a cache, or of a wrong clock.
    """
    try:
        second, text = row["value"]
        labels = {str(name): str(value) for name, value in row.get("metric", {}).items()}
        series = Series(labels, as_decimal(text))
        stale = why_not_of_now(float(second), asked_for)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unknown(f"{query} answers what is no sample", "is prometheus.url right?") from None
    if stale:
        raise Unknown(f"what {query} answers {stale}", "is a cache in between, and are the clocks right?")
    return series


def _refused(answer: Answer) -> Unknown:
    """Return the error for a status other than 200, with the server's own message where it has one."""
    if answer.status not in _REMEDIES:
        try:
            answer.expect(_OK)
        except Unknown as unknown:
            return unknown

    text = answer.body.decode("utf-8", "replace").strip()
    document = answer.json() if text.startswith("{") else None
    if isinstance(document, dict):
        text = f"{document.get('errorType', 'error')}: {document.get('error', '')}"
    message = shown(text, _WORDS_SHOWN) or "nothing more"
    return Unknown(f"{answer.url} answered {answer.status}: {message}", _REMEDIES[answer.status])
