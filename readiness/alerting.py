"""Does an alert's condition make it fire as early as a runbook line demands? Pure judgement on what `promql` reads.

Each demand has a quantity of its own: a share (0 to 1), seconds, the share of the usual traffic that is lost, failed
health checks in a row, single events. Where the unit of a rule's threshold is not told by the expression, the reading
that fires latest is judged: what passes under it passes under every other. What remains is unreadable, never a guess.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import promql_parser as promql

from readiness.promql import (
    ABOVE,
    BELOW,
    IS,
    IS_NOT,
    KEEP_THE_SCALE,
    PASS_ON,
    AnyOf,
    Comparison,
    Condition,
    Leaf,
    Opaque,
    Quantity,
    Ratio,
    Step,
    arithmetic,
    has_number,
    nodes,
    paths,
    selectors,
    short,
)

_FREE = {"avail", "available", "free", "idle", "success", "successes", "succeeded", "hit", "hits", "ok", "up"}
"""Words of what is good: a share of it that falls is its complement that rises."""
_SHARE = {"ratio", "share", "fraction"}
_UTILISATION = {"utilisation", "utilization"}
"""Are a share, or per cent."""
_PER_CENT = {"percent", "percentage", "pct"}
_SECONDS = {
    **dict.fromkeys(("seconds", "second"), 1.0),
    **dict.fromkeys(("milliseconds", "millis", "ms"), 1e-3),
    **dict.fromkeys(("microseconds", "us"), 1e-6),
    **dict.fromkeys(("nanoseconds", "ns"), 1e-9),
    "minutes": 60.0,
    "hours": 3600.0,
}
_TIMES = {*_SECONDS, "latency", "duration", "elapsed", "delay", "time"}
_COUNTS = {"count", "sum", "total", "bucket"}
"""How the names of counters end: of seconds they are no time, unless one is divided by the other."""
_SUMMED = KEEP_THE_SCALE | PASS_ON | {"sum"}
_COUNTING = _SUMMED | {"count", "rate", "irate", "increase", "sum_over_time", "count_over_time"}
"""Functions and aggregations that may stand on both sides of a division, or inside a quantile."""
_OF_EVENTS = {"increase", "changes", "sum", "max", "sort", "sort_desc", "label_replace", "label_join"}
"""Leave a number of events what it is; `rate` counts those of a second."""
_ADDED_UP = {"increase", "delta", "changes", "sum_over_time", "count_over_time"}
_WINDOW_IN_NAME = re.compile(r"(?<=[a-z])(?=\d+(?:ms|[smhdwy])$)")
"""Recording rules end so: job:errors:ratio5m."""
_OF_ALL = {True: {"min", "bottomk", "quantile"}, False: {"max", "topk", "quantile"}}
"""Aggregations that rise, and that fall, only when all of their series do, or more than one."""
_HUNDRED = 100
_PAST = timedelta(hours=1)
"""A window at least this long tells what is usual."""
_WHOLE_WINDOW = {"max_over_time", "sum_over_time"}
_ALL_FAIL = 0.0


class Unreadable(Exception):
    """The expression does not tell when the rule fires."""


@dataclass(frozen=True)
class Timing:
    """What besides the expression decides when a rule fires."""

    hold_seconds: float = 0.0
    probe_seconds: float | None = None
    """Between two health checks; None where nothing tells it."""
    within_seconds: float = _PAST.total_seconds()
    """So long the line lets a condition hold before somebody is told."""


@dataclass(frozen=True)
class Demand:
    """What a line demands of an alert: that it fires at this value of a quantity, or before."""

    quantity: str
    """share, seconds, drop, failures or events."""
    limit: float
    quantile: float | None = None
    """Of the response times: the rule must look at this quantile, or a higher one."""

    def met_at(self, value: float) -> bool:
        """Tell whether a rule that fires at this value is good enough.

        Two failures in a row are a demand from below: one failure alone must not page anybody.
        """
        slack = 1e-9
        return value >= self.limit - slack if self.quantity == "failures" else value <= self.limit + slack


def fires_at(condition: Condition, demand: Demand, timing: Timing) -> float:
    """Tell at which value of the demanded quantity the rule fires. Raises Unreadable; infinity is never."""
    if isinstance(condition, Opaque):
        raise Unreadable(condition.reason)
    if isinstance(condition, Comparison):
        value = _READERS[demand.quantity](condition, demand, timing)
        if demand.met_at(value):
            _fires_in_time(condition, demand, timing)
        return value
    found, unread = [], []
    for part in condition.parts:
        try:
            found.append(fires_at(part, demand, timing))
        except Unreadable as error:
            if isinstance(condition, AnyOf) or not _is_filter(part):
                unread.append(error)
    if unread and not _settled(condition, demand, found):
        raise unread[0]
    if not found:
        raise Unreadable("no part of it compares what the line is about")
    return min(found) if isinstance(condition, AnyOf) else max(found)


def _settled(condition: Condition, demand: Demand, found: list[float]) -> bool:
    """Tell whether it does not matter what an unread part says.

    Of alternatives the earliest counts: one that is early enough settles it. Of parts that must all hold the latest
    counts: one that is too late settles it. Failures are counted from below, where neither is so.
    """
    if demand.quantity == "failures":
        return False
    met = [demand.met_at(value) for value in found]
    return any(met) if isinstance(condition, AnyOf) else not all(met)


def _is_filter(part: Condition) -> bool:
    """Tell whether a part only says where the rule looks: `readonly == 0`, `requests > 0`."""
    if not isinstance(part, Comparison):
        return False
    return (part.word in {IS, IS_NOT} and part.threshold in {0, 1}) or (part.word == ABOVE and part.threshold == 0)


def _fires_in_time(found: Comparison, demand: Demand, timing: Timing) -> None:
    """Raise Unreadable where the expression itself waits, beyond what `for` says."""
    if found.written is None:
        raise Unreadable(f"{found.text} does not tell how far it looks back")
    for path in paths(found.written, found.rises):
        _one_is_enough(found, path)
        after = timing.hold_seconds + sum(_waits(step, demand, timing) for step in path)
        if timing.hold_seconds <= timing.within_seconds < after:
            raise Unreadable(
                f"{found.text} looks back: with its `for` it fires after {after:g} s, "
                f"and the line wants {timing.within_seconds:g} s"
            )


def _one_is_enough(found: Comparison, path: tuple[Step, ...]) -> None:
    """Raise Unreadable where one series that is bad is outweighed by the others."""
    for number, step in enumerate(path):
        name = str(step.node.op) if isinstance(step.node, promql.AggregateExpr) else ""
        if name in _OF_ALL[step.rises]:
            raise Unreadable(f"{short(step.node)}: {name} waits until more than one of its series is bad")
        divided = any(isinstance(each.node, promql.BinaryExpr) and str(each.node.op) == "/" for each in path[number:])
        if name == "sum" and not step.rises and (divided or isinstance(found.quantity, Leaf)):
            raise Unreadable(f"{short(step.node)} adds up what should fall, and so falls late")


def _waits(step: Step, demand: Demand, timing: Timing) -> float:
    """Tell for how long a part keeps back what is bad already. Raises Unreadable where it depends on how bad it is."""
    node = step.node
    if isinstance(node, promql.VectorSelector | promql.MatrixSelector | promql.SubqueryExpr):
        return _offset(node)
    reach = _reach(node)
    if reach is None or not isinstance(node, promql.Call):
        return 0
    if node.func.name in {"min_over_time", "max_over_time"}:
        return reach if (node.func.name == "min_over_time") == step.rises else 0
    if node.func.name == "quantile_over_time" and not _is_soon_moved(node, step.rises):
        raise Unreadable(f"{short(node)} waits until most of its window is bad")
    if demand.quantity != "events" and reach > max(_PAST.total_seconds(), timing.within_seconds):
        raise Unreadable(f"{short(node)} looks at {reach:g} s at once, so that what begins now is seen late")
    return 0


def _offset(node: promql.VectorSelector | promql.MatrixSelector | promql.SubqueryExpr) -> float:
    series = node.vector_selector if isinstance(node, promql.MatrixSelector) else node
    if series.at is not None:
        raise Unreadable(f"{short(node)} looks at one moment for ever")
    return max(series.offset.total_seconds(), 0.0) if series.offset else 0.0


def _is_soon_moved(node: promql.Call, rises: bool) -> bool:
    """Tell whether half of the window is enough to move a quantile over time."""
    middle, quantile = 0.5, node.args[0]
    if not isinstance(quantile, promql.NumberLiteral):
        return False
    return quantile.val >= middle if rises else quantile.val <= middle


def _share(found: Comparison, demand: Demand, timing: Timing) -> float:
    del timing
    _readable(found.quantity)
    share = _fires_at_share(found)
    told = _tells_a_share(found) or (share <= 1 and _all_named(found.quantity, _UTILISATION))
    if not told and (share > 1 or demand.met_at(share)):
        raise Unreadable(f"{found.text}: is that per cent, or no share at all? its metric's name does not say so")
    if demand.met_at(share):
        _stays_a_share(found)
    return share


def _fires_at_share(found: Comparison) -> float:
    threshold = found.threshold / (_HUNDRED if _words(found.quantity) & _PER_CENT else 1)
    if found.word not in {ABOVE, BELOW}:
        raise Unreadable(f"{found.text} waits for one exact value")
    good = _is_of_the_good(found.quantity)
    if found.complement:
        if found.word == BELOW:
            raise Unreadable(f"{found.text} fires when the complement falls")
        return threshold
    if found.word == ABOVE:
        if good:
            raise Unreadable(f"{found.text} fires when what is good rises")
        return threshold
    if not good or not _tells_a_share(found):
        raise Unreadable(f"{found.text} fires when something falls, and it cannot be seen that this is a share")
    if not 0 <= threshold <= 1:
        raise Unreadable(f"{found.text} compares a share with {threshold:g}")
    return 1 - threshold


def _stays_a_share(found: Comparison) -> None:
    """Raise Unreadable where a share's name stands, and what is done to it makes something else of it."""
    if isinstance(found.quantity, Ratio):
        if "sum" in _endings(found.quantity.part) and "count" in _endings(found.quantity.whole):
            raise Unreadable(f"{found.text} looks at a mean, which is no share")
        _keeps_the_scale(found.quantity, _COUNTING)
        return
    _keeps_the_scale(found.quantity, _SUMMED | {"rate", "irate"} if _is_time_share(found.quantity) else _SUMMED)


