"""Whether slow requests come in bunches: a target that stands still, or one that is slow to a request now and then.

Many users wait in both. Where 4 % of the requests take 5 s, one as likely as another, now and then so many of them fall
together that clearly more users wait than usual, and nothing stood still. What tells the two apart is when the slow
requests were *sent*. In a stall nearly all that are sent then are slow; otherwise each is as likely slow as any other.

So the hold is cut into blocks of two seconds, and the slow requests of each are held against their share of the whole:
Pearson's chi-square for a common share, the index of dispersion. Its blocks are fixed before anything is looked at, so
one test speaks for the whole hold, however many crowds it had. `tests/benchmarks/open_arrivals.py` measures
both errors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from readiness.rehearsal.histogram import SECOND
from readiness.rehearsal.open_arrivals import QUARTERS_A_SECOND, Quarter, Stall, slow_from, slow_in, stalled_slices

BLOCK_QUARTERS = 8
"""Two seconds: shorter blocks have too few requests of ten users, longer ones hide a stall among the others."""
BY_CHANCE = 1e-6
"""So likely is it at most, in a whole hold, that so many users wait at once where each waits for itself."""
BUNCHED = 5.0
"""Standard deviations. In 840 simulated holds without a stall the most was 3.6; in 1,540 with one the least was 6.5.
But where ten users have a quarter of their requests stopped for 5 s a minute, which moves no p95, it was 2.9."""


def are_stalls(hold: Sequence[Quarter], crowds: Sequence[Stall], users: int) -> bool:
    """Check whether the crowds of a hold come of a target that stood still, more than chance explains."""
    return dispersion(hold) > BUNCHED or _is_beyond_chance(hold, crowds, users)


def _is_beyond_chance(hold: Sequence[Quarter], crowds: Sequence[Stall], users: int) -> bool:
    """Check whether more users wait at once than would if each waited for itself.

    Those who are caught when the hold begins were sent before it, and the slow requests on record are not theirs. How
    often a user waits follows from these, in the whole hold.
    """
    took = math.fsum(microseconds * times for quarter in hold for microseconds, times in quarter.took.items()) / SECOND
    seconds = len(hold) / QUARTERS_A_SECOND
    share = min(1.0, took / (users * seconds)) if users and seconds else 1.0

    most = max((hold[number].waiting for number in stalled_slices(crowds)), default=0)
    return _at_least(most, users, share) * len(hold) < BY_CHANCE


def _at_least(number: int, of: int, share: float) -> float:
    """Return how likely it is that at least a number of independent users wait, each for this share of the time."""
    if share in {0.0, 1.0} or number <= 0:
        return 0.0 if number > of * share else 1.0
    terms = (
        math.lgamma(of + 1)
        - math.lgamma(waiting + 1)
        - math.lgamma(of - waiting + 1)
        + waiting * math.log(share)
        + (of - waiting) * math.log1p(-share)
        for waiting in range(number, of + 1)
    )
    return math.fsum(map(math.exp, terms))


def dispersion(hold: Sequence[Quarter]) -> float:
    """Return by how many standard deviations the slow requests are more unevenly spread than by chance.

    >>> quick, slow = {50_000: 20}, {50_000: 19, 5_000_000: 1}
    >>> now_and_then = [Quarter(20, 20, 1, quick if number % 3 else slow) for number in range(240)]
    >>> frozen = [Quarter(20, 20, 1, {5_000_000: 20} if 80 <= number < 88 else quick) for number in range(240)]
    >>> dispersion(now_and_then) < 0, dispersion(frozen) > 100
    (True, True)
    """
    limit = slow_from(hold)
    blocks = [hold[begin : begin + BLOCK_QUARTERS] for begin in range(0, len(hold), BLOCK_QUARTERS)]
    counts = [(sum(map(_sent, block)), sum(_slow(quarter, limit) for quarter in block)) for block in blocks]
    sent, slow = (sum(numbers) for numbers in zip(*counts, strict=True)) if counts else (0, 0)
    if slow in {0, sent}:
        return 0.0

    # Of a binomial law with the common share: the mean of each term is 1, and this its variance.
    share = slow / sent
    spread = share * (1 - share)
    filled = [(requests, found) for requests, found in counts if requests]
    squares = math.fsum((found - requests * share) ** 2 / (requests * spread) for requests, found in filled)
    variance = math.fsum(2 + (1 - 6 * spread) / (requests * spread) for requests, _ in filled)
    return (squares - len(filled)) / math.sqrt(variance)


def _sent(quarter: Quarter) -> int:
    return max(quarter.sent, quarter.timed)


def _slow(quarter: Quarter, limit: float) -> int:
    """Return how many of those sent in a quarter were slow; one without a time was waited for in vain."""
    return slow_in(quarter, limit) + max(0, quarter.sent - quarter.timed)
