"""The deadline of a run as a journal has it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class RecordedDeadline(BaseModel):
    """How many seconds the looks of a run had together, and what that follows from."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    seconds: float
    reserve_seconds: float
    """For judging, and for what is asked besides the lines."""
    turns: int
    """The looks that are made alone, and the rounds of those that are made together."""
    requests_each: int
    request_seconds: float
    """How long the longest request may take."""
    waits_seconds: float
    """What lines wait for by their own settings."""
    stated_seconds: float | None = None
    """`run.seconds_at_most`; None where the environment states none."""

    @property
    def says(self) -> str:
        """The deadline and what it follows from, as a person reads it."""
        turns = "1 turn" if self.turns == 1 else f"{self.turns} turns"
        seconds = self.turns * self.requests_each * self.request_seconds
        requests = (
            f"{seconds:g} s for requests ({turns} of {self.requests_each}, each {self.request_seconds:g} s at most)"
        )
        waits = f"{self.waits_seconds:g} s that lines wait by themselves"
        follows = f"{requests}, {waits}, {self.reserve_seconds:g} s for the rest"
        if self.stated_seconds is not None and self.stated_seconds <= self.seconds:
            return f"{self.seconds:.0f} s by run.seconds_at_most, in place of {follows}"
        return f"{self.seconds:.0f} s: {follows}"