def _seconds(found: Comparison, demand: Demand, timing: Timing) -> float:
    del timing
    _readable(found.quantity)
    if found.word != ABOVE or found.complement:
        raise Unreadable(f"{found.text} does not fire when a time grows")
    if demand.quantile is not None:
        looked_at = _quantile(found)
        if looked_at is None:
            raise Unreadable(f"{found.text} names no quantile; the line wants p{demand.quantile * _HUNDRED:g}")
        if looked_at < demand.quantile:
            return math.inf
    units = {_SECONDS[word] for word in _words(found.quantity) if word in _SECONDS}
    if len(units) != 1 and found.threshold > demand.limit:
        raise Unreadable(f"{found.text}: seconds or milliseconds? its metric's name does not say")
    seconds = found.threshold * max(units, default=1.0)
    if demand.met_at(seconds):
        _stays_a_time(found)
    return seconds


def _stays_a_time(found: Comparison) -> None:
    """Raise Unreadable where what is compared is not known to be a time: counters and rates of seconds are none."""
    quantity = found.quantity
    if isinstance(quantity, Ratio):
        divided = _words(quantity.part) & _TIMES and not _endings(quantity.part) & {"count", "bucket"}
        by_number = _endings(quantity.whole) == {"count"} or not _words(quantity.whole) & _TIMES
        told, known = divided and by_number, _COUNTING
    elif any(isinstance(each, promql.Call) and each.func.name == "histogram_quantile" for each in nodes(quantity.node)):
        told, known = _all_named(quantity, _TIMES), _COUNTING | {"histogram_quantile"}
    else:
        told, known = _all_named(quantity, _TIMES) and not _endings(quantity) & _COUNTS, _SUMMED | {"time"}
    if not told:
        raise Unreadable(f"{found.text}: is that a time? its metric's name does not say so")
    _keeps_the_scale(quantity, known)


