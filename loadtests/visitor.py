"""A user of a load rehearsal, for Locust.

Journeys that stand in the environment are walked by `Walker`. Who wants code writes a class in the file that
`load.visitors` names:

    from locust import task
    from loadtests.visitor import Visitor
    from readiness.rehearsal.journeys import Step

    class Reader(Visitor):
        @task
        def read(self) -> None:
            self.ask(Step(path="/articles"))
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from locust import User, task

from loadtests.client import Client, ClientConfig, Response
from loadtests.safety import LoadRefused
from readiness.rehearsal.journeys import Journey, Step, built_in

if TYPE_CHECKING:
    from locust.env import Environment as LocustEnvironment

CLIENT_CONFIGS: dict[LocustEnvironment, ClientConfig] = {}
"""What the users of this process share; set before the first of them comes."""
THINK: dict[LocustEnvironment, tuple[float, float]] = {}
"""The least and the most seconds between two requests of a user."""
JOURNEYS: list[tuple[Journey, Iterator[Mapping[str, str]]]] = []
"""Journeys with the rows that their visits take in turn."""


class NotAsWanted(Exception):
    """An answer that was not as wanted, for Locust's own statistics."""


class Visitor(User):
    """Base of all users: waits between requests as the stage says, and asks through the client that measures."""

    abstract = True

    def __init__(self, environment: LocustEnvironment) -> None:
        super().__init__(environment)
        self.client = Client(CLIENT_CONFIGS[environment])
        self._least, self._most = THINK[environment]

    def wait_time(self) -> float:
        """Return how long to think, in seconds; uniform: a constant would march the users in step."""
        return random.uniform(self._least, self._most)  # noqa: S311  not for secrets

    def ask(self, step: Step, values: Mapping[str, str] | None = None) -> Response:
        """Send one request and return its answer; Locust hears of it too. One out of the allow-list ends the run."""
        try:
            answer = self.client.ask(step, values)
        except LoadRefused as refused:
            self.environment.events.user_error.fire(user_instance=self, exception=refused, tb=refused.__traceback__)
            if self.environment.runner:
                self.environment.runner.quit()
            raise
        self.environment.events.request.fire(
            request_type=step.method,
            name=step.title,
            response_time=answer.seconds * 1000,
            response_length=answer.size,
            exception=NotAsWanted(answer.error) if answer.error else None,
            context={},
        )
        return answer

    def on_stop(self) -> None:
        """Close the connections."""
        self.client.close()


class Walker(Visitor):
    """Walks the journeys of the environment, each as often as its weight says."""

    @task
    def walk(self) -> None:
        """Take one journey from its first step to its last, or to the first that goes wrong."""
        weights = [journey.weight for journey, _ in JOURNEYS]
        journey, rows = random.choices(JOURNEYS, weights)[0]  # noqa: S311  not for secrets
        values = {**next(rows), **built_in()}
        for number, step in enumerate(journey.steps):
            if number:
                self.wait()  # type: ignore[no-untyped-call]  # Locust has no types for it
            answer = self.ask(step, values)
            # What follows would ask for what this step did not give.
            if answer.error or not answer.reply:
                return
            values |= answer.kept


def take_turns(journeys: Mapping[str, Journey], rows: Mapping[str, list[dict[str, str]]]) -> None:
    """Set the journeys that `Walker` walks; without any, the target's first page."""
    walked = journeys or {"look": Journey(steps=(Step(path="/"),))}
    JOURNEYS[:] = [(journey, itertools.cycle(rows.get(name, [{}]))) for name, journey in walked.items()]
