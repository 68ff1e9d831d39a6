"""What a load rehearsal proves: pass, fail, or inconclusive with the reasons. Pure: the same figures, the same word.

The truth lies between two bounds. The kernel stamps the arrival of an answer, so the generator's own slowness is not in
the lower bound; the naive latency holds all of it, so the upper bound can only be too high. A naive p95 under the
limit passes, a kernel p95 over it fails, and in between the generator is to blame.

Where the target stalls, users who wait send nothing. What others would feel, who come when they want, then lies between
two bounds of its own (`readiness.rehearsal.open_arrivals`): the upper one must be under the limit to pass, the lower
one at or over it to fail, and in between the hold was too short to tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter

from readiness.measurements import Measurement
from readiness.rehearsal.evidence import RehearsalEvidence
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.histogram import wilson
from readiness.rehearsal.leaks import LOST_SHARE
from readiness.rehearsal.stages import Stage

SAMPLES = 500
"""A p95 from fewer requests is nobody's p95; a scaled rehearsal, which proves little anyway, needs a tenth."""
USERS_SHARE = 0.99
"""Of the users that were asked for, at work in every second of the hold."""
HOLD_SHARE = 0.98
"""Of the length that was asked for."""
LAG_SECONDS = 0.1
"""p99 of the loop's lag: up to 20 ms the naive p95 was 2-5 % high, above 70 ms more than 24 %."""
QUEUE_SHARE = 0.4
"""Of the time, that a generator may wait for a processor."""
LATE_SHARE = 0.05
"""Of a user's cycle, added by the generator: so much load is missing."""
RECONNECTS_SHARE = 0.2
"""Of the users, that may have lost a connection without a cause."""
WORST_NAMED = 3
"""Kinds of errors in a message."""


class Conclusion(StrEnum):
    """The verdicts of a rehearsal."""

    PASS = "pass"  # noqa: S105  not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit(self) -> int:
        """The exit code: 0, 1, and 10 for what was not decided."""
        return {Conclusion.PASS: 0, Conclusion.FAIL: 1, Conclusion.INCONCLUSIVE: 10}[self]


@dataclass(frozen=True)
class Reason:
    """Why it did not pass."""

    word: Conclusion
    says: str
    next: str
    """What to do about it."""


@dataclass(frozen=True)
class Judgement:
    """The verdict, its reasons, and every rule with its figure."""

    word: Conclusion
    reasons: tuple[Reason, ...]
    measurements: tuple[Measurement, ...]


def judge(figures: Figures, limits: Stage | None = None) -> Judgement:
    """Return the verdict on a rehearsal by its own limits, or by others.

    A failure that the target caused stands even where the generator was starved: it failed under less than was asked.
    It stands beside requests without an outcome where these could not turn it (`readiness.rehearsal.leaks`), and not
    where the evidence itself is broken.
    """
    stage = limits or figures.evidence.asked
    word, reasons = _decide(figures, stage)
    return Judgement(word, reasons, tuple(_measurements(figures, stage)))


def _decide(figures: Figures, stage: Stage) -> tuple[Conclusion, tuple[Reason, ...]]:
    broken = tuple(_broken(figures, stage))
    leaking = tuple(Reason(Conclusion.INCONCLUSIVE, says, then) for says, then in figures.leak.faults())
    too_few = tuple(_too_few_users(figures, stage))
    starved = tuple(_starved(figures))
    failed = tuple(_failed(figures, stage, starved=bool(starved)))
    undecided = tuple(_undecided(figures, stage, starved=bool(starved)))

    # An aborted run is broken by its own rules, but it was the target's failures that aborted it.
    if figures.evidence.ended == "aborted" and failed:
        return Conclusion.FAIL, (*failed, *leaking)

    # Broken evidence proves neither the one nor the other.
    if broken:
        return Conclusion.INCONCLUSIVE, (*broken, *leaking, *too_few, *starved, *undecided, *failed)

    # A target that fails under less load than was asked would fail under all of it. What leaked counted as good.
    if failed:
        return Conclusion.FAIL, (*failed, *leaking, *too_few, *starved)

    open_because = (*leaking, *too_few, *starved, *undecided)
    if open_because:
        return Conclusion.INCONCLUSIVE, open_because
    return Conclusion.PASS, ()