def _drop(found: Comparison, demand: Demand, timing: Timing) -> float:
    del demand, timing
    _readable(found.quantity)
    if not isinstance(found.quantity, Ratio) or not _tells_the_usual(found.quantity):
        raise Unreadable(
            f"{found.text} does not compare now with an earlier time (offset, or a longer window of an hour or more)"
        )
    if found.complement and found.word == ABOVE:
        return found.threshold
    if found.word != BELOW or found.complement:
        raise Unreadable(f"{found.text} does not fire when something falls")
    return 1 - found.threshold


def _failures(found: Comparison, demand: Demand, timing: Timing) -> float:
    """Count the failed checks in a row that it takes: the window's, and one for each interval of the hold."""
    del demand
    node = found.written
    if node is None or isinstance(found.quantity, Ratio) or found.complement:
        raise Unreadable(f"{found.text} does not compare the result of a health check")
    needed = 1.0
    window = next((each for each in nodes(node) if isinstance(each, promql.Call)), None)
    if window is not None:
        needed = _failures_in_window(found, window, timing)
    elif not _fails_at_zero(found):
        raise Unreadable(f"{found.text} does not fire when a health check fails")
    if timing.hold_seconds:
        needed += math.floor(timing.hold_seconds / _probe(timing) + 1e-9)
    return needed


