"""Grafana: dashboards, what their panels' queries answer, and the alert rules that it keeps.

Source: its OpenAPI description (11.4) and grafana.com/docs/grafana/latest/developers/http_api. A query that fails comes
with status 207, or 400 in older versions, and its error in `results`; the description spells the keys there `Error`,
`Frames`, `Status`, real answers have them in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, TypeAdapter

from readiness.clients.grafana_rules import ContactPoint, EvaluatedRule, Policy, StoredRule
from readiness.environment import monitoring
from readiness.errors import nearest
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.redaction.shown import shown
from readiness.transport.answer import Answer
from readiness.transport.system import System
from readiness.transport.typed import at_key, typed

_OK = 200
_NOT_FOUND = 404
_ANSWERED = {200, 207, 400}
"""With these the results of a query may come."""
_DENIED = {401, 403}
_WORDS_SHOWN = 120
T = TypeVar("T")


class DataSource(BaseModel):
    """Where panels get their data from."""

    model_config = ConfigDict(frozen=True)

    uid: str
    name: str
    type: str
    isDefault: bool = False  # noqa: N815  the API's own name


@dataclass(frozen=True)
class Dashboard:
    """A dashboard as it is stored."""

    uid: str
    title: str
    since: str
    """The default range's beginning, such as now-24h."""
    until: str
    model: Mapping[str, Any]


@dataclass(frozen=True)
class QueryResult:
    """What one query of a panel answered."""

    values: int
    """Values that are there: no null, no NaN, no point in time by itself."""
    error: str = ""


class Grafana(System[monitoring.Grafana]):
    """The server that the environment names under `grafana`."""

    NAME = "Grafana"
    LACK = ("no Grafana is configured", "set grafana.url in the environment file")

    def uid_of(self, name: str) -> str:
        """Return the uid of a dashboard by its name in the runbook. Raises NotConfigured."""
        uids = self.settings.dashboards
        if name in uids:
            return uids[name]

        near = nearest(name, uids)
        hint = f"; did you mean {near}?" if near else ""
        raise NotConfigured(
            f"nothing says which dashboard {name!r} is{hint}",
            f"set grafana.dashboards: {{{name}: its uid}} in the environment file",
        )

    def dashboard(self, uid: str) -> Dashboard | None:
        """Return the dashboard of a uid; None where there is none. Raises Unknown."""
        answer = self._get(f"/api/dashboards/uid/{quote(uid, safe='')}")
        if answer.status == _NOT_FOUND:
            self._require_sight_of_dashboards()
            return None

        model = _object(answer.expect(_OK), "dashboard")
        if not isinstance(model.get("title"), str):
            raise Unknown(f"{answer.url} answered without a dashboard's title", "is grafana.url right?")

        times = model.get("time") or {}
        if not isinstance(times, dict):
            raise Unknown(f"{answer.url}: the dashboard's default range cannot be read", "save it once with a range")
        # What a dashboard does not say, Grafana takes as its last six hours.
        since = str(times.get("from") or "now-6h")
        until = str(times.get("to") or "now")
        return Dashboard(uid, model["title"], since, until, model)

    def library_panel(self, uid: str) -> JsonObject:
        """Return the model of a panel that several dashboards share. Raises Unknown."""
        answer = self._get(f"/api/library-elements/{quote(uid, safe='')}").expect(_OK)
        model = _object(answer, "result").get("model")
        if not isinstance(model, dict):
            raise Unknown(f"{answer.url} answered without the panel's model", "is grafana.url right?")
        return model

    def data_sources(self) -> list[DataSource]:
        """Return the data sources. Raises Unknown, also where none is seen."""
        answer = self._get("/api/datasources").expect(_OK)
        sources = _typed(TypeAdapter(list[DataSource]), answer.json(), answer)
        if not sources:
            raise Unknown(f"{answer.url} shows no data source", "may the service account read them?")
        return sources

    def query(self, queries: Sequence[Mapping[str, Any]], since: str, until: str) -> dict[str, QueryResult]:
        """Return the result of each query by its `refId`, asked as a panel does. Raises Unknown."""
        # A POST that reads: the queries are too long for an address.
        answer = self._send("POST", "/api/ds/query", json={"from": since, "to": until, "queries": list(queries)})

        results = None
        if answer.status in _ANSWERED:
            results = _lower_keys(answer.json()).get("results")
        if not isinstance(results, dict):
            raise _refused(answer)

        by_ref: dict[str, QueryResult] = {}
        for query in queries:
            ref = query["refId"]
            by_ref[str(ref)] = _result(answer, results.get(ref))
        return by_ref

    @property
    def keeps_rules(self) -> bool:
        """Whether the environment says that alert rules are kept here."""
        return self._given is not None and self._given.alert_rules

    def stored_rules(self) -> list[StoredRule]:
        """Return the rules that alert, not those that record. Raises Unknown."""
        answer = self._get("/api/v1/provisioning/alert-rules").expect(_OK)
        rules = _typed(TypeAdapter(list[StoredRule]), answer.json(), answer)
        return [rule for rule in rules if not rule.record]

    def evaluated_rules(self) -> list[EvaluatedRule]:
        """Return what became of each rule at its last evaluation. Raises Unknown."""
        answer = self._get("/api/prometheus/grafana/api/v1/rules").expect(_OK)
        objects = TypeAdapter(list[JsonObject])

        rules: list[JsonObject] = []
        for group in _typed(objects, _object(answer, "data").get("groups"), answer):
            # `file` is the folder here: the API is Prometheus', whose groups lie in files.
            place = {"group": group.get("name", ""), "folder": group.get("file", "")}
            rules += [{**rule, **place} for rule in _typed(objects, group.get("rules"), answer)]
        return _typed(TypeAdapter(list[EvaluatedRule]), rules, answer)

    def contact_points(self) -> list[ContactPoint]:
        """Return the contact points; several may share a name. Raises Unknown."""
        answer = self._get("/api/v1/provisioning/contact-points").expect(_OK)
        return _typed(TypeAdapter(list[ContactPoint]), answer.json(), answer)

    def policy(self) -> Policy:
        """Return the root of the notification policies. Raises Unknown."""
        answer = self._get("/api/v1/provisioning/policies").expect(_OK)
        (root,) = _typed(TypeAdapter(list[Policy]), [answer.json()], answer)
        if not root.receiver:
            raise Unknown(f"{answer.url} answered a policy without a receiver", "is grafana.url right?")
        return root

    def _require_sight_of_dashboards(self) -> None:
        """Raise Unknown where the token sees no dashboard at all: then 404 does not mean that one is absent."""
        answer = self._get(f"/api/search?{urlencode({'type': 'dash-db', 'limit': 1})}").expect(_OK)
        if not _typed(TypeAdapter(list[JsonObject]), answer.json(), answer):
            raise Unknown(
                f"{answer.url} shows no dashboard at all",
                "give the service account the right to read dashboards",
            )

    def _get(self, path: str) -> Answer:
        return self._send("GET", path)

    def _send(self, method: str, path: str, json: Any = None) -> Answer:
        settings = self.settings
        return self._http.send(method, settings.url + path, effect=Effect.READ, token=settings.token, json=json)


