"""HTTP servers at the level of the socket, so that they can misbehave in every way."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

PAUSE = 0.05
TLS_RECORD = 0x16


@dataclass(frozen=True)
class Asked:
    """What a client sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Behaviour = Callable[["Server", socket.socket, Asked], None]


@dataclass
class Server:
    """Answers every request by its behaviour, each connection in a thread; remembers what was asked."""

    behaviour: Behaviour
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket = field(default_factory=socket.socket)

    def __enter__(self) -> Self:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            asked = _read(connection)
            if asked:
                self.asked.append(asked)
                self.behaviour(self, connection, asked)


def _read(connection: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
        if data[0] == TLS_RECORD:
            connection.sendall(packet(400, b"plain HTTP is spoken here"))
            return None
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    method, path, _ = first.split(" ", 2)
    return Asked(method, path, headers, body)


def packet(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Write one whole answer."""
    told = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    lines = [f"HTTP/1.1 {status} Told", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def whole(status: int, body: bytes | str = b"", headers: Mapping[str, str] | None = None) -> Behaviour:
    """Answer the same each time."""
    data = packet(status, body.encode() if isinstance(body, str) else body, headers)
    return lambda _server, connection, _asked: connection.sendall(data)


def raw(data: bytes) -> Behaviour:
    """Send these bytes and close."""
    return lambda _server, connection, _asked: connection.sendall(data)


def vector(*rows: dict[str, Any]) -> Behaviour:
    """Answer as Prometheus does: rows (`metric` and the text `value`) at the instant that is asked for."""

    def behave(server: Server, connection: socket.socket, asked: Asked) -> None:
        document(vector_of(rows, asked))(server, connection, asked)

    return behave


def vector_of(rows: Iterable[dict[str, Any]], asked: Asked) -> dict[str, Any]:
    """Return the answer of a Prometheus with these rows, at the instant that is asked for."""
    times = parse_qs(urlsplit(asked.path).query).get("time", [])
    second = float(times[0]) if times else time.time()
    result = [{"metric": row.get("metric", {}), "value": [second, row["value"]]} for row in rows]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def document(value: Any) -> Behaviour:
    """Answer a JSON document."""
    return whole(200, json.dumps(value), {"Content-Type": "application/json"})


def never(server: Server, _connection: socket.socket, _asked: Asked) -> None:
    """Take the request and say nothing."""
    server.stopped.wait()


def _drip(server: Server, connection: socket.socket, data: bytes) -> None:
    for byte in data:
        if server.stopped.wait(PAUSE):
            return
        connection.sendall(bytes([byte]))


def drips_body(server: Server, connection: socket.socket, _asked: Asked) -> None:
    """Send the head at once and the body a byte at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    _drip(server, connection, b"[" + b" " * 998 + b"]")


def drips_head(server: Server, connection: socket.socket, _asked: Asked) -> None:
    """Send the head a byte at a time."""
    _drip(server, connection, b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000 + b"\r\n\r\n")


def drips_chunks(server: Server, connection: socket.socket, _asked: Asked) -> None:
    """Send endless small chunks."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not server.stopped.wait(PAUSE):
        connection.sendall(b"1\r\n \r\n")


def endless(server: Server, connection: socket.socket, _asked: Asked) -> None:
    """Send a body without an end, as fast as it goes."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n[")
    while not server.stopped.is_set():
        connection.sendall(b"1," * 30_000)


def resets_at_once(_server: Server, connection: socket.socket, _asked: Asked) -> None:
    """End the connection hard, before any answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def resets_in_body(_server: Server, connection: socket.socket, asked: Asked) -> None:
    """End the connection hard in the middle of the body."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"a": 1}')
    threading.Event().wait(PAUSE)
    resets_at_once(_server, connection, asked)


def loops(server: Server, connection: socket.socket, _asked: Asked) -> None:
    """Redirect to itself."""
    connection.sendall(packet(302, b"", {"Location": f"{server.url}/again"}))


BOMB = gzip.compress(b"[" + b" " * 50_000_000 + b"]")
GZIP = {"Content-Encoding": "gzip"}
GOOD = b'{"a": 1}'

BAD_ANSWERS: dict[str, Behaviour] = {
    **{
        f"status {status}": whole(status, '{"message": "no"}')
        for status in (400, 401, 402, 403, 404, 409, 410, 418, 500, 502, 503, 504)
    },
    "status 204": whole(204),
    "status 304": whole(304),
    "status 404 with HTML": whole(404, "<html>not found</html>"),
    "status 429": whole(429, "{}", {"Retry-After": "30"}),
    "a redirect without an address": whole(302, "{}"),
    "a redirect to nonsense": whole(302, "", {"Location": "http://[::1/"}),
    "a redirect to another scheme": whole(302, "", {"Location": "ftp://127.0.0.1/"}),
    "a redirect out of the allow-list": whole(302, "", {"Location": "http://elsewhere.example/"}),
    "a redirect loop": loops,
    "HTML": whole(200, "<!doctype html><title>Sign in</title>", {"Content-Type": "text/html"}),
    "HTML that says it is JSON": whole(200, " \n<html></html>", {"Content-Type": "application/json"}),
    "nothing": whole(200),
    "blanks": whole(200, " \n\n "),
    "null": whole(200, "null"),
    "an empty object": whole(200, "{}"),
    "an empty list": whole(200, "[]"),
    "words": whole(200, "service unavailable, try again"),
    "NaN": whole(200, '{"a": NaN}'),
    "a number too large": whole(200, '{"a": 1e999}'),
    "a key twice": whole(200, '{"a": 1, "a": 2}'),
    "half a document": whole(200, '{"a": '),
    "half a surrogate pair": whole(200, '{"a": "\\ud800"}'),
    "a deep document": whole(200, "[" * 100_000),
    "a document of too many parts": whole(200, "[" + "[]," * 130_000 + "0]"),
    "no UTF-8": whole(200, b'{"a": "\xff"}'),
    "never": never,
    "a body that drips": drips_body,
    "a head that drips": drips_head,
    "chunks that drip": drips_chunks,
    "an endless body": endless,
    "a gzip bomb": whole(200, BOMB, GZIP),
    "gzip that is cut short": whole(200, gzip.compress(GOOD)[:-4], GZIP),
    "gzip in too many pieces": whole(200, gzip.compress(b"") * 240_000, GZIP),
    "gzip that is none": whole(200, GOOD, GZIP),
    "another encoding": whole(200, GOOD, {"Content-Encoding": "br"}),
    "a reset at once": resets_at_once,
    "a reset in the body": resets_in_body,
    "a body shorter than told": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + GOOD),
    "chunks without an end": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n" + GOOD + b"\r\n"),
    "no length at all, closed at once": raw(b""),
    "half a head": raw(b"HTTP/1.1 200 OK\r\nContent-"),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "two lengths": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Length: 9\r\n\r\n" + GOOD),
    "a head too long": raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n" + GOOD),
}
