"""JSON without the leniency of the standard library: what is ambiguous or not JSON never becomes a value."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from readiness.outcomes import Unknown


def parse_json(text: str, what: str) -> Any:
    """Parse `text`, which came from `what`.

    Raises Unknown for nothing, for what is not JSON, for NaN, Infinity and numbers too large for a float, for a key
    that stands twice in one object, and for text that no file could hold (half of a surrogate pair).
    """
    if not text.strip():
        raise Unknown(f"{what} is empty", "does anything still write or answer there?")
    try:
        found = json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_once)
        if "\\ud" in text.lower():
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Unknown(f"{what} has half of a surrogate pair in a text", "correct what writes it") from None
    except RecursionError:
        raise Unknown(f"{what} is nested too deep to be read", "is it the right address or file?") from None
    except ValueError as error:
        raise Unknown(
            f"{what} is not JSON: {error}", "is it the right address or file, and the right format?"
        ) from None
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found
