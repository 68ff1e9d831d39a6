"""The alert rules that Grafana keeps, as PromQL where they can be written so, and where what they say goes.

Source: Grafana's provisioning API and grafana.com/docs/grafana/latest/alerting. A rule is queries and expressions that
refer to each other; its condition is one of them and fires while it is not zero. What has no counterpart in PromQL
(classic conditions, SQL, a function of its mathematics) is unreadable, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ConfigDict, Field

from readiness.alerting.promql import ABOVE, Comparison, read
from readiness.alerting.quantities import Unreadable
from readiness.files.canonical_json import JsonObject

_EXPRESSIONS = {"__expr__", "-100"}
_PROMETHEUS = {"prometheus", "grafana-amazonprometheus-datasource", "grafana-azureprometheus-datasource"}
_REFERENCE = re.compile(r"\$(?:\{(\w[\w ]*)\}|(\w+))")
_ARITHMETIC = re.compile(r"(?:[0-9.\s()+\-*/<>]|[<>=!]=|&&|\|\|)*")
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
    model: JsonObject = {}
    span: dict[str, float] = Field({}, alias="relativeTimeRange")

    @property
    def kind(self) -> str:
        """The type of an expression, such as threshold; empty for a query."""
        return str(self.model.get("type", ""))

    @property
    def seconds(self) -> float:
        """How many seconds of data it takes in."""
        return self.span.get("from", 0) - self.span.get("to", 0)

    @property
    def expression(self) -> str:
        """The text of an expression of the type math."""
        return str(self.model.get("expression", ""))


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
    record: JsonObject | None = None
    """Of a rule that records and alerts nobody."""


class EvaluatedRule(BaseModel):
    """What became of a rule at its last evaluation."""

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
    """One integration that notifies somebody; several may share the name of a contact point."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    type: str
    settings: JsonObject = {}

    @property
    def tells_somebody(self) -> bool:
        """Whether it is more than the contact point that Grafana comes with, whose address is an example."""
        return _NOBODY not in str(self.settings.get("addresses", ""))


class Policy(BaseModel):
    """A notification policy: which alerts go to which contact point."""

    model_config = ConfigDict(frozen=True)

    receiver: str = ""
    matchers: list[tuple[str, str, str]] | None = Field(None, alias="object_matchers")
    older: JsonObject | None = Field(None, alias="match")
    older_patterns: JsonObject | None = Field(None, alias="match_re")
    goes_on: bool = Field(False, alias="continue")
    routes: list[Policy] | None = None

    def matches(self, labels: Mapping[str, str]) -> bool | None:
        """Return whether alerts with these labels match; None where only the alert's own series can decide that."""
        answers = [_holds(*matcher, labels) for matcher in self.matchers or ()]
        if self.older or self.older_patterns:
            answers.append(None)

        # One matcher that does not hold decides, whatever is not known of the others.
        if False in answers:
            return False
        if None in answers:
            return None
        return True


def _holds(name: str, operator: str, wanted: str, labels: Mapping[str, str]) -> bool | None:
    """Return whether a matcher holds for a rule's own labels; None for one that the series may bring, or a template."""
    value = labels.get(name)
    if value is None or "{{" in value:
        return None

    if operator in {"=", "!="}:
        is_match = value == wanted
    else:
        try:
            is_match = re.fullmatch(wanted, value) is not None
        except re.error:  # Go's syntax knows what Python's does not
            return None
    return is_match != operator.startswith("!")


def destinations(policy: Policy, labels: Mapping[str, str], receiver: str = "") -> Iterator[tuple[str, bool]]:
    """Yield every contact point that alerts with these labels may go to, and whether it is sure that they do.

    `receiver` is the parent's: a policy without one of its own inherits it.

    Source: grafana.com/docs/grafana/latest/alerting/fundamentals/notifications/notification-policies.
    """
    own_receiver = policy.receiver or receiver
    is_sure = True
    # Whether a nested policy surely takes the alerts, so that they do not fall back on this one.
    is_taken = False

    for route in policy.routes or ():
        matches = route.matches(labels)
        if matches is False:
            continue

        for name, is_sure_below in destinations(route, labels, own_receiver):
            yield name, is_sure and is_sure_below and matches is True
        if matches and not route.goes_on:
            return

        if matches:
            is_taken = True
        else:
            # It may match and end the search: from here on nothing is sure.
            is_sure = False

    if not is_taken:
        yield own_receiver, is_sure


def expression(rule: StoredRule) -> str:
    """Return a rule's condition as PromQL. Raises Unreadable."""
    queries = {query.ref: query for query in rule.data}
    return _Translation(queries).condition(rule.condition)