def _object(answer: Answer, key: str) -> JsonObject:
    """Return the object under a key of the answer. Raises Unknown."""
    value = at_key(answer.json(), key)
    if not isinstance(value, dict):
        raise Unknown(f"{answer.url} answered without {key}", "is grafana.url right?")
    return value


def _typed(adapter: TypeAdapter[T], value: Any, answer: Answer) -> T:
    return typed(adapter, value, answer, "Grafana", "grafana.url")


def _lower_keys(value: Any) -> JsonObject:
    """Return an object with its keys' first letters in lower case, as real answers have them; {} for no object."""
    if not isinstance(value, dict):
        return {}
    return {str(key)[:1].lower() + str(key)[1:]: item for key, item in value.items()}


def _refused(answer: Answer) -> Unknown:
    """Return the error for an answer without results, with Grafana's own message where it has one."""
    text = answer.body.decode("utf-8", "replace").strip()
    document = answer.json() if text.startswith("{") else None
    message = ""
    if isinstance(document, dict) and "message" in document:
        message = shown(str(document["message"]), _WORDS_SHOWN)

    try:
        answer.expect(_OK)
    except Unknown as unknown:
        reason = f"{unknown.reason}: {message}" if message else unknown.reason
        return Unknown(reason, unknown.remedy)
    return Unknown(f"{answer.url} answered {answer.status} without results", "is grafana.url right?")


def _result(answer: Answer, value: Any) -> QueryResult:
    """Return the result of one query. Raises Unknown where it is missing or where the token may not ask."""
    result = _lower_keys(value)

    # Denied is no failure of the panel: nobody knows what it would show to who may ask.
    status = result.get("status")
    if status in _DENIED:
        raise Unknown(f"{answer.url}: a query was denied ({status})", "let the service account query the data source")

    error = result.get("error")
    if error:
        return QueryResult(0, shown(str(error), _WORDS_SHOWN))

    frames = result.get("frames")
    if not isinstance(frames, list):
        raise Unknown(f"{answer.url} answered a query without frames", "is it Grafana 9 or later?")
    return QueryResult(sum(_values_in(_lower_keys(frame), answer) for frame in frames))


def _values_in(frame: JsonObject, answer: Answer) -> int:
    """Return how many values a frame has besides its times; NaN and infinity come as null and do not count.

    A frame is `{"schema": {"fields": [...]}, "data": {"values": [column, ...]}}`, a column for each field.
    """
    columns = at_key(frame.get("data"), "values")
    fields = at_key(frame.get("schema"), "fields")
    if not isinstance(columns, list) or not isinstance(fields, list) or len(fields) != len(columns):
        raise Unknown(f"{answer.url} answered a frame that cannot be read", "is it Grafana 9 or later?")

    count = 0
    for field, column in zip(fields, columns, strict=True):
        is_time = at_key(field, "type") == "time"
        if not is_time and isinstance(column, list):
            count += sum(value is not None for value in column)
    return count
