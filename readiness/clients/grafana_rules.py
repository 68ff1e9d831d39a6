"""The alert rules that Grafana keeps, as PromQL where they can be written so, and where what they say goes.

Source: Grafana's provisioning API and grafana.com/docs/grafana/latest/alerting. A rule is queries and expressions that
refer to each other; its condition is one of them and fires while it is not zero. What has no counterpart in PromQL
(classic conditions, SQL, a function of its mathematics) is unreadable, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from readiness.alerting.promql import ABOVE, Comparison, read
from readiness.alerting.quantities import Unreadable

_EXPRESSIONS = {"__expr__", "-100"}
_PROMETHEUS = {"prometheus", "grafana-amazonprometheus-datasource", "grafana-azureprometheus-datasource"}
_REFERENCE = re.compile(r"\$(?:\{(\w[\w ]*)\}|(\w+))")
_ARITHMETIC = re.compile(r"(?:[\d.\s()+\-*/<>]|[<>=!]=|&&|\|\|)*")
_COMPARES = re.compile(r"[<>]|[=!]=")
_EXISTS = re.compile(r"is_number\(\$\{?(\w+)\}?\)\s*\|\|\s*is_nan\(\$\{?\1\}?\)\s*\|\|\s*is_inf\(\$\{?\1\}?\)")
"""What Grafana writes around a rule that it has taken over from Prometheus: there is any value."""
_OVER_TIME = {"mean": "avg", "min": "min", "max": "max", "sum": "sum", "count": "count"}
_OPERATORS = {"gt": ">", "lt": "<", "eq": "==", "ne": "!=", "gte": ">=", "lte": "<="}
_RANGES = {"within_range": "> {} and ({}) < {}", "outside_range": "< {} or ({}) > {}"}
_NOBODY = "example@email.com"
"""The address of the contact point that Grafana comes with."""


class Query(BaseModel):
    """A query of a rule, or an expression over others."""

    model_config = ConfigDict(frozen=True)

    ref: str = Field(alias="refId")
    source: str = Field("", alias="datasourceUid")
    model: dict[str, Any] = {}
    span: dict[str, float] = Field({}, alias="relativeTimeRange")

    @property
    def kind(self) -> str:
        """Tell the type of an expression."""
        return str(self.model.get("type", ""))

    @property
    def seconds(self) -> float:
        """Tell how long the time is that it looks at."""
        return self.span.get("from", 0) - self.span.get("to", 0)


class Settings(BaseModel):
    """Where a rule sends its alerts, past the notification policies."""

    model_config = ConfigDict(frozen=True)

    receiver: str


class StoredRule(BaseModel):
    """An alert rule as Grafana keeps it."""

    model_config = ConfigDict(frozen=True)

    uid: str = ""
    title: str
    group: str = Field(alias="ruleGroup")
    condition: str
    data: list[Query]
    hold: str = Field(alias="for")
    paused: bool = Field(False, alias="isPaused")
    labels: dict[str, str] | None = None
    settings: Settings | None = Field(None, alias="notification_settings")
    record: dict[str, Any] | None = None
    """Of a rule that records and alerts nobody."""


class EvaluatedRule(BaseModel):
    """What became of a rule when Grafana evaluated it last."""

    model_config = ConfigDict(frozen=True)

    uid: str = ""
    name: str
    group: str = ""
    folder: str = ""
    health: str = "unknown"
    """ok, nodata, error or unknown."""
    state: str = "unknown"
    last_error: str = Field("", alias="lastError")
    evaluated_at: str = Field("", alias="lastEvaluation")


class ContactPoint(BaseModel):
    """One way in which somebody is told; several may share a name."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    type: str
    settings: dict[str, Any] = {}

    @property
    def tells_somebody(self) -> bool:
        """Tell whether it is more than what Grafana comes with."""
        return _NOBODY not in str(self.settings.get("addresses", ""))


class Policy(BaseModel):
    """A notification policy: which alerts go to which contact point."""

    model_config = ConfigDict(frozen=True)

    receiver: str = ""
    matchers: list[tuple[str, str, str]] | None = Field(None, alias="object_matchers")
    older: dict[str, Any] | None = Field(None, alias="match")
    older_patterns: dict[str, Any] | None = Field(None, alias="match_re")
    goes_on: bool = Field(False, alias="continue")
    routes: list[Policy] | None = None

    def matches(self, labels: Mapping[str, str]) -> bool | None:
        """Tell whether alerts with these labels go this way; None where only the alert's own series can tell."""
        told = [_holds(*matcher, labels) for matcher in self.matchers or ()]
        if self.older or self.older_patterns:
            told.append(None)
        return False if False in told else None if None in told else True


def _holds(name: str, operator: str, wanted: str, labels: Mapping[str, str]) -> bool | None:
    value = labels.get(name)
    if value is None or "{{" in value:
        return None
    try:
        same = value == wanted if operator in {"=", "!="} else re.fullmatch(wanted, value) is not None
    except re.error:
        return None
    return same != operator.startswith("!")


