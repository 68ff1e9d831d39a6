"""How many bytes have come over a connection, by the kernel's own count: TLS or not, whoever reads them."""

from __future__ import annotations

import socket
import struct
import sys

_BYTES_RECEIVED = struct.Struct("=128xQ")
"""`tcpi_bytes_received` of Linux's `struct tcp_info`, since version 4.1."""


def bytes_received(connection: socket.socket) -> int | None:
    """Return how many bytes the other side has sent; None where nobody counts them: no TCP, or no Linux."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.size)
    except OSError:  # a socket of this machine
        return None

    if len(information) < _BYTES_RECEIVED.size:
        return None
    (count,) = _BYTES_RECEIVED.unpack(information)
    return int(count)
