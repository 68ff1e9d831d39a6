"""The figures of a load rehearsal, worked out once from its evidence; the verdict, the page and checks read them."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter

from readiness.rehearsal.evidence import RehearsalEvidence
from readiness.rehearsal.histogram import SECOND, Bounds, Distribution, merged
from readiness.rehearsal.leaks import Leak
from readiness.rehearsal.recovery import Recovery
from readiness.rehearsal.stalls import Stalls

MEDIAN, PERCENTILE, HIGHEST = 0.5, 0.95, 0.99
SLOWEST_NAMED = 3
CLOSE_SHARE = 0.1
"""Two bounds that are closer are one figure: wherever between them the truth lies, both are as near to it."""
TIMED_OUT = ("no answer", "no connection")
"""An error of a request that was waited for in vain begins so."""


@dataclass(frozen=True)
class Opening:
    """What opening connections cost the users; medians, in seconds, over the whole run."""

    opened_again: int
    closed_by_target: int
    requests: int
    """In all phases."""
    connect: float
    handshake: float

    @classmethod
    def of(cls, evidence: RehearsalEvidence) -> Opening:
        """Return it from the evidence."""
        connections = evidence.connections
        return cls(
            opened_again=connections.opened - connections.first,
            closed_by_target=connections.closed_by_target,
            requests=evidence.sent,
            connect=merged([connections.connect]).middle(MEDIAN),
            handshake=merged([connections.handshake]).middle(MEDIAN),
        )

    def is_most_of(self, seconds: float) -> bool:
        """Check whether opening connections is most of such a p95: more than one request in twenty had to."""
        is_frequent = self.opened_again > self.requests * (1 - PERCENTILE)
        return is_frequent and self.connect + self.handshake > seconds / 2

    def __str__(self) -> str:
        slow, took = ("TLS", self.handshake) if self.handshake > self.connect else ("connecting", self.connect)
        return (
            f"most of it is {slow}, {took:.3f} s each time (median), and users opened {self.opened_again:,} connections"
            f" again, {self.closed_by_target:,} of them because the target had closed theirs"
        )


@dataclass(frozen=True)
class Figures:
    """What the evidence adds up to. Times are in seconds, shares from 0 to 1; requests are those of the hold."""

    evidence: RehearsalEvidence
    """What they are worked out from: what was asked, how it ended, who made the load."""
    users_held: int
    """The least number of users at work in any second of the hold."""
    held_seconds: float
    requests: int
    """Those with an outcome."""
    failed: int
    unwanted: int
    """The failures that are not the generator's own for certain."""
    timeouts: int
    """The failures that may be: nobody answered in time."""
    share_failed: float
    """1 where nothing was asked."""
    leak: Leak
    share_lost: float
    """Of the requests of all phases, that have no outcome; 1 where nothing was sent."""
    median: float
    """Of the naive latency, as one figure for people; so p99."""
    p99: float
    p95: Bounds
    """From the kernel's stamp to the end of parsing; zeros where nothing was answered."""
    p95_open: Bounds
    """The same for users who come when they want: with the arrivals that were held back while users waited
    (coordinated omission). Where the target did not stall it is the same."""
    stalls: Stalls
    """When clearly more users waited than usual."""
    p95_certain: Bounds
    """The 95 % interval of the naive p95, that the number of requests allows."""
    p95_at_least: float
    """The lower end of the same interval of the kernel's p95, with what leaked counted as answered at once."""
    slowest: tuple[tuple[str, float], ...]
    """The endpoints with the highest p95 (kernel), and that."""
    longest_silence: int
    """The most seconds on end without an answer, though users waited."""
    opening: Opening
    recovery: Recovery
    lags: tuple[float, ...]
    """p99 of the loop's lag of each generator, in their order."""
    late_share: float
    """Of a user's cycle, that the generator added: late reading, and late waking from thought."""

    @classmethod
    def of(cls, evidence: RehearsalEvidence) -> Figures:
        """Return the figures of a rehearsal."""
        kernel = evidence.kernel
        naive = evidence.naive
        requests = evidence.ok + evidence.failed
        p95 = _between(kernel, naive)
        stalls = Stalls.of(evidence)
        leak = Leak.of(evidence)
        return cls(
            evidence=evidence,
            users_held=evidence.users_held,
            held_seconds=evidence.held_seconds,
            requests=requests,
            failed=evidence.failed,
            unwanted=_unwanted(evidence),
            timeouts=_timeouts(evidence),
            share_failed=evidence.failed / requests if requests else 1.0,
            leak=leak,
            share_lost=leak.lost / leak.sent if leak.sent else 1.0,
            median=naive.middle(MEDIAN),
            p99=naive.middle(HIGHEST),
            p95=p95,
            p95_open=_open(p95, stalls, kernel),
            stalls=stalls,
            p95_certain=_certain(naive),
            p95_at_least=_certain(merged([kernel.counts, leak.answered_at_once])).low if kernel.counts else 0.0,
            slowest=_slowest(evidence),
            longest_silence=evidence.longest_silence(),
            opening=Opening.of(evidence),
            recovery=Recovery.of(evidence, leak),
            lags=tuple(merged([generator.lag]).middle(HIGHEST) for generator in evidence.generators),
            late_share=_late_share(evidence, requests, naive.mean),
        )

    @property
    def requests_a_second(self) -> float:
        """The rate of the hold; 0 where there was none."""
        if not self.held_seconds:
            return 0.0
        return self.requests / self.held_seconds

    @property
    def open_between(self) -> str:
        """Say that p95 is open, where a stall or few requests leave its bounds further apart than 10 %."""
        low, high = self.p95_widest.low, self.p95_widest.high
        between = f"between {low:.3f} and {high:.3f} s"
        if self.stalls.number and high > low * (1 + CLOSE_SHARE):
            return f"For users who come when they want p95 is inconclusive: {between} is all that is known; hold longer"
        if self.p95_certain.high > self.p95_certain.low * (1 + CLOSE_SHARE):
            return f"Of {self.requests:,} requests p95 is inconclusive: {between} is all that is known; hold longer"
        return ""

    @property
    def p95_widest(self) -> Bounds:
        """The p95 as a target must keep it: what users felt who waited, and at most what the others would feel.

        Where it did not stall, as far as so many requests tell it.
        """
        if not self.stalls.number:
            return Bounds(self.p95_at_least, max(self.p95.high, self.p95_certain.high))

        # For how many others a leaked request would stand is not known: then those on record must be slow as well.
        low = min(self.p95_open.low, self.p95_at_least) if self.leak.requests else self.p95_open.low
        return Bounds(low, max(self.p95.high, self.p95_open.high))


