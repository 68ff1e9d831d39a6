"""Does an alert's condition make it fire as early as a runbook line demands? Pure judgement on what `promql` reads.

Each demand has a quantity of its own: a share (0 to 1), seconds, the share of the usual traffic that is lost, failed
health checks in a row, single events. Where the unit of a rule's threshold is not told by the expression, the reading
that fires latest is judged: what passes under it passes under every other. What remains is unreadable, never a guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import promql_parser as promql

from readiness.alerting.promql import (
    ABOVE,
    BELOW,
    IS,
    IS_NOT,
    AnyOf,
    Comparison,
    Condition,
    Leaf,
    Opaque,
    Ratio,
    Step,
    nodes,
    paths,
    short,
)
from readiness.alerting.quantities import (
    COUNTING,
    COUNTS,
    HUNDRED,
    OF_EVENTS,
    PAST,
    PER_CENT,
    SECONDS,
    SUMMED,
    TIMES,
    UTILISATION,
    Unreadable,
    all_named,
    endings_of,
    is_of_the_good,
    is_time_share,
    must_be_readable,
    must_keep_the_scale,
    quantile_of,
    reach_of,
    tells_a_share,
    tells_the_usual,
    words_of,
)

_OF_ALL = {True: {"min", "bottomk", "quantile"}, False: {"max", "topk", "quantile"}}
"""Aggregations that rise, and that fall, only when all of their series do, or more than one."""
_WHOLE_WINDOW = {"max_over_time", "sum_over_time"}
_ALL_FAIL = 0.0


@dataclass(frozen=True)
class Timing:
    """What besides the expression decides when a rule fires."""

    hold_seconds: float = 0.0
    probe_seconds: float | None = None
    """Between two health checks; None where nothing tells it."""
    within_seconds: float = PAST.total_seconds()
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
        """Check whether a rule that fires at this value is good enough.

        Two failures in a row are a demand from below: one failure alone must not page anybody.
        """
        slack = 1e-9
        return value >= self.limit - slack if self.quantity == "failures" else value <= self.limit + slack


def fires_at(condition: Condition, demand: Demand, timing: Timing) -> float:
    """Return at which value of the demanded quantity the rule fires. Raises Unreadable; infinity is never."""
    if isinstance(condition, Opaque):
        raise Unreadable(condition.reason)
    if isinstance(condition, Comparison):
        value = _READERS[demand.quantity](condition, demand, timing)
        if demand.met_at(value):
            _fires_in_time(condition, demand, timing)
        return value
    values, unread = [], []
    for part in condition.parts:
        try:
            values.append(fires_at(part, demand, timing))
        except Unreadable as error:
            if isinstance(condition, AnyOf) or not _is_filter(part):
                unread.append(error)
    if unread and not _settled(condition, demand, values):
        raise unread[0]
    if not values:
        raise Unreadable("no part of it compares what the line is about")
    return min(values) if isinstance(condition, AnyOf) else max(values)


def _settled(condition: Condition, demand: Demand, values: list[float]) -> bool:
    """Check whether it does not matter what an unread part says.

    Of alternatives the earliest counts: one that is early enough settles it. Of parts that must all hold the latest
    counts: one that is too late settles it. Failures are counted from below, where neither is so.
    """
    if demand.quantity == "failures":
        return False
    met = [demand.met_at(value) for value in values]
    return any(met) if isinstance(condition, AnyOf) else not all(met)


def _is_filter(part: Condition) -> bool:
    """Check whether a part only says where the rule looks: `readonly == 0`, `requests > 0`."""
    if not isinstance(part, Comparison):
        return False
    return (part.word in {IS, IS_NOT} and part.threshold in {0, 1}) or (part.word == ABOVE and part.threshold == 0)


def _fires_in_time(comparison: Comparison, demand: Demand, timing: Timing) -> None:
    """Raise Unreadable where the expression itself waits, beyond what `for` says."""
    if comparison.written is None:
        raise Unreadable(f"{comparison.text} does not tell how far it looks back")
    for path in paths(comparison.written, comparison.rises):
        _one_is_enough(comparison, path)
        after = timing.hold_seconds + sum(_waits(step, demand, timing) for step in path)
        if timing.hold_seconds <= timing.within_seconds < after:
            raise Unreadable(
                f"{comparison.text} looks back: with its `for` it fires after {after:g} s, "
                f"and the line wants {timing.within_seconds:g} s"
            )


def _one_is_enough(comparison: Comparison, path: tuple[Step, ...]) -> None:
    """Raise Unreadable where one series that is bad is outweighed by the others."""
    for number, step in enumerate(path):
        name = str(step.node.op) if isinstance(step.node, promql.AggregateExpr) else ""
        if name in _OF_ALL[step.rises]:
            raise Unreadable(f"{short(step.node)}: {name} waits until more than one of its series is bad")
        divided = any(isinstance(each.node, promql.BinaryExpr) and str(each.node.op) == "/" for each in path[number:])
        if name == "sum" and not step.rises and (divided or isinstance(comparison.quantity, Leaf)):
            raise Unreadable(f"{short(step.node)} adds up what should fall, and so falls late")


def _waits(step: Step, demand: Demand, timing: Timing) -> float:
    """Return for how long a part keeps back what is bad already. Raises Unreadable where that depends on its size."""
    node = step.node
    if isinstance(node, promql.VectorSelector | promql.MatrixSelector | promql.SubqueryExpr):
        return _offset(node)
    reach = reach_of(node)
    if reach is None or not isinstance(node, promql.Call):
        return 0
    if node.func.name in {"min_over_time", "max_over_time"}:
        return reach if (node.func.name == "min_over_time") == step.rises else 0
    if node.func.name == "quantile_over_time" and not _is_soon_moved(node, step.rises):
        raise Unreadable(f"{short(node)} waits until most of its window is bad")
    if demand.quantity != "events" and reach > max(PAST.total_seconds(), timing.within_seconds):
        raise Unreadable(f"{short(node)} looks at {reach:g} s at once, so that what begins now is seen late")
    return 0


def _offset(node: promql.VectorSelector | promql.MatrixSelector | promql.SubqueryExpr) -> float:
    series = node.vector_selector if isinstance(node, promql.MatrixSelector) else node
    if series.at is not None:
        raise Unreadable(f"{short(node)} looks at one moment for ever")
    return max(series.offset.total_seconds(), 0.0) if series.offset else 0.0


def _is_soon_moved(node: promql.Call, rises: bool) -> bool:
    """Check whether half of the window is enough to move a quantile over time."""
    middle, quantile = 0.5, node.args[0]
    if not isinstance(quantile, promql.NumberLiteral):
        return False
    return quantile.val >= middle if rises else quantile.val <= middle


def _share(comparison: Comparison, demand: Demand, timing: Timing) -> float:
    del timing
    must_be_readable(comparison.quantity)
    share = _fires_at_share(comparison)
    is_a_share = tells_a_share(comparison) or (share <= 1 and all_named(comparison.quantity, UTILISATION))
    if not is_a_share and (share > 1 or demand.met_at(share)):
        raise Unreadable(f"{comparison.text}: is that per cent, or no share at all? its metric's name does not say so")
    if demand.met_at(share):
        _stays_a_share(comparison)
    return share


def _fires_at_share(comparison: Comparison) -> float:
    threshold = comparison.threshold / (HUNDRED if words_of(comparison.quantity) & PER_CENT else 1)
    if comparison.word not in {ABOVE, BELOW}:
        raise Unreadable(f"{comparison.text} waits for one exact value")
    good = is_of_the_good(comparison.quantity)
    if comparison.complement:
        if comparison.word == BELOW:
            raise Unreadable(f"{comparison.text} fires when the complement falls")
        return threshold
    if comparison.word == ABOVE:
        if good:
            raise Unreadable(f"{comparison.text} fires when what is good rises")
        return threshold
    if not good or not tells_a_share(comparison):
        raise Unreadable(f"{comparison.text} fires when something falls, and it cannot be seen that this is a share")
    if not 0 <= threshold <= 1:
        raise Unreadable(f"{comparison.text} compares a share with {threshold:g}")
    return 1 - threshold


def _stays_a_share(comparison: Comparison) -> None:
    """Raise Unreadable where a share's name stands, and what is done to it makes something else of it."""
    if isinstance(comparison.quantity, Ratio):
        if "sum" in endings_of(comparison.quantity.part) and "count" in endings_of(comparison.quantity.whole):
            raise Unreadable(f"{comparison.text} looks at a mean, which is no share")
        must_keep_the_scale(comparison.quantity, COUNTING)
        return
    must_keep_the_scale(
        comparison.quantity, SUMMED | {"rate", "irate"} if is_time_share(comparison.quantity) else SUMMED
    )


