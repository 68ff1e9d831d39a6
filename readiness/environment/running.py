"""How a run goes about its work: what it proves its own way out by, and what its evidence must be."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from readiness.config.fields import STRICT, Url
from readiness.environment.anchoring import AnchorPlaces


class RunSettings(BaseModel):
    """What a run needs besides the systems that it looks at."""

    model_config = STRICT

    controls: tuple[Url, ...] = ()
    """Addresses that answer whenever the way out is open, by the same kind of route as the target: a name or an
    address, inside or outside. Where one of them answers and the target is silent, the silence is the target's."""
    seconds_at_most: Annotated[float, Field(gt=0)] | None = None
    """Lowers the deadline that follows from the lines of a phase. What has not been seen by then is unknown."""


class EvidenceSettings(BaseModel):
    """What the evidence of an environment must be to count."""

    model_config = STRICT

    signed: bool = False
    """Only what a trusted key has signed counts, also where no key is left in the project and none in the ledger."""
    anchor: AnchorPlaces | None = None
    """Where each run keeps the head of the ledger, and where `verify` demands it."""

    @field_validator("anchor", mode="before")
    @classmethod
    def _names_a_place(cls, stated: object) -> object:
        # `verify` takes it for a demand that somebody began to write.
        if stated is None:
            raise ValueError("it is empty: name a place")
        return stated
