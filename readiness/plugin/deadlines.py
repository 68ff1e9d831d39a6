"""The deadline of a run: it follows from what its lines look at, and the environment may lower it."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator

import pytest

from readiness.environment.schema import Environment
from readiness.observations import OBSERVATIONS
from readiness.plugin.observer import Observer
from readiness.plugin.session import state_of
from readiness.plugin.threads import THREADS, ObservationTask

RESERVE_SECONDS = 30.0
"""For judging, and for what is asked besides the lines: the revision, diagnostics, controls."""
REQUESTS_EACH = 3
"""So many slow requests in a row may a look need; most need one, and few are slow."""


def deadline_seconds(observer: Observer, items: Iterable[pytest.Item]) -> float:
    """Return how many seconds the looks of some items may take together, from the first to the last."""
    environment = observer.run.environment
    tasks = dict(_tasks(observer, items)).values()
    alone = [task for task in tasks if task.exclusive or task.writes]
    rounds = math.ceil((len(tasks) - len(alone)) / THREADS)

    request_seconds = _longest_request(environment)
    looks = (rounds + len(alone)) * REQUESTS_EACH
    waits_seconds = math.fsum(task.waits_seconds for task in tasks)
    follows = RESERVE_SECONDS + looks * request_seconds + waits_seconds

    stated = environment.run.seconds_at_most
    return follows if stated is None else min(follows, stated)


def _tasks(observer: Observer, items: Iterable[pytest.Item]) -> Iterator[tuple[Hashable, ObservationTask]]:
    """Yield the looks that items need, those of the same key once or more."""
    for item in items:
        state = state_of(item)
        if state is None or state.predecided:
            continue
        for name in getattr(item, "fixturenames", ()):
            if name in OBSERVATIONS:
                yield observer.task(name, state.limits, state.item.name)


def _longest_request(environment: Environment) -> float:
    """Return how long one request may take, of whatever client."""
    database = environment.postgres
    database_seconds = database.connect_seconds + database.statement_timeout_seconds if database else 0.0
    return max(environment.http.deadline_seconds, database_seconds)
