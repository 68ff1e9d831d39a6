"""What a load rehearsal proves: pass, fail, or inconclusive with the reasons. Pure: the same evidence, the same word.

The truth lies between two bounds. The kernel stamps the arrival of an answer, so the generator's own slowness is not in
the lower bound; the naive latency holds all of it, so the upper bound can only be too high. A naive p95 under the
limit passes, a kernel p95 over it fails, and in between the generator is to blame.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from readiness.measurements import Measurement
from readiness.rehearsal.evidence import Evidence
from readiness.rehearsal.histogram import SECOND, merged, wilson

PERCENTILE = 0.95
SAMPLES = 500
"""A p95 from fewer requests is nobody's p95; a scaled rehearsal, which proves little anyway, needs a tenth."""
USERS_SHARE = 0.99
HOLD_SHARE = 0.98
LOST_SHARE = 0.001
LAG_SECONDS = 0.1
"""p99 of the loop's lag: up to 20 ms the naive p95 was 2-5 % high, above 70 ms more than 24 %."""
QUEUE_SHARE = 0.4
LATE_SHARE = 0.05
"""Of a user's cycle, added by the generator: so much load is missing."""
RECONNECTS_SHARE = 0.2


class Word(StrEnum):
    """The verdicts of a rehearsal."""

    PASS = "pass"  # noqa: S105  not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit(self) -> int:
        """The exit code: 0, 1, and 10 for what was not decided."""
        return {Word.PASS: 0, Word.FAIL: 1, Word.INCONCLUSIVE: 10}[self]


@dataclass(frozen=True)
class Reason:
    """Why it did not pass."""

    word: Word
    says: str
    next: str
    """What to do about it."""


@dataclass(frozen=True)
class Judgement:
    """The verdict, its reasons, and every rule with its figure."""

    word: Word
    reasons: tuple[Reason, ...]
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True)
class Bounds:
    """Between which figures the p95 lies, in seconds."""

    low: float
    high: float


def p95(evidence: Evidence, *, intended: bool = False) -> Bounds:
    """Bound the p95; `intended` adds the requests that were held back while users waited. Zeros without a sample."""
    kernel, naive = evidence.kernel, evidence.naive
    if not kernel.counts or not naive.counts:
        return Bounds(0.0, 0.0)
    if intended:
        kernel = kernel.corrected(evidence.asked.think_mean + kernel.middle(0.5))
        naive = naive.corrected(evidence.asked.think_mean + naive.middle(0.5))
    return Bounds(kernel.percentile(PERCENTILE)[0], naive.percentile(PERCENTILE)[1])


def late_share(evidence: Evidence) -> float:
    """Return the share of a user's cycle that the generator added: late reading, and late waking from thought."""
    asked = evidence.ok + evidence.failed
    if not asked:
        return 0.0
    late = sum(endpoint.late_microseconds for endpoint in evidence.endpoints.values()) / asked / SECOND
    lag = merged(generator.lag for generator in evidence.generators).mean
    return (late + lag) / (evidence.asked.think_mean + evidence.naive.mean + lag)


def judge(evidence: Evidence) -> Judgement:
    """Judge a rehearsal by its own limits.

    A failure that the target caused stands even where the generator was starved: it failed under less than was asked.
    It does not stand where the evidence itself is broken.
    """
    broken = tuple(_broken(evidence))
    starved = tuple(_starved(evidence))
    failed = tuple(_failed(evidence, starved=bool(starved)))
    open_ = tuple(_open(evidence))
    if evidence.ended == "aborted" and failed:
        word, reasons = Word.FAIL, failed
    elif broken:
        word, reasons = Word.INCONCLUSIVE, (*broken, *starved, *open_, *failed)
    elif failed:
        word, reasons = Word.FAIL, (*failed, *starved)
    elif starved or open_:
        word, reasons = Word.INCONCLUSIVE, (*starved, *open_)
    else:
        word, reasons = Word.PASS, ()
    return Judgement(word, reasons, tuple(measured(evidence)))


