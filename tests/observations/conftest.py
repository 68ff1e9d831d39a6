"""The clients and the database of the clients' own tests."""

from readiness.environment.schema import Environment, Target
from tests.clients.conftest import closed_port, database, guard, make

__all__ = ["closed_port", "database", "guard", "make", "of_target"]


def of_target(url: str) -> Environment:
    """Return an environment that says where the target is, and nothing else."""
    return Environment.model_construct(target=Target(url=url))
