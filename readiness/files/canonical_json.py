"""Canonical JSON: any value as what may stand in the journal."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, cast

from pydantic import BaseModel

from readiness.measurements import Plain

JsonObject = dict[str, Any]
"""An object of JSON at the edge: as a file or an answer has it before anybody has looked, or as it is to be written."""

_PLAIN_TYPES = frozenset({type(None), bool, int, str})


def as_plain(value: Any) -> Plain:
    """Return a value as plain JSON. What JSON has no word for becomes its text: a date, a path, a NaN."""
    # By its very type: an enum that is a str or an int too becomes its text below.
    kind = type(value)
    if kind in _PLAIN_TYPES or (isinstance(value, float) and math.isfinite(value)):
        return cast("Plain", value)

    # Nearly all that has parts is one of these; to ask for the abstract classes takes ten times as long.
    if kind is dict:
        return {str(key): as_plain(part) for key, part in value.items()}
    if kind is list or kind is tuple:
        return [as_plain(part) for part in value]

    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    elif is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)

    if isinstance(value, Mapping):
        return {str(key): as_plain(part) for key, part in value.items()}
    if isinstance(value, Collection) and not isinstance(value, str | bytes):
        parts = [as_plain(part) for part in value]
        # A set has no order of its own, and the same evidence has one digest.
        return sorted(parts, key=str) if isinstance(value, set | frozenset) else parts
    return str(value)


def to_json(value: Any) -> str:
    """Return one line of strict JSON."""
    return dumped(as_plain(value))


def dumped(plain: Plain) -> str:
    """Return what is plain JSON already as one line of strict JSON."""
    return json.dumps(plain, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
