"""TLS before a server that has none: it ends here, and what comes in it is counted and passed on."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SSL_REQUEST = struct.pack("!II", 8, 80877103)
"""By which libpq asks for TLS."""
_REQUEST = re.compile(rb"([A-Z]{3,10}) (\S+) HTTP/1")
_LONGEST_WAIT = 10.0


@dataclass
class TlsFront:
    """One front, and what came through it."""

    behind: int
    """The port of the server without TLS."""
    context: ssl.SSLContext
    is_database: bool
    listening: socket.socket
    port: int
    """Where it listens."""
    requests: Counter[str] = field(default_factory=Counter)
    sessions: int = 0
    """Connections in which something came once the server was believed."""
    in_clear: int = 0
    """Connections that asked for no TLS."""

    def serve(self) -> None:
        """Take connections until the socket is closed."""
        while True:
            try:
                peer, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._take, args=(peer,), daemon=True).start()

    def _take(self, peer: socket.socket) -> None:
        peer.settimeout(_LONGEST_WAIT)
        with peer, contextlib.suppress(OSError):
            if self.is_database and not self._asks_for_tls(peer):
                return
            # Raises ssl.SSLError, an OSError, where the other side does not believe the certificate.
            with self.context.wrap_socket(peer, server_side=True) as inside:
                self._pass_on(inside)

    def _asks_for_tls(self, peer: socket.socket) -> bool:
        asks = peer.recv(8) == SSL_REQUEST
        self.in_clear += not asks
        if asks:
            peer.sendall(b"S")
        return asks

    def _pass_on(self, inside: ssl.SSLSocket) -> None:
        first = inside.recv(65536)
        if not first:
            return
        self.sessions += 1
        with socket.create_connection(("127.0.0.1", self.behind)) as server:
            threading.Thread(target=_pump, args=(server, inside), daemon=True).start()
            part = first
            while part:
                for method, path in _REQUEST.findall(part) if not self.is_database else ():
                    self.requests[f"{method.decode()} {path.decode()}"] += 1
                server.sendall(part)
                part = inside.recv(65536)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what a server answers, until it ends."""
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def tls_front(behind: int, context: ssl.SSLContext, *, is_database: bool = False) -> Iterator[TlsFront]:
    """Run a front before a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        front = TlsFront(behind, context, is_database, listening, listening.getsockname()[1])
        serving = threading.Thread(target=front.serve, daemon=True)
        serving.start()
        yield front
        listening.shutdown(socket.SHUT_RDWR)
        serving.join()
