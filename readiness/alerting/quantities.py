"""What an expression compares, by the names of its metrics and what is done to them: a share, a time, a number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import promql_parser as promql

from readiness.alerting.promql import (
    KEEP_THE_SCALE,
    PASS_ON,
    Comparison,
    Leaf,
    Quantity,
    Ratio,
    arithmetic,
    has_number,
    nodes,
    selectors,
    short,
)
from readiness.measurements import as_decimal

_FREE = {"avail", "available", "free", "idle", "success", "successes", "succeeded", "hit", "hits", "ok", "up"}
"""Words of what is good: a share of it that falls is its complement that rises."""
_SHARE = {"ratio", "share", "fraction"}
UTILISATION = {"utilisation", "utilization"}
"""Are a share, or per cent."""
PER_CENT = {"percent", "percentage", "pct"}
SECONDS = {
    **dict.fromkeys(("seconds", "second"), 1.0),
    **dict.fromkeys(("milliseconds", "millis", "ms"), 1e-3),
    **dict.fromkeys(("microseconds", "us"), 1e-6),
    **dict.fromkeys(("nanoseconds", "ns"), 1e-9),
    "minutes": 60.0,
    "hours": 3600.0,
}
TIMES = {*SECONDS, "latency", "duration", "elapsed", "delay", "time"}
COUNTS = {"count", "sum", "total", "bucket"}
"""How the names of counters end: of seconds they are no time, unless one is divided by the other."""
SUMMED = KEEP_THE_SCALE | PASS_ON | {"sum"}
COUNTING = SUMMED | {"count", "rate", "irate", "increase", "sum_over_time", "count_over_time"}
"""Functions and aggregations that may stand on both sides of a division, or inside a quantile."""
OF_EVENTS = {"increase", "changes", "sum", "max", "sort", "sort_desc", "label_replace", "label_join"}
"""Leave a number of events what it is; `rate` counts those of a second."""
_ADDED_UP = {"increase", "delta", "changes", "sum_over_time", "count_over_time"}
_WINDOW_IN_NAME = re.compile(r"(?<=[a-z])(?=[0-9]+(?:ms|[smhdwy])$)")
"""Recording rules end so: job:errors:ratio5m."""
HUNDRED = 100
PAST = timedelta(hours=1)
"""A window at least this long tells what is usual."""


class Unreadable(Exception):
    """The expression does not tell when the rule fires."""


def must_be_readable(quantity: Quantity) -> None:
    """Raise Unreadable where numbers or windows inside leave its scale open."""
    if isinstance(quantity, Ratio):
        must_be_readable(quantity.part)
        must_be_readable(quantity.whole)
        if _counted_over(quantity.part) != _counted_over(quantity.whole):
            raise Unreadable("it divides what is counted over one window by what is counted over another")
    elif has_number(quantity.node):
        raise Unreadable(f"{short(quantity.node)} calculates with numbers inside, so that its scale is not known")


def _counted_over(quantity: Quantity) -> set[float | None]:
    """Return the windows over which something is added up: a longer one gives more."""
    if isinstance(quantity, Ratio):
        return set()  # has no unit
    calls = (each for each in nodes(quantity.node) if isinstance(each, promql.Call))
    return {reach_of(each) for each in calls if each.func.name in _ADDED_UP}


def must_keep_the_scale(quantity: Quantity, keep_the_scale: set[str], divided: bool = False) -> None:
    """Raise Unreadable at a function, an aggregation or a calculation that is not known to leave the scale as it is."""
    if isinstance(quantity, Ratio):
        must_keep_the_scale(quantity.part, keep_the_scale, divided=True)
        must_keep_the_scale(quantity.whole, keep_the_scale, divided=True)
        return
    for each in nodes(quantity.node):
        name = each.func.name if isinstance(each, promql.Call) else str(getattr(each, "op", ""))
        if isinstance(each, promql.Call | promql.AggregateExpr) and name not in keep_the_scale:
            raise Unreadable(f"{short(each)}: {name} is not known to leave the scale as it is")
    calculated = next((each for each in arithmetic(quantity.node) if not divided or str(each.op) != "-"), None)
    if calculated is not None:
        raise Unreadable(f"{short(calculated)} is calculated, so that its scale is not known")


def reach_of(node: promql.Expr) -> float | None:
    """Return how many seconds back a function looks."""
    for argument in node.args if isinstance(node, promql.Call) else ():
        if isinstance(argument, promql.MatrixSelector | promql.SubqueryExpr) and argument.range:
            return argument.range.total_seconds()
    return None


def words_of(quantity: Quantity) -> set[str]:
    """Return the words in the metrics' names of what is measured: of a ratio its upper part."""
    if isinstance(quantity, Ratio):
        return words_of(quantity.part)
    return {word for selector in selectors(quantity) for word in _split(_metric(selector))}


