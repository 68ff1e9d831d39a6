"""Service levels: shares of events, error budgets and their burn rates, and what counts as usual. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from readiness.measurements import AtLeast, Refusal
from readiness.outcomes import Unknown

USUAL_AT_LEAST = 20
"""Events in an hour from which it can say what is usual: of fewer, chance alone halves or doubles the number."""
_SLACK = 1.01
"""Counts over a window are estimates at its edges; all that failed may be a little more than all there were."""


def fewest(allowed: float) -> int:
    """Return how many events it takes until a single failure among them is not yet more than the allowed share."""
    # Where nothing may fail, one event can already show that something did.
    if allowed <= 0:
        return 1
    # 1 / 0.1 is not 10 to the last digit.
    return math.floor(round(1 / allowed, 6)) + 1


def share_of(part: float, whole: float) -> float:
    """Return a part as a share of its whole, 0 to 1. Raises Unknown for nothing, and for more than the whole."""
    if not whole > 0:
        raise Unknown(
            "there were no events, so there is no share of them", "is there traffic, and does its counter move?"
        )
    if part > whole * _SLACK:
        raise Unknown(
            f"{part:,.0f} of {whole:,.0f} cannot be: the two figures count different things", "compare their queries"
        )
    return min(1.0, max(0.0, part / whole))


def certain(count: float) -> float:
    """Return how many whole events a count proves: one that is no whole number is extrapolated, as by `increase()`.

    Less than one stays what it is: something was there, which is too much where nothing may be.

    >>> certain(1.017), certain(5.4), certain(1.9999999), certain(0.4)
    (1.0, 5.0, 2.0, 0.4)
    """
    return count if count < 1 else round(count, 6) // 1


def burn_rate(share: float, allowed: float) -> float:
    """Return how many times faster than it lasts the error budget is spent; 1 spends exactly all of it."""
    if allowed > 0:
        return share / allowed
    # Without a budget any failure overspends it.
    return math.inf if share > 0 else 0.0


def budget_left(share: float, allowed: float) -> float:
    """Return the share of the error budget that is left; less than 0 once it is overspent."""
    return 1 - burn_rate(share, allowed)


def times(now: float, before: float, floor: float) -> float:
    """Return how many times as large something is as before; below the floor all is alike."""
    return max(now, floor) / max(before, floor)


@dataclass(frozen=True)
class ShareBounds:
    """Between what a share lies; the two are one where everything was seen."""

    least: float
    most: float


@dataclass(frozen=True)
class Events:
    """The events of a kind in a window, and how many of them were of the sort that is judged: that failed, mostly."""

    kind: str
    window: str
    count: float
    part: float
    hour_count: float = 0.0
    hour_part: float = 0.0
    """The same of the last hour, for the rate at which the error budget is spent now."""
    unseen: float = 0.0
    """How many of them could not be seen: they may belong to the part or not."""
    are_looks: bool = False
    """They are the suite's own, at regular times: each stands for the time around it."""
    unseen_says: str = "saw nothing"
    """What is known of those that could not be seen."""
    look_at: str = "look at those runs: readiness history shows them as ?"
    """What to do about them."""

    def __str__(self) -> str:
        return f"{self.count:,.0f} {self.kind} in {self.window}"

    def share(self, allowed: float, at_least: int = 1) -> float | AtLeast:
        """Return the part's share, 0 to 1, where there are events enough to compare it with the allowed one.

        Of fewer, `at_least` is what the line demands, the share that is left even if all that are missing to be enough
        had ended well, where that breaks the limit. Raises Unknown, also where it hangs on unseen events alone.
        """
        self._require_enough(allowed, at_least)
        if self._are_few(allowed, at_least) and not self.are_looks:
            return AtLeast(self._share_of_enough(allowed, at_least))
        least = share_of(self.part, self.count)
        most = share_of(self.part + self.unseen, self.count)
        if least < allowed <= most and self.unseen:
            raise Unknown(
                f"{self.unseen:,.0f} of {self} {self.unseen_says}: the share is between {least:.4g} and {most:.4g}",
                self.look_at,
            )

        # A limit that is broken is so without the unseen; one that is kept is so in spite of all of them.
        return least if least >= allowed else most

    def bounds(self, tolerance: float) -> ShareBounds:
        """Return between what the part's share lies, had the unseen and the missing all been well, or none of them.

        Raises Unknown where the events are too few for a share as small as the tolerance.
        """
        self._require_enough(tolerance)
        whole = max(self.count, fewest(tolerance))
        if self._are_few(tolerance, 1):
            others = self.count - self.part - self.unseen
            return ShareBounds(share_of(certain(self.part), whole), share_of(whole - certain(max(0.0, others)), whole))
        open_ones = self.unseen + whole - self.count
        most = self.part + open_ones
        return ShareBounds(share_of(self.part, whole), share_of(min(most, whole) if open_ones else most, whole))

    def basis(self, allowed: float, at_least: int = 1) -> str:
        """Format what a share is one of: `5 uploads in 1h`, and how many are missing to be enough for it."""
        if not self._are_few(allowed, at_least) or self.are_looks:
            return str(self)
        missing = max(fewest(allowed), at_least) - round(self.count)
        return f"{self}, as if {missing:,.0f} more had ended well"

    def _require_enough(self, allowed: float, at_least: int = 1) -> None:
        """Raise Unknown where the events are too few to be compared with an allowed share."""
        if not self.count > 0:
            raise Unknown(f"there were no {self.kind} in {self.window}", "is there traffic, and does its counter move?")
        share_of(self.part, self.count)  # raises where the two count different things

        is_broken = self._share_of_enough(allowed, at_least) >= allowed
        if self._are_few(allowed, at_least) and not is_broken:
            needed = max(fewest(allowed), at_least)
            raise Unknown(
                f"{self} are too few to judge a share of {allowed:.4g}: at least {needed:,} are needed",
                "wait for more of them, or judge a longer window",
            )

    def _are_few(self, allowed: float, at_least: int) -> bool:
        """Check whether the events are too few for an allowed share, or fewer than a line demands."""
        return self.count < max(fewest(allowed), at_least)

    def _share_of_enough(self, allowed: float, at_least: int) -> float:
        """Return the part's share, had all that are missing to be enough ended well: a lower bound of it."""
        return certain(self.part) / max(fewest(allowed), at_least, self.count)

    def rest(self, wanted: float) -> float:
        """Return the share of all others: of successes, where the part failed; of few events, at best. Raises Unknown.

        Nothing is softened by that: where few decide, even the best is not enough.
        """
        # 1 - 0.99 is not 0.01 to the last digit.
        share = self.share(round(1 - wanted, 9))
        return 1 - (share.at_least if isinstance(share, AtLeast) else share)

    def budget(self, allowed: float) -> str:
        """Format what is left of the error budget, and its burn rate in the last hour. Raises Unknown."""
        share = self.share(allowed)
        known_share = share.at_least if isinstance(share, AtLeast) else share
        left = f"{budget_left(known_share, allowed):.0%} of the error budget left"
        if not self.hour_count > 0:
            return f"{left}, no {self.kind} in the last hour"

        rate = burn_rate(share_of(self.hour_part, self.hour_count), allowed)
        return f"{left}, spent by the last hour at {rate:.2g} times the rate it lasts for"