def _failures_in_window(found: Comparison, window: promql.Call, timing: Timing) -> float:
    reach = _reach(window)
    if reach is None:
        raise Unreadable(f"{short(window)} does not tell how many health checks it looks at")
    checks = math.floor(reach / _probe(timing) + 1e-9)
    if window.func.name in _WHOLE_WINDOW and _fails_at_zero(found):
        return max(checks, 1)
    if window.func.name == "min_over_time" and _fails_at_zero(found):
        return 1
    if window.func.name == "avg_over_time" and _is_below_all_well(found):
        failing = checks * (1 - found.threshold)
        return max(math.ceil(failing - 1e-9), 1) if found.inclusive else math.floor(failing + 1e-9) + 1
    if window.func.name == "avg_over_time" and found.word == IS and found.threshold == _ALL_FAIL:
        return max(checks, 1)
    raise Unreadable(f"{found.text} does not tell how many health checks must fail")


def _fails_at_zero(found: Comparison) -> bool:
    return (
        (found.word == IS and found.threshold == 0)
        or (found.word == IS_NOT and found.threshold == 1)
        or _is_below_all_well(found)
    )


def _is_below_all_well(found: Comparison) -> bool:
    """Tell whether it fires at 0 and not at 1; `<= 1` always does."""
    return found.word == BELOW and (0 <= found.threshold < 1 if found.inclusive else 0 < found.threshold <= 1)


def _probe(timing: Timing) -> float:
    if not timing.probe_seconds:
        raise Unreadable("nothing tells how often the health check is made; set alerts.probe_seconds")
    return timing.probe_seconds


def _events(found: Comparison, demand: Demand, timing: Timing) -> float:
    """Tell how many events it takes; a rule that must hold for longer than its window sees none of them alone."""
    del demand
    _readable(found.quantity)
    if found.word != ABOVE or isinstance(found.quantity, Ratio) or found.complement:
        raise Unreadable(f"{found.text} does not count events")
    windows = [reach for each in nodes(found.quantity.node) if (reach := _reach(each)) is not None]
    if not windows:
        raise Unreadable(f"{found.text} counts nothing over a window")
    if timing.hold_seconds >= min(windows):
        return math.inf
    if found.threshold > 0:
        _keeps_the_scale(found.quantity, _OF_EVENTS)
    return found.threshold - 1 if found.inclusive and found.threshold >= 1 else found.threshold


_READERS: dict[str, Callable[[Comparison, Demand, Timing], float]] = {
    "share": _share,
    "seconds": _seconds,
    "drop": _drop,
    "failures": _failures,
    "events": _events,
}


def _readable(quantity: Quantity) -> None:
    if isinstance(quantity, Ratio):
        _readable(quantity.part)
        _readable(quantity.whole)
        if _counted_over(quantity.part) != _counted_over(quantity.whole):
            raise Unreadable("it divides what is counted over one window by what is counted over another")
    elif has_number(quantity.node):
        raise Unreadable(f"{short(quantity.node)} calculates with numbers inside, so that its scale is not known")


def _counted_over(quantity: Quantity) -> set[float | None]:
    """Give the windows over which something is added up: a longer one gives more."""
    if isinstance(quantity, Ratio):
        return set()  # has no unit
    calls = (each for each in nodes(quantity.node) if isinstance(each, promql.Call))
    return {_reach(each) for each in calls if each.func.name in _ADDED_UP}


