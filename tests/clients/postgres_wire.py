"""A console that speaks PostgreSQL's simple protocol and shows tables, as PgBouncer's does.

The messages are those of https://www.postgresql.org/docs/current/protocol-message-formats.html.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from typing import Any

Tables = Mapping[str, tuple[list[str], list[dict[str, Any]]]]
_ENCRYPTION = {80877103, 80877104}
"""The codes by which a client asks for TLS and for GSSAPI before it begins."""
_TEXT = 25


@contextlib.contextmanager
def console(tables: Tables, release: str) -> Iterator[int]:
    """Give the port of a console that shows tables by the command that asks for each."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, tables, release), daemon=True).start()
        yield int(server.getsockname()[1])


def _accept(server: socket.socket, tables: Tables, release: str) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_serve, args=(connection, tables, release), daemon=True).start()


def _serve(connection: socket.socket, tables: Tables, release: str) -> None:
    with connection, contextlib.suppress(OSError, struct.error):
        while struct.unpack("!I", _startup(connection)[:4])[0] in _ENCRYPTION:
            connection.sendall(b"N")
        settings = {"server_version": f"{release}.0/bouncer", "client_encoding": "UTF8"}
        told = b"".join(_message(b"S", f"{name}\0{value}\0".encode()) for name, value in settings.items())
        connection.sendall(_message(b"R", struct.pack("!I", 0)) + told + _message(b"Z", b"I"))
        while (kind := _exactly(connection, 1)) != b"X":
            body = _exactly(connection, struct.unpack("!I", _exactly(connection, 4))[0] - 4)
            connection.sendall(_answer(kind, body, tables) + _message(b"Z", b"I"))


def _startup(connection: socket.socket) -> bytes:
    return _exactly(connection, struct.unpack("!I", _exactly(connection, 4))[0] - 4)


def _answer(kind: bytes, body: bytes, tables: Tables) -> bytes:
    if kind != b"Q":
        return _error("extended query protocol not supported by admin console")
    command = body.rstrip(b"\0").decode()
    if command not in tables:
        return _error(f"invalid command '{command}', use SHOW HELP;")
    columns, rows = tables[command]
    described = b"".join(name.encode() + struct.pack("!xIhIhih", 0, 0, _TEXT, -1, -1, 0) for name in columns)
    return b"".join(
        [
            _message(b"T", struct.pack("!h", len(columns)) + described),
            *(_message(b"D", _data(row, columns)) for row in rows),
            _message(b"C", b"SHOW\0"),
        ]
    )


def _data(row: Mapping[str, Any], columns: list[str]) -> bytes:
    return struct.pack("!h", len(columns)) + b"".join(_value(row.get(name)) for name in columns)


def _value(value: Any) -> bytes:
    if value is None:
        return struct.pack("!i", -1)
    text = str(value).encode()
    return struct.pack("!i", len(text)) + text


def _error(message: str) -> bytes:
    return _message(b"E", b"SERROR\0C08P01\0M" + message.encode() + b"\0\0")


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise OSError("the client has gone")
        data += part
    return data
