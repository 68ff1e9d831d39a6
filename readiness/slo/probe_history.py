"""What the suite's own looks at a service tell of a window of time. Pure.

A run is one look. Where several decisions of a run belong to it the worst counts: failed, then unknown, then passed; a
warning is a pass. What was not run did not look. An unknown look is neither a pass nor a failure: it counts among the
looks, and `Events` decides nothing that hangs on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from readiness.outcomes import Outcome, Unknown

PAUSE_AT_LEAST = timedelta(hours=2)
"""A pause of the hourly run and its delay says nothing."""
PAUSE_SHARE = 0.1
"""Of the window; in a longer pause nobody knows how the service was."""
_WORST_FIRST = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN, Outcome.PASS)


@dataclass(frozen=True)
class Look:
    """One run's look: how it ended, and the seconds that it measured, the slowest of them."""

    at: datetime
    outcome: Outcome
    seconds: float | None = None

    def and_also(self, other: Look) -> Look:
        """Put two decisions of one run together."""
        times = [seconds for seconds in (self.seconds, other.seconds) if seconds is not None]
        return Look(self.at, min(self.outcome, other.outcome, key=_WORST_FIRST.index), max(times, default=None))


@dataclass(frozen=True)
class Looks:
    """The looks of a window, the oldest first."""

    of: str
    """The check that looked."""
    begin: datetime
    end: datetime
    found: Sequence[Look]

    @property
    def count(self) -> int:
        """How often the suite looked."""
        return len(self.found)

    @property
    def failed(self) -> int:
        """How often what it looked at was not as it should be."""
        return self._number(Outcome.FAIL)

    @property
    def unseen(self) -> int:
        """How often it could not see."""
        return self._number(Outcome.UNKNOWN)

    @property
    def available(self) -> float:
        """The share of the looks that passed; an unknown one did not. Raises Unknown for none."""
        if not self.found:
            raise Unknown(f"{self.of} did not look between {self._window}", "run the suite more often")
        return (self.count - self.failed - self.unseen) / self.count

    def quantile(self, share: float) -> float:
        """Give the seconds within which so large a share of the looks was answered. Raises Unknown.

        Nobody knows how long a look without an answer would have taken: it counts as slower than all others.
        """
        known = sorted(look.seconds for look in self.found if look.seconds is not None)
        rank = max(1, math.ceil(round(share * self.count, 6)))
        if rank > len(known):
            raise Unknown(
                f"{self.count - len(known)} of {self.count} looks of {self.of} measured no seconds, so the quantile"
                f" {share:g} is not known",
                "look at those runs; `readiness history --rebuild` adds the seconds of runs of older versions",
            )
        return known[rank - 1]

    def covering(self, record_begins: datetime | None) -> Looks:
        """Return them, where they say something of the whole window. Raises Unknown for too long a pause."""
        allowed = max(PAUSE_AT_LEAST, (self.end - self.begin) * PAUSE_SHARE)
        if self.end - self.begin <= allowed:
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
        return pairwise([self.begin, *(look.at for look in self.found), self.end])

    def _number(self, outcome: Outcome) -> int:
        return sum(1 for look in self.found if look.outcome is outcome)

    @property
    def _window(self) -> str:
        return f"{self.begin:%Y-%m-%d %H:%M}Z and {self.end:%Y-%m-%d %H:%M}Z"