def _keeps_the_scale(quantity: Quantity, known: set[str], divided: bool = False) -> None:
    """Raise Unreadable at a function, an aggregation or a calculation that is not known to leave the scale as it is."""
    if isinstance(quantity, Ratio):
        _keeps_the_scale(quantity.part, known, divided=True)
        _keeps_the_scale(quantity.whole, known, divided=True)
        return
    for each in nodes(quantity.node):
        name = each.func.name if isinstance(each, promql.Call) else str(getattr(each, "op", ""))
        if isinstance(each, promql.Call | promql.AggregateExpr) and name not in known:
            raise Unreadable(f"{short(each)}: {name} is not known to leave the scale as it is")
    calculated = next((each for each in arithmetic(quantity.node) if not divided or str(each.op) != "-"), None)
    if calculated is not None:
        raise Unreadable(f"{short(calculated)} is calculated, so that its scale is not known")


def _reach(node: promql.Expr) -> float | None:
    """Tell how many seconds back a function looks."""
    for argument in node.args if isinstance(node, promql.Call) else ():
        if isinstance(argument, promql.MatrixSelector | promql.SubqueryExpr) and argument.range:
            return argument.range.total_seconds()
    return None


def _words(quantity: Quantity) -> set[str]:
    """Give the words in the metrics' names of what is measured: of a ratio its upper part."""
    if isinstance(quantity, Ratio):
        return _words(quantity.part)
    return {word for found in selectors(quantity) for word in _split(found.name or "")}


def _all_named(quantity: Quantity, words: Iterable[str]) -> bool:
    """Tell whether each metric's name has one of the words."""
    names = [set(_split(found.name or "")) for found in selectors(quantity)]
    return bool(names) and all(name & set(words) for name in names)


def _endings(quantity: Quantity) -> set[str]:
    return {_split(found.name or "")[-1] for found in selectors(quantity)}


def _split(name: str) -> list[str]:
    words = "".join(char.lower() if char.isalnum() else "_" for char in _snake(name)).split("_")
    return [part for word in words for part in _WINDOW_IN_NAME.split(word)]


def _snake(name: str) -> str:
    """Part CamelCase words: node_memory_MemAvailable_bytes."""
    pairs = zip(f"_{name}", name, strict=False)
    return "".join(f"_{char}" if char.isupper() and before.islower() else char for before, char in pairs)


def _is_of_the_good(quantity: Quantity) -> bool:
    upper = quantity.part if isinstance(quantity, Ratio) else quantity
    if isinstance(upper, Ratio) or any(isinstance(each, promql.BinaryExpr) for each in nodes(upper.node)):
        return False
    values = {
        word
        for found in selectors(upper)
        for matcher in found.matchers.matchers
        if matcher.op in (promql.MatchOp.Equal, promql.MatchOp.Re)
        for word in _split(matcher.value)
    }
    return bool((_words(upper) | values) & _FREE)


def _tells_a_share(found: Comparison) -> bool:
    if isinstance(found.quantity, Ratio) or found.factor == _HUNDRED:
        return True
    return _all_named(found.quantity, _SHARE | _PER_CENT) or _is_time_share(found.quantity)


def _is_time_share(quantity: Leaf) -> bool:
    """Tell whether seconds are counted each second: the share of the time."""
    calls = (each for each in nodes(quantity.node) if isinstance(each, promql.Call))
    rated = any(each.func.name in {"rate", "irate"} for each in calls)
    return rated and _all_named(quantity, {"seconds"}) and _endings(quantity) <= {"total", "seconds"}


def _tells_the_usual(ratio: Ratio) -> bool:
    """Tell whether what is now is divided by what was earlier, or by what was over a longer time."""
    now, usual = _looks_back(ratio.part), _looks_back(ratio.whole)
    earlier, longer = usual.offset > timedelta(0), usual.reach >= _PAST and usual.reach > now.reach
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


def _quantile(found: Comparison) -> float | None:
    """Find the quantile that is looked at, in a function or in a label."""
    for each in nodes(found.quantity.node) if isinstance(found.quantity, Leaf) else ():
        if isinstance(each, promql.Call) and each.func.name in {"histogram_quantile", "quantile_over_time"}:
            first = each.args[0]
            return first.val if isinstance(first, promql.NumberLiteral) else None
    for selector in selectors(found.quantity):
        for matcher in selector.matchers.matchers:
            if matcher.name == "quantile" and matcher.op == promql.MatchOp.Equal:
                try:
                    return float(matcher.value)
                except ValueError:
                    return None
    return None
