"""How the fields of a record are written in a journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from readiness.files.canonical_json import JsonObject, as_plain


def plain(fields: Mapping[str, Any]) -> JsonObject:
    """Return fields as plain JSON, with instants as ISO 8601 writes them."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else as_plain(value) for name, value in fields.items()
    }
