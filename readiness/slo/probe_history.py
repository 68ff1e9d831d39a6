"""Service levels from the suite's own probe runs. Pure.

Each run is one look at the service. Where several decisions of a run belong to it the worst counts: failed, then
unknown, then passed; a warning is a pass. What was not run did not look. An unknown look is neither a pass nor a
failure: it counts among the looks, and `Events` decides nothing that hangs on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from readiness.outcomes import Outcome, Unknown
from readiness.slo.events import fewest

PAUSE_AT_LEAST = timedelta(hours=2)
"""A shorter one is an hourly run and its delay, and no gap in what is known."""
PAUSE_SHARE = 0.1
"""The same as a share of the window. In a longer pause nobody knows how the service was."""
_WORST_FIRST = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN, Outcome.PASS)


@dataclass(frozen=True)
class ProbeRun:
    """One run's look: how it ended, and the seconds that it measured, the slowest of them."""

    at: datetime
    outcome: Outcome
    seconds: float | None = None
    at_least: bool = False
    """It was given up after these seconds: nobody saw how many more it would have taken."""
    refused: bool = False
    """The service said no: such a look is never answered, however long one waits."""

    @property
    def slowness(self) -> float | None:
        """The seconds, without end where it was refused; None where nothing was measured."""
        return math.inf if self.refused else self.seconds

    def and_also(self, other: ProbeRun) -> ProbeRun:
        """Return two decisions of one run as one look: the worse outcome, the longer time."""
        worst = min(self.outcome, other.outcome, key=_WORST_FIRST.index)
        times = [seconds for seconds in (self.seconds, other.seconds) if seconds is not None]
        at_least, refused = self.at_least or other.at_least, self.refused or other.refused
        return ProbeRun(self.at, worst, max(times, default=None), at_least=at_least, refused=refused)


def _slowness(look: ProbeRun) -> float:
    return 0.0 if look.slowness is None else look.slowness


@dataclass(frozen=True)
class QuantileOfLooks:
    """Between which seconds a quantile of looks lies; the two are one where every look told its time."""

    least: float
    """Had all that nobody saw been quick, and all that are missing; without end where it lies among the refused."""
    most: float
    """Had all that nobody saw been slower than the others; without end where a look was given up or refused."""
    without_time: int
    """How many looks told no time: they saw nothing, or were refused."""
    refused: str
    """How many were refused, in words."""


def _rank(share: float, count: int) -> int:
    # 0.95 * 20 is not 19 to the last digit.
    return max(1, math.ceil(round(share * count, 6)))


def _ranked(times: Sequence[float], rank: int) -> float:
    """Return the time of a rank, counted from 1; 0 where it is before the first."""
    return times[rank - 1] if rank >= 1 else 0.0


@dataclass(frozen=True)
class Looks:
    """The looks of a window, the oldest first."""

    of: str
    """The check that looked."""
    begin: datetime
    end: datetime
    found: Sequence[ProbeRun]

    @property
    def count(self) -> int:
        """How often the suite looked."""
        return len(self.found)

    @property
    def failed(self) -> int:
        """How often what it looked at was not as it should be."""
        return self._count_of(Outcome.FAIL)

    @property
    def unseen(self) -> int:
        """How often it could not see."""
        return self._count_of(Outcome.UNKNOWN)

    @property
    def available(self) -> float:
        """The share of the looks that passed; an unknown one did not. Raises Unknown for none."""
        if not self.found:
            raise Unknown(f"{self.of} did not look between {self._window}", "run the suite more often")
        return (self.count - self.failed - self.unseen) / self.count

    def quantile(self, share: float) -> QuantileOfLooks:
        """Return the bounds of the seconds within which a share of the looks (0 to 1) was answered. Raises Unknown.

        Nobody knows how long a look without an answer would have taken: it was as quick as none or slower than all. One
        that was given up took at least so long, and one that was refused is not answered at all. Looks that are too few
        for the share are filled up with quick ones: what is too slow even so is decided.
        """
        if not self.found:
            raise Unknown(f"{self.of} did not look between {self._window}", "run the suite more often")

        measured = sorted((look for look in self.found if look.slowness is not None), key=_slowness)
        times = [_slowness(look) for look in measured]
        needed = max(self.count, fewest(1 - share))
        quick = needed - len(times)
        least = _ranked(times, _rank(share, needed) - quick)

        rank = _rank(share, self.count)
        # Where it came before one that was given up, the true figure can only be larger.
        is_open = rank > len(times) or any(look.at_least for look in measured[:rank])
        most = math.inf if is_open else times[rank - 1]
        refused = sum(1 for look in self.found if look.refused)
        without_time = sum(1 for look in self.found if look.refused or look.seconds is None)
        return QuantileOfLooks(least, most, without_time, f"none: {refused} of {self.count} looks were refused")

    def covering(self, record_begins: datetime | None) -> Looks:
        """Return the looks, where they say something of the whole window. Raises Unknown for too long a pause."""
        length = self.end - self.begin
        allowed = max(PAUSE_AT_LEAST, length * PAUSE_SHARE)
        if length <= allowed:
            return self

        if record_begins is None or record_begins > self.begin + allowed:
            begins = f"begins {record_begins:%Y-%m-%d %H:%M}Z" if record_begins else "is empty"
            raise Unknown(
                f"the record of {self.of} at this target {begins}, and the window {self.begin:%Y-%m-%d %H:%M}Z",
                "wait until there is so much of a history, with a run every hour",
            )

        for before, after in self._pauses():
            if after - before > allowed:
                raise Unknown(
                    f"{self.of} did not look between {before:%Y-%m-%d %H:%M}Z and {after:%Y-%m-%d %H:%M}Z",
                    "let a scheduler run the suite every hour, and look whether it does",
                )
        return self

    def _pauses(self) -> Iterator[tuple[datetime, datetime]]:
        """Return the pauses between looks, and those to the window's begin and end."""
        return pairwise([self.begin, *(look.at for look in self.found), self.end])

    def _count_of(self, outcome: Outcome) -> int:
        return sum(1 for look in self.found if look.outcome is outcome)

    @property
    def _window(self) -> str:
        return f"{self.begin:%Y-%m-%d %H:%M}Z and {self.end:%Y-%m-%d %H:%M}Z"
