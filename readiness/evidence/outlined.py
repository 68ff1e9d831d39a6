"""A runbook whole, as a plan outlines it: a sign-off is made from the journals alone."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from readiness.outcomes import Gate, Phase


class _Outlined(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class OutlinedLine(_Outlined):
    """A line of a runbook, whatever its phase."""

    id: str
    ref: str
    says: str
    phase: tuple[Phase, ...]
    gate: Gate
    due: str | None = None
    checks: tuple[str, ...] = ()
    rendered_as: str | None = None


class OutlinedBook(_Outlined):
    """A runbook in its own order."""

    runbook: str
    title: str
    lines: tuple[OutlinedLine, ...]