def _measurements(figures: Figures, stage: Stage) -> Iterator[Measurement]:
    """Yield the figures with their limits, for the page and the summary."""
    limit = stage.p95_seconds_below
    yield at_least("requests in the hold", figures.requests, _least_requests(figures))
    yield at_least("users at work in every second", figures.users_held, stage.users * USERS_SHARE)
    yield at_least("length of the hold", figures.held_seconds, _least_seconds(stage), "s")
    yield below("p95, at least (kernel)", figures.p95.low, limit, "s")
    yield below("p95, at most (naive)", figures.p95.high, limit, "s")
    yield below("p95 for users who come when they want, at least", figures.p95_open.low, limit, "s")
    yield below("p95 for users who come when they want, at most", figures.p95_open.high, limit, "s")
    yield below("share of failed requests", figures.share_failed, stage.share_below)
    if stage.recovery_seconds:
        yield below("p95 when the load had gone, at most", figures.recovery.p95.high, limit, "s")
        yield below("share of failed requests when the load had gone", figures.recovery.share_failed, stage.share_below)
    yield at_most("share of requests without an outcome", figures.share_lost, LOST_SHARE)
    yield at_most("p99 of the loop's lag", max(figures.lags, default=0.0), LAG_SECONDS, "s")
    queued = max((generator.queue_share for generator in figures.evidence.generators), default=0.0)
    yield at_most("wait for a processor", queued, QUEUE_SHARE)
    yield at_most("load held back by the generator", figures.late_share, LATE_SHARE)
    unexplained = figures.evidence.connections.unexplained
    yield at_most("reconnects without a cause", unexplained, stage.users * RECONNECTS_SHARE)


def at_least(name: str, value: float, limit: float, unit: str = "") -> Measurement:
    """Return a measurement that must not be less than its limit."""
    return Measurement(name, value, "at_least", limit, unit, value >= limit)


def at_most(name: str, value: float, limit: float, unit: str = "") -> Measurement:
    """Return a measurement that must not be more than its limit."""
    return Measurement(name, value, "at_most", limit, unit, value <= limit)


def below(name: str, value: float, limit: float, unit: str = "") -> Measurement:
    """Return a measurement that must be less than its limit."""
    return Measurement(name, value, "below", limit, unit, value < limit)


def _least_requests(figures: Figures) -> int:
    return SAMPLES if figures.evidence.scale == 1 else SAMPLES // 10


def _least_seconds(stage: Stage) -> float:
    return stage.hold_minutes * 60 * HOLD_SHARE


def _again(evidence: RehearsalEvidence) -> str:
    return f"readiness rehearse --env {evidence.environment} --stage {evidence.stage}"


def _broken(figures: Figures, stage: Stage) -> Iterator[Reason]:
    """Yield what makes the evidence itself unfit."""
    evidence = figures.evidence

    def reason(message: str, then: str = "") -> Reason:
        return Reason(Conclusion.INCONCLUSIVE, message, then or f"run it again: {_again(evidence)}")

    if evidence.ended == "running":
        yield reason("the evidence breaks off: the run was killed, or it still runs")
    elif evidence.ended != "whole":
        yield reason(f"the run was {evidence.ended}: {evidence.ended_because or 'no reason was given'}")

    if not figures.requests:
        yield reason("not one request was sent in the hold", "look at the journeys and at the first lines of the log")
    if evidence.lost_workers:
        yield reason(f"lost workers: {', '.join(evidence.lost_workers)}")
    if figures.held_seconds < _least_seconds(stage):
        yield reason(f"held for {figures.held_seconds:.0f} s, asked were {stage.hold_minutes * 60:.0f} s")

    yield from _uncounted(figures, stage)

    # A run that was aborted may have found nobody to ask at its end.
    start, end = evidence.target.revision, evidence.target.revision_at_end
    if evidence.ended == "whole" and start != end:
        yield reason(f"the target changed from revision {start} to {end} meanwhile")


def _too_few_users(figures: Figures, stage: Stage) -> Iterator[Reason]:
    """Yield that the hold had fewer users than were asked for."""
    # Without a request there was no hold.
    if figures.requests and figures.users_held < stage.users * USERS_SHARE:
        held = f"{figures.users_held} users were at work in every second of the hold, asked were {stage.users}"
        yield Reason(Conclusion.INCONCLUSIVE, held, f"run it again: {_again(figures.evidence)}")


def _uncounted(figures: Figures, stage: Stage) -> Iterator[Reason]:
    """Yield where steps were not sent or users came anew: how many requests that changed, nobody can tell."""
    evidence = figures.evidence

    def reason(message: str, then: str) -> Reason:
        return Reason(Conclusion.INCONCLUSIVE, message, then)

    if evidence.broken_visits:
        yield reason(
            f"{evidence.broken_visits} visits broke off, their other steps were not sent: {evidence.broken_because}",
            f"mend the journeys, the rows or the visitors, then: {_again(evidence)}",
        )
    if evidence.connections.unexplained > max(2, stage.users * RECONNECTS_SHARE):
        yield reason(
            f"users reconnected {evidence.connections.unexplained} times without a cause", "a fault of the client"
        )


