"""The clients and the database of the clients' own tests."""

from tests.clients.conftest import closed_port, database, guard, make

__all__ = ["closed_port", "database", "guard", "make"]
