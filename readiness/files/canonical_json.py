"""Anything as plain JSON: what may stand in the journal."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, cast

from pydantic import BaseModel

from readiness.measurements import Plain


def as_plain(value: Any) -> Plain:
    """Turn a value into plain JSON. What JSON has no word for becomes its text: a date, a path, a NaN."""
    if value is None or type(value) in {bool, int, str} or (isinstance(value, float) and math.isfinite(value)):
        return cast("Plain", value)
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    elif is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): as_plain(part) for key, part in value.items()}
    if isinstance(value, Collection) and not isinstance(value, str | bytes):
        parts = [as_plain(part) for part in value]
        return sorted(parts, key=str) if isinstance(value, set | frozenset) else parts
    return str(value)


def to_json(value: Any) -> str:
    """Write one line of strict JSON."""
    return json.dumps(as_plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def from_json(text: bytes) -> Any:
    """Read what `to_json` wrote, as strictly: a key twice and NaN are refused. Raises ValueError."""
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")
