"""What the synthetic upload writes it takes away again, and says so where it cannot."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from readiness.environment.probes import SyntheticUpload
from readiness.environment.schema import Environment
from readiness.observations.synthetic_upload import UploadTrace, production_count, synthetic_upload
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox import postgres
from readiness.sandbox.rows import fault_of, read_rows
from tests.clients.conftest import Make
from tests.clients.servers import Asked, Behaviour, Server, packet

COUNTS = "select count(*) from upload where id::text <> %s"


def service(upload_id: object, *, deleted: int = 204, status: str = "completed") -> Behaviour:
    """Take an upload under this id, and answer its deletion with that status."""

    def answer(server: Server, connection: socket.socket, asked: Asked) -> None:
        if asked.path == "/metrics":
            total = len(server.asked)  # it rises
            body = f"# TYPE ingestion_uploads_total counter\ningestion_uploads_total {total}\n"
            connection.sendall(packet(200, body.encode(), {"Content-Type": "text/plain"}))
        elif asked.method == "DELETE":
            connection.sendall(packet(deleted))
        elif asked.method == "POST":
            connection.sendall(packet(201, b"<html>" if upload_id is None else json.dumps({"id": upload_id}).encode()))
        else:
            connection.sendall(packet(200, json.dumps({"status": status, "row_count": 2}).encode()))

    return answer


def look(
    make: Make, server: Server, dsn: str, called_off: threading.Event | None = None, **described: Any
) -> UploadTrace:
    counts = {"staged_rows_sql": COUNTS, "production_rows_sql": COUNTS}
    settings = SyntheticUpload(workspace="probe", token=Secret("upload-token-of-a-test"), **{**counts, **described})
    clients = make(server.url, dsn=dsn)
    environment = Environment.model_construct(synthetic_upload=settings)
    return synthetic_upload(
        clients.http, clients.exposition, clients.postgres, environment, called_off or threading.Event()
    )


def deleted(server: Server) -> list[str]:
    return [asked.path for asked in server.asked if asked.method == "DELETE"]


@pytest.mark.parametrize(("upload_id", "path"), [("u1", "/v1/uploads/u1"), (42, "/v1/uploads/42")])
@pytest.mark.parametrize("status", [200, 202, 204, 404])
def test_it_is_deleted_whatever_its_id(
    make: Make, database: postgres.Server, upload_id: object, path: str, status: int
) -> None:
    with Server(service(upload_id, deleted=status)) as server:
        found = look(make, server, database.dsn())
        assert (found.status, found.row_count, found.staged_rows) == ("completed", 2, 2)
        assert deleted(server) == [path]


@pytest.mark.parametrize("status", [401, 403, 409, 500])
def test_an_upload_that_is_still_there_is_unknown(make: Make, database: postgres.Server, status: int) -> None:
    with (
        Server(service("u1", deleted=status)) as server,
        pytest.raises(Unknown, match=rf"the upload u1 is still there: .*/v1/uploads/u1 answered {status}") as unknown,
    ):
        look(make, server, database.dsn())
    assert unknown.value.remedy.startswith("send DELETE /v1/uploads/u1 with the token of synthetic_upload")


@pytest.mark.parametrize("upload_id", ["", True, None, {"a": 1}])
def test_an_upload_without_an_id_is_told_to_be_left(make: Make, database: postgres.Server, upload_id: object) -> None:
    with (
        Server(service(upload_id)) as server,
        pytest.raises(Unknown, match="an upload was taken and cannot be deleted") as unknown,
    ):
        look(make, server, database.dsn())
    assert "find the file in the workspace probe and delete it" in unknown.value.remedy
    assert deleted(server) == []


def test_it_is_deleted_at_once_when_the_run_ends(make: Make, database: postgres.Server) -> None:
    called_off, started = threading.Event(), time.monotonic()
    threading.Timer(0.3, called_off.set).start()
    with Server(service("u1", status="processing")) as server:
        with pytest.raises(Unknown, match="the run ended while this was under way"):
            look(make, server, database.dsn(), called_off)
        assert deleted(server) == ["/v1/uploads/u1"]
    assert time.monotonic() - started < 5


UPLOADS = """
drop table if exists data_uploads;
create table data_uploads (id text primary key, status text, row_count int, error_text text, created_at timestamptz);
insert into data_uploads values ('u1', 'completed', 3, null, now());
"""


@pytest.fixture
def recorded(database: postgres.Server) -> Iterator[psycopg.Connection]:
    """Give a database with the upload that the service took, as the ingestion document looks it up."""
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute(UPLOADS)
        yield connection
        connection.execute("drop table data_uploads")


def document_s_own(shows: int, deletes: int) -> Behaviour:
    """Take an upload as the document's API does, and answer so to whoever asks for one, or deletes it."""

    def answer(server: Server, connection: socket.socket, asked: Asked) -> None:
        if asked.method == "POST" and b'name="workspace_id"' not in asked.body:
            connection.sendall(packet(422, b'{"detail": "workspace_id: field required"}'))
        elif asked.method in {"GET", "DELETE"} and asked.path.startswith("/v1/uploads/"):
            connection.sendall(packet(shows if asked.method == "GET" else deletes))
        else:
            service("u1")(server, connection, asked)

    return answer


