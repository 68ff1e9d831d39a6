"""What a drill uploaded is deleted, and what may have been uploaded is told."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.clients.postgres import Postgres
from readiness.environment import schema
from readiness.environment.probes import SyntheticUpload
from readiness.observations.uploads_api import UploadsApi
from readiness.outcomes import Effect, Unknown
from readiness.procedures.course import Stopped
from readiness.procedures.uploads import Uploads
from readiness.redaction.secret import Secret
from readiness.sandbox.processes import free_port
from readiness.transport.guard import Guard
from readiness.transport.http import Http
from tests.clients.servers import Behaviour, Server, never, resets_at_once, whole

RUN = "20261120T090000Z-kill-switch"
DEADLINE = 2.0
"""Of one upload: a busy machine sends and answers within it, and it is waited for where no answer comes."""
LOST = f"1 upload was sent without an answer and may still be there: look for readiness-drill-{RUN}-*.csv"
MAY_BE_THERE: dict[str, Behaviour] = {
    "no answer": never,
    "broken off": resets_at_once,
    "no id": whole(202, "{}"),
    "no JSON": whole(202, "<html>"),
}


def uploads(url: str, **settings: Any) -> Uploads:
    guard = Guard(["127.0.0.1"], (Effect.READ, Effect.WRITE))
    http = Http(schema.Http(deadline_seconds=DEADLINE), schema.Target(url=url), guard)
    token = Secret("upload-token-of-a-test")
    described = SyntheticUpload(workspace="ws_internal", token=token, **settings)
    return Uploads(UploadsApi(http, Postgres(None, guard), described), RUN)


@pytest.mark.parametrize("case", MAY_BE_THERE)
def test_what_may_have_been_accepted_is_told(case: str) -> None:
    with Server(MAY_BE_THERE[case]) as server:
        sent = uploads(server.url)
        with pytest.raises(Unknown):
            sent.send()
        assert f'filename="readiness-drill-{RUN}-1.csv"'.encode() in server.asked[0].body
        with pytest.raises(Unknown) as told:
            sent.delete()
    assert told.value.reason == LOST


def test_an_upload_that_was_stopped_under_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise Stopped("SIGINT")

    sent = uploads("http://127.0.0.1:9")
    monkeypatch.setattr(sent.api.http, "send", stopped)
    with pytest.raises(Stopped):
        sent.send()
    with pytest.raises(Unknown, match="1 upload was sent without an answer"):
        sent.delete()


def test_what_was_refused_or_never_sent_is_not_left() -> None:
    with Server(whole(503, "ingestion_disabled")) as server:
        refused = uploads(server.url)
        refused.send()
        refused.delete()
    nowhere = uploads(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unknown, match="refused the connection"):
        nowhere.send()
    nowhere.delete()


def one_accepted_and_one_lost(server: Server) -> Uploads:
    sent = uploads(server.url)
    sent.send()
    server.behaviour = resets_at_once
    with pytest.raises(Unknown):
        sent.send()
    return sent


def test_what_was_accepted_is_deleted_also_where_another_was_lost() -> None:
    with Server(whole(202, '{"id": "u1"}')) as server:
        sent = one_accepted_and_one_lost(server)
        server.behaviour = whole(204)
        with pytest.raises(Unknown) as told:
            sent.delete()
        assert [(asked.method, asked.path) for asked in server.asked[2:]] == [("DELETE", "/v1/uploads/u1")]
    assert told.value.reason == LOST


def test_what_cannot_be_deleted_is_told_with_what_was_lost() -> None:
    with Server(whole(202, '{"id": "u1"}')) as server:
        sent = one_accepted_and_one_lost(server)
        server.behaviour = whole(500)
        with pytest.raises(Unknown, match=r"500.*; 1 upload was not deleted; 1 upload was sent without an answer"):
            sent.delete()


def test_where_uploads_are_kept_none_is_looked_for() -> None:
    with Server(never) as server:
        sent = uploads(server.url, clean_up=False)
        with pytest.raises(Unknown):
            sent.send()
        sent.delete()


def test_where_the_service_deletes_none_they_stay_and_that_is_said() -> None:
    said: list[str] = []
    with Server(whole(202, '{"id": "u1"}')) as server:
        sent = uploads(server.url)
        sent.say = said.append
        sent.send()
        sent.send()
        assert b'name="workspace_id"' in server.asked[0].body
        server.behaviour = whole(405)
        sent.delete()
    assert said == [f"  the service deletes no upload: 2 uploads were left there, readiness-drill-{RUN}-*.csv"]
    assert sent.accepted == []


@pytest.mark.parametrize("status", [404, 405])
def test_an_upload_that_nobody_shows_is_unknown_without_a_database(status: int) -> None:
    with Server(whole(status)) as server, pytest.raises(Unknown, match=f"GET /v1/uploads/u1 answered {status}") as told:
        uploads(server.url).status("u1")
    assert "that needs the section postgres" in told.value.remedy
