"""Service levels as data: how many events of a kind there were, how many failed, and how long they took.

Each figure is a query over a window of time: `{window}` stands in it for the span, `{quantile}` and `{path}` for what a
check asks about. In SQL they are parameters, so they take no quotes, and `{offset}` says how long ago the window ended;
a metrics server is asked about that moment instead.

    promql: sum(increase(http_requests_total[{window}]))
    sql: select count(*) from orders where at between now() - {offset} - {window} and now() - {offset}

Any other service is asked over HTTP. It is told the two instants, `{from}` and `{until}`, or their seconds since 1970:

    http: https://api.example.com/stats?from={from_unix}&to={until_unix}
    pointer: /orders

A whole level, `service_levels: {orders: ...}` of an environment:

    >>> ServiceLevel.model_validate({
    ...     "count": {"promql": "sum(increase(orders_total[{window}]))"},
    ...     "failed": {"promql": "sum(increase(orders_total{status='failed'}[{window}]))"},
    ... }).failed.promql
    "sum(increase(orders_total{status='failed'}[{window}]))"

A team without either can let the suite's own runs tell: `history: {check: health.live}` is a whole level by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from readiness.environment.posts import ByHttp
from readiness.environment.spans import BEGINS, ENDS, NOW, QUANTILE, Window, places_of
from readiness.errors import not_one_of
from readiness.timeline import parse_span

__all__ = ["NOW", "Figure", "ProbeHistory", "ServiceLevel", "Window"]
_PLACE = re.compile(r"\{(\w+)\}")
_CHECK = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_LINE = re.compile(r"[^/\s]+/[^/\s]+")
_QUOTED = re.compile(r"'\{\w+\}'")
_IN_SQL = {
    "window": "make_interval(secs => %s)",
    "offset": "make_interval(secs => %s)",
    "quantile": "%s::float8",
    "path": "%s::text",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Figure(ByHttp):
    """One number over a window: from the metrics server, the service's own tables, or any service by HTTP."""

    promql: str | None = None
    sql: str | None = None
    sum: Annotated[str, Field(pattern="^/")] | None = None
    """Where `pointer` finds a list: what stands at this pointer in each of its entries is added up. No entry is 0."""
    times: Annotated[float, Field(gt=0)] = 1.0
    """What an answer by HTTP is multiplied by: 0.001 makes seconds of milliseconds."""

    @model_validator(mode="after")
    def _sound(self) -> Figure:
        stated = [name for name in ("promql", "sql", "http") if getattr(self, name) is not None]
        if len(stated) != 1:
            raise ValueError(f"a figure has one source of promql, sql and http; here: {stated or 'none'}")
        if self.http is not None:
            self._require_sound_http()
        else:
            self._require_sound_query()
        return self

    def _require_sound_http(self) -> None:
        for places, what in ((BEGINS, "{from} or {from_unix}"), (ENDS, "{until} or {until_unix}")):
            if not places & self.places:
                raise ValueError(
                    f"neither the address nor what is sent has {what}: without it every window would give one figure"
                )

    def _require_sound_query(self) -> None:
        of_http = sorted({"pointer", "token", "headers", "sum", "times"} & self.model_fields_set)
        if of_http:
            raise ValueError(f"{of_http[0]} goes with http, and here is {'promql' if self.promql else 'sql'}")
        for name in sorted(self.places):
            if name not in _IN_SQL:
                raise ValueError(f"the placeholder {not_one_of(name, _IN_SQL)}")

        needed = ("window", "offset") if self.sql else ("window",)
        for name in needed:
            if name not in self.places:
                raise ValueError(f"the query has no {{{name}}}: without it every {name} would give the same figure")

        if self.promql and "offset" in self.places:
            raise ValueError("promql takes no {offset}: the server is asked about the earlier moment")
        if self.sql and _QUOTED.search(self.sql):
            raise ValueError("a placeholder takes no quotes in sql; it is a parameter")

    @property
    def query(self) -> str:
        """The query as it is written."""
        return self.promql or self.sql or ""

    @property
    def places(self) -> frozenset[str]:
        """The placeholders of the query, or of the question by HTTP."""
        if self.http is not None:
            return self.places_of_http | places_of([self.pointer, self.sum])
        return frozenset(_PLACE.findall(self.query))

    @property
    def asks_for_a_quantile(self) -> bool:
        """Whether the question names the quantile that is wanted."""
        return bool(QUANTILE & self.places)

    def in_promql(self, values: Mapping[str, str | float]) -> str:
        """Return the query with its placeholders filled in."""

        # A path may hold what PromQL would read as the end of its text.
        def escaped(match: re.Match[str]) -> str:
            return str(values[match[1]]).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

        return _PLACE.sub(escaped, self.query)

    def in_sql(self, values: Mapping[str, str | float]) -> tuple[str, list[str | float]]:
        """Return the statement and its parameters; a span goes as its seconds."""
        parameters: list[str | float] = []
        for name in _PLACE.findall(self.query):
            value = values[name]
            if name in {"window", "offset"} and isinstance(value, str):
                value = parse_span(value).total_seconds()
            parameters.append(value)

        # The team's own `like 'a%'` is no placeholder of the driver.
        query = self.query.replace("%", "%%")
        return _PLACE.sub(lambda match: _IN_SQL[match[1]], query), parameters


def _check(text: str) -> str:
    if not _CHECK.fullmatch(text):
        raise ValueError(f"{text!r} is not a check id such as health.live")
    return text


def _line(text: str) -> str:
    if not _LINE.fullmatch(text):
        raise ValueError(f"{text!r} is not a line such as ingestion/health-200")
    return text


class ProbeHistory(_Part):
    """What a check found of the target, run after run: the suite's own looks, each run one."""

    check: Annotated[str, AfterValidator(_check)]
    """The check that looked: health.live."""
    line: Annotated[str, AfterValidator(_line)] | None = None
    """`runbook/line`, where only that line's looks count; else all that the check decides."""
    measurement: Annotated[str, Field(min_length=1)] | None = None
    """The name of the measured seconds; else the slowest of the look."""


class ServiceLevel(_Part):
    """The figures of one kind of event: requests, uploads, payments."""

    history: ProbeHistory | None = None
    """In place of all figures: looks are counted, those that failed, the share that passed, the seconds they took."""
    count: Figure | None = None
    """How many there were."""
    failed: Figure | None = None
    """How many of them failed."""
    throttled: Figure | None = None
    """How many of them were turned away as too many (429)."""
    latency: Figure | None = None
    """The `{quantile}` of their seconds."""
    seconds: Figure | None = None
    """The seconds that all of them took together."""
    available: Figure | None = None
    """The share of the window in which the service was there, or the share of events that it could answer."""

    @model_validator(mode="after")
    def _fit(self) -> ServiceLevel:
        if self.history is not None:
            stated = [name for name, _ in self.figures()]
            if stated:
                raise ValueError(f"history gives all figures itself; {stated[0]} belongs to a level of its own")
            return self

        if self.count is None:
            raise ValueError("a level says count, or it has a history")

        for name, figure in self.figures():
            if figure.asks_for_a_quantile is not (name == "latency"):
                raise ValueError("{quantile} stands in the query of latency, and in no other; by HTTP {percent} too")
            if ("path" in figure.places) is not ("path" in self.count.places):
                raise ValueError(f"{name} and count differ: one asks about a {{path}}, the other about all")
        return self

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Yield the figures that are stated, by name."""
        for name in type(self).model_fields:
            figure = getattr(self, name)
            if isinstance(figure, Figure):
                yield name, figure
