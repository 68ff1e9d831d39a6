"""Counts of one process, merged exactly in the process that leads.

Nothing here knows Locust or gevent. A sample belongs to the phase in which its request was sent: an answer that
comes during the drain still counts for the hold, and the slowest are not lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from readiness.redaction.shown import shown
from readiness.rehearsal.evidence import SLICE_SECONDS, Counts, Phase
from readiness.rehearsal.histogram import bucket
from readiness.rehearsal.open_arrivals import QUARTERS_A_SECOND

KINDS_KEPT = 40
"""Different errors of one endpoint; what comes beyond is counted as `other`."""
WORDS_KEPT = 300
"""Characters of what an exception says."""
COARSE_BITS = 7
"""For the curves: 1.6 % wide."""
QUARTER_BITS = 6
"""For the quarters of a second: 3 % wide. There are many of them."""
THOUSAND = 1000
QUARTER = 1_000_000_000 // QUARTERS_A_SECOND
"""Nanoseconds."""
Key = TypeVar("Key")
Why = Literal["first", "closed_by_target", "after_failure", "unexplained"]
"""For what reason a connection was opened."""


def _bump(counts: dict[Any, int], key: Any, by: int = 1) -> None:
    counts[key] = counts.get(key, 0) + by


def _coarse(microseconds: int, bits: int = COARSE_BITS) -> int:
    shift = microseconds.bit_length() - bits
    return microseconds >> shift << shift if shift > 0 else microseconds


@dataclass
class Tally:
    """The requests of one name in the hold."""

    ok: int = 0
    failed: int = 0
    bytes: int = 0
    unstamped: int = 0
    late_microseconds: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    kernel: Counts = field(default_factory=dict)
    naive: Counts = field(default_factory=dict)


@dataclass
class Slice:
    """Ten seconds of the run, for the curves."""

    ok: int = 0
    failed: int = 0
    kernel: Counts = field(default_factory=dict)
    naive: Counts = field(default_factory=dict)


@dataclass
class ConnectionCounts:
    """How many connections were opened, by why, and how long that took (µs)."""

    first: int = 0
    closed_by_target: int = 0
    after_failure: int = 0
    unexplained: int = 0
    failed: int = 0
    connect: Counts = field(default_factory=dict)
    handshake: Counts = field(default_factory=dict)


@dataclass
class RequestSample:
    """One request with its outcome. Times in nanoseconds of the wall clock, durations in µs."""

    name: str
    phase: Phase
    sent: int
    """When the user wanted to send it; on an open connection, when it was sent."""
    limit: float
    """Seconds it may take."""
    kernel: int = 0
    """The lower bound: from sending to the arrival that the kernel stamped, and `opening`."""
    naive: int = 0
    """The upper bound: from wanting to send to the end of parsing."""
    size: int = 0
    """Bytes of the body."""
    error: str | None = None
    """None where the answer was as wanted."""
    waited_out: bool = False
    """The time was up: it took at least that long, and is not left out of the percentiles."""
    stamped: bool = True
    on_wire: int = 0
    """When its first byte was sent: later than `sent` where a connection had to be opened first."""
    opening: int = 0
    """The lower bound of what the target took to take that connection, with TLS."""


def _by_name() -> dict[str, Tally]:
    return {}


@dataclass
class Counters:
    """What one process counted since it last reported; in the leading process, what all of them counted."""

    endpoints: dict[str, Tally] = field(default_factory=_by_name)
    """Name of the request → those of the hold."""
    recovery: dict[str, Tally] = field(default_factory=_by_name)
    """Name of the request → those of the second half of the recovery."""
    slices: dict[int, Slice] = field(default_factory=dict)
    """Unix second of the start → what was sent in it."""
    sent_in: dict[str, int] = field(default_factory=dict)
    """Phase → requests sent in it."""
    recorded_in: dict[str, int] = field(default_factory=dict)
    """Phase → requests sent in it whose outcome is known."""
    sent_at: dict[int, int] = field(default_factory=dict)
    """Quarter of a second since 1970 → requests sent in it."""
    answered_at: dict[int, int] = field(default_factory=dict)
    """Quarter of a second since 1970 → answers that arrived in it."""
    took_at: dict[int, Counts] = field(default_factory=dict)
    """Quarter of a second since 1970 → how long those took that were sent in it during the hold (kernel)."""
    connections: ConnectionCounts = field(default_factory=ConnectionCounts)
    broken_visits: int = 0
    """Visits that an exception broke off: what they had not sent yet is counted nowhere else."""
    broken_because: str = ""
    """What the first of them said."""

    def add(self, other: Mapping[str, Any]) -> None:
        """Merge the plain form of another process's counters."""
        for mine, theirs in ((self.endpoints, other["endpoints"]), (self.recovery, other["recovery"])):
            for name, tally in theirs.items():
                _merge(vars(mine.setdefault(name, Tally())), tally)
        for start, part in other["slices"].items():
            _merge(vars(self.slices.setdefault(int(start), Slice())), part)
        for name in ("sent_in", "recorded_in", "sent_at", "answered_at"):
            _merge({name: getattr(self, name)}, {name: other[name]})
        for quarter, took in other["took_at"].items():
            _merge({"took": self.took_at.setdefault(int(quarter), {})}, {"took": took})
        _merge(vars(self.connections), other["connections"])
        self.broken_visits += other["broken_visits"]
        self.broken_because = self.broken_because or other["broken_because"]

    def seconds(self) -> dict[int, tuple[int, int]]:
        """Return Unix second → requests sent in it, answers that arrived in it."""
        return pairs(_by_second(self.sent_at), _by_second(self.answered_at))

    def quarters(self) -> dict[int, tuple[int, int, Counts]]:
        """Return quarter of a second → requests sent in it, answers that arrived in it, how long those sent took."""
        counts = pairs(self.sent_at, self.answered_at)
        took = self.took_at
        return {quarter: (*counts.get(quarter, (0, 0)), took.get(quarter, {})) for quarter in {**counts, **took}}

    def plain(self) -> dict[str, Any]:
        """Return the counters as plain values, which Locust sends from process to process."""
        return {
            **vars(self),
            "endpoints": {name: vars(tally) for name, tally in self.endpoints.items()},
            "recovery": {name: vars(tally) for name, tally in self.recovery.items()},
            "slices": {start: vars(part) for start, part in self.slices.items()},
            "connections": vars(self.connections),
        }


