"""An observation as a result names it that rests on it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class RecordedLook(BaseModel):
    """Which observation a check was given, and the digest of its record in the same journal."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    name: str
    arguments: dict[str, Any] = {}
    digest: str = ""
    """Filled in as the result is written: what its record has been masked to has another digest."""
