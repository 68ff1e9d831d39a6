"""A server that speaks PostgreSQL's protocol so far that everybody is let in, and then never stops."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

START_UP = 196_608
"""Version 3.0 of the protocol; what a client sends before that are questions for TLS and GSS."""


def message(kind: bytes, body: bytes) -> bytes:
    """Return a message of the protocol."""
    return kind + struct.pack("!I", len(body) + 4) + body


@contextmanager
def false_database(sends: Callable[[int], bytes]) -> Iterator[int]:
    """Give the port of a server that sends this without an end, to whoever connects."""
    listener = socket.create_server(("127.0.0.1", 0))

    def take() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=_talk, args=(connection, sends), daemon=True).start()

    threading.Thread(target=take, daemon=True).start()
    yield int(listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def _talk(connection: socket.socket, sends: Callable[[int], bytes]) -> None:
    with connection, suppress(OSError, struct.error):
        while struct.unpack("!II", connection.recv(65536)[:8])[1] != START_UP:
            connection.sendall(b"N")
        connection.sendall(message(b"R", struct.pack("!I", 0)))
        number = 0
        while True:
            connection.sendall(sends(number))
            number += 1
