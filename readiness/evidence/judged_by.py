"""By which limits a run judged that its plan does not state: checks of earlier versions had some of their own.

What a check compared with stands in its measurements, and what it looked by in the arguments of its looks. What neither
shows nobody knows, and it stays unstated.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from readiness.evidence.journal import RecordedRun
from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.evidence.records import Plan, PlannedLine, Result
from readiness.timeline import parse_span

EACH = "each"
_COMPARATORS = ("below", "above", "at_most", "at_least")
"""How the name of a limit ends that a value is compared with."""
_IS = "is"
"""The comparator of all other limits: a word that must be the same."""
_VARIES = re.compile(r"[0-9(]", re.ASCII)
_SPAN = TypeAdapter(timedelta)
_NOT_A_LIMIT = {"line", "as_asked_by"}
"""Arguments of a look that its line does not state."""
_Results = Mapping[tuple[str, str], list[Result]]
"""Line and check → what was decided."""


def as_judged(run: RecordedRun, later: Plan, judged_later: Collection[Result] = ()) -> Plan | None:
    """Return the plan of a run with what it judged by of the limits that a later plan states and its own does not.

    What the later plan came to says which of several measurements a limit belongs to, and by which measure.
    """
    if run.plan is None:
        return None
    then, now = _by_check(run.results), _by_check(judged_later)
    lines = []
    for line in run.plan.lines:
        line_now = later.line(line.id)
        lines.append(line if line_now is None else _line_as_judged(run, line, line_now, then, now))
    return run.plan.model_copy(update={"lines": tuple(lines)})


def _line_as_judged(
    run: RecordedRun, line: PlannedLine, later: PlannedLine, then: _Results, now: _Results
) -> PlannedLine:
    judged_by = {}
    for check, limits in line.limits.items():
        stated_now = later.limits.get(check, {})
        decided = (line.id, check)
        completed = dict(limits)
        for name in newly_stated(limits, stated_now):
            values = list(_looked_by(name, limits, stated_now, run, then[decided]))
            if not values:
                values = list(_compared_with(name, limits, stated_now, then[decided], now[decided]))
            # Of several nobody knows which it was.
            if values and all(value == values[0] for value in values):
                completed[name] = _in_the_same_words(values[0], stated_now[name])
        judged_by[check] = completed
    return line.model_copy(update={"limits": judged_by})


def newly_stated(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield each limit that is stated now and was not."""
    named = {*before, *before.get(EACH, {})}
    for name, value in now.items():
        is_stated_already = name in named and before.get(name, value) is not None
        if name != EACH and value is not None and not is_stated_already:
            yield name


def _by_check(results: Iterable[Result]) -> _Results:
    by_check: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        by_check[result.line, result.check].append(result)
    return by_check


def _looked_by(
    name: str, limits: Mapping[str, Any], now: Mapping[str, Any], run: RecordedRun, results: Iterable[Result]
) -> Iterator[Any]:
    """Yield what the looks of a check were given for a limit."""
    for result in results:
        if result.rests_on is not None:
            yield from (look.arguments[name] for look in result.rests_on if name in look.arguments)
        # Without a measurement its check may not have begun.
        elif result.measurements and not run.start.binds_results:
            yield from (arguments[name] for arguments in _arguments_of_old(run, limits, now) if name in arguments)


def _arguments_of_old(
    run: RecordedRun, limits: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Yield the arguments of the looks that a check may have been given, where a result does not name them.

    All of them are limits of this check, and none is another than its line stated.
    """
    names = {*now, *now.get(EACH, {})} | _NOT_A_LIMIT
    for look in run.observations:
        arguments = look.arguments
        if names.issuperset(arguments) and all(_agrees(limits, name, value) for name, value in arguments.items()):
            yield arguments


def _agrees(limits: Mapping[str, Any], name: str, value: Any) -> bool:
    if name in limits.get(EACH, {}):
        return value in limits[EACH][name]
    return limits.get(name) is None or limits[name] == value


def _compared_with(
    name: str,
    limits: Mapping[str, Any],
    now: Mapping[str, Any],
    results: Iterable[Result],
    results_now: Iterable[Result],
) -> Iterator[Any]:
    """Yield with what a check compared for a limit: what no other limit of its comparator explains."""
    comparator = _comparator_of(name)
    # That something is true or not many a check asks without a limit.
    if comparator == _IS and not isinstance(now[name], str):
        return

    then = [measurement for result in results for measurement in _by(comparator, result)]
    today = [measurement for result in results_now for measurement in _by(comparator, result)]
    stated = [value for other, value in limits.items() if other != name and _comparator_of(other) == comparator]
    others = [value for other, value in now.items() if other != name and _comparator_of(other) == comparator]
    same = list(_of_the_same(then, today, now[name])) if now[name] not in others else []
    if same:
        yield from (measurement.limit for measurement in same)
        return

    left = [measurement.limit for measurement in then if measurement.limit not in stated]
    # Only the same figure shows by itself that it is this limit: another one may be of another measure.
    yield from left if all(limit == now[name] for limit in left) else ()


def _comparator_of(name: str) -> str:
    return next((end for end in _COMPARATORS if name == end or name.endswith(f"_{end}")), _IS)


def _by(comparator: str, result: Result) -> Iterator[RecordedMeasurement]:
    return (measurement for measurement in result.measurements if measurement.comparator == comparator)


def _of_the_same(
    then: Iterable[RecordedMeasurement], today: Collection[RecordedMeasurement], limit: object
) -> Iterator[RecordedMeasurement]:
    """Yield what was measured of that which is compared with a limit today, by its name."""
    names = {measurement.name for measurement in today if measurement.limit == limit}
    by_other_limits = {_stem(measurement.name) for measurement in today if measurement.limit != limit}
    stems = {_stem(name) for name in names} - by_other_limits
    yield from (measurement for measurement in then if measurement.name in names or _stem(measurement.name) in stems)


def _stem(name: str) -> str:
    """Return a measurement's name without what differs from run to run: `error lines among 300`, `the oldest (web)`."""
    return _VARIES.split(name, maxsplit=1)[0].strip()


def _in_the_same_words(value: object, stated: object) -> object:
    """Return a span of time as it is stated where it is the same: a look's arguments have it as ISO 8601."""
    if not isinstance(value, str) or not isinstance(stated, str):
        return value
    try:
        is_same = _SPAN.validate_python(value) == parse_span(stated)
    except ValueError:  # pydantic's own is one
        return value
    return stated if is_same else value