def _between(kernel: Distribution, naive: Distribution) -> Bounds:
    """Return the bounds of the p95: the lower end of the kernel's, the upper end of the naive; zeros without any."""
    if not kernel.counts or not naive.counts:
        return Bounds()

    low, _ = kernel.percentile(PERCENTILE)
    _, high = naive.percentile(PERCENTILE)
    return Bounds(low, high)


def _open(p95: Bounds, stalls: Stalls, kernel: Distribution) -> Bounds:
    """Return the bounds of the p95 for users who come when they want."""
    if not stalls.number or not kernel.counts:
        return p95

    estimate = stalls.percentile(kernel, PERCENTILE)
    # What the generator adds to the requests on record, it would add to the others.
    added = p95.high - p95.low
    return Bounds(estimate.low, estimate.high + added)


def _certain(answered: Distribution) -> Bounds:
    """Return the 95 % interval of the p95; zeros without a sample."""
    if not answered.counts:
        return Bounds()
    return Bounds(*answered.sure_of(PERCENTILE))


def _unwanted(evidence: RehearsalEvidence) -> int:
    lacked = sum(sum(endpoint.lacked.values()) for endpoint in evidence.endpoints.values())
    return evidence.failed - lacked


def _timeouts(evidence: RehearsalEvidence) -> int:
    return sum(
        times
        for endpoint in evidence.endpoints.values()
        for kind, times in endpoint.errors.items()
        if kind.startswith(TIMED_OUT)
    )


def _slowest(evidence: RehearsalEvidence) -> tuple[tuple[str, float], ...]:
    p95 = [
        (name, merged([endpoint.kernel]).middle(PERCENTILE))
        for name, endpoint in evidence.endpoints.items()
        if endpoint.kernel
    ]
    p95.sort(key=itemgetter(1), reverse=True)
    return tuple(p95[:SLOWEST_NAMED])


def _late_share(evidence: RehearsalEvidence, requests: int, naive_mean: float) -> float:
    if not requests:
        return 0.0

    late_reading = sum(endpoint.late_microseconds for endpoint in evidence.endpoints.values()) / requests / SECOND
    late_waking = merged(generator.lag for generator in evidence.generators).mean
    # What a user does between two requests: think, wait for the answer, and be woken late.
    cycle = evidence.asked.think_mean + naive_mean + late_waking
    return (late_reading + late_waking) / cycle
