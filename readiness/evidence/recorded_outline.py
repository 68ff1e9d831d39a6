"""A runbook whole, as a plan keeps it: what it says in every phase, and what it asks by itself."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Gate, Phase


class OutlinedLine(BaseModel):
    """A line of a runbook, whatever its phase."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    id: str
    ref: str
    says: str
    phase: tuple[Phase, ...]
    gate: Gate
    due: str | None = None
    checks: tuple[str, ...] = ()
    rendered_as: str | None = None


class OutlinedBook(BaseModel):
    """A runbook in its own order."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    runbook: str
    title: str
    lines: tuple[OutlinedLine, ...]
    readings: dict[str, dict[str, str | dict[str, str]]] = {}
    """Reading → its own query, where it has some; older journals have none."""
    incident: JsonObject = {}
    """What its document says of the first minutes; older journals have none."""