@pytest.mark.parametrize(("shows", "deletes"), [(404, 404), (404, 405), (405, 405), (405, 404), (501, 501)])
def test_where_the_service_shows_no_upload_the_database_does(
    make: Make, database: postgres.Server, recorded: psycopg.Connection, shows: int, deletes: int
) -> None:
    del recorded
    with Server(document_s_own(shows, deletes)) as server:
        found = look(make, server, database.dsn())
    assert (found.answered, found.status, found.row_count) == (201, "completed", 3)
    assert found.kept, "nobody can delete it there"


@pytest.mark.parametrize("rows", ["delete from data_uploads", "update data_uploads set id = 'u2'"])
def test_one_that_neither_shows_is_unknown(
    make: Make, database: postgres.Server, recorded: psycopg.Connection, rows: LiteralString
) -> None:
    recorded.execute(rows)
    with (
        Server(document_s_own(404, 404)) as server,
        pytest.raises(Unknown, match=r"GET /v1/uploads/u1 answered 404, and the database has 0 rows of the upload"),
    ):
        look(make, server, database.dsn())


@pytest.mark.parametrize("status", [401, 403, 500])
def test_what_the_service_refuses_to_tell_the_database_is_not_asked(
    make: Make, database: postgres.Server, recorded: psycopg.Connection, status: int
) -> None:
    del recorded
    with Server(document_s_own(status, 204)) as server, pytest.raises(Unknown, match=str(status)):
        look(make, server, database.dsn())


def test_one_that_the_service_failed_says_so_in_the_database(
    make: Make, database: postgres.Server, recorded: psycopg.Connection
) -> None:
    recorded.execute("update data_uploads set status = 'failed', row_count = null")
    with Server(document_s_own(404, 405)) as server:
        found = look(make, server, database.dsn())
    assert (found.status, found.row_count) == ("failed", 0)


def test_the_form_s_field_and_the_answer_s_place_have_other_names_elsewhere(
    make: Make, database: postgres.Server
) -> None:
    def answer(server: Server, connection: socket.socket, asked: Asked) -> None:
        if asked.method == "POST":
            taken = b'name="tenant"' in asked.body and b'name="workspace_id"' not in asked.body
            connection.sendall(packet(201 if taken else 422, b'{"data": {"upload": 7}}'))
        else:
            service(7)(server, connection, asked)

    with Server(answer) as server:
        found = look(make, server, database.dsn(), workspace_field="tenant", id_pointer="/data/upload")
        assert (found.status, found.kept) == ("completed", False)
        assert deleted(server) == ["/v1/uploads/7"]


def test_no_row_of_the_file_that_is_sent_is_broken() -> None:
    csv = SyntheticUpload(workspace="probe", token=Secret("upload-token-of-a-test")).csv
    assert [fault_of(row) for row in read_rows(csv.encode())] == ["", "", ""]


def test_without_a_query_the_rows_in_production_are_not_known(make: Make, database: postgres.Server) -> None:
    with Server(service("u1")) as server:
        assert look(make, server, database.dsn(), production_rows_sql=None).production_rows is None
    token = Secret("upload-token-of-a-test")
    environment = Environment.model_construct(synthetic_upload=SyntheticUpload(workspace="probe", token=token))
    with pytest.raises(NotConfigured, match=r"set synthetic_upload\.production_rows_sql"):
        production_count(environment)
