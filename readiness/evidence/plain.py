"""Anything as plain JSON: what may stand in the journal."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from pydantic import BaseModel

from readiness.measurements import Plain


def as_plain(value: Any) -> Plain:
    """Turn a value into plain JSON. What JSON has no word for becomes its text: a date, a path, a NaN."""
    if value is None or type(value) in {bool, int, str}:
        return value  # type: ignore[no-any-return]  the line above says so
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, BaseModel):
        return as_plain(value.model_dump(mode="json"))
    if is_dataclass(value) and not isinstance(value, type):
        return as_plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): as_plain(part) for key, part in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((as_plain(part) for part in value), key=str)
    if isinstance(value, Collection) and not isinstance(value, str | bytes):
        return [as_plain(part) for part in value]
    return str(value)


def to_json(value: Any) -> str:
    """Write one line of strict JSON."""
    return json.dumps(as_plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
