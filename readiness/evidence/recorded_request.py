"""What was sent by a run, or refused before it was sent."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

from readiness.evidence.plain_fields import plain
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Effect


class RecordedRequest(BaseModel):
    """What was sent, or refused before it was sent."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    KIND: ClassVar = "request"

    client: str
    method: str
    target: str
    status: str
    seconds: float
    effect: Effect
    at: AwareDatetime

    @property
    def key(self) -> tuple[object, ...]:
        """What the records of one request have in common: from before it was sent, and of how it ended."""
        return (self.client, self.method, self.target, self.effect, self.at)

    def plain(self) -> JsonObject:
        """Return it as plain JSON, as it stands in the journal and crosses processes."""
        return plain(self.model_dump())
