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
from readiness.files.canonical_json import JsonObject
from readiness.measurements import is_digits
from readiness.outcomes import Unknown
from readiness.timeline import parse_instant

NOTHING_TO_ASK = {"row", "text", "dashlist", "alertlist", "annolist", "news", "welcome", "gettingstarted", "pluginlist"}
"""Kinds of panels that show no data of a data source."""
_NOT_ASKED = {"-- Dashboard --", "-- Grafana --", "grafana"}
"""Data sources that no request is sent to: what another panel has asked, and what the browser makes up."""
EXPRESSION = "__expr__"
_ALL = "$__all"
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?:\.[^:}]*)?(?::(\w+))?\}|\[\[(\w+?)(?::(\w+))?\]\]")
_SQL = ("mysql", "postgres", "mssql", "sqlite", "clickhouse", "bigquery", "snowflake", "redshift", "athena")
_REGEX = {"prometheus", "loki", "tempo"}
"""Data sources that take several values as an alternative of a regular expression."""
POINTS = 100
INTERVAL_MS = 60_000
Model = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """What one panel asks in one request."""

    queries: list[JsonObject]
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
    """Return the panels that show data; `shared` fetches a library panel, `sources` data sources. Raises Unknown."""
    if "elements" in dashboard.model and "panels" not in dashboard.model:
        raise Unknown(
            f"the dashboard {dashboard.title} is stored in a schema that is not known here",
            "ask it through /api, which gives the classic one, or decide the line by hand",
        )
    variables = _Variables(dashboard, sources)
    data_panels = []
    for model in _flat(dashboard.model):
        whole = _whole(model, shared)
        if whole.get("type") in NOTHING_TO_ASK or _shows_another(whole):
            continue
        title = str(whole.get("title") or f"panel {whole.get('id')}")
        data_panels.append(Panel(variables.text(title, kind=""), variables.questions(whole)))
    return data_panels


def _flat(model: Model) -> Iterator[Model]:
    """Yield the panels of a dashboard, of its collapsed rows, and of the `rows` that Grafana had before version 5."""
    for inner in (*_objects(model, "panels"), *_objects(model, "rows")):
        is_row = inner.get("type") == "row" or "panels" in inner
        if not is_row:
            yield inner
        yield from _flat(inner)


def _objects(model: Model, key: str) -> list[Model]:
    """Return the objects of the list under a key; what is none is left out."""
    items = model.get(key)
    if not isinstance(items, list):
        return []
    return [item for item in items if isinstance(item, dict)]


def _whole(model: Model, shared: Callable[[str], Model]) -> Model:
    """Return a panel with its queries: a library panel is fetched where the dashboard only refers to it."""
    reference = model.get("libraryPanel")
    if not isinstance(reference, dict) or not reference.get("uid") or model.get("targets"):
        return model

    # The dashboard's own title goes before that of the library.
    own = {key: model[key] for key in ("id", "title") if model.get(key)}
    return {**shared(str(reference["uid"])), **own}


def _shows_another(model: Model) -> bool:
    """Check whether a panel shows what another panel of the dashboard has asked, or what the browser makes up."""
    return _uid_or_name(model.get("datasource")) in _NOT_ASKED


def _uid_or_name(reference: Any) -> str | None:
    """Return what a reference to a data source names: an object since Grafana 8.3, before that a name."""
    if isinstance(reference, dict):
        return reference.get("uid") or reference.get("type")
    return reference if isinstance(reference, str) else None