def _seconds(comparison: Comparison, demand: Demand, timing: Timing) -> float:
    del timing
    must_be_readable(comparison.quantity)
    if comparison.word != ABOVE or comparison.complement:
        raise Unreadable(f"{comparison.text} does not fire when a time grows")
    if demand.quantile is not None:
        looked_at = quantile_of(comparison)
        if looked_at is None:
            raise Unreadable(f"{comparison.text} names no quantile; the line wants p{demand.quantile * HUNDRED:g}")
        if looked_at < demand.quantile:
            return math.inf
    units = {SECONDS[word] for word in words_of(comparison.quantity) if word in SECONDS}
    if len(units) != 1 and comparison.threshold > demand.limit:
        raise Unreadable(f"{comparison.text}: seconds or milliseconds? its metric's name does not say")
    seconds = comparison.threshold * max(units, default=1.0)
    if demand.met_at(seconds):
        _stays_a_time(comparison)
    return seconds


def _stays_a_time(comparison: Comparison) -> None:
    """Raise Unreadable where what is compared is not known to be a time: counters and rates of seconds are none."""
    quantity = comparison.quantity
    if isinstance(quantity, Ratio):
        divided = words_of(quantity.part) & TIMES and not endings_of(quantity.part) & {"count", "bucket"}
        by_number = endings_of(quantity.whole) == {"count"} or not words_of(quantity.whole) & TIMES
        is_a_time, keep_the_scale = divided and by_number, COUNTING
    elif any(isinstance(each, promql.Call) and each.func.name == "histogram_quantile" for each in nodes(quantity.node)):
        is_a_time, keep_the_scale = all_named(quantity, TIMES), COUNTING | {"histogram_quantile"}
    else:
        is_a_time, keep_the_scale = all_named(quantity, TIMES) and not endings_of(quantity) & COUNTS, SUMMED | {"time"}
    if not is_a_time:
        raise Unreadable(f"{comparison.text}: is that a time? its metric's name does not say so")
    must_keep_the_scale(quantity, keep_the_scale)


