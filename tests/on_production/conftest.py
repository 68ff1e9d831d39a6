"""The clients and the database of the clients' own tests, and the same as if it were production."""

from __future__ import annotations

import pytest

from readiness.outcomes import Effect
from readiness.transport.database_tls import DatabaseTls
from readiness.transport.guard import Guard
from tests.clients.conftest import closed_port, database, make

__all__ = ["closed_port", "database", "guard", "make"]


@pytest.fixture
def guard() -> Guard:
    """Give the guard of a production environment: it only reads, and the database is on this machine."""
    return Guard(["127.0.0.1"], (Effect.READ,), database_tls=DatabaseTls(is_production=True))
