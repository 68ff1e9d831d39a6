"""The window of a line that speaks of the time since the launch: how much of it has been, and what that decides. Pure.

Such a window begins at the launch or later, and says nothing before it is over. What has happened in it already stays:
where more has been counted than the whole window allows, that is decided. A share of events is not, however bad: nobody
knows how many more will come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from readiness.outcomes import Unknown
from readiness.timeline import LOOKS_BACK_AT_MOST, parse_span

NOW = "0s"
WRITE_AGAIN = "let what writes it look again: what was told before cannot be about a time that was not over"


@dataclass(frozen=True)
class LaunchWindow:
    """A window of a line, counted from the launch."""

    window: str
    """Its length, as the line states it."""
    launch_at: datetime
    moment: datetime
    """The instant that is judged."""
    now: datetime
    """The clock: nothing has been seen of what comes after it, whatever is judged."""

    @property
    def until(self) -> datetime:
        """The instant up to which there is something to see."""
        return min(self.moment, self.now)

    @property
    def over_at(self) -> datetime:
        """The first instant at which the window can lie wholly after the launch."""
        return self.launch_at + parse_span(self.window)

    @property
    def is_whole(self) -> bool:
        """Whether so much time has passed since the launch."""
        return self.until >= self.over_at

    @property
    def begins(self) -> datetime:
        """When it begins: never before the launch."""
        return max(self.launch_at, self.until - parse_span(self.window))

    @property
    def unfinished(self) -> str:
        """Why it says nothing yet; empty where it is whole."""
        if self.is_whole:
            return ""
        return f"the {self.window} since the launch are over at {self.over_at:%Y-%m-%d %H:%M:%S}Z"

    def require_whole(self) -> None:
        """Raise Unknown before the window is whole."""
        if not self.is_whole:
            raise not_over(self.unfinished)

    def require_begun(self) -> None:
        """Raise Unknown before the first whole second after the launch."""
        if self.until < self.launch_at + timedelta(seconds=1):
            raise Unknown(
                f"the launch is at {self.launch_at:%Y-%m-%d %H:%M:%S}Z: there is no time since it",
                "run again after the launch, or correct launch_at",
            )

    @property
    def seen(self) -> str:
        """The part of it that has been, as a span in whole seconds."""
        if self.is_whole:
            return self.window
        return f"{(self.until - self.launch_at) // timedelta(seconds=1)}s"

    @property
    def seen_ended(self) -> str:
        """How long ago that part ended, as a span: not at all, but for a run that looks back."""
        ago = self.now - self.until
        if self.is_whole or ago <= LOOKS_BACK_AT_MOST:
            return NOW
        # Rather a second of it less than one from before the launch.
        return f"{ago // timedelta(seconds=1)}s"


def not_over(unfinished: str) -> Unknown:
    """Return the error for a window that is not over."""
    return Unknown(unfinished, "run again when it is over; the window counts from launch_at")


def why_told_too_early(what: str, told_at: datetime | None, over_at: datetime) -> str:
    """Return why something that was told then says nothing of a time that was over later; empty where it may.

    Nobody knows when that was told which carries no time (None): its query says of which time it is.
    """
    if told_at is None or told_at >= over_at:
        return ""
    return (
        f"{what} is of {told_at:%Y-%m-%d %H:%M:%S}Z,"
        f" and the time that the line speaks of was over at {over_at:%Y-%m-%d %H:%M:%S}Z"
    )


def require_told_late_enough(what: str, told_at: datetime | None, over_at: datetime) -> None:
    """Raise Unknown for what was told before the time was over of which it is to speak."""
    early = why_told_too_early(what, told_at, over_at)
    if early:
        raise Unknown(early, WRITE_AGAIN)


def decided_so_far(value: float, unfinished: str, *, is_broken: bool) -> float:
    """Return what was counted, where it decides: in a whole window, or where the limit is broken already.

    Raises Unknown for an unfinished window whose rest can still break the limit.
    """
    if unfinished and not is_broken:
        raise not_over(unfinished)
    return value