def _drop(comparison: Comparison, demand: Demand, timing: Timing) -> float:
    del demand, timing
    must_be_readable(comparison.quantity)
    if not isinstance(comparison.quantity, Ratio) or not tells_the_usual(comparison.quantity):
        raise Unreadable(
            f"{comparison.text} does not compare now with an earlier time"
            " (offset, or a longer window of an hour or more)"
        )
    if comparison.complement and comparison.word == ABOVE:
        return comparison.threshold
    if comparison.word != BELOW or comparison.complement:
        raise Unreadable(f"{comparison.text} does not fire when something falls")
    return 1 - comparison.threshold


def _failures(comparison: Comparison, demand: Demand, timing: Timing) -> float:
    """Return how many failed checks in a row it takes: the window's, and one for each interval of the hold."""
    del demand
    node = comparison.written
    if node is None or isinstance(comparison.quantity, Ratio) or comparison.complement:
        raise Unreadable(f"{comparison.text} does not compare the result of a health check")
    needed = 1.0
    window = next((each for each in nodes(node) if isinstance(each, promql.Call)), None)
    if window is not None:
        needed = _failures_in_window(comparison, window, timing)
    elif not _fails_at_zero(comparison):
        raise Unreadable(f"{comparison.text} does not fire when a health check fails")
    if timing.hold_seconds:
        needed += math.floor(timing.hold_seconds / _probe(timing) + 1e-9)
    return needed


def _failures_in_window(comparison: Comparison, window: promql.Call, timing: Timing) -> float:
    reach = reach_of(window)
    if reach is None:
        raise Unreadable(f"{short(window)} does not tell how many health checks it looks at")
    checks = math.floor(reach / _probe(timing) + 1e-9)
    if window.func.name in _WHOLE_WINDOW and _fails_at_zero(comparison):
        return max(checks, 1)
    if window.func.name == "min_over_time" and _fails_at_zero(comparison):
        return 1
    if window.func.name == "avg_over_time" and _is_below_all_well(comparison):
        failing = checks * (1 - comparison.threshold)
        return max(math.ceil(failing - 1e-9), 1) if comparison.inclusive else math.floor(failing + 1e-9) + 1
    if window.func.name == "avg_over_time" and comparison.word == IS and comparison.threshold == _ALL_FAIL:
        return max(checks, 1)
    raise Unreadable(f"{comparison.text} does not tell how many health checks must fail")


def _fails_at_zero(comparison: Comparison) -> bool:
    return (
        (comparison.word == IS and comparison.threshold == 0)
        or (comparison.word == IS_NOT and comparison.threshold == 1)
        or _is_below_all_well(comparison)
    )


def _is_below_all_well(comparison: Comparison) -> bool:
    """Check whether it fires at 0 and not at 1; `<= 1` always does."""
    return comparison.word == BELOW and (
        0 <= comparison.threshold < 1 if comparison.inclusive else 0 < comparison.threshold <= 1
    )


def _probe(timing: Timing) -> float:
    if not timing.probe_seconds:
        raise Unreadable("nothing tells how often the health check is made; set alerts.probe_seconds")
    return timing.probe_seconds


def _events(comparison: Comparison, demand: Demand, timing: Timing) -> float:
    """Return how many events it takes; a rule that must hold for longer than its window sees none of them alone."""
    del demand
    must_be_readable(comparison.quantity)
    if comparison.word != ABOVE or isinstance(comparison.quantity, Ratio) or comparison.complement:
        raise Unreadable(f"{comparison.text} does not count events")
    windows = [reach for each in nodes(comparison.quantity.node) if (reach := reach_of(each)) is not None]
    if not windows:
        raise Unreadable(f"{comparison.text} counts nothing over a window")
    if timing.hold_seconds >= min(windows):
        return math.inf
    if comparison.threshold > 0:
        must_keep_the_scale(comparison.quantity, OF_EVENTS)
    return comparison.threshold - 1 if comparison.inclusive and comparison.threshold >= 1 else comparison.threshold


_READERS: dict[str, Callable[[Comparison, Demand, Timing], float]] = {
    "share": _share,
    "seconds": _seconds,
    "drop": _drop,
    "failures": _failures,
    "events": _events,
}