def _starved(figures: Figures) -> Iterator[Reason]:
    """Yield where the generator could not keep up. Its CPU is not asked: 47 % was ruined, 77 % was fine."""
    evidence = figures.evidence
    then = f"give it more: {_again(evidence)} --processes {_more_processes(evidence)}, or another machine"
    for generator, lag in zip(evidence.generators, figures.lags, strict=True):
        where = f"{generator.name} on {generator.host}"
        if lag > LAG_SECONDS:
            yield Reason(
                Conclusion.INCONCLUSIVE, f"{where} was up to {lag * 1000:.0f} ms late (p99 of the loop's lag)", then
            )
        if generator.queue_share > QUEUE_SHARE:
            message = f"{where} waited {generator.queue_share:.0%} of the time for a processor"
            yield Reason(Conclusion.INCONCLUSIVE, message, "stop its neighbours, or rehearse from another machine")

    yield from _unwatched(figures)
    yield from _lacking(evidence)
    if figures.late_share > LATE_SHARE:
        yield Reason(Conclusion.INCONCLUSIVE, f"the generator held back {figures.late_share:.0%} of the load", then)


def _more_processes(evidence: RehearsalEvidence) -> int:
    return max(2, len(evidence.generators) * 2)


def _unwatched(figures: Figures) -> Iterator[Reason]:
    """Yield which generators nobody watched in the hold: one without a record of its lag is not one without lag."""
    # Without a hold there was nothing to watch: `_broken` says so.
    if not figures.held_seconds:
        return

    evidence = figures.evidence
    then = f"start every worker before the first user comes (--expect-workers), then: {_again(evidence)}"
    for name in evidence.late_workers:
        yield Reason(Conclusion.INCONCLUSIVE, f"{name} joined after the hold began: it was not watched", then)

    for generator in evidence.generators:
        if not generator.lag and generator.name not in evidence.late_workers:
            where = f"{generator.name} on {generator.host}"
            message = f"{where} was not watched in the hold: it joined after it began, or stood still"
            yield Reason(Conclusion.INCONCLUSIVE, message, then)

    if not evidence.generators:
        yield Reason(Conclusion.INCONCLUSIVE, "no generator told how it did in the hold", then)


def _lacking(evidence: RehearsalEvidence) -> Iterator[Reason]:
    """Yield what the machines of the generator ran out of."""
    lacked = Counter[str]()
    for endpoint in evidence.endpoints.values():
        lacked.update(endpoint.lacked)
    for kind, times in lacked.items():
        then = f"raise `ulimit -n`, or use more machines, then: {_again(evidence)}"
        yield Reason(Conclusion.INCONCLUSIVE, f"{times:,} requests were not sent by {kind}", then)


def _failed(figures: Figures, stage: Stage, *, starved: bool) -> Iterator[Reason]:
    """Yield what the target did wrong, as far as it is certain."""
    yield from _too_many_errors(figures, stage, starved=starved)
    yield from _too_slow(figures, stage.p95_seconds_below)
    for fault in figures.recovery.faults(stage):
        yield Reason(Conclusion.FAIL, fault, "find what keeps it busy: retries, queues, pools; shed load earlier")


def _too_many_errors(figures: Figures, stage: Stage, *, starved: bool) -> Iterator[Reason]:
    if _is_failing(figures, stage, starved=starved):
        failed = _held_against_the_target(figures, starved=starved)
        share = f"{failed / figures.requests:.2%} of {figures.requests:,} requests failed"
        message = f"{share}, allowed below {stage.share_below:.2%}: {_worst(figures.evidence)}"
        yield Reason(Conclusion.FAIL, message, "mend these first, in this order")


def _is_failing(figures: Figures, stage: Stage, *, starved: bool) -> bool:
    """Check whether too many requests failed, even if all that leaked were answered well."""
    failed = _held_against_the_target(figures, starved=starved)
    share_at_least, _ = wilson(failed, figures.requests + figures.leak.requests)
    return figures.requests > 0 and share_at_least >= stage.share_below


def _held_against_the_target(figures: Figures, *, starved: bool) -> int:
    # A starved generator may have made users wait in vain by itself.
    return figures.unwanted - figures.timeouts if starved else figures.unwanted