@dataclass(frozen=True)
class Usual:
    """The events of an hour, and of the same hour of earlier days; None where those are not on record."""

    kind: str
    now: float
    before: tuple[float | None, ...]

    @property
    def known(self) -> Sequence[float]:
        """The counts of the earlier hours that can say what is usual. Raises Unknown where there is none."""
        counts = [count for count in self.before if count is not None and count >= USUAL_AT_LEAST]
        if not counts:
            raise Unknown(
                f"no earlier day had {USUAL_AT_LEAST} {self.kind} in this hour, so nothing is known to be usual",
                "wait until a day is on record",
            )
        return counts

    @property
    def drop(self) -> float:
        """The share by which there are fewer than in the quietest of the earlier hours, 0 to 1."""
        return max(0.0, 1 - self.now / min(self.known))

    @property
    def factor(self) -> float:
        """How many times as many as in the busiest of the earlier hours."""
        return self.now / max(self.known)

    @property
    def share(self) -> float:
        """How many times as many as the earlier hours had on average."""
        average = math.fsum(self.known) / len(self.known)
        return self.now / average


@dataclass(frozen=True)
class Compared:
    """The same events now and before."""

    now: Events
    before: Events

    def times(self, floor: float, at_most: float) -> float | AtLeast:
        """Return how many times the earlier share it is now; shares below the floor are alike. Raises Unknown.

        Also where it hangs on what nobody saw whether it is more than `at_most`.
        """
        now = self.now.bounds(floor)
        before = self.before.bounds(floor)
        least = times(now.least, before.most, floor)
        most = times(now.most, before.least, floor)
        return self._decided(least, most, at_most)

    def rise(self, at_most: float) -> float | AtLeast:
        """Return by how much the share has risen, 0 where it has not. Raises Unknown, as `times` does."""
        now = self.now.bounds(at_most)
        before = self.before.bounds(at_most)
        least = max(0.0, now.least - before.most)
        most = max(0.0, now.most - before.least)
        return self._decided(least, most, at_most)

    def _decided(self, least: float, most: float, at_most: float) -> float | AtLeast:
        """Return what lies between two bounds, where both are on one side of the limit. Raises Unknown."""
        if most <= at_most:
            return most
        if least == most:
            return least
        if least > at_most:
            return AtLeast(least)
        unseen = self.now.unseen + self.before.unseen
        raise Unknown(
            f"{unseen:,.0f} looks saw nothing, or {self.now} are too few: it is between {least:.4g} and {most:.4g}",
            "look at those runs: readiness history shows them as ?",
        )


