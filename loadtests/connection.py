"""One connection of one user: opened once, kept, and read with the kernel's own time of arrival.

A busy generator reads an answer late and would book its own delay on the target. The kernel knows when the bytes came
(SO_TIMESTAMPING, Linux): the stamp of the last segment of an answer less the moment of sending is what the target took.
TLS runs over memory buffers above the same reads, so both kinds of connection have one path and one stamp.
"""

from __future__ import annotations

import errno
import socket
import ssl
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from gevent import get_hub, monkey

from loadtests.reply import Reply

Socket = monkey.get_original("socket", "socket")
poll = monkey.get_original("select", "poll")

SO_TIMESTAMPING, SOFTWARE, RECEIVED = 37, 1 << 4, 1 << 3  # linux/net_tstamp.h
_ROOM = 128
"""Bytes for the control message that carries the stamp."""
_BLOCK = 65_536
_READ, _WRITE, _POLLIN = 1, 2, 1
_TIMES = struct.Struct("qq")
_RTT, _RETRANSMITTED = 68, 100
"""Where `tcpi_rtt` (µs) and `tcpi_total_retrans` stand in `struct tcp_info` (linux/tcp.h)."""
_NUMBER = struct.Struct("I")
BILLION = 1_000_000_000


def now() -> int:
    """Return the wall clock in nanoseconds: the clock of the kernel's stamps."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


@dataclass(frozen=True)
class Address:
    """Where a connection goes; resolved once for all users."""

    host: str
    port: int
    family: int
    """AF_INET or AF_INET6."""
    place: tuple[str | int | bytes, ...]
    """As `connect` takes it."""


def resolve(host: str, port: int) -> list[Address]:
    """Return the addresses of a host, in the order of the system's resolver. Raises OSError."""
    resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [Address(host, port, family, place) for family, _, _, _, place in resolved]


def trust(certificates: str | None = None, also: Path | None = None) -> ssl.SSLContext:
    """Return the one verifying TLS context that all users share: loading the certificates takes 19 ms each time.

    `certificates` are believed in the place of the machine's, `also` beside them.
    """
    context = ssl.create_default_context(cafile=certificates)
    if also:
        context.load_verify_locations(also)
    # The parser reads nothing else.
    context.set_alpn_protocols(["http/1.1"])
    return context