class _Translation:
    """The queries and expressions of one rule, on their way to PromQL."""

    def __init__(self, queries: Mapping[str, Query]) -> None:
        self._queries = queries
        self._steps_left = len(queries) * 8
        """What refers to itself ends; a rule that does not takes far fewer steps."""

    def condition(self, ref: str) -> str:
        """Return PromQL that has series while the condition `ref` fires. Raises Unreadable."""
        query = self._query(ref)
        if query.source not in _EXPRESSIONS or query.kind == "reduce":
            return _compared(self._number(ref), "!=", 0)
        if query.kind == "threshold":
            return self._threshold(query)
        if query.kind == "math":
            return self._math_condition(query)
        raise Unreadable(f"{query.ref} is an expression of the type {query.kind or 'none'}")

    def _query(self, ref: str) -> Query:
        self._steps_left -= 1
        if ref not in self._queries or self._steps_left < 0:
            raise Unreadable(f"its expressions refer to {ref!r}, which cannot be followed")
        return self._queries[ref]

    def _math_condition(self, query: Query) -> str:
        exists = self._exists(query)
        if exists:
            return exists

        text = self._mathematics(query)
        if _COMPARES.search(query.expression):
            return text
        return _compared(text, "!=", 0)

    def _threshold(self, query: Query) -> str:
        """Return a threshold as a comparison. Its condition is `{"evaluator": {"type": "gt", "params": [5]}}`."""
        ref = _bare(query.model.get("expression"))
        try:
            evaluator = query.model["conditions"][0]["evaluator"]
            kind = str(evaluator["type"])
            limits = [float(limit) for limit in evaluator["params"]]
        except (TypeError, LookupError, ValueError):
            raise Unreadable(f"{query.ref} has no threshold") from None

        # `is_number(A) || ...` is 1 or 0, so that "above 0" says no more than it does.
        inner = self._queries.get(ref)
        is_above_zero = kind == "gt" and limits[:1] == [0.0]
        if inner is not None and inner.kind == "math" and is_above_zero:
            exists = self._exists(inner)
            if exists:
                return exists

        number = self._number(ref)
        if kind in _OPERATORS and limits:
            return _compared(number, _OPERATORS[kind], limits[0])
        if kind in _RANGES and len(limits) > 1:
            low, high = sorted(limits[:2])
            return f"({number}) " + _RANGES[kind].format(f"{low:g}", number, f"{high:g}")
        raise Unreadable(f"{query.ref} compares by {kind}")

    def _number(self, ref: str) -> str:
        """Return PromQL for the number that a query or expression stands for. Raises Unreadable."""
        query = self._query(ref)
        if query.source not in _EXPRESSIONS:
            return _promql(query)
        if query.kind == "reduce":
            return self._reduced(query)
        if query.kind == "math" and not _COMPARES.search(query.expression):
            return self._mathematics(query)
        raise Unreadable(f"{query.ref} calculates with an expression of the type {query.kind or 'none'}")

    def _reduced(self, query: Query) -> str:
        """Return a reduction as an aggregation over time; of an instant query it changes nothing."""
        ref = _bare(query.model.get("expression"))
        reducer = str(query.model.get("reducer", ""))
        number = self._number(ref)
        inner = self._query(ref)

        # An instant query has one point, which is its mean, minimum, maximum and sum; only its count is another.
        is_instant = bool(inner.model.get("instant")) and not inner.model.get("range")
        keeps_the_point = is_instant and reducer in _OVER_TIME and reducer != "count"
        if reducer == "last" or keeps_the_point:
            return number

        # Over time there are only a query's own points: an expression has none that PromQL could take.
        has_points = not is_instant and inner.source not in _EXPRESSIONS and inner.seconds > 0
        if reducer not in _OVER_TIME or not has_points:
            raise Unreadable(f"{query.ref} reduces {ref} by {reducer or 'nothing'}")
        return f"{_OVER_TIME[reducer]}_over_time(({number})[{inner.seconds:.0f}s:])"

    def _mathematics(self, query: Query) -> str:
        """Return an expression of numbers and operators as PromQL; functions are not translated."""
        text = query.expression
        has_reference = _REFERENCE.search(text) is not None
        if not has_reference or not _ARITHMETIC.fullmatch(_REFERENCE.sub("", text)):
            raise Unreadable(f"{query.ref} calculates {text!r}")

        def number(reference: re.Match[str]) -> str:
            return f"({self._number(_referred(reference))})"

        return _REFERENCE.sub(number, text).replace("&&", "and").replace("||", "or")

    def _exists(self, query: Query) -> str | None:
        """Return the number whose mere existence an expression asks for; None where it asks for something else."""
        match = _EXISTS.fullmatch(query.expression.strip())
        if match is None:
            return None
        return self._number(match[1])


def _referred(reference: re.Match[str]) -> str:
    """Return the name in `${A}` or `$A`."""
    return reference[1] or reference[2]


def _bare(reference: object) -> str:
    """Return the name that an expression refers to: it may stand as `$A`, `${A}` or `A`."""
    text = str(reference or "")
    match = _REFERENCE.fullmatch(text.strip())
    return _referred(match) if match else text


def _compared(number: str, operator: str, limit: float) -> str:
    """Return a number's comparison. Raises Unreadable for PromQL that compares already, unless by the same meaning.

    What compares already has the values that it compared, and fires while those are not zero.
    """
    inner = read(number)
    if not isinstance(inner, Comparison):
        return f"({number}) {operator} {limit:g}"

    asks_for_any_value = operator in {">", "!="} and limit == 0
    has_positive_values = inner.word == ABOVE and inner.threshold >= 0
    if not asks_for_any_value or not has_positive_values:
        raise Unreadable(f"{inner.text} is compared once more with {limit:g}")
    return number


def _promql(query: Query) -> str:
    """Return the PromQL of a query. Raises Unreadable where it asks no Prometheus."""
    source = query.model.get("datasource")
    kind = str(source.get("type", "")) if isinstance(source, dict) else ""
    text = query.model.get("expr")
    if kind not in _PROMETHEUS or not isinstance(text, str) or not text.strip():
        raise Unreadable(
            f"{query.ref} asks a data source of the type {kind or 'that it does not tell'}, not Prometheus"
        )
    return text.strip()