def destinations(policy: Policy, labels: Mapping[str, str], receiver: str = "") -> Iterator[tuple[str, bool]]:
    """Name every contact point that alerts with these labels may go to, and whether it is sure that they do."""
    own, sure, taken = policy.receiver or receiver, True, False
    for route in policy.routes or ():
        matches = route.matches(labels)
        if matches is False:
            continue
        yield from ((name, sure and inner and bool(matches)) for name, inner in destinations(route, labels, own))
        if matches and not route.goes_on:
            return
        taken, sure = taken or bool(matches), sure and bool(matches)
    if not taken:
        yield own, sure


def expression(rule: StoredRule) -> str:
    """Write a rule's condition as PromQL. Raises Unreadable."""
    return _Reading({query.ref: query for query in rule.data}).condition(rule.condition)


class _Reading:
    def __init__(self, queries: Mapping[str, Query]) -> None:
        self._queries = queries
        self._left = len(queries) * 8
        """So many steps at most: what refers to itself ends."""

    def condition(self, ref: str) -> str:
        query = self._query(ref)
        if query.source not in _EXPRESSIONS or query.kind == "reduce":
            return _compared(self._number(ref), "!=", 0)
        if query.kind == "threshold":
            return self._threshold(query)
        if query.kind == "math":
            exists = self._exists(query)
            text = exists or self._mathematics(query)
            return text if exists or _COMPARES.search(str(query.model.get("expression"))) else _compared(text, "!=", 0)
        raise Unreadable(f"{query.ref} is an expression of the type {query.kind or 'none'}")

    def _query(self, ref: str) -> Query:
        self._left -= 1
        if ref not in self._queries or self._left < 0:
            raise Unreadable(f"its expressions refer to {ref!r}, which cannot be followed")
        return self._queries[ref]

    def _threshold(self, query: Query) -> str:
        inner = self._queries.get(_bare(query.model.get("expression")))
        conditions = query.model.get("conditions")
        try:
            evaluator = conditions[0]["evaluator"]  # type: ignore[index]
            kind, limits = str(evaluator["type"]), [float(limit) for limit in evaluator["params"]]
        except (TypeError, LookupError, ValueError):
            raise Unreadable(f"{query.ref} has no threshold") from None
        if inner is not None and inner.kind == "math" and (kind, limits[:1]) == ("gt", [0.0]):
            exists = self._exists(inner)
            if exists:
                return exists
        number = self._number(_bare(query.model.get("expression")))
        if kind in _OPERATORS and limits:
            return _compared(number, _OPERATORS[kind], limits[0])
        if kind in _RANGES and len(limits) > 1:
            low, high = sorted(limits[:2])
            return f"({number}) " + _RANGES[kind].format(f"{low:g}", number, f"{high:g}")
        raise Unreadable(f"{query.ref} compares by {kind}")

    def _number(self, ref: str) -> str:
        query = self._query(ref)
        if query.source not in _EXPRESSIONS:
            return _promql(query)
        if query.kind == "reduce":
            return self._reduced(query)
        if query.kind == "math" and not _COMPARES.search(str(query.model.get("expression"))):
            return self._mathematics(query)
        raise Unreadable(f"{query.ref} calculates with an expression of the type {query.kind or 'none'}")

    def _reduced(self, query: Query) -> str:
        ref, reducer = _bare(query.model.get("expression")), str(query.model.get("reducer", ""))
        number, inner = self._number(ref), self._query(ref)
        instant = bool(inner.model.get("instant")) and not inner.model.get("range")
        if reducer == "last" or (instant and reducer in _OVER_TIME and reducer != "count"):
            return number
        if instant or reducer not in _OVER_TIME or inner.source in _EXPRESSIONS or inner.seconds <= 0:
            raise Unreadable(f"{query.ref} reduces {ref} by {reducer or 'nothing'}")
        return f"{_OVER_TIME[reducer]}_over_time(({number})[{inner.seconds:.0f}s:])"

    def _mathematics(self, query: Query) -> str:
        text = str(query.model.get("expression", ""))
        if not _ARITHMETIC.fullmatch(_REFERENCE.sub("", text)) or not _REFERENCE.search(text):
            raise Unreadable(f"{query.ref} calculates {text!r}")
        written = _REFERENCE.sub(lambda found: f"({self._number(found[1] or found[2])})", text)
        return written.replace("&&", "and").replace("||", "or")

    def _exists(self, query: Query) -> str | None:
        found = _EXISTS.fullmatch(str(query.model.get("expression", "")).strip())
        return self._number(found[1]) if found else None


def _bare(reference: object) -> str:
    found = _REFERENCE.fullmatch(str(reference or "").strip())
    return (found[1] or found[2]) if found else str(reference or "")


def _compared(number: str, operator: str, limit: float) -> str:
    """Compare a number; PromQL that compares already gives what it compared, and fires while that is not zero."""
    inner = read(number)
    if not isinstance(inner, Comparison):
        return f"({number}) {operator} {limit:g}"
    if operator not in {">", "!="} or limit or inner.word != ABOVE or inner.threshold < 0:
        raise Unreadable(f"{inner.text} is compared once more with {limit:g}")
    return number


def _promql(query: Query) -> str:
    source = query.model.get("datasource")
    kind = str(source.get("type", "")) if isinstance(source, dict) else ""
    text = query.model.get("expr")
    if kind not in _PROMETHEUS or not isinstance(text, str) or not text.strip():
        raise Unreadable(
            f"{query.ref} asks a data source of the type {kind or 'that it does not tell'}, not Prometheus"
        )
    return text.strip()
