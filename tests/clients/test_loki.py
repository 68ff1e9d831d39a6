"""The client against the sandbox's Loki, and the stream that is judged."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.environment.schema import Reading
from readiness.observations.logs import log_stream
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox import Sandbox
from readiness.sources.table import Clients
from tests.clients.conftest import Make
from tests.clients.servers import Server, document

SECOND = 1_000_000_000


def at_loki(make: Make, sandbox: Sandbox, **changes: Any) -> Clients:
    known = sandbox.variables
    given = {"url": known["SANDBOX_LOKI_URL"], "token": Secret(known["SANDBOX_LOKI_TOKEN"]), "tenant": "sandbox"}
    return make(loki={**given, "query": '{app="front"}', **changes})


def test_the_newest_lines_come_first(make: Make, sandbox: Sandbox) -> None:
    lines = at_loki(make, sandbox).loki.newest(datetime.now(UTC) - timedelta(hours=1))
    assert len(lines) == 100
    assert lines[0].at > lines[1].at > datetime.now(UTC) - timedelta(seconds=30)


def test_another_tenant_is_denied(make: Make, sandbox: Sandbox) -> None:
    with pytest.raises(Unknown, match="answered 401"):
        at_loki(make, sandbox, tenant="other").loki.newest(datetime.now(UTC))


def test_without_loki_the_log_itself_is_judged(make: Make, tmp_path: Path) -> None:
    clients = make(systems=False, readings={"log_lines": Reading(file=tmp_path / "log", format="jsonl")})
    written = datetime.now(UTC) - timedelta(minutes=3)
    (tmp_path / "log").write_text(f'{{"at": "{written.isoformat()}"}}\n', encoding="utf-8")
    found = log_stream(clients.loki, clients.readings)
    assert found.source == "the log"
    assert found.age_seconds == pytest.approx(180, abs=30)


def test_nothing_to_look_at_is_unknown(make: Make, sandbox: Sandbox) -> None:
    nowhere = make(systems=False)
    with pytest.raises(NotConfigured, match="structured log"):
        log_stream(nowhere.loki, nowhere.readings)
    with pytest.raises(NotConfigured, match="no Loki is configured"):
        nowhere.loki.newest(datetime.now(UTC))
    other = at_loki(make, sandbox, query='{app="other"}')
    with pytest.raises(Unknown, match="no line at all"):
        log_stream(other.loki, other.readings)


def answered(make: Make, values: Any, kind: str = "streams") -> Clients:
    data = {"resultType": kind, "result": [{"stream": {}, "values": values}]}
    with Server(document({"status": "success", "data": data})) as server:
        clients = make(server.url)
        log_stream(clients.loki, clients.readings)
        return clients


@pytest.mark.parametrize(
    ("values", "kind", "says"),
    [
        ([[str(round((time.time() + 7200) * SECOND)), "x"]], "streams", "in the future"),
        ([["yesterday", "x"]], "streams", "no log lines"),
        ([[]], "streams", "no log lines"),
        ([], "matrix", "answered no streams"),
    ],
)
def test_what_is_no_stream_is_unknown(make: Make, values: Any, kind: str, says: str) -> None:
    with pytest.raises(Unknown, match=says):
        answered(make, values, kind)