@dataclass(frozen=True)
class Slowness:
    """How long events took in a window: a quantile, or the mean."""

    kind: str
    window: str
    count: float
    seconds: float
    quantile: float | None = None
    at_least: bool = False
    """So long at least: it lies beyond the last bound of the histogram, or looks were given up or saw nothing."""
    refused: str = ""
    """So many were refused that there is no such time."""
    at_most: float | None = None
    """So long at most, where it is known that it lies between two bounds."""
    without_time: int = 0
    """How many looks told no time."""
    are_looks: bool = False
    """They are the suite's own: the lower bound holds, however quick those are that are missing to be enough."""

    def __str__(self) -> str:
        return f"{self.count:,.0f} {self.kind} in {self.window}"

    def under(self, limit: float) -> float | AtLeast | Refusal:
        """Return the seconds, where they are known well enough to be held against a limit. Raises Unknown."""
        if self.refused:
            return Refusal(self.refused)
        # What the looks show already is shown, however few they are.
        if self.are_looks and self.seconds >= limit:
            return AtLeast(self.seconds) if self.at_least else self.seconds

        self._require_enough()
        if not self.at_least:
            return self.seconds
        # Even if all that nobody saw had been slower than the others.
        if self.at_most is not None and self.at_most < limit:
            return self.at_most
        # Beyond the last bound but below the limit: the true figure may be on either side of it.
        if self.seconds < limit:
            raise self._open(f"{limit:g} s")
        return AtLeast(self.seconds)

    def times(self, before: Slowness, at_most: float) -> float | AtLeast:
        """Return how many times as long as before it took, where that can be compared. Raises Unknown."""
        self._require_enough()
        before._require_enough()
        if self.refused or before.refused:
            raise Unknown(f"{self.refused or before.refused}, which is no time to compare", "look at those runs")

        if math.isinf(before._most):
            raise before._open("how many times as long it takes now")
        if not before._most:
            raise Unknown(f"the figure of {before} is 0 s", "correct the query of its latency")

        least = self.seconds / before._most
        most = self._most / before.seconds if before.seconds else math.inf
        if most <= at_most or least == most:
            return most
        if least > at_most:
            return AtLeast(least)
        raise self._open(f"{at_most:g} times the {before.seconds:g} s of before")

    @property
    def _most(self) -> float:
        """The seconds that it took at most."""
        if not self.at_least:
            return self.seconds
        return math.inf if self.at_most is None else self.at_most

    def _require_enough(self) -> None:
        """Raise Unknown where the events are too few for the quantile."""
        needed = fewest(1 - self.quantile) if self.quantile else 1
        if self.count < needed:
            raise Unknown(
                f"{self} are too few for this figure: at least {needed:,} are needed",
                "wait for more of them, or judge a longer window",
            )

    def _open(self, what: str) -> Unknown:
        """Return the error for a figure of which only bounds are known, on both sides of what it is held against."""
        if self.without_time:
            ends = f"and {self.at_most:g} s at most" if self.at_most is not None else "or more"
            return Unknown(
                f"{self.without_time} of {self} measured no seconds: it took {self.seconds:g} s {ends},"
                f" which says nothing of {what}",
                "look at those runs; `readiness history --rebuild` adds the seconds of runs of older versions",
            )
        return Unknown(
            f"it took {self.seconds:g} s or more, all that is known of it, which says nothing of {what}",
            "give the histogram a bound beyond the limit; of looks, raise http.deadline_seconds above it",
        )
