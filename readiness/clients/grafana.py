"""Grafana: dashboards, what their panels' queries answer, and the alert rules that it keeps.

Source: its OpenAPI description (11.4) and grafana.com/docs/grafana/latest/developers/http_api. A query that fails comes
with status 207, or 400 in older versions, and its error in `results`; the description spells the keys there `Error`,
`Frames`, `Status`, real answers have them in lower case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict

from readiness.clients.grafana_rules import ContactPoint, EvaluatedRule, Policy, StoredRule
from readiness.environment import monitoring
from readiness.errors import nearest
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.transport.answer import Answer
from readiness.transport.system import System
from readiness.transport.typed import typed

_OK, _NOT_FOUND = 200, 404
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
class Result:
    """What one query of a panel answered."""

    values: int
    """Values that are there: no null, no NaN, no point in time by itself."""
    error: str = ""


class Grafana(System[monitoring.Grafana]):
    """The server that the environment names under `grafana`."""

    LACK = ("no Grafana is configured", "set grafana.url in the environment file")

    def uid_of(self, name: str) -> str:
        """Give the uid of a dashboard by its name in the runbook. Raises NotConfigured."""
        known = self.settings.dashboards
        if name not in known:
            near = nearest(name, known)
            hint = f"; did you mean {near}?" if near else ""
            raise NotConfigured(
                f"nothing says which dashboard {name!r} is{hint}",
                f"set grafana.dashboards: {{{name}: its uid}} in the environment file",
            )
        return known[name]

    def dashboard(self, uid: str) -> Dashboard | None:
        """Fetch a dashboard; None where there is none of this uid. Raises Unknown."""
        answer = self._get(f"/api/dashboards/uid/{quote(uid, safe='')}")
        if answer.status == _NOT_FOUND:
            self._must_see_others()
            return None
        model = _object(answer.expect(_OK), "dashboard")
        if not isinstance(model.get("title"), str):
            raise Unknown(f"{answer.url} answered without a dashboard's title", "is grafana.url right?")
        times = model.get("time") or {}
        if not isinstance(times, dict):
            raise Unknown(f"{answer.url}: the dashboard's default range cannot be read", "save it once with a range")
        # What a dashboard does not say, Grafana takes as its last six hours.
        since, until = str(times.get("from") or "now-6h"), str(times.get("to") or "now")
        return Dashboard(uid, model["title"], since, until, model)

    def library_panel(self, uid: str) -> dict[str, Any]:
        """Fetch the model of a panel that several dashboards share. Raises Unknown."""
        answer = self._get(f"/api/library-elements/{quote(uid, safe='')}").expect(_OK)
        model = _object(answer, "result").get("model")
        if not isinstance(model, dict):
            raise Unknown(f"{answer.url} answered without the panel's model", "is grafana.url right?")
        return model

    def data_sources(self) -> list[DataSource]:
        """List the data sources. Raises Unknown, also where none is seen."""
        answer = self._get("/api/datasources").expect(_OK)
        found = _each(DataSource, answer)
        if not found:
            raise Unknown(f"{answer.url} shows no data source", "may the service account read them?")
        return found

    def query(self, queries: Sequence[Mapping[str, Any]], since: str, until: str) -> dict[str, Result]:
        """Ask queries as a panel does; give the result of each `refId`. Raises Unknown."""
        asked = {"from": since, "to": until, "queries": list(queries)}
        # It is a POST, and it reads.
        answer = self._send("POST", "/api/ds/query", json=asked)
        results = _lower(answer.json()).get("results") if answer.status in _ANSWERED else None
        if not isinstance(results, dict):
            raise _refused(answer)
        return {str(query["refId"]): _result(answer, results.get(query["refId"])) for query in queries}

    @property
    def keeps_rules(self) -> bool:
        """Tell whether alert rules are kept here."""
        return self._given is not None and self._given.alert_rules

    def stored_rules(self) -> list[StoredRule]:
        """List the alert rules. Raises Unknown."""
        found = _each(StoredRule, self._get("/api/v1/provisioning/alert-rules").expect(_OK))
        return [rule for rule in found if not rule.record]

    def evaluated_rules(self) -> list[EvaluatedRule]:
        """List what became of the rules. Raises Unknown."""
        answer = self._get("/api/prometheus/grafana/api/v1/rules").expect(_OK)
        groups = _object(answer, "data").get("groups")
        rules = [
            _in_group(rule, group) for group in _rows(groups, answer) for rule in _rows(group.get("rules"), answer)
        ]
        return _valid(EvaluatedRule, rules, answer)

    def contact_points(self) -> list[ContactPoint]:
        """List the ways in which somebody is told. Raises Unknown."""
        return _each(ContactPoint, self._get("/api/v1/provisioning/contact-points").expect(_OK))

    def policy(self) -> Policy:
        """Fetch the root of the notification policies. Raises Unknown."""
        answer = self._get("/api/v1/provisioning/policies").expect(_OK)
        (root,) = _valid(Policy, [answer.json()], answer)
        if not root.receiver:
            raise Unknown(f"{answer.url} answered a policy without a receiver", "is grafana.url right?")
        return root

    def _must_see_others(self) -> None:
        """Make sure that a dashboard is absent and not just out of the token's sight. Raises Unknown."""
        answer = self._get(f"/api/search?{urlencode({'type': 'dash-db', 'limit': 1})}").expect(_OK)
        if not _each(dict[str, Any], answer):
            raise Unknown(
                f"{answer.url} shows no dashboard at all", "give the service account the right to read dashboards"
            )

    def _get(self, path: str) -> Answer:
        return self._send("GET", path)

    def _send(self, method: str, path: str, json: Any = None) -> Answer:
        known = self.settings
        return self._http.send(method, known.url + path, effect=Effect.READ, token=known.token, json=json)