def measured(evidence: Evidence) -> Iterator[Measurement]:
    """Give the figures with their limits, for the page and the summary."""
    stage, limit = evidence.asked, evidence.asked.p95_seconds_below
    plain, intended = p95(evidence), p95(evidence, intended=True)
    asked = evidence.ok + evidence.failed
    share = evidence.failed / asked if asked else 1.0
    lag = max((merged([generator.lag]).middle(0.99) for generator in evidence.generators), default=0.0)
    lost = 1 - evidence.recorded / evidence.sent if evidence.sent else 1.0
    least = SAMPLES if evidence.scale == 1 else SAMPLES // 10
    rows: list[tuple[str, float, str, float, str]] = [
        ("requests in the hold", asked, "at_least", least, ""),
        ("users at work in every second", evidence.users_held, "at_least", stage.users * USERS_SHARE, ""),
        ("length of the hold", evidence.held_seconds, "at_least", stage.hold_minutes * 60 * HOLD_SHARE, "s"),
        ("p95, at least (kernel)", plain.low, "below", limit, "s"),
        ("p95, at most (naive)", plain.high, "below", limit, "s"),
        ("p95 with the requests that were held back, at least", intended.low, "below", limit, "s"),
        ("share of failed requests", share, "below", stage.share_below, ""),
        ("share of requests without an outcome", lost, "at_most", LOST_SHARE, ""),
        ("p99 of the loop's lag", lag, "at_most", LAG_SECONDS, "s"),
        (
            "wait for a processor",
            max((g.queue_share for g in evidence.generators), default=0.0),
            "at_most",
            QUEUE_SHARE,
            "",
        ),
        ("load held back by the generator", late_share(evidence), "at_most", LATE_SHARE, ""),
        ("reconnects without a cause", evidence.connections.unexplained, "at_most", stage.users * RECONNECTS_SHARE, ""),
    ]
    for name, value, comparator, allowed, unit in rows:
        ok = {"below": value < allowed, "at_most": value <= allowed, "at_least": value >= allowed}[comparator]
        yield Measurement(name, value, comparator, allowed, unit, ok)


def _again(evidence: Evidence) -> str:
    return f"readiness rehearse --env {evidence.environment} --stage {evidence.stage}"


def _broken(evidence: Evidence) -> Iterator[Reason]:
    """Tell what makes the evidence itself unfit."""

    def reason(says: str, then: str = "") -> Reason:
        return Reason(Word.INCONCLUSIVE, says, then or f"run it again: {_again(evidence)}")

    stage = evidence.asked
    if evidence.ended == "running":
        yield reason("the evidence breaks off: the run was killed, or it still runs")
    elif evidence.ended != "whole":
        yield reason(f"the run was {evidence.ended}: {evidence.ended_because or 'no reason was given'}")
    if not evidence.ok + evidence.failed:
        yield reason("not one request was sent in the hold", "look at the journeys and at the first lines of the log")
    if evidence.lost_workers:
        yield reason(f"lost workers: {', '.join(evidence.lost_workers)}")
    if evidence.users_held < stage.users * USERS_SHARE:
        yield reason(f"{evidence.users_held} users were at work in every second of the hold, asked were {stage.users}")
    if evidence.held_seconds < stage.hold_minutes * 60 * HOLD_SHARE:
        yield reason(f"held for {evidence.held_seconds:.0f} s, asked were {stage.hold_minutes * 60:.0f} s")
    yield from _leaking(evidence)
    start, end = evidence.target.revision, evidence.target.revision_at_end
    if evidence.ended == "whole" and start != end:
        yield reason(f"the target changed from revision {start} to {end} meanwhile")


def _leaking(evidence: Evidence) -> Iterator[Reason]:
    """Tell where steps, requests or connections got lost between the users and the books."""

    def reason(says: str, then: str) -> Reason:
        return Reason(Word.INCONCLUSIVE, says, then)

    if evidence.sent and evidence.sent - evidence.recorded > evidence.sent * LOST_SHARE:
        lost = evidence.sent - evidence.recorded
        yield reason(f"{lost} of {evidence.sent} requests have no outcome", "give the stage a longer drain_seconds")
    if evidence.outside > evidence.sent * LOST_SHARE:
        yield reason(
            f"{evidence.outside} requests went past the client that measures", "use Visitor.ask in your journeys"
        )
    if evidence.broken_visits:
        says = f"{evidence.broken_visits} visits broke off, their other steps were not sent: {evidence.broken_because}"
        yield reason(says, f"mend the journeys, the rows or the visitors, then: {_again(evidence)}")
    if evidence.connections.unexplained > max(2, evidence.asked.users * RECONNECTS_SHARE):
        yield reason(
            f"users reconnected {evidence.connections.unexplained} times without a cause", "a fault of the client"
        )


def _starved(evidence: Evidence) -> Iterator[Reason]:
    """Tell where the generator could not keep up. Its CPU is not asked: 47 % was ruined, 77 % was fine."""
    then = f"give it more: {_again(evidence)} --processes {max(2, len(evidence.generators) * 2)}, or another machine"
    for generator in evidence.generators:
        lag, where = merged([generator.lag]).middle(0.99), f"{generator.name} on {generator.host}"
        if lag > LAG_SECONDS:
            yield Reason(Word.INCONCLUSIVE, f"{where} was up to {lag * 1000:.0f} ms late (p99 of the loop's lag)", then)
        if generator.queue_share > QUEUE_SHARE:
            says = f"{where} waited {generator.queue_share:.0%} of the time for a processor"
            yield Reason(Word.INCONCLUSIVE, says, "stop its neighbours, or rehearse from another machine")
    yield from _unwatched(evidence)
    yield from _lacking(evidence)
    late = late_share(evidence)
    if late > LATE_SHARE:
        yield Reason(Word.INCONCLUSIVE, f"the generator held back {late:.0%} of the load", then)


