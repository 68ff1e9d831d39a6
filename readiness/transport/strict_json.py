"""JSON of a target or a source: what is not strictly JSON is not known."""

from __future__ import annotations

from typing import Any

from readiness.files import strict_json
from readiness.outcomes import Unknown


def parse_json(text: str, what: str) -> Any:
    """Return the value of `text`, which came from `what`.

    Raises Unknown for nothing, and for what `readiness.files.strict_json` refuses.

    >>> parse_json('{"orders": 12}', "GET /orders")
    {'orders': 12}
    >>> parse_json('{"orders": 12, "orders": 0}', "GET /orders")
    Traceback (most recent call last):
    readiness.outcomes.Unknown: GET /orders is not JSON: a key stands twice in one object (...)
    """
    if not text.strip():
        raise Unknown(f"{what} is empty", "does anything still write or answer there?")
    try:
        # What was decoded may hold half of a surrogate pair by itself; it is refused as one that was escaped.
        return strict_json.parse(text.encode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise Unknown(
            f"{what} is not JSON: {error}",
            "is it the right address or file, and the right format?",
        ) from None