def _too_slow(figures: Figures, limit: float) -> Iterator[Reason]:
    # Of few requests the p95 is uncertain: all that it can be must lie over the limit.
    low = figures.p95_widest.low
    if not figures.slowest or low < limit:
        return

    if figures.opening.is_most_of(low):
        message = f"p95 is {low:.3f} s at least, allowed below {limit:g} s: {figures.opening}"
        yield Reason(Conclusion.FAIL, message, "keep connections alive, then mend this")
        return
    if not figures.stalls.number:
        message = f"p95 is {low:.3f} s at least, allowed below {limit:g} s: {_slowest(figures)}"
        yield Reason(Conclusion.FAIL, message, "look at the slowest endpoints first")
        return

    p95 = f"p95 is {low:.3f} s at least for users who come when they want, allowed below {limit:g} s"
    message = f"{p95}; {_stalled(figures)}"
    if figures.p95.low >= limit:
        message += f": {_slowest(figures)}"
    yield Reason(Conclusion.FAIL, message, "find what stops the target: locks, collections, pools, restarts")


def _stalled(figures: Figures) -> str:
    """Return how often the target stalled, in words."""
    stalls = figures.stalls
    often = "once" if stalls.number == 1 else f"{stalls.number} times"
    return f"the target stalled {often}, for up to {stalls.longest_seconds:.3g} s"


def _undecided(figures: Figures, stage: Stage, *, starved: bool) -> Iterator[Reason]:
    """Yield what is neither good enough to pass nor bad enough to fail."""
    requests = figures.requests

    least = _least_requests(figures)
    if requests < least:
        message = f"{requests} requests in the hold, {least} are needed"
        yield Reason(Conclusion.INCONCLUSIVE, message, "hold longer, or more users")

    is_over = requests > 0 and figures.unwanted / requests >= stage.share_below
    if is_over and not _is_failing(figures, stage, starved=starved):
        yield Reason(Conclusion.INCONCLUSIVE, *_open_share(figures, stage, starved=starved))

    yield from _too_near(figures, stage.p95_seconds_below)
    again = _again(figures.evidence)
    for doubt in figures.recovery.doubts(stage):
        yield Reason(Conclusion.INCONCLUSIVE, doubt, f"give the stage longer recovery_minutes, then: {again}")


def _open_share(figures: Figures, stage: Stage, *, starved: bool) -> tuple[str, str]:
    """Return why so many failures do not decide, and what to do about it."""
    failed = f"{figures.unwanted} of {figures.requests:,} requests failed"
    if figures.leak.requests:
        unknown = f"with the {figures.leak.requests:,} of unknown outcome"
        return f"{failed}: {unknown} it may be less than {stage.share_below:.2%}", "find where these went, run it again"
    if starved and figures.timeouts:
        waited = f"{figures.timeouts} of them were waited for in vain"
        return f"{failed}, {waited}: that may be the generator's doing", "give the generator more, run it again"
    return f"{failed}: too near {stage.share_below:.2%} to tell", "hold longer"


def _too_near(figures: Figures, limit: float) -> Iterator[Reason]:
    """Yield why it is open on which side of the limit the p95 lies."""
    evidence = figures.evidence
    low, high = figures.p95_widest.low, figures.p95_widest.high
    if high < limit or low >= limit:
        return

    between = f"p95 lies between {low:.3f} and {high:.3f} s"
    if not figures.stalls.number and not figures.p95.low < limit <= figures.p95.high:
        message = f"{between}, the limit between them: {figures.requests:,} requests do not tell it closer"
        yield Reason(Conclusion.INCONCLUSIVE, message, "hold longer, or more users")
    elif not figures.stalls.number:
        message = f"{between}, the limit between them: the generator's doing"
        yield Reason(Conclusion.INCONCLUSIVE, message, f"{_again(evidence)} --processes {_more_processes(evidence)}")
    elif figures.stalls.are_measured:
        message = f"{between} for users who come when they want, the limit between them: {_stalled(figures)}"
        yield Reason(Conclusion.INCONCLUSIVE, message, "hold longer, and find what stops the target")
    else:
        message = f"{between} for users who come when they want: {_stalled(figures)}"
        unseen = "and this evidence of an earlier version does not tell how long those took that were sent meanwhile"
        yield Reason(Conclusion.INCONCLUSIVE, f"{message}, {unseen}", f"run it again: {_again(evidence)}")


def _worst(evidence: RehearsalEvidence) -> str:
    """Return the most frequent errors of the target, with their endpoints."""
    errors = [
        (times, name, kind)
        for name, endpoint in evidence.endpoints.items()
        for kind, times in endpoint.errors.items()
        if kind not in endpoint.lacked
    ]
    errors.sort(key=itemgetter(0), reverse=True)
    return "; ".join(f"{times:,} of {name}: {kind}" for times, name, kind in errors[:WORST_NAMED])


def _slowest(figures: Figures) -> str:
    return ", ".join(f"{name} {seconds:.3f} s" for name, seconds in figures.slowest)