def _object(answer: Answer, key: str) -> dict[str, Any]:
    found = answer.json()
    inner = found.get(key) if isinstance(found, dict) else None
    if not isinstance(inner, dict):
        raise Unknown(f"{answer.url} answered without {key}", "is grafana.url right?")
    return inner


def _rows(found: Any, answer: Answer) -> list[dict[str, Any]]:
    return _valid(dict[str, Any], found, answer)


def _in_group(rule: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    return {**rule, "group": group.get("name", ""), "folder": group.get("file", "")}


def _each(kind: type[T], answer: Answer) -> list[T]:
    return _valid(kind, answer.json(), answer)


def _valid(kind: type[T], found: Any, answer: Answer) -> list[T]:
    return typed(list[kind], found, answer, "Grafana", "grafana.url")  # type: ignore[valid-type]


def _lower(found: Any) -> dict[str, Any]:
    return (
        {str(key)[:1].lower() + str(key)[1:]: value for key, value in found.items()} if isinstance(found, dict) else {}
    )


def _refused(answer: Answer) -> Unknown:
    """Say what Grafana says about its refusal, where it says anything."""
    text = answer.body.decode("utf-8", "replace").strip()
    found = answer.json() if text.startswith("{") else None
    told = (
        " ".join(str(found["message"]).split())[:_WORDS_SHOWN] if isinstance(found, dict) and "message" in found else ""
    )
    try:
        answer.expect(_OK)
    except Unknown as unknown:
        return Unknown(unknown.reason + (f": {told}" if told else ""), unknown.remedy)
    return Unknown(f"{answer.url} answered {answer.status} without results", "is grafana.url right?")


def _result(answer: Answer, found: Any) -> Result:
    """Read one result. Raises Unknown where it is missing or where the token may not ask."""
    result = _lower(found)
    error, frames, status = result.get("error"), result.get("frames"), result.get("status")
    if status in _DENIED:
        raise Unknown(f"{answer.url}: a query was denied ({status})", "let the service account query the data source")
    if error:
        return Result(0, " ".join(str(error).split())[:_WORDS_SHOWN])
    if not isinstance(frames, list):
        raise Unknown(f"{answer.url} answered a query without frames", "is it Grafana 9 or later?")
    return Result(sum(_values(_lower(frame), answer) for frame in frames))


def _values(frame: dict[str, Any], answer: Answer) -> int:
    """Count the values of a frame; NaN and infinity come as null."""
    schema, data = frame.get("schema"), frame.get("data")
    columns = data.get("values") if isinstance(data, dict) else None
    fields = schema.get("fields") if isinstance(schema, dict) else None
    if not isinstance(columns, list) or not isinstance(fields, list) or len(fields) != len(columns):
        raise Unknown(f"{answer.url} answered a frame that cannot be read", "is it Grafana 9 or later?")
    kinds = [field.get("type") if isinstance(field, dict) else None for field in fields]
    return sum(_there(column) for kind, column in zip(kinds, columns, strict=True) if kind != "time")


def _there(column: Iterable[Any]) -> int:
    return sum(value is not None for value in column) if isinstance(column, list) else 0