class Connection:
    """An open connection. Every method may raise OSError; `gevent.Timeout` of the caller goes through it.

    `handshake` is how long TLS took, in seconds, and `peer_handshake` how much of it was the other side's, by the
    kernel's stamps; `peer_connect` is how long the other side took to take the connection, None where nobody knows.
    """

    __slots__ = (
        *("_hub", "_incoming", "_outgoing", "_poll", "_readable", "_slim", "_socket", "_tls", "_writable"),
        *("handshake", "peer_connect", "peer_handshake"),
    )

    def __init__(self, address: Address, context: ssl.SSLContext | None) -> None:
        self._hub = get_hub()
        self._socket = Socket(address.family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        number = self._socket.fileno()
        self._readable = self._hub.loop.io(number, _READ)
        self._writable = self._hub.loop.io(number, _WRITE)
        self._poll = poll()
        self._poll.register(number, _POLLIN)
        self._tls: ssl.SSLObject | None = None
        self._slim = False
        self.handshake = self.peer_handshake = 0.0
        self.peer_connect: float | None = None
        opened = False
        try:
            self._connect(address)
            if context:
                self._secure(context, address.host)
            opened = True
        finally:
            # A time-out of the caller is no Exception: only `finally` sees all that may end it half-way.
            if not opened:
                self.close()

    def _connect(self, address: Address) -> None:
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "SO_DOMAIN"):  # Linux
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, SOFTWARE | RECEIVED)
        code = self._socket.connect_ex(address.place)
        if code == errno.EINPROGRESS:
            self._hub.wait(self._writable)
            code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, errno.errorcode.get(code, "connect"))
        self.peer_connect = self._round_trip()

    def _round_trip(self) -> float | None:
        """Return the seconds from SYN to its answer by the kernel; None where SYN had to be sent again."""
        if not hasattr(socket, "TCP_INFO"):
            return None
        information = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RETRANSMITTED + _NUMBER.size)
        if len(information) < _RETRANSMITTED + _NUMBER.size or _NUMBER.unpack_from(information, _RETRANSMITTED)[0]:
            return None
        return float(_NUMBER.unpack_from(information, _RTT)[0]) / 1e6

    def _secure(self, context: ssl.SSLContext, host: str) -> None:
        began = time.perf_counter()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                sent = now()
                self._send(self._outgoing.read())
                data, stamp = self._wait_and_read()
                if not data:
                    raise ConnectionResetError(errno.ECONNRESET, "closed during the TLS handshake") from None
                self.peer_handshake += max(0, stamp - sent) / BILLION
                self._incoming.write(data)
            else:
                break
        self._send(self._outgoing.read())
        self.handshake = time.perf_counter() - began

    def alive(self) -> bool:
        """Check whether an idle connection can be used: nothing came, neither bytes nor an end.

        With `poll`: `select` refuses descriptors from 1024 up, and a client that takes that for an end reconnects on
        every request of every user above the thousandth.
        """
        if not self._poll.poll(0):
            return True
        return self._tls is not None and self._only_tickets()

    def _only_tickets(self) -> bool:
        """Check whether what came on an idle TLS connection is session tickets alone, which are no end; read them."""
        try:
            data, _ = self._read()
            if data and self._tls:
                self._incoming.write(data)
                self._tls.read(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        return False

    def send(self, request: bytes) -> int:
        """Send a request. Return the moment before, in ns of the wall clock."""
        if self._tls:
            self._tls.write(request)
            request = self._outgoing.read()
        sent = now()
        self._send(request)
        return sent

    def receive(self, reply: Reply) -> int:
        """Read the rest of an answer. Return when the last of it arrived (ns), 0 where the system does not say.

        May be called again after an exception from outside interrupted it. Raises HTTPParseError where the answer
        is damaged and ConnectionResetError where it breaks off.
        """
        stamp = 0
        while not reply.complete:
            data, stamp = self._wait_and_read()
            self._feed(data, reply)
        if self._tls and not self._slim:
            # OpenSSL sets up a write buffer of 16 kB to take the session tickets that come before the first answer, and
            # lets go of it with the next write: for a user who thinks, a minute later.
            self._tls.write(b"")
            self._slim = True
        return stamp

    def last_chance(self, reply: Reply) -> int:
        """Read what has already arrived, after a time-out: the answer may be there, and the generator late.

        Return when it arrived, 0 where it is not there. Raises what `receive` raises.
        """
        stamp = 0
        while not reply.complete:
            try:
                data, stamp = self._read()
            except BlockingIOError:
                return 0
            self._feed(data, reply)
        return stamp

    def _feed(self, data: bytes, reply: Reply) -> None:
        """Feed the parser with what came, deciphered; an empty piece is the end of the stream."""
        if self._tls and data:
            self._incoming.write(data)
            while True:
                try:
                    plain = self._tls.read(_BLOCK)
                except ssl.SSLWantReadError:
                    if self._outgoing.pending:
                        self._send(self._outgoing.read())
                    return
                except ssl.SSLZeroReturnError:
                    plain = b""
                if not plain:
                    break
                reply.feed(plain)
            data = b""
        reply.feed(data)
        if not data and not reply.complete:  # the parser takes an end before the first byte for a fine end
            raise ConnectionResetError(errno.ECONNRESET, "closed before the answer was complete")

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                self._hub.wait(self._writable)

    def _wait_and_read(self) -> tuple[bytes, int]:
        while True:
            self._hub.wait(self._readable)
            try:
                return self._read()
            except BlockingIOError:  # woken for nothing: the kernel may drop what it announced
                continue

    def _read(self) -> tuple[bytes, int]:
        """Return what lies in the kernel and when the last of it arrived (ns; 0 without a stamp)."""
        data, control, _, _ = self._socket.recvmsg(_BLOCK, _ROOM)
        for level, kind, content in control:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPING:
                seconds, nanoseconds = _TIMES.unpack_from(content)
                return data, seconds * BILLION + nanoseconds
        return data, 0

    def close(self) -> None:
        """Close it; the other side sees a plain end."""
        self._readable.close()
        self._writable.close()
        self._socket.close()
