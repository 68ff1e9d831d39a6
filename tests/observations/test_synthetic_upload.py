"""What the synthetic upload writes it takes away again, and says so where it cannot."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from readiness.environment.probes import SyntheticUpload
from readiness.environment.schema import Environment
from readiness.observations.synthetic_upload import UploadTrace, synthetic_upload
from readiness.outcomes import Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox import postgres
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


def look(make: Make, server: Server, dsn: str, called_off: threading.Event | None = None) -> UploadTrace:
    settings = SyntheticUpload(
        workspace="probe", token=Secret("upload-token-of-a-test"), staged_rows_sql=COUNTS, production_rows_sql=COUNTS
    )
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
