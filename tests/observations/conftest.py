"""The clients and the database of the clients' own tests."""

import threading

from readiness.environment.schema import Environment, Target
from readiness.observations.database_statistics import DatabaseAnswer, database_answer
from readiness.observations.health import HealthAnswer, health_answer
from readiness.sources.table import Clients
from tests.clients.conftest import closed_port, database, guard, make
from tests.observations.incident_reviews import review

__all__ = ["closed_port", "database", "guard", "health_of", "make", "of_target", "reached", "review"]


def of_target(url: str) -> Environment:
    """Return an environment that says where the target is, and nothing else."""
    return Environment.model_construct(target=Target(url=url))


def health_of(clients: Clients, url: str) -> HealthAnswer:
    """Look at /health of the target."""
    return health_answer(clients.http, of_target(url), clients.controls, threading.Event(), "/health")


def reached(clients: Clients, environment: Environment) -> DatabaseAnswer:
    """Look whether the target's database answers."""
    return database_answer(clients.postgres, clients.readings, environment, clients.controls, threading.Event())
