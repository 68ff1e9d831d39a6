"""Requests that got lost between the users and the counters: how they were answered is not known, how many is.

So what they can change is bounded. A failure stands if it stands with every one of them counted as answered well and at
once. A pass never follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.rehearsal.evidence import Counts, RehearsalEvidence

LOST_SHARE = 0.001
"""Of the requests, that may have no outcome."""
AT_ONCE = 0
"""Microseconds: no answer comes sooner."""


@dataclass(frozen=True)
class Leak:
    """The requests of all phases whose outcome is not known."""

    sent: int
    """All requests that the client sent."""
    lost: int
    """Those of them without an outcome."""
    outside: int
    """Those that went past the client that measures."""

    @classmethod
    def of(cls, evidence: RehearsalEvidence) -> Leak:
        """Return it from the evidence."""
        # What one phase has too many does not make up for what another one lost.
        lost = sum(max(0, sent - recorded) for sent, recorded in evidence.phases.values())
        return cls(evidence.sent, lost, max(0, evidence.outside))

    @property
    def requests(self) -> int:
        """How many may belong to the hold and be answered in any way; 0 where so few are let pass."""
        return self.lost + self.outside if any(self.faults()) else 0

    @property
    def answered_at_once(self) -> Counts:
        """The time of each, if the target had been as quick as can be."""
        return {AT_ONCE: self.requests} if self.requests else {}

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield what leaked, and what to do about it."""
        allowed = self.sent * LOST_SHARE
        if self.lost > allowed:
            yield f"{self.lost} of {self.sent} requests have no outcome", "give the stage a longer drain_seconds"
        if self.outside > allowed:
            yield f"{self.outside} requests went past the client that measures", "use Visitor.ask in your journeys"
