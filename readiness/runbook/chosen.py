"""Limits whose figures the source document leaves open: whoever wrote the runbook chose them, and says which they are.

"Expired sessions do not pile up" names no number, and a check compares with one. A reader must be able to tell the
document's figures from the runbook's own, and to state better ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from readiness.errors import not_one_of
from readiness.files.canonical_json import JsonObject


def chosen_faults(chosen: Iterable[str], decided_by: Mapping[str, JsonObject]) -> Iterator[str]:
    """Yield what is wrong with the key `chosen` of a line: names that are no limits of it.

    >>> list(chosen_faults(["row_below"], {"a.rows": {"rows_below": 10}}))
    ["chosen: limit 'row_below' is not known; did you mean 'rows_below'? (known: rows_below)"]
    """
    stated = {limit for limits in decided_by.values() for limit in (*limits, *limits.get("each", {}))} - {"each"}
    for limit in chosen:
        if limit not in stated:
            yield f"chosen: limit {not_one_of(limit, sorted(stated))}"