def _unwatched(evidence: Evidence) -> Iterator[Reason]:
    """Tell which generators nobody watched in the hold: one without a record of its lag is not one without lag."""
    if not evidence.held_seconds:
        return
    then = f"start every worker before the first user comes (--expect-workers), then: {_again(evidence)}"
    for name in evidence.late_workers:
        yield Reason(Word.INCONCLUSIVE, f"{name} joined after the hold began: it was not watched", then)
    silent = [one for one in evidence.generators if not one.lag and one.name not in evidence.late_workers]
    for one in silent:
        says = f"{one.name} on {one.host} was not watched in the hold: it joined after it began, or stood still"
        yield Reason(Word.INCONCLUSIVE, says, then)
    if not evidence.generators:
        yield Reason(Word.INCONCLUSIVE, "no generator told how it did in the hold", then)


def _lacking(evidence: Evidence) -> Iterator[Reason]:
    """Tell what the machines of the generator ran out of."""
    lacked = Counter[str]()
    for endpoint in evidence.endpoints.values():
        lacked.update(endpoint.lacked)
    for kind, times in lacked.items():
        then = f"raise `ulimit -n`, or use more machines, then: {_again(evidence)}"
        yield Reason(Word.INCONCLUSIVE, f"{times:,} requests were not sent by {kind}", then)


def _failed(evidence: Evidence, *, starved: bool) -> Iterator[Reason]:
    """Tell what the target did wrong, as far as it is certain."""
    stage, asked = evidence.asked, evidence.ok + evidence.failed
    bad = _unwanted(evidence) - (_timeouts(evidence) if starved else 0)
    if wilson(bad, asked)[0] >= stage.share_below:
        says = (
            f"{bad / asked:.2%} of {asked:,} requests failed, allowed below {stage.share_below:.2%}: {_worst(evidence)}"
        )
        yield Reason(Word.FAIL, says, "mend these first, in this order")
    kernel = evidence.kernel
    if not kernel.counts:
        return
    plain, intended = p95(evidence).low, p95(evidence, intended=True).low
    sure = asked >= SAMPLES or kernel.sure_of(PERCENTILE)[0] >= stage.p95_seconds_below
    if plain >= stage.p95_seconds_below and sure:
        says = f"p95 is {plain:.3f} s at least, allowed below {stage.p95_seconds_below:g} s: {_slowest(evidence)}"
        yield Reason(Word.FAIL, says, "look at the slowest endpoints first")
    elif intended >= stage.p95_seconds_below and sure:
        yield Reason(
            Word.FAIL,
            f"p95 is {intended:.3f} s for users who come when they want, allowed below {stage.p95_seconds_below:g} s;"
            f" the longest silence of the target was {evidence.longest_silence()} s",
            "find what stops the target: locks, collections, pools, restarts",
        )


def _open(evidence: Evidence) -> Iterator[Reason]:
    """Tell what is neither good enough to pass nor bad enough to fail."""
    stage, asked = evidence.asked, evidence.ok + evidence.failed
    least = SAMPLES if evidence.scale == 1 else SAMPLES // 10
    if asked < least:
        yield Reason(
            Word.INCONCLUSIVE, f"{asked} requests in the hold, {least} are needed", "hold longer, or more users"
        )
    bad = _unwanted(evidence)
    if asked and stage.share_below <= bad / asked:
        says = f"{bad} of {asked:,} requests failed: too near {stage.share_below:.2%} to tell"
        yield Reason(Word.INCONCLUSIVE, says, "hold longer")
    highest = max(p95(evidence).high, p95(evidence, intended=True).high)
    if highest >= stage.p95_seconds_below:
        low = p95(evidence).low
        says = f"p95 lies between {low:.3f} and {highest:.3f} s, the limit between them: the generator's doing"
        then = f"{_again(evidence)} --processes {max(2, len(evidence.generators) * 2)}"
        yield Reason(Word.INCONCLUSIVE, says, then)


def _unwanted(evidence: Evidence) -> int:
    """Count the failures that are not the generator's own for certain."""
    return evidence.failed - sum(sum(endpoint.lacked.values()) for endpoint in evidence.endpoints.values())


def _timeouts(evidence: Evidence) -> int:
    return sum(
        n
        for e in evidence.endpoints.values()
        for kind, n in e.errors.items()
        if kind.startswith(("no answer", "no connection"))
    )


def _worst(evidence: Evidence) -> str:
    found = evidence.endpoints.items()
    kinds = {(name, kind): n for name, e in found for kind, n in e.errors.items() if kind not in e.lacked}
    worst = sorted(kinds, key=lambda key: -kinds[key])[:3]
    return "; ".join(f"{kinds[key]:,} of {key[0]}: {key[1]}" for key in worst)


def _slowest(evidence: Evidence) -> str:
    slow = {name: merged([e.kernel]).middle(PERCENTILE) for name, e in evidence.endpoints.items() if e.kernel}
    return ", ".join(f"{name} {slow[name]:.3f} s" for name in sorted(slow, key=lambda name: -slow[name])[:3])
