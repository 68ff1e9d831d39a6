"""How long things took: a sparse histogram of microseconds with three significant digits.

A value is counted in the bucket that its eleven leading bits name, so a bucket is at most 0.1 % wide, and two
distributions are merged by adding counts: exactly, over processes and machines, in any order. The same idea as
HdrHistogram, whose Python package was measured beside it: 1.5 µs a value against 0.4 µs, and 170 kB for each of the
many histograms of a rehearsal, each of which has to be encoded to cross a process.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

BITS = 11
SECOND = 1_000_000
_CERTAIN = 1.96
"""Standard deviations on either side that hold 95 % of the cases."""


def bucket(microseconds: int) -> int:
    """Return the lowest value that is counted together with this one."""
    shift = microseconds.bit_length() - BITS
    return microseconds >> shift << shift if shift > 0 else max(microseconds, 0)


def _highest(low: int) -> int:
    """Return the highest value of the bucket that begins with `low`."""
    shift = low.bit_length() - BITS
    return low + (1 << shift) - 1 if shift > 0 else low


@dataclass(frozen=True)
class Bounds:
    """Between which figures a percentile lies, in seconds."""

    low: float = 0.0
    high: float = 0.0


@dataclass
class Distribution:
    """Counts by bucket. Values are microseconds; what is returned is seconds."""

    counts: dict[int, int] = field(default_factory=dict)

    def record(self, microseconds: int, times: int = 1) -> None:
        """Count a value, as often as it occurred."""
        low = bucket(microseconds)
        self.counts[low] = self.counts.get(low, 0) + times

    def add(self, counts: Mapping[int, int]) -> None:
        """Merge counts of another distribution into this one."""
        for low, times in counts.items():
            self.counts[low] = self.counts.get(low, 0) + times

    @property
    def total(self) -> int:
        """How many values were counted."""
        return sum(self.counts.values())

    @property
    def mean(self) -> float:
        """Seconds, from the middle of each bucket; 0 where nothing was counted."""
        total = self.total
        if not total:
            return 0.0
        microseconds = sum((low + _highest(low)) / 2 * times for low, times in self.counts.items())
        return microseconds / total / SECOND

    def at_rank(self, rank: int) -> tuple[float, float]:
        """Return the least and the greatest that the rank-th value (from 1) can be, in seconds.

        Raises ValueError where nothing was counted.
        """
        passed = 0
        for low in sorted(self.counts):
            passed += self.counts[low]
            if passed >= rank:
                return low / SECOND, _highest(low) / SECOND
        raise ValueError("nothing was counted")

    def percentile(self, share: float) -> tuple[float, float]:
        """Return the least and the greatest that a percentile (share 0 to 1) can be, in seconds."""
        return self.at_rank(max(1, math.ceil(share * self.total)))

    def middle(self, share: float) -> float:
        """Return a percentile as one figure for people, in seconds; 0 where nothing was counted."""
        if not self.counts:
            return 0.0
        return sum(self.percentile(share)) / 2

    def sure_of(self, share: float) -> tuple[float, float]:
        """Return the 95 % interval of a percentile that the number of values allows (order statistics), in seconds."""
        total = self.total
        rank = total * share
        spread = _CERTAIN * math.sqrt(total * share * (1 - share))
        low_rank = max(1, math.floor(rank - spread))
        high_rank = min(total, math.ceil(rank + spread) + 1)
        return self.at_rank(low_rank)[0], self.at_rank(high_rank)[1]


def merged(several: Iterable[Mapping[int, int]]) -> Distribution:
    """Return several counts as one distribution."""
    distribution = Distribution()
    for counts in several:
        distribution.add(counts)
    return distribution


def wilson(bad: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson's score); 0 and 1 where there is nothing to judge by."""
    if not total:
        return 0.0, 1.0

    share = bad / total
    squared = _CERTAIN**2
    centre = share + squared / (2 * total)
    spread = _CERTAIN * math.sqrt(share * (1 - share) / total + squared / (4 * total**2))
    scale = 1 + squared / total
    low = max(0.0, (centre - spread) / scale)
    high = min(1.0, (centre + spread) / scale)

    # At 0 and 1 rounding crosses the share itself.
    return min(low, share), max(high, share)
