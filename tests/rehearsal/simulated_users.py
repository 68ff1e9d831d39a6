"""Users that exist in a simulation alone, and the targets that they meet: what a rehearsal would have on record.

No clock and no network: a target is a law of how long a request takes that is sent at a moment. The same law asked by
users who come when they want (open-loop arrivals) gives the truth.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from loadtests.recording import RequestRecorder, RequestSample
from readiness.rehearsal.evidence import EndpointStatistics, Generator, LoadTarget, OpenedConnections, RehearsalEvidence
from readiness.rehearsal.stages import Stage

BEGAN = 1_800_000_000
"""Unix second at which the hold begins."""
SETTLES = 30
"""Seconds before, in which users are at work already."""
NANO = 1_000_000_000
Z95 = 1.6448536269514722
"""Standard deviations of the 95th percentile."""
Chance = random.Random
Law = Callable[[float, Chance], float]
"""Seconds since the hold began, and chance → how long a request takes that is sent then."""


def usual(_moment: float, chance: Chance) -> float:
    """Return a time of the lognormal law with a median of 0.05 s and a p95 of 0.08 s."""
    return math.exp(chance.gauss(math.log(0.05), math.log(0.08 / 0.05) / Z95))


def some_slow(share: float, seconds: float) -> Law:
    """Return a target of whose requests a share takes longer, one as likely as another."""
    return lambda moment, chance: usual(moment, chance) + (seconds if chance.random() < share else 0.0)


def freezes(seconds: float, every: float, first: float) -> Law:
    """Return a target that answers nothing for some seconds, again and again."""

    def law(moment: float, chance: Chance) -> float:
        took = usual(moment, chance)
        since = (moment + took - first) % every
        return took + max(0.0, seconds - since)

    return law


def slow_phases(seconds: float, every: float, longer: float, first: float) -> Law:
    """Return a target that is slow for some seconds, again and again."""
    return lambda moment, chance: usual(moment, chance) + (longer if (moment - first) % every < seconds else 0.0)


def one_endpoint(share: float, law: Law) -> Law:
    """Return a target of which a share of the requests goes to an endpoint with a law of its own."""
    return lambda moment, chance: law(moment, chance) if chance.random() < share else usual(moment, chance)


def drifts(longer: float, hold: float) -> Law:
    """Return a target that becomes slower over the hold."""
    return lambda moment, chance: usual(moment, chance) + longer * min(1.0, max(0.0, moment / hold))


ONCE = 1e9
"""Seconds to the next time that does not come."""


def cases(first: float, hold: float = 300) -> dict[str, tuple[str, Law]]:
    """Return the table's cases: name → what it is, and its law. The first stall begins at second `first`."""
    return {
        "calm": ("calm", usual),
        "a": ("4 % take 5 s", some_slow(0.04, 5)),
        "a2": ("4 % take 20 s", some_slow(0.04, 20)),
        "a3": ("6 % take 5 s", some_slow(0.06, 5)),
        "b": ("freeze of 5 s a minute", freezes(5, 60, first)),
        "b2": ("freeze of 4 s a minute", freezes(4, 60, first)),
        "b3": ("freeze of 3.5 s a minute", freezes(3.5, 60, first)),
        "b5": ("one freeze of 60 s", freezes(60, ONCE, first + 20)),
        "b6": ("freeze of 2.5 s a minute", freezes(2.5, 60, first)),
        "c": ("10 s a minute take 3 s more", slow_phases(10, 60, 3, first)),
        "c2": ("5 s a minute take 3 s more", slow_phases(5, 60, 3, first)),
        "c3": ("4 s a minute take 2 s more", slow_phases(4, 60, 2, first)),
        "c4": ("2 s a minute take 3 s more", slow_phases(2, 60, 3, first)),
        "d": ("1 of 25 endpoints takes 5 s", one_endpoint(0.04, some_slow(1, 5))),
        "d2": ("1 of 10 endpoints takes 5 s", one_endpoint(0.1, some_slow(1, 5))),
        "d3": ("1 of 4 endpoints freezes 5 s a minute", one_endpoint(0.25, freezes(5, 60, first))),
        "d4": ("1 of 4 endpoints freezes 15 s a minute", one_endpoint(0.25, freezes(15, 60, first))),
        "e": ("slower and slower, to 5 s more", drifts(5, hold)),
    }


STEADY = ("calm", "a", "a2", "a3", "d", "d2")
"""The cases in which nobody stands still: slow or not, each request is for itself."""


@dataclass(frozen=True)
class Users:
    """Users who wait for each answer, think, and ask again."""

    law: Law
    number: int
    think: tuple[float, float] = (1.0, 3.0)
    hold: float = 300.0
    seed: int = 0
    chance: Chance = field(default_factory=Chance)

    def requests(self) -> Iterator[tuple[float, float]]:
        """Yield when each request is sent and how long it takes, user by user."""
        self.chance.seed(self.seed)
        for _ in range(self.number):
            moment = self.chance.uniform(0, self.think[1]) - SETTLES
            while moment < self.hold:
                took = self.law(moment, self.chance)
                yield moment, took
                moment += took + self.chance.uniform(*self.think)

    def open_p95(self, arrivals: int = 20_000) -> float:
        """Return the p95 of as many arrivals that come when they want, evenly over the hold."""
        self.chance.seed(self.seed)
        step = self.hold / arrivals
        took = sorted(self.law((number + self.chance.random()) * step, self.chance) for number in range(arrivals))
        return took[math.ceil(0.95 * arrivals) - 1]

    def recorded(self) -> RequestRecorder:
        """Return what the client has on record of them."""
        recorder = RequestRecorder(hold_from=BEGAN, hold_until=BEGAN + self.hold)
        for moment, took in self.requests():
            sent = round((BEGAN + moment) * NANO)
            microseconds = round(took * 1e6)
            recorder.end(RequestSample("/t", recorder.begin(sent), sent, 60.0, microseconds, microseconds))
        return recorder

    def evidence(self, p95_seconds_below: float, **other: Any) -> RehearsalEvidence:
        """Return the evidence of a rehearsal with them, in which nothing but the response time can be wrong."""
        counters = self.recorded().counters
        asked = Stage(
            users=self.number,
            hold_minutes=self.hold / 60,
            think_seconds=self.think,
            p95_seconds_below=p95_seconds_below,
        )
        body: dict[str, Any] = {
            "schema": "readiness/rehearsal/1",
            "run": "20270115T080000Z-load",
            "environment": "staging",
            "stage": "load",
            "asked": asked,
            "target": LoadTarget(url="http://127.0.0.1:1", revision="r1", revision_at_end="r1"),
            "started_at": _time(-SETTLES),
            "hold_from": _time(0),
            "hold_until": _time(self.hold),
            "finished_at": _time(self.hold + 60),
            "ended": "whole",
            "users": dict.fromkeys(range(BEGAN, BEGAN + math.ceil(self.hold)), self.number),
            "endpoints": _endpoints(counters.endpoints),
            "seconds": counters.seconds(),
            "quarters": counters.quarters(),
            "connections": OpenedConnections(first=self.number),
            "generators": (GENERATOR,),
        }
        return RehearsalEvidence.model_validate(body | other)


GENERATOR = Generator(name="local", host="here", pid=1, first_seen=0, last_seen=1, lag={1000: 3000})


def _time(second: float) -> datetime:
    return datetime.fromtimestamp(BEGAN + second, UTC)


def _endpoints(tallies: Mapping[str, Any]) -> dict[str, EndpointStatistics]:
    return {name: EndpointStatistics(**vars(tally)) for name, tally in tallies.items()}
