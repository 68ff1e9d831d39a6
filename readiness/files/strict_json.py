"""JSON without the leniency of the standard library: what is ambiguous or not JSON never becomes a value."""

from __future__ import annotations

import json
import math
import re
from itertools import accumulate
from typing import Any, NoReturn

LEVELS_AT_MOST = 100
"""So deep may a document be nested: what walks through it needs a few frames of Python's stack for each level."""
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
"""What a bracket adds to the level."""
_NO_BRACKETS = bytes(code for code in range(256) if code not in _STEPS)


def parse(document: bytes) -> Any:
    """Return the value of a document in UTF-8.

    Raises ValueError for what is not JSON, for NaN, Infinity and numbers too large for a float, for a key that stands
    twice in one object, for text that no file could hold (half of a surrogate pair), and for what is nested too deep.

    >>> parse(b'{"orders": 12, "orders": 0}')
    Traceback (most recent call last):
    ValueError: a key stands twice in one object
    """
    if _levels(document) > LEVELS_AT_MOST:
        raise ValueError(f"it is nested deeper than {LEVELS_AT_MOST} levels")
    value = json.loads(
        document.decode("utf-8"),
        parse_constant=_refuse_constant,
        parse_float=_finite_float,
        object_pairs_hook=_object_of_unique_keys,
    )
    # `json` joins the escapes of a surrogate pair and lets half of one pass, which no UTF-8 can hold. Encoding finds
    # it; only texts with such an escape need the second walk.
    if b"\\ud" in document.lower():
        _refuse_half_pairs(value)
    return value


def _levels(document: bytes) -> int:
    """Return how deep a document is nested, at least; no document with few brackets is counted through."""
    if document.count(b"[") + document.count(b"{") <= LEVELS_AT_MOST:
        return 0
    brackets = _TEXT.sub(b"", document).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _refuse_half_pairs(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it has half of a surrogate pair in a text") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _object_of_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return members
