"""Faults with which other tools have said yes without having seen it, each tried here on a whole run.

A row is named by the public thread of the fault, and says what the same situation is in this suite. None of them may
end in a good word. To add a row: the lines, what the servers answer, and what must come of it, in `tests/fail_open`.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from readiness.sandbox.postgres import Server as Database
from readiness.sandbox.processes import free_port
from tests.clients.conftest import database
from tests.clients.servers import Asked, Behaviour, Server, whole
from tests.fail_open.hidden import HIDDEN
from tests.fail_open.nothing import NOTHING_SEEN
from tests.fail_open.situation import DOWN, HERE, SECRET, Row
from tests.whole_run import judge

__all__ = ["database"]

GOOD = {"GO", "OK", "APPROVED"}
BAD_EXIT, INCOMPLETE_EXIT = 1, 10
DEADLINE_SECONDS = 2.0
"""Of each request: what never answers is waited for so long."""
TOKEN = "a-token-of-the-tests"


def routed(answers: Mapping[str, Behaviour]) -> Behaviour:
    """Answer by the first part that a path has, else with 404."""

    def answer(server: Server, connection: socket.socket, asked: Asked) -> None:
        behaviour = next((each for part, each in answers.items() if part in asked.path), whole(404, "{}"))
        behaviour(server, connection, asked)

    return answer


@pytest.mark.parametrize("row", [*HIDDEN, *NOTHING_SEEN], ids=str)
def test_no_good_word_without_having_seen_it(tmp_path: Path, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", TOKEN)
    for name, text in row.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    with Server(routed(row.answers)) as server:
        stated = {
            "environment": "small",
            "target": {"url": HERE, "revision": "abc123"},
            "http": {"deadline_seconds": DEADLINE_SECONDS},
            **row.environment,
        }
        text = json.dumps(stated).replace(HERE, server.url).replace(DOWN, f"http://127.0.0.1:{free_port()}")
        judged = judge(tmp_path, row.lines, *row.words, phase=row.phase, **json.loads(text))

    expected = row.outcomes.split(", ")
    assert [judged.outcomes.get(line, "not run") for line in row.lines] == expected, judged.out
    assert row.message in judged.out.replace("\n", " "), judged.out
    if set(expected) == {"pass"}:
        assert judged.word in GOOD, judged.out
        assert judged.exit == 0, judged.out
    else:
        assert judged.word not in GOOD, judged.out
        assert judged.exit == (BAD_EXIT if "fail" in expected else INCOMPLETE_EXIT), judged.out


POLICIES = """
create table inbox (id int primary key, tenant text);
insert into inbox values (1, 'ours'), (2, 'theirs');
alter table inbox enable row level security;
grant select on inbox to probe;
create view inbox_of_all as select * from inbox;
grant select on inbox_of_all to probe;
"""


@pytest.mark.parametrize(
    ("sql", "outcome", "told"),
    [
        # trivy#6013 again: a policy shows the probe none of the rows, so that none is there.
        ("select count(*) from inbox", "unknown", "alter role ... bypassrls"),
        ("select count(*) from upload where id > (select count(*) from inbox)", "unknown", "alter role ... bypassrls"),
        # The view is its owner's, who sees all: it tells of both rows.
        ("select count(*) from inbox_of_all", "fail", "n: 2, allowed ≤ 1"),
        # kubescape#2996 again.
        ("select count(*) from denied", "unknown", "grant it pg_read_all_data"),
        ("select count(*) from upload", "fail", "n: 2, allowed ≤ 1"),
    ],
)
def test_rows_that_a_policy_hides_are_not_none(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, sql: str, outcome: str, told: str
) -> None:
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute("drop table if exists inbox cascade")
        for statement in POLICIES.strip().split(";\n"):
            connection.execute(statement.encode())
    monkeypatch.setenv("A_TOKEN", database.dsn("probe", "probe-password"))
    lines = {"number": {"readings.number_at_most": {"reading": "n", "at_most": 1}}}
    judged = judge(
        tmp_path,
        lines,
        environment="small",
        target={"url": "http://127.0.0.1:9"},
        postgres={"url": SECRET},
        readings={"n": {"sql": sql}},
    )
    assert judged.outcomes == {"number": outcome}, judged.out
    assert told in judged.reasons["number"] + judged.out.replace("\n", " "), judged.out
