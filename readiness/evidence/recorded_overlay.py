"""What an environment stated of a line, as the plan of a run has it, with the line's own limits beside."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from readiness.files.canonical_json import JsonObject
from readiness.runbook.severity import Severity


class RecordedOverlay(BaseModel):
    """The part of a line's limits that the environment stated."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    stated: dict[str, JsonObject] = {}
    """Check → the limits that the environment stated."""
    own: dict[str, JsonObject] = {}
    """Check → what the line states by itself."""
    severity: Severity | None = None
    own_severity: Severity = ""
    because: str = ""
