"""What a source answers as a plain value: a single one, a number, or why it is none."""

from __future__ import annotations

import math
from typing import Any

from readiness.measurements import Plain, as_decimal
from readiness.outcomes import Unknown


def why_no_single_value(value: Any) -> str:
    """Return what a value is instead of a single one; an empty text for one that is."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str) and not value.strip():
        return "empty"
    return ""


def as_number_or_nan(value: Plain) -> float:
    """Return a value as a number, NaN for what is none: true and false are no numbers here."""
    if value is None or isinstance(value, bool | list | dict):
        return math.nan
    try:
        return as_decimal(value) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return math.nan


def as_plain_value(value: Any) -> Plain:
    """Return a value of JSON with its keys as text. Raises Unknown for NaN and infinity, which JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Unknown(f"the source answers {value}", "correct the source")
    if isinstance(value, list):
        return [as_plain_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): as_plain_value(item) for key, item in value.items()}
    plain: Plain = value
    return plain
