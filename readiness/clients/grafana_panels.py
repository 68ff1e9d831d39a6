"""What the panels of a dashboard ask, with its variables filled in as they stand. Nothing is sent from here.

Source: grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model and .../variables. What
begins with `$__` (interval, range) is filled by Grafana's server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from readiness.clients.grafana import Dashboard, DataSource
from readiness.outcomes import Unknown
from readiness.timeline import parse_instant

NOTHING_TO_ASK = {"row", "text", "dashlist", "alertlist", "annolist", "news", "welcome", "gettingstarted", "pluginlist"}
"""Kinds of panels that show no data of a data source."""
_BY_ANOTHER_PANEL, _MIXED, _BUILT_IN = "-- Dashboard --", "-- Mixed --", {"-- Grafana --", "grafana"}
EXPRESSION = "__expr__"
_ALL = "$__all"
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?:\.[^:}]*)?(?::(\w+))?\}|\[\[(\w+?)(?::(\w+))?\]\]")
_SQL = ("mysql", "postgres", "mssql", "sqlite", "clickhouse", "bigquery", "snowflake", "redshift", "athena")
_REGEX = {"prometheus", "loki", "tempo"}
POINTS, INTERVAL_MS = 100, 60_000
Model = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """What one panel asks in one request."""

    queries: list[dict[str, Any]]
    shown: frozenset[str]
    """The `refId`s whose answers the panel shows; the others serve expressions."""
    since: str
    until: str


@dataclass(frozen=True)
class Panel:
    """A panel that shows data; without a question it shows none."""

    title: str
    questions: list[Question]


def panels(
    dashboard: Dashboard, shared: Callable[[str], Model], sources: Callable[[], list[DataSource]]
) -> list[Panel]:
    """List the panels that show data. `shared` fetches a library panel, `sources` the data sources. Raises Unknown."""
    if "elements" in dashboard.model and "panels" not in dashboard.model:
        raise Unknown(
            f"the dashboard {dashboard.title} is stored in a schema that is not known here",
            "ask it through /api, which gives the classic one, or decide the line by hand",
        )
    filling = _Filling(dashboard, sources)
    found = []
    for model in _flat(dashboard.model):
        whole = _whole(model, shared)
        if whole.get("type") not in NOTHING_TO_ASK and not _shows_another(whole):
            title = filling.text(str(whole.get("title") or f"panel {whole.get('id')}"), "")
            found.append(Panel(title, filling.questions(whole)))
    return found


def _flat(model: Model) -> Iterator[Model]:
    """Give the panels of a dashboard, of its collapsed rows, and of the rows of long ago."""
    for inner in (*_list(model, "panels"), *_list(model, "rows")):
        if inner.get("type") != "row" and "panels" not in inner:
            yield inner
        yield from _flat(inner)


def _list(model: Model, key: str) -> list[Model]:
    found = model.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _whole(model: Model, shared: Callable[[str], Model]) -> Model:
    """Fetch a library panel where the dashboard only refers to it."""
    reference = model.get("libraryPanel")
    if not isinstance(reference, dict) or model.get("targets") or not reference.get("uid"):
        return model
    return {**shared(str(reference["uid"])), **{key: model[key] for key in ("id", "title") if model.get(key)}}


def _shows_another(model: Model) -> bool:
    """Tell whether a panel shows what another panel of the dashboard has asked, or what the browser makes up."""
    return _named(model.get("datasource")) in {_BY_ANOTHER_PANEL, *_BUILT_IN}


def _named(reference: Any) -> str | None:
    if isinstance(reference, dict):
        return reference.get("uid") or reference.get("type")
    return reference if isinstance(reference, str) else None


class _Filling:
    """Puts the variables of one dashboard into what its panels ask."""

    def __init__(self, dashboard: Dashboard, sources: Callable[[], list[DataSource]]) -> None:
        self._dashboard = dashboard
        self._sources = sources
        templating = dashboard.model.get("templating")
        known = _list(templating, "list") if isinstance(templating, dict) else []
        self._variables = {str(one.get("name")): one for one in known if one.get("type") != "adhoc"}

    def questions(self, panel: Model) -> list[Question]:
        """Put the targets of a panel together: one request for each data source, one in all with expressions."""
        targets = []
        for place, target in enumerate(_list(panel, "targets")):
            source = self._source(target.get("datasource") or panel.get("datasource"))
            if source["uid"] not in {_BY_ANOTHER_PANEL, *_BUILT_IN}:
                reference = {"refId": str(target.get("refId") or chr(ord("A") + place)), "datasource": source}
                targets.append({**self._filled(target, source.get("type", "")), **reference})
        together = any(target["datasource"]["uid"] == EXPRESSION for target in targets)
        groups: dict[str, list[dict[str, Any]]] = {}
        for target in targets:
            if together or not target.get("hide"):
                groups.setdefault("" if together else target["datasource"]["uid"], []).append(target)
        since, until = self._range(panel)
        return [_question(group, since, until) for group in groups.values()]

    def text(self, text: str, kind: str) -> str:
        """Fill the variables of a text that a data source of this kind is asked. Raises Unknown."""

        def put(found: re.Match[str]) -> str:
            name = found[1] or found[2] or found[4]
            if name not in self._variables:
                return found[0]
            return _joined(name, self._values(name, kind), found[3] or found[5] or "", kind)

        return _VARIABLE.sub(put, text)

    def _filled(self, value: Any, kind: str) -> Any:
        if isinstance(value, str):
            return self.text(value, kind)
        if isinstance(value, list):
            return [self._filled(each, kind) for each in value]
        if isinstance(value, dict):
            return {key: self._filled(each, kind) for key, each in value.items()}
        return value

    def _values(self, name: str, kind: str) -> list[str]:
        """Give the values that a variable has when the dashboard is opened."""
        variable = self._variables[name]
        options = [str(one["value"]) for one in _list(variable, "options") if one.get("value") not in {None, _ALL}]
        current = variable.get("current")
        chosen = current.get("value") if isinstance(current, dict) else None
        if chosen is None or chosen in ("", []):
            chosen = variable.get("query") if variable.get("type") in {"constant", "textbox"} else options[:1]
        values = [str(one) for one in chosen] if isinstance(chosen, list) else [str(chosen)]
        if _ALL not in values and values:
            return values
        everything = [str(variable["allValue"])] if variable.get("allValue") else options
        if values and not everything and kind in _REGEX:
            return [".*"]
        if not values or not everything:
            raise Unknown(
                f"the variable {name} of {self._dashboard.title} has no value stored",
                "save the dashboard with a value for it",
            )
        return everything

    def _source(self, reference: Any) -> dict[str, Any]:
        """Find the data source that is meant. Raises Unknown."""
        named = _named(reference)
        uid = self.text(named, "") if named else "default"
        if isinstance(reference, dict) and reference.get("uid") and uid == reference["uid"]:
            return dict(reference)
        if uid in {EXPRESSION, _BY_ANOTHER_PANEL, *_BUILT_IN}:
            return {"uid": uid}
        known = self._sources()
        for source in known:
            if uid in {source.uid, source.name} or (uid == "default" and source.isDefault):
                return {"uid": source.uid, "type": source.type}
        for source in known:
            if uid == source.type:
                return {"uid": source.uid, "type": source.type}
        raise Unknown(
            f"the data source {uid} of {self._dashboard.title} is not among those that Grafana shows",
            "set it anew in the panel, or let the service account read it",
        )

    def _range(self, panel: Model) -> tuple[str, str]:
        since, until = _moment(self._dashboard.since), _moment(self._dashboard.until)
        if panel.get("timeFrom"):
            since, until = f"now-{str(panel['timeFrom']).removeprefix('now-')}", "now"
        if panel.get("timeShift"):
            since, until = f"{since}-{panel['timeShift']}", f"{until}-{panel['timeShift']}"
        return since, until


def _question(group: list[dict[str, Any]], since: str, until: str) -> Question:
    shown = frozenset(target["refId"] for target in group if not target.get("hide"))
    filled = [{"maxDataPoints": POINTS, "intervalMs": INTERVAL_MS, **target, "hide": False} for target in group]
    return Question(filled, shown, since, until)


def _moment(text: str) -> str:
    """Write a fixed time as the query API wants it: in milliseconds. A relative one stays as it is."""
    if text.startswith("now") or text.isdecimal():
        return text
    try:
        return str(round(parse_instant(text).timestamp() * 1000))
    except ValueError as error:
        raise Unknown(f"the dashboard's range cannot be read: {error}", "save the dashboard with a range") from None


def _joined(name: str, values: list[str], how: str, kind: str) -> str:
    """Write the values of a variable in the format that is asked for, or that the data source wants."""
    regex = kind in _REGEX
    how = how or ("regex" if regex else "sqlstring" if any(sql in kind for sql in _SQL) else "glob")
    if len(values) == 1 and how in {"regex", "glob", "sqlstring", "raw", "text"}:
        return values[0]
    formats: dict[str, Callable[[], str]] = {
        "regex": lambda: f"({'|'.join(map(re.escape, values))})",
        "pipe": lambda: "|".join(values),
        "csv": lambda: ",".join(values),
        "raw": lambda: ",".join(values),
        "text": lambda: " + ".join(values),
        "glob": lambda: f"{{{','.join(values)}}}",
        "sqlstring": lambda: ",".join("'" + value.replace("'", "''") + "'" for value in values),
        "singlequote": lambda: ",".join(f"'{value}'" for value in values),
        "doublequote": lambda: ",".join(f'"{value}"' for value in values),
        "json": lambda: json.dumps(values),
    }
    if how not in formats:
        raise Unknown(f"the variable {name} is wanted in the format {how}, which is not known here", "use another")
    return formats[how]()
