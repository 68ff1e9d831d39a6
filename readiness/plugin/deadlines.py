"""The deadline of a run: it follows from what its lines look at, and the environment may lower it."""

from __future__ import annotations

import math
import time
from collections.abc import Hashable, Iterable, Iterator, Mapping

import pytest

from readiness.environment.schema import Environment
from readiness.evidence.recorded_deadline import RecordedDeadline
from readiness.observations import OBSERVATIONS
from readiness.plugin.judging_ahead import looks_later
from readiness.plugin.observer import Observer
from readiness.plugin.session import state_of
from readiness.plugin.threads import THREADS, ObservationTask

RESERVE_SECONDS = 30.0
"""For judging, and for what is asked besides the lines: the revision, diagnostics, controls."""
REQUESTS_EACH = 3
"""So many slow requests in a row may a look need; most need one, and few are slow."""
ONE_MACHINE_SECONDS = 3600.0
"""Longer than any run: two monotonic clocks that are further apart are of two machines."""


def deadline_of(observer: Observer, items: Iterable[pytest.Item]) -> RecordedDeadline:
    """Return how many seconds the looks of some items may take together, from the first to the last, and why."""
    environment = observer.run.environment
    tasks = dict(_tasks(observer, items)).values()
    alone = [task for task in tasks if task.exclusive or task.writes]
    rounds = math.ceil((len(tasks) - len(alone)) / THREADS)

    turns = rounds + len(alone)
    request_seconds = _longest_request(environment)
    waits_seconds = math.fsum(task.waits_seconds for task in tasks)
    follows = RESERVE_SECONDS + turns * REQUESTS_EACH * request_seconds + waits_seconds

    stated = environment.run.seconds_at_most
    return RecordedDeadline(
        seconds=follows if stated is None else min(follows, stated),
        reserve_seconds=RESERVE_SECONDS,
        turns=turns,
        requests_each=REQUESTS_EACH,
        request_seconds=request_seconds,
        waits_seconds=waits_seconds,
        stated_seconds=stated,
    )


def begun_at(config: pytest.Config) -> float:
    """Return the instant, by the monotonic clock, from which the deadline counts: for all workers of a run the same.

    One that takes the place of a crashed worker gets what is left, and no time of its own.
    """
    now = time.monotonic()
    shared: Mapping[str, float] = getattr(config, "workerinput", {}).get("readiness", {})
    begun = shared.get("begun_at", now)
    # Of a worker on another machine the clock counts from elsewhere.
    return begun if 0 <= now - begun <= ONE_MACHINE_SECONDS else now


def _tasks(observer: Observer, items: Iterable[pytest.Item]) -> Iterator[tuple[Hashable, ObservationTask]]:
    """Yield the looks that items need, those of the same key once or more."""
    for item in items:
        state = state_of(item)
        if state is None or state.predecided:
            continue
        names = [name for name in getattr(item, "fixturenames", ()) if name in OBSERVATIONS]
        looks = [*((name, state.limits) for name in names), *looks_later(state, names)]
        yield from (observer.task(name, limits, state.item.name) for name, limits in looks)


def _longest_request(environment: Environment) -> float:
    """Return how long one request may take, of whatever client."""
    database = environment.postgres
    database_seconds = database.connect_seconds + database.statement_timeout_seconds if database else 0.0
    return max(environment.http.deadline_seconds, database_seconds)