def pairs(first: Mapping[Key, int], second: Mapping[Key, int]) -> dict[Key, tuple[int, int]]:
    """Return both counts of each key, 0 where one of them has none."""
    return {key: (first.get(key, 0), second.get(key, 0)) for key in {**first, **second}}


def _by_second(quarters: Mapping[int, int]) -> dict[int, int]:
    """Return counts of quarters of a second as counts of seconds."""
    seconds: dict[int, int] = {}
    for quarter, times in quarters.items():
        _bump(seconds, quarter // QUARTERS_A_SECOND, times)
    return seconds


def _merge(mine: dict[str, Any], theirs: Mapping[str, Any]) -> None:
    for name, value in theirs.items():
        if isinstance(value, Mapping):
            for key, times in value.items():
                _bump(mine[name], key, times)
        else:
            mine[name] += value


def _count(tallies: dict[str, Tally], sample: RequestSample, timed: bool) -> None:
    """Count the outcome of a request that is judged."""
    tally = tallies.get(sample.name) or tallies.setdefault(sample.name, Tally())
    if sample.error is None:
        tally.ok += 1
    else:
        tally.failed += 1
        has_its_own_count = sample.error in tally.errors or len(tally.errors) < KINDS_KEPT
        _bump(tally.errors, sample.error if has_its_own_count else "other")
    tally.bytes += sample.size
    if not timed:
        return
    _bump(tally.kernel, bucket(sample.kernel))
    _bump(tally.naive, bucket(sample.naive))
    tally.late_microseconds += sample.naive - sample.kernel
    if not sample.stamped:
        tally.unstamped += 1


@dataclass
class RequestRecorder:
    """Takes every request of this process."""

    counters: Counters = field(default_factory=Counters)
    hold_from: float = math.inf
    hold_until: float = math.inf
    """Unix seconds; known once all users are there."""
    recovery_seconds: float = 0.0
    """How long a few users stay after the hold."""

    def phase(self, moment: int) -> Phase:
        """Return the phase of a moment (nanoseconds)."""
        seconds = moment / 1e9
        if seconds < self.hold_from:
            # Until all users are there, nobody knows when the hold begins.
            return "ramp" if self.hold_from == math.inf else "settle"
        if seconds < self.hold_until:
            return "hold"
        return "recovery" if seconds < self.hold_until + self.recovery_seconds else "drain"

    def begin(self, moment: int) -> Phase:
        """Count a request that is about to be sent; return the phase that it belongs to."""
        phase = self.phase(moment)
        _bump(self.counters.sent_in, phase)
        _bump(self.counters.sent_at, moment // QUARTER)
        return phase

    def end(self, sample: RequestSample) -> None:
        """Count the outcome of a request."""
        counters = self.counters
        _bump(counters.recorded_in, sample.phase)
        _bump(counters.answered_at, (sample.sent + sample.kernel * THOUSAND) // QUARTER)
        start = sample.sent // 1_000_000_000 // SLICE_SECONDS * SLICE_SECONDS
        part = counters.slices.get(start) or counters.slices.setdefault(start, Slice())
        # A refusal is quick: in the percentiles it would make a broken target look fast. A time-out is a lower bound.
        timed = sample.error is None or sample.waited_out
        if sample.error is None:
            part.ok += 1
        else:
            part.failed += 1
        if timed:
            _bump(part.kernel, _coarse(sample.kernel))
            _bump(part.naive, _coarse(sample.naive))
        if sample.phase in {"hold", "recovery"} and timed:
            quarter = sample.sent // QUARTER
            took = counters.took_at.get(quarter) or counters.took_at.setdefault(quarter, {})
            _bump(took, _coarse(sample.kernel, QUARTER_BITS))
        if sample.phase == "hold":
            _count(counters.endpoints, sample, timed)
        # The first half is for the target to come back, and for the other users to leave.
        elif sample.phase == "recovery" and sample.sent / 1e9 >= self.hold_until + self.recovery_seconds / 2:
            _count(counters.recovery, sample, timed)

    def connected(self, why: Why, connect: int, handshake: int) -> None:
        """Count a connection that was opened, with its times in µs."""
        counts = self.counters.connections
        setattr(counts, why, getattr(counts, why) + 1)
        _bump(counts.connect, bucket(connect))
        if handshake:  # none without TLS
            _bump(counts.handshake, bucket(handshake))

    def record_exception(self, error: Exception) -> None:
        """Count a visit that ended with an exception."""
        counters = self.counters
        counters.broken_visits += 1
        counters.broken_because = counters.broken_because or shown(f"{type(error).__name__}: {error}", WORDS_KEPT)

    def drain(self) -> dict[str, Any]:
        """Return what was counted since the last call, and begin again at nothing."""
        counters, self.counters = self.counters, Counters()
        return counters.plain()

    def recent(self, moment: float, seconds: int) -> tuple[int, int]:
        """Return how many requests succeeded and failed in the whole slices of the last `seconds`."""
        last = int(moment) // SLICE_SECONDS * SLICE_SECONDS
        # What failed while users still came is not the target's failure under load.
        first = max(last - seconds, math.ceil(min(self.hold_from, moment)))
        parts = [part for start, part in self.counters.slices.items() if first <= start < last]
        return sum(part.ok for part in parts), sum(part.failed for part in parts)
