"""Limits whose figures the source document leaves open: whoever wrote the runbook chose them, and says which they are.

"Expired sessions do not pile up" names no number, and a check compares with one. A reader must be able to tell the
document's figures from the runbook's own, and to state better ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from readiness.errors import not_one_of
from readiness.files.canonical_json import JsonObject
from readiness.timeline import parse_span


def chosen_faults(chosen: Iterable[str], decided_by: Mapping[str, JsonObject]) -> Iterator[str]:
    """Yield what is wrong with the key `chosen` of a line: names that are no limits of it, or limits without a figure.

    >>> list(chosen_faults(["row_below"], {"a.rows": {"rows_below": 10}}))
    ["chosen: limit 'row_below' is not known; did you mean 'rows_below'? (known: rows_below)"]
    """
    stated = {limit for limits in decided_by.values() for limit in (*limits, *limits.get("each", {}))} - {"each"}
    for limit in chosen:
        if limit not in stated:
            yield f"chosen: limit {not_one_of(limit, sorted(stated))}"
        elif not any(map(_holds_a_figure, _values(limit, decided_by))):
            yield f"chosen: limit {limit!r} is no figure; numbers and spans such as 7d are chosen"


def _values(limit: str, decided_by: Mapping[str, JsonObject]) -> Iterator[object]:
    """Yield what a line states of a limit, for each check and each of its subjects."""
    for limits in decided_by.values():
        yield from (stated[limit] for stated in (limits, limits.get("each", {})) if limit in stated)


def _holds_a_figure(value: object) -> bool:
    """Check whether a value is a number or a span of time, or a list or mapping with one in it."""
    if isinstance(value, Mapping):
        return any(map(_holds_a_figure, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds_a_figure, value))
    if isinstance(value, str):
        return _is_span(value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_span(text: str) -> bool:
    try:
        parse_span(text)
    except ValueError:
        return False
    return True
