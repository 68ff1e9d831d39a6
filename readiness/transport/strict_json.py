"""JSON without the leniency of the standard library: what is ambiguous or not JSON never becomes a value."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Unknown


def parse_json(text: str, what: str) -> Any:
    """Return the value of `text`, which came from `what`.

    Raises Unknown for nothing, for what is not JSON, for NaN, Infinity and numbers too large for a float, for a key
    that stands twice in one object, and for text that no file could hold (half of a surrogate pair).

    >>> parse_json('{"orders": 12}', "GET /orders")
    {'orders': 12}
    >>> parse_json('{"orders": 12, "orders": 0}', "GET /orders")
    Traceback (most recent call last):
    readiness.outcomes.Unknown: GET /orders is not JSON: a key stands twice in one object (...)
    """
    if not text.strip():
        raise Unknown(f"{what} is empty", "does anything still write or answer there?")
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            object_pairs_hook=_object_of_unique_keys,
        )
        # `json` joins the escapes of a surrogate pair and lets half of one pass, which no UTF-8 can hold. Encoding
        # finds it; only texts with such an escape need the second walk.
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Unknown(f"{what} has half of a surrogate pair in a text", "correct what writes it") from None
    except RecursionError:
        raise Unknown(f"{what} is nested too deep to be read", "is it the right address or file?") from None
    except ValueError as error:
        raise Unknown(
            f"{what} is not JSON: {error}",
            "is it the right address or file, and the right format?",
        ) from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _object_of_unique_keys(pairs: list[tuple[str, Any]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return members
