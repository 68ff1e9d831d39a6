"""The p95 of users who come when they want (open-loop arrivals), worked out from users who wait (a closed loop).

A user who waits for an answer sends nothing meanwhile, so the worst moments of a target are the ones with the fewest
requests on record: coordinated omission. HdrHistogram and wrk2 fill them in from each long answer alone: a user with a
cycle of two seconds who waits five left out two requests, which would have waited three seconds and one. That takes
each long answer for a target that stood still. Where it is wrong here:

* Slow requests beside quick ones (4 % of them take 5 s) hold back nobody but their own user. The requests that this
  user left out would have met the same mix, and not the rest of his wait.
* A stop that is shorter than two cycles fills in nothing, however often it comes.
* In a slow phase the requests left out would have taken as long as the others then, and not a cycle less.

Here the target is looked at instead, in slices of a quarter of a second. It *stalls* while clearly more users wait than
usual. Every stalled slice counts for as many arrivals as the others have on average. They took as long as those sent in
it. Where hardly any was sent, nobody saw it, and it depends on how the stall ended:

* Nearly all who waited were answered at once. The target stood still, and whoever comes into a freeze is set free with
  those who are in it: they took as long as the last ones before, less the time that has gone by since.
* They were answered one after the other, as they had come. The target was slow to each of them, and it is open until
  when: the others took at least as long as the quicker, at most as long as the slower of those before and after them.

Without a stall nothing was held back, and the requests on record are the answer. `tests/benchmarks/open_arrivals.py`
compares this with simulated open arrivals.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from readiness.rehearsal.histogram import SECOND, Bounds, Distribution

QUARTERS_A_SECOND = 4
"""With one a second, freezes whose true p95 is 0.55 s were told 30 % too long; with four 4 %."""
USUAL_SHARE = 0.1
"""The slice with this share of all below it has as many users waiting as is usual."""
CROWD_SHARE = 0.1
"""Of all users: so many more than usual must wait."""
CHANCE = 4.5
"""Standard deviations (of a Poisson law) above what is usual, three above the mean: fewer come by chance."""
FEW_SHARE = 0.2
"""Of the usual arrivals: with fewer sent, those say nothing about the whole slice."""
SOURCE_REQUESTS = 30
"""So many stand for arrivals that nobody saw: the last one before all users are caught was caught for certain."""
TOGETHER_SHARE = 0.75
"""Of those who wait: so many are answered within half a second when a target that stood still goes on."""
CERTAIN = 2.58
"""Standard deviations on either side that hold 99 % of the cases: with 95 %, one verdict in 70 rehearsals of ten users
before a target of which a part freezes was wrong."""


@dataclass(frozen=True)
class Quarter:
    """What happened in a quarter of a second of the hold."""

    sent: int
    answered: int
    waiting: int
    """Users that waited for an answer at its end."""
    took: Mapping[int, int]
    """Microseconds → how many of those sent in it took so long."""

    @property
    def timed(self) -> int:
        """Requests whose time is known."""
        return sum(self.took.values())


@dataclass(frozen=True)
class Stall:
    """A run of slices in which clearly more users waited than usual."""

    first: int
    slices: int


@dataclass(frozen=True)
class Arrivals:
    """Arrivals that took as long as the requests that were sent in one quarter, their source."""

    source: int
    number: float
    since: int | None = None
    """The quarter of the same stall from which on their requests count as well; None for the source alone."""
    age_seconds: float = 0.0
    """How much later they came; 0 for those of the same quarter."""
    into_freeze: bool = False
    """They came while the target stood still, and waited so much less."""
    following: int | None = None
    """The next quarter in which enough was sent."""
    left_seconds: float = 0.0
    """How much was left of a stall that the hold began in: nobody on record came before them. Else 0."""


def waiting_after(sent: Sequence[int], answered: Sequence[int]) -> list[int]:
    """Return how many users wait at the end of each slice; both counts begin with the run."""
    waiting = 0
    course = []
    for came, went in zip(sent, answered, strict=True):
        waiting += came - went
        course.append(waiting)
    return course


def stalls(waiting: Sequence[int], users: int) -> list[Stall]:
    """Return the stalls of a hold, from the number of users that wait in each slice.

    >>> stalls([2, 3, 2, 2, 60, 80, 90, 3, 2, 2], users=100)
    [Stall(first=4, slices=3)]
    """
    if not waiting:
        return []

    usual = sorted(waiting)[int(len(waiting) * USUAL_SHARE)]
    by_chance = CHANCE * math.sqrt(max(0, usual) + 1)
    limit = usual + max(by_chance, CROWD_SHARE * users)

    crowded: list[Stall] = []
    for is_crowded, run in groupby(enumerate(waiting), key=lambda numbered: numbered[1] > limit):
        numbers = [number for number, _ in run]
        if is_crowded:
            crowded.append(Stall(numbers[0], len(numbers)))
    return crowded


NOTHING = Quarter(0, 0, 0, {})


def stalled_slices(seen: Sequence[Stall]) -> set[int]:
    """Return the numbers of the slices that belong to a stall."""
    return {number for stall in seen for number in range(stall.first, stall.first + stall.slices)}


def usual_rate(sent: Sequence[int], stalled: set[int]) -> float:
    """Return how many requests users send in a slice while nothing holds them back."""
    free = [number for number in range(len(sent)) if number not in stalled]
    return sum(sent[number] for number in free) / len(free) if free else 0.0


def ends_at_once(hold: Sequence[Quarter], stall: Stall) -> bool:
    """Check whether nearly all who waited in a stall were answered at once, at its end or in its midst."""
    # In the quarter after the last one the crowd is gone: that is when they were answered.
    whole = hold[stall.first : stall.first + stall.slices + 1]
    waited = max(quarter.waiting for quarter in whole)
    answered_in_half_second = max(
        quarter.answered + following.answered for quarter, following in pairwise([*whole, NOTHING])
    )
    return answered_in_half_second >= TOGETHER_SHARE * waited


def arrivals(hold: Sequence[Quarter], seen: Sequence[Stall], rate: float) -> Iterator[Arrivals]:
    """Yield for whom the quarters of a hold stand, had users come when they want."""
    stalled = stalled_slices(seen)
    frozen = stalled_slices([stall for stall in seen if ends_at_once(hold, stall)])
    begins = {number: stall.first for stall in seen for number in stalled_slices([stall])}
    ends = {number: stall.first + stall.slices for stall in seen for number in stalled_slices([stall])}
    enough = [number for number, quarter in enumerate(hold) if quarter.timed and quarter.timed >= rate * FEW_SHARE]
    for number, quarter in enumerate(hold):
        after = bisect_right(enough, number)
        source = enough[after - 1] if after else None
        following = enough[after] if after < len(enough) else None

        if number not in stalled:
            yield Arrivals(number, quarter.timed)
        elif source == number:
            yield Arrivals(number, rate)
        else:
            yield Arrivals(number, quarter.timed)
            unseen = rate - quarter.timed
            is_frozen = number in frozen
            if source is not None:
                age_seconds = (number - source) / QUARTERS_A_SECOND
                since = _reaching_back(hold, source, begins[number])
                yield Arrivals(source, unseen, since, age_seconds, is_frozen, following)
            elif following is not None:
                # A hold that begins in the midst of a stall has nobody before to ask: they waited for its end.
                left_seconds = (ends[number] - number) / QUARTERS_A_SECOND
                yield Arrivals(following, unseen, into_freeze=is_frozen, left_seconds=left_seconds)


def _reaching_back(hold: Sequence[Quarter], source: int, begin: int) -> int:
    """Return the quarter from which to the source there are requests enough, or that the stall began in."""
    since, requests = source, hold[source].timed
    while requests < SOURCE_REQUESTS and since > begin:
        since -= 1
        requests += hold[since].timed
    return since


def weigh(hold: Sequence[Quarter], came: Sequence[Arrivals], median: int, *, at_most: bool) -> dict[int, float]:
    """Return how long the arrivals took, at least or at most: microseconds → how many."""
    took: dict[int, float] = {}
    for arrived in came:
        source = took_at_most(hold, arrived, median) if at_most else took_at_least(hold, arrived, median)
        total = sum(source.values())
        for value, times in source.items():
            took[value] = took.get(value, 0.0) + arrived.number * times / total
    return took


def took_at_least(hold: Sequence[Quarter], arrived: Arrivals, median: int) -> Mapping[int, int]:
    """Return how long arrivals took at least, by their source."""
    source = hold[arrived.source].took
    if arrived.left_seconds and arrived.into_freeze:
        return {max(median, round(arrived.left_seconds * SECOND)): 1}
    if not arrived.age_seconds:
        return source
    if not arrived.into_freeze:
        following = {median: 1} if arrived.following is None else hold[arrived.following].took
        return min(source, following, key=_median)

    # Some of them may be answered by now: whoever comes is as likely one of these.
    rests: dict[int, int] = {}
    for number in _sources(arrived):
        age_seconds = arrived.age_seconds + (arrived.source - number) / QUARTERS_A_SECOND
        for value, times in _aged(hold[number].took, age_seconds, median).items():
            rests[value] = rests.get(value, 0) + times
    return rests


def took_at_most(hold: Sequence[Quarter], arrived: Arrivals, median: int) -> Mapping[int, int]:
    """Return how long arrivals took at most, by their source."""
    source = hold[arrived.source].took
    if arrived.left_seconds:
        left = round(arrived.left_seconds * SECOND)
        return {value + left: times for value, times in source.items()}
    if not arrived.age_seconds:
        return source
    if not arrived.into_freeze:
        following = source if arrived.following is None else hold[arrived.following].took
        return max(source, following, key=_median)

    # None of the source is answered by now: one endpoint may hold all users that are left.
    age = arrived.age_seconds * SECOND
    still_waiting = {value: times for value, times in source.items() if value > age}
    return _aged(still_waiting or source, arrived.age_seconds, median)


def _sources(arrived: Arrivals) -> range:
    """Return the numbers of the quarters whose requests stand for arrivals."""
    since = arrived.source if arrived.since is None else arrived.since
    return range(since, arrived.source + 1)


def _median(took: Mapping[int, float]) -> int:
    return value_at(took, 0.5)


def _aged(source: Mapping[int, int], age_seconds: float, median: int) -> dict[int, int]:
    """Return the rest of what requests take after some time; the median where less is left."""
    age = round(age_seconds * SECOND)
    rests: dict[int, int] = {}
    for value, times in source.items():
        rest = max(median, value - age)
        rests[rest] = rests.get(rest, 0) + times
    return rests


def uncertainty(hold: Sequence[Quarter], came: Sequence[Arrivals], seen: Sequence[Stall], share: float) -> float:
    """Return by how much a share may be off: few requests that stand for many arrivals make it uncertain.

    Half of its 99 % interval: each request counts with the square of its weight (Kish's effective number of samples),
    and those of a stall with the spread of their own share of slow ones, which is another than that of the whole.
    """
    weights: dict[int, float] = {}
    for arrived in came:
        sources = _sources(arrived)
        requests = sum(hold[number].timed for number in sources)
        for number in sources:
            weights[number] = weights.get(number, 0.0) + arrived.number * hold[number].timed / requests

    stalled = stalled_slices(seen)
    usual = share * (1 - share)
    within = max(usual, _spread_of_slow(hold, stalled))
    variances = (
        (within if number in stalled else usual) * weight**2 / hold[number].timed
        for number, weight in weights.items()
        if weight
    )
    return CERTAIN * math.sqrt(math.fsum(variances)) / sum(weights.values())


def _spread_of_slow(hold: Sequence[Quarter], stalled: set[int]) -> float:
    """Return the variance of whether a request that was sent in a stall is slow; one more of each kind is taken in."""
    limit = slow_from(hold)
    sent = sum(hold[number].timed for number in stalled)
    slow = sum(slow_in(hold[number], limit) for number in stalled)
    share = (slow + 1) / (sent + 2)
    return share * (1 - share)


def slow_from(hold: Sequence[Quarter]) -> float:
    """Return the microseconds from which a request is slow for this target: still under way a slice too late."""
    everything = Distribution()
    for quarter in hold:
        everything.add(quarter.took)
    median = everything.middle(0.5) if everything.counts else 0.0
    return (median + 1 / QUARTERS_A_SECOND) * SECOND


def slow_in(quarter: Quarter, limit: float) -> int:
    """Return how many of those sent in a quarter are known to have taken longer than a limit in microseconds."""
    return sum(times for microseconds, times in quarter.took.items() if microseconds > limit)


def value_at(took: Mapping[int, float], share: float) -> int:
    """Return the value below which a share of the weights lies."""
    wanted = share * sum(took.values())
    passed = 0.0
    for value in sorted(took):
        passed += took[value]
        if passed >= wanted:
            return value
    return max(took)


def open_percentile(hold: Sequence[Quarter], seen: Sequence[Stall], share: float) -> Bounds:
    """Return between which seconds a percentile lies for users who come when they want.

    What it is counted in is up to a bucket's width too low: the caller widens the upper bound. Zeros where nothing was
    answered.
    """
    stalled = stalled_slices(seen)
    rate = usual_rate([quarter.sent for quarter in hold], stalled)
    came = [arrived for arrived in arrivals(hold, seen, rate) if arrived.number > 0]
    if not came:
        return Bounds()

    everything = Distribution()
    for quarter in hold:
        everything.add(quarter.took)
    median = round(everything.middle(0.5) * SECOND)

    spread = uncertainty(hold, came, seen, share)
    low = value_at(weigh(hold, came, median, at_most=False), share - spread)
    high = value_at(weigh(hold, came, median, at_most=True), min(1.0, share + spread))
    return Bounds(low / SECOND, max(low, high) / SECOND)


def unseen_percentile(answered: Distribution, held_back: float, share: float) -> Bounds:
    """Return between which seconds a percentile lies where only the number of requests held back is known.

    At least: all of them would have been quick. At most: all as slow as the slowest on record.
    """
    total = answered.total + held_back
    lowest_rank = max(1, math.ceil(share * total - held_back))
    highest_rank = min(answered.total, math.ceil(share * total))
    return Bounds(answered.at_rank(lowest_rank)[0], answered.at_rank(highest_rank)[1])


def held_back(sent: Sequence[int], seen: Sequence[Stall]) -> float:
    """Return how many requests users did not send in the stalls; each may have begun and ended within a slice more."""
    stalled = stalled_slices(seen)
    rate = usual_rate(sent, stalled)
    missing = sum(max(0.0, rate - sent[number]) for number in stalled)
    return missing + rate * len(seen)
