"""The stalls of the target in the hold of a rehearsal, and what they hid: from the evidence to `open_arrivals`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from readiness.rehearsal.bunching import are_stalls
from readiness.rehearsal.evidence import Counts, RehearsalEvidence
from readiness.rehearsal.histogram import Bounds, Distribution
from readiness.rehearsal.open_arrivals import (
    QUARTERS_A_SECOND,
    Quarter,
    Stall,
    held_back,
    open_percentile,
    stalls,
    unseen_percentile,
    waiting_after,
)

QUARTER_WIDTH = 1 / 32
"""A time of a quarter is counted up to this share of it too low (`loadtests.recording.QUARTER_BITS`)."""


@dataclass(frozen=True)
class Stalls:
    """When clearly more users waited than usual."""

    quarters: tuple[Quarter, ...]
    """The hold; empty in evidence of earlier versions."""
    sent: tuple[int, ...]
    """Requests sent in each slice of the hold: a quarter of a second, or a second in evidence of earlier versions."""
    each: tuple[Stall, ...]
    slices_a_second: int

    @classmethod
    def of(cls, evidence: RehearsalEvidence) -> Stalls:
        """Return the stalls of a rehearsal."""
        if not evidence.quarters:
            return cls._by_second(evidence)

        counts = {number: (sent, answered) for number, (sent, answered, _) in evidence.quarters.items()}
        course = _hold(evidence, counts, QUARTERS_A_SECOND)
        quarters = [
            Quarter(*evidence.quarters.get(number, _NOTHING)[:2], waiting, evidence.quarters.get(number, _NOTHING)[2])
            for number, (_, waiting) in course.items()
        ]
        crowds = stalls([quarter.waiting for quarter in quarters], evidence.asked.users)
        # A crowd of those who happened upon a slow request each is no stall.
        seen = crowds if are_stalls(quarters, crowds, evidence.asked.users) else []
        sent = tuple(quarter.sent for quarter in quarters)
        return cls(tuple(quarters), sent, tuple(seen), QUARTERS_A_SECOND)

    @classmethod
    def _by_second(cls, evidence: RehearsalEvidence) -> Stalls:
        """Return what evidence of earlier versions tells: how many requests each second had, and not how long."""
        course = _hold(evidence, evidence.seconds, 1)
        seen = stalls([waiting for _, waiting in course.values()], evidence.asked.users)
        return cls((), tuple(sent for sent, _ in course.values()), tuple(seen), 1)

    @property
    def number(self) -> int:
        """How many there were."""
        return len(self.each)

    @property
    def longest_seconds(self) -> float:
        """How long the longest was."""
        return max((stall.slices for stall in self.each), default=0) / self.slices_a_second

    @property
    def are_measured(self) -> bool:
        """Whether the evidence tells how long those took that were sent in a stall."""
        return bool(self.quarters)

    def percentile(self, answered: Distribution, share: float) -> Bounds:
        """Return between which seconds a percentile lies for users who come when they want."""
        if not self.are_measured:
            return unseen_percentile(answered, held_back(self.sent, self.each), share)

        bounds = open_percentile(self.quarters, self.each, share)
        return Bounds(bounds.low, bounds.high * (1 + QUARTER_WIDTH))


_NOTHING: tuple[int, int, Counts] = (0, 0, {})


def _hold(
    evidence: RehearsalEvidence, counts: Mapping[int, tuple[int, int]], slices_a_second: int
) -> dict[int, tuple[int, int]]:
    """Return for each whole slice of the hold how many requests were sent, and how many users waited at its end."""
    if not evidence.hold_from or not evidence.hold_until or not counts:
        return {}

    numbers = range(min(counts), max(counts) + 1)
    sent = [counts.get(number, (0, 0))[0] for number in numbers]
    answered = [counts.get(number, (0, 0))[1] for number in numbers]
    waiting = dict(zip(numbers, waiting_after(sent, answered), strict=True))

    first = math.ceil(evidence.hold_from.timestamp() * slices_a_second)
    end = math.floor(evidence.hold_until.timestamp() * slices_a_second)
    return {
        number: (sent_in_it, waiting[number])
        for number, sent_in_it in zip(numbers, sent, strict=True)
        if first <= number < end
    }
