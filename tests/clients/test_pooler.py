"""A pooler that drops the options of a connection, as PgBouncer does that is told to ignore them: the limits hold."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import psycopg
import pytest

from readiness.outcomes import Unknown
from readiness.sandbox.postgres import Server
from tests.clients.conftest import Make

START_UP = 196_608
"""Version 3.0 of the protocol, which the first packet of a session begins with."""
CANCEL = 80_877_102
"""What a request to cancel a statement has in its place; nothing is answered to it."""
HIDDEN = """
create table hidden (id int);
insert into hidden values (1);
alter table hidden enable row level security;
grant select on hidden to probe;
"""


def without_options(packet: bytes) -> bytes:
    """Return the packet that opens a session, without its options; any other (TLS, GSS, cancel) as it is."""
    length, version = struct.unpack("!II", packet[:8])
    if version != START_UP:
        return packet
    words = packet[8:length].rstrip(b"\0").split(b"\0")
    pairs = zip(words[::2], words[1::2], strict=True)
    kept = b"".join(name + b"\0" + value + b"\0" for name, value in pairs if name != b"options") + b"\0"
    return struct.pack("!II", len(kept) + 8, version) + kept


def pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def serve(client: socket.socket, port: int) -> None:
    with closing(client), closing(socket.create_connection(("127.0.0.1", port))) as server, suppress(OSError):
        version = 0
        while version != START_UP:
            packet = client.recv(65536)
            if not packet:
                return
            (version,) = struct.unpack("!I", packet[4:8])
            server.sendall(without_options(packet))
            if version == CANCEL:
                return
            if version != START_UP:  # the answer to the question for TLS is one letter
                client.sendall(server.recv(1))
        back = threading.Thread(target=pass_on, args=(server, client), daemon=True)
        back.start()
        pass_on(client, server)
        back.join()


@pytest.fixture
def pooler(database: Server) -> Iterator[int]:
    """Give the port of a pooler before the database of the tests."""
    target = int(psycopg.conninfo.conninfo_to_dict(database.dsn())["port"] or 0)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client, target), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield int(listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def dsn(database: Server, pooler: int) -> str:
    direct = psycopg.conninfo.conninfo_to_dict(database.dsn("probe", "probe-password"))
    return f"postgresql://probe:probe-password@127.0.0.1:{pooler}/{direct['dbname']}"


def test_the_pooler_really_drops_them(dsn: str) -> None:
    with psycopg.connect(dsn, options="-c statement_timeout=1234") as connection:
        assert connection.execute("show statement_timeout").fetchone() == ("0",)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "600ms"),
        ("lock_timeout", "100ms"),
        ("row_security", "off"),
        ("transaction_read_only", "on"),
    ],
)
def test_a_limit_holds_all_the_same(make: Make, dsn: str, setting: str, value: str) -> None:
    clients = make(dsn=dsn)
    # Twice, because the second statement has a connection that is open already.
    settings = [clients.postgres.value(f"select current_setting('{setting}')") for _ in range(2)]
    assert settings == [value, value]


def test_a_policy_hides_no_row_there(make: Make, dsn: str, database: Server) -> None:
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute("drop table if exists hidden")
        connection.execute(HIDDEN)
    with pytest.raises(Unknown, match="affected by row-level security policy"):
        make(dsn=dsn).postgres.rows("select count(*) from hidden")