class _Variables:
    """The variables of one dashboard, put into what its panels ask."""

    def __init__(self, dashboard: Dashboard, sources: Callable[[], list[DataSource]]) -> None:
        self._dashboard = dashboard
        self._sources = sources
        templating = dashboard.model.get("templating")
        listed = _objects(templating, "list") if isinstance(templating, dict) else []
        # Ad hoc filters are added by Grafana's front end; no query names them.
        self._variables = {str(each.get("name")): each for each in listed if each.get("type") != "adhoc"}

    def questions(self, panel: Model) -> list[Question]:
        """Return the requests of a panel: one for each data source, one in all where an expression needs the others."""
        targets = self._targets(panel)
        has_expression = any(target["datasource"]["uid"] == EXPRESSION for target in targets)

        groups: dict[str, list[JsonObject]] = {}
        for target in targets:
            if has_expression:
                # A hidden target may be what the expression calculates with.
                groups.setdefault("", []).append(target)
            elif not target.get("hide"):
                groups.setdefault(target["datasource"]["uid"], []).append(target)

        since, until = self._range(panel)
        return [_question(group, since, until) for group in groups.values()]

    def _targets(self, panel: Model) -> list[JsonObject]:
        """Return the queries of a panel with their variables filled in and their data sources found."""
        targets = []
        for number, target in enumerate(_objects(panel, "targets")):
            source = self._source(target.get("datasource") or panel.get("datasource"))
            if source["uid"] in _NOT_ASKED:
                continue
            ref = str(target.get("refId") or chr(ord("A") + number))
            filled = self._filled(target, source.get("type", ""))
            targets.append({**filled, "refId": ref, "datasource": source})
        return targets

    def text(self, text: str, kind: str) -> str:
        """Return a text with its variables filled in, as a data source of this kind wants them. Raises Unknown."""

        def value_of(match: re.Match[str]) -> str:
            # $name, ${name:format} and [[name:format]].
            name = match[1] or match[2] or match[4]
            wanted_format = match[3] or match[5] or ""
            if name not in self._variables:
                return match[0]  # Grafana's own, such as $__interval, or no variable at all
            return _joined(name, self._values(name, kind), wanted_format, kind)

        return _VARIABLE.sub(value_of, text)

    def _filled(self, value: Any, kind: str) -> Any:
        if isinstance(value, str):
            return self.text(value, kind)
        if isinstance(value, list):
            return [self._filled(item, kind) for item in value]
        if isinstance(value, dict):
            return {key: self._filled(item, kind) for key, item in value.items()}
        return value

    def _values(self, name: str, kind: str) -> list[str]:
        """Return the values that a variable has when the dashboard is opened. Raises Unknown where none is stored."""
        variable = self._variables[name]
        options = [
            str(each["value"]) for each in _objects(variable, "options") if each.get("value") not in {None, _ALL}
        ]

        chosen = _chosen(variable, options)
        if chosen and _ALL not in chosen:
            return chosen

        # "All" is what the dashboard says it is, or else every option.
        everything = [str(variable["allValue"])] if variable.get("allValue") else options
        if chosen and not everything and kind in _REGEX:
            return [".*"]
        if not chosen or not everything:
            raise Unknown(
                f"the variable {name} of {self._dashboard.title} has no value stored",
                "save the dashboard with a value for it",
            )
        return everything

    def _source(self, reference: Any) -> JsonObject:
        """Return the data source that is meant, as the query API wants it. Raises Unknown."""
        named = _uid_or_name(reference)
        uid = self.text(named, kind="") if named else "default"
        # Complete as it stands: there is no need to ask for the list.
        if isinstance(reference, dict) and reference.get("uid") and uid == reference["uid"]:
            return dict(reference)
        if uid == EXPRESSION or uid in _NOT_ASKED:
            return {"uid": uid}

        sources = self._sources()
        for source in sources:
            is_default = uid == "default" and source.isDefault
            if uid in {source.uid, source.name} or is_default:
                return {"uid": source.uid, "type": source.type}
        # By its type at last: a dashboard from elsewhere may name nothing but that.
        for source in sources:
            if uid == source.type:
                return {"uid": source.uid, "type": source.type}
        raise Unknown(
            f"the data source {uid} of {self._dashboard.title} is not among those that Grafana shows",
            "set it anew in the panel, or let the service account read it",
        )

    def _range(self, panel: Model) -> tuple[str, str]:
        """Return the range of a panel: the dashboard's, or its own, shifted into the past where it says so."""
        since = _moment(self._dashboard.since)
        until = _moment(self._dashboard.until)
        own_range = panel.get("timeFrom")
        if own_range:
            since = f"now-{str(own_range).removeprefix('now-')}"
            until = "now"
        shift = panel.get("timeShift")
        if shift:
            since = f"{since}-{shift}"
            until = f"{until}-{shift}"
        return since, until


def _chosen(variable: Model, options: list[str]) -> list[str]:
    """Return the values that are stored as chosen, or else what a variable of its type has from the beginning."""
    current = variable.get("current")
    value = current.get("value") if isinstance(current, dict) else None
    if value is None or value in ("", []):
        is_fixed = variable.get("type") in {"constant", "textbox"}
        value = variable.get("query") if is_fixed else options[:1]

    if isinstance(value, list):
        return [str(item) for item in value]
    return [str(value)]


def _question(group: list[JsonObject], since: str, until: str) -> Question:
    shown = frozenset(target["refId"] for target in group if not target.get("hide"))
    queries = [{"maxDataPoints": POINTS, "intervalMs": INTERVAL_MS, **target, "hide": False} for target in group]
    return Question(queries, shown, since, until)


def _moment(text: str) -> str:
    """Return a fixed time as the query API wants it, in milliseconds; a relative one stays. Raises Unknown."""
    if text.startswith("now") or is_digits(text):
        return text
    try:
        return str(round(parse_instant(text).timestamp() * 1000))
    except ValueError as error:
        raise Unknown(f"the dashboard's range cannot be read: {error}", "save the dashboard with a range") from None


def _joined(name: str, values: list[str], wanted_format: str, kind: str) -> str:
    """Return the values of a variable in the format that is asked for, or that the data source wants. Raises Unknown.

    Source: grafana.com/docs/grafana/latest/dashboards/variables/variable-syntax, "Advanced variable format options".
    """
    format_name = wanted_format or _default_format(kind)
    if len(values) == 1 and format_name in {"regex", "glob", "sqlstring", "raw", "text"}:
        return values[0]
    if format_name not in _FORMATS:
        raise Unknown(
            f"the variable {name} is wanted in the format {format_name}, which is not known here", "use another"
        )
    return _FORMATS[format_name](values)


def _default_format(kind: str) -> str:
    if kind in _REGEX:
        return "regex"
    if any(sql in kind for sql in _SQL):
        return "sqlstring"
    return "glob"


def _sql_string(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


_FORMATS: dict[str, Callable[[list[str]], str]] = {
    "regex": lambda values: f"({'|'.join(map(re.escape, values))})",
    "pipe": "|".join,
    "csv": ",".join,
    "raw": ",".join,
    "text": " + ".join,
    "glob": lambda values: f"{{{','.join(values)}}}",
    "sqlstring": lambda values: ",".join(map(_sql_string, values)),
    "singlequote": lambda values: ",".join(f"'{value}'" for value in values),
    "doublequote": lambda values: ",".join(f'"{value}"' for value in values),
    "json": json.dumps,
}
