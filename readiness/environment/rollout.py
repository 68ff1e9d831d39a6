"""Where a roll-out stands: its present stage, and who may be on the list of each."""

from __future__ import annotations

from pydantic import BaseModel

from readiness.config.fields import STRICT


class RolloutNow(BaseModel):
    """The present stage of the roll-out, by the names of the runbook (`rollout`)."""

    model_config = STRICT

    stage: str | None = None
    """None reads it from the flag: the first stage that fits it."""
    workspaces: dict[str, tuple[str, ...]] = {}
    """Stage → the workspaces beside the team's own that it lets in; those of earlier stages stay."""
