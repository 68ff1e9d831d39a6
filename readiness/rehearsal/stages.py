"""The stages of a load rehearsal: how many users, for how long, and what they must see. Adding one is adding a row."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

BORNE = 10
"""Users that every target bears: scaling does not go below, and so many stay when the load has gone."""
Positive = Annotated[float, Field(gt=0)]


class Stage(BaseModel):
    """One load. Users come at a steady rate, settle, are judged while they hold, and finish what they began.

    Where it has a recovery, most of them go after the hold, and the few that stay see whether the target comes back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    users: Annotated[int, Field(ge=1, le=1_000_000)]
    hold_minutes: Positive
    """With all users there; coming and settling are not counted and not judged."""
    users_per_second: Positive = 50.0
    """How fast they come; more than 100 a second and process distort what is measured for half a minute."""
    settle_seconds: Annotated[float, Field(ge=0)] = 10.0
    recovery_minutes: Annotated[float, Field(ge=0)] = 0.0
    """After the hold, with the users of a smoke: the first half is the target's, the second is judged."""
    drain_seconds: Positive = 30.0
    """How long the last answers are waited for."""
    think_seconds: tuple[Positive, Positive] = (0.5, 1.5)
    """Between two requests of a user, uniform: a constant would march the users in step."""
    p95_seconds_below: Positive = 1.5
    share_below: Annotated[float, Field(gt=0, le=1)] = 0.01
    """Of the requests that may fail."""

    @model_validator(mode="after")
    def _least_first(self) -> Stage:
        if self.think_seconds[0] > self.think_seconds[1]:
            raise ValueError("think_seconds: the lesser comes first")
        return self

    @property
    def think_mean(self) -> float:
        """The mean of `think_seconds`."""
        return sum(self.think_seconds) / 2

    @property
    def ramp_seconds(self) -> float:
        """How long the users take to come."""
        return self.users / self.users_per_second

    @property
    def seconds(self) -> float:
        """From the first user to the last answer, at most."""
        at_work = self.hold_minutes * 60 + self.recovery_seconds
        return self.ramp_seconds + self.settle_seconds + at_work + self.drain_seconds

    @property
    def recovery_seconds(self) -> float:
        """How long the few users stay after the hold; 0 for a stage without a recovery."""
        return self.recovery_minutes * 60

    @property
    def recovery_users(self) -> int:
        """How many users stay."""
        return min(self.users, BORNE)

    def scaled(self, scale: float) -> Stage:
        """Return it smaller, for the sandbox: fewer users, a shorter hold of ten seconds at least."""
        if scale == 1:
            return self

        smaller = {
            "users": max(min(self.users, BORNE), round(self.users * scale)),
            "hold_minutes": max(self.hold_minutes * scale, 1 / 6),
            "recovery_minutes": max(self.recovery_minutes * scale, 1 / 6) if self.recovery_minutes else 0.0,
            "settle_seconds": min(self.settle_seconds, 2.0),
        }
        return self.model_copy(update=smaller)


STAGES: dict[str, Stage] = {
    "smoke": Stage(users=10, hold_minutes=2, users_per_second=5),
    "load": Stage(users=100, hold_minutes=5),
    "stress": Stage(users=500, hold_minutes=10, recovery_minutes=1),
    "launch": Stage(users=2000, hold_minutes=15, recovery_minutes=1),
}
"""In the order in which they are run; an environment may add to them (`load.stages`)."""
