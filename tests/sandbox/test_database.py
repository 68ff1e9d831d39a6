"""The service's own connections: none is left idle for so long that a line would tell it."""

from __future__ import annotations

import pytest

from readiness.sandbox import Sandbox, database
from readiness.sandbox.database import Database


def test_a_connection_that_was_forgotten_is_given_up(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Database(sandbox.variables["SANDBOX_SCRATCH_DATABASE_URL"])
    first = made.connection()
    assert made.connection() is first
    assert made.one("show idle_session_timeout") == {"idle_session_timeout": "20min"}
    monkeypatch.setattr(database, "FORGOTTEN_SECONDS", 0.0)
    second = made.connection()
    assert second is not first
    assert first.closed
    second.close()


def test_connections_that_the_server_has_ended_are_given_up(sandbox: Sandbox) -> None:
    made = Database(sandbox.variables["SANDBOX_SCRATCH_DATABASE_URL"])
    first = made.connection()
    with made.fresh() as other:
        other.execute("select pg_terminate_backend(%s)", [first.info.backend_pid])
    made.renew()
    assert made.one("select 1 as one") == {"one": 1}
    made.connection().close()