def all_named(quantity: Quantity, words: Iterable[str]) -> bool:
    """Check whether each metric's name has one of the words."""
    names = [set(_split(_metric(selector))) for selector in selectors(quantity)]
    return bool(names) and all(name & set(words) for name in names)


def endings_of(quantity: Quantity) -> set[str]:
    """Return the last words of its metrics' names."""
    return {_split(_metric(selector))[-1] for selector in selectors(quantity)}


def _metric(selector: promql.VectorSelector) -> str:
    """Return the name of a selector's metric; one with dots stands within the braces, since Prometheus 3."""
    within = [
        matcher.value
        for matcher in selector.matchers.matchers
        if matcher.name == "__name__" and matcher.op == promql.MatchOp.Equal
    ]
    return selector.name or (within[0] if within else "")


def _split(name: str) -> list[str]:
    words = "".join(char.lower() if char.isalnum() else "_" for char in _snake(name)).split("_")
    return [part for word in words for part in _WINDOW_IN_NAME.split(word)]


def _snake(name: str) -> str:
    """Part CamelCase words: node_memory_MemAvailable_bytes."""
    pairs = zip(f"_{name}", name, strict=False)
    return "".join(f"_{char}" if char.isupper() and before.islower() else char for before, char in pairs)


def is_of_the_good(quantity: Quantity) -> bool:
    """Check whether it is a quantity of what is good: successes, free space."""
    upper = quantity.part if isinstance(quantity, Ratio) else quantity
    if isinstance(upper, Ratio) or any(isinstance(each, promql.BinaryExpr) for each in nodes(upper.node)):
        return False
    values = {
        word
        for selector in selectors(upper)
        for matcher in selector.matchers.matchers
        if matcher.op in (promql.MatchOp.Equal, promql.MatchOp.Re)
        for word in _split(matcher.value)
    }
    return bool((words_of(upper) | values) & _FREE)


def tells_a_share(comparison: Comparison) -> bool:
    """Check whether what is compared says that it is a share, or per cent."""
    if isinstance(comparison.quantity, Ratio) or comparison.factor == HUNDRED:
        return True
    return all_named(comparison.quantity, _SHARE | PER_CENT) or is_time_share(comparison.quantity)


def is_time_share(quantity: Leaf) -> bool:
    """Check whether seconds are counted each second: the share of the time."""
    calls = (each for each in nodes(quantity.node) if isinstance(each, promql.Call))
    rated = any(each.func.name in {"rate", "irate"} for each in calls)
    return rated and all_named(quantity, {"seconds"}) and endings_of(quantity) <= {"total", "seconds"}


def tells_the_usual(ratio: Ratio) -> bool:
    """Check whether what is now is divided by what was earlier, or by what was over a longer time."""
    now, usual = _looks_back(ratio.part), _looks_back(ratio.whole)
    earlier, longer = usual.offset > timedelta(0), usual.reach >= PAST and usual.reach > now.reach
    return now.offset <= timedelta(0) and (earlier or longer)


@dataclass(frozen=True)
class _LookBack:
    """How far a quantity's series are from now."""

    offset: timedelta
    reach: timedelta


def _looks_back(quantity: Quantity) -> _LookBack:
    if isinstance(quantity, Ratio):
        parts = (_looks_back(quantity.part), _looks_back(quantity.whole))
        return _LookBack(max(part.offset for part in parts), max(part.reach for part in parts))
    spans = [each for each in nodes(quantity.node) if isinstance(each, promql.SubqueryExpr | promql.MatrixSelector)]
    offsets = [each.offset for each in selectors(quantity)]
    offsets += [each.offset for each in spans if isinstance(each, promql.SubqueryExpr)]
    return _LookBack(
        max((offset for offset in offsets if offset), default=timedelta(0)),
        max((span.range for span in spans if span.range), default=timedelta(0)),
    )


def quantile_of(comparison: Comparison) -> float | None:
    """Return the quantile that is looked at, in a function or in a label."""
    for each in nodes(comparison.quantity.node) if isinstance(comparison.quantity, Leaf) else ():
        if isinstance(each, promql.Call) and each.func.name in {"histogram_quantile", "quantile_over_time"}:
            first = each.args[0]
            return first.val if isinstance(first, promql.NumberLiteral) else None
    for selector in selectors(comparison.quantity):
        for matcher in selector.matchers.matchers:
            if matcher.name == "quantile" and matcher.op == promql.MatchOp.Equal:
                try:
                    return as_decimal(matcher.value)
                except ValueError:
                    return None
    return None
