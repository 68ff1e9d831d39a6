"""A measurement as a journal has it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from readiness.measurements import Known, Measurement


class RecordedMeasurement(BaseModel):
    """A value compared with its limit."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    name: str
    value: Any
    comparator: Literal["below", "at_most", "at_least", "above", "is", "none"]
    limit: Any
    unit: str
    ok: bool
    known: Known = "exactly"
    """Only written where it is something else (`Result.plain`): the records of earlier versions stay as they are."""

    def measurement(self) -> Measurement:
        """Return it as the judgement takes it."""
        return Measurement(self.name, self.value, self.comparator, self.limit, self.unit, self.ok, self.known)
