"""The requests of one user: over connections that are kept, with both bounds of every latency on record.

What runs for each request here was measured for its cost and for the truth of its times: a rehearsal is held to both
(`loadtests.selfcheck`). Change it with the figures beside it.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import ssl
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from socket import AF_INET6
from urllib.parse import urlencode, urlsplit

from gevent import GreenletExit, Timeout
from locust.exception import StopUser

from loadtests.connection import Address, Connection, now, resolve
from loadtests.health import Health
from loadtests.recording import RequestRecorder, RequestSample, Why
from loadtests.reply import HTTPParseError, Reply
from loadtests.safety import LoadRefused, forbidden_redirect
from readiness.rehearsal.evidence import LACKED
from readiness.rehearsal.journeys import Step, Upload, fill, fill_all, point

_REDIRECTS = range(300, 400)
_LACKS = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})
"""What this machine runs out of: descriptors, ports, memory. The target has not heard of the request."""
_REACHED = (ssl.SSLError, ConnectionResetError, BrokenPipeError)
"""Said by who listens at an address: no reason to try the next."""
PORTS = {"http": 80, "https": 443}
Origin = tuple[str, str, int]
"""Scheme, host in lower case, port."""


@dataclass(frozen=True)
class ClientConfig:
    """What all users of a process share: where they may go, and how."""

    url: str
    allowed_hosts: Collection[str]
    headers: Mapping[str, str]
    seconds_at_most: float
    recorder: RequestRecorder
    health: Health
    trust: ssl.SSLContext
    resolved: dict[Origin, list[Address]] = field(default_factory=dict)
    """The addresses of each host, looked up once."""
    turns: Iterator[int] = field(default_factory=itertools.count)
    """Gives each user the address of a host to begin with."""

    @cached_property
    def header_lines(self) -> dict[str, str]:
        """The headers as they are sent to the target, made once for all requests."""
        return _header_lines(self.headers)

    def addresses(self, origin: Origin) -> list[Address]:
        """Return the addresses of a host. Raises LoadRefused outside the allow-list and where there is no such host."""
        scheme, host, port = origin
        if host not in self.allowed_hosts or scheme not in PORTS:
            raise LoadRefused([f"a request to {scheme}://{host}, which is not in allowed_hosts"])
        if origin not in self.resolved:
            try:
                self.resolved[origin] = resolve(host, port)
            except OSError as error:
                raise LoadRefused([f"{host} has no address: {error.strerror}"]) from None
        return self.resolved[origin]


@dataclass(frozen=True)
class Response:
    """What came back."""

    seconds: float
    """From wanting to send to the end of parsing."""
    reply: Reply | None = None
    """None where nothing whole came."""
    error: str | None = None
    """None when it was as wanted."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """What the step's `keep` names, for later steps. Called so for visitors of a team's own, which read it."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self.reply.size if self.reply else 0


@dataclass
class OriginConnection:
    """The connection to one origin, and why the next one will be opened."""

    addresses: list[Address]
    turn: int
    """Which of them is asked, counted on where one does not answer."""
    connection: Connection | None = None
    why: Why = "first"
    """For what reason the next connection is opened."""

    def give_up(self, why: Why = "after_failure") -> None:
        """Close the connection; the next one will be opened for this reason."""
        if self.connection:
            self.connection.close()
            self.connection = None
            self.why = why


def body_of(step: Step, values: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """Return the body of a step and the headers that go with it. Raises ValueError."""
    if step.json_body is not None:
        return json.dumps(fill_all(step.json_body, values)).encode(), {"Content-Type": "application/json"}
    if step.form is not None:
        filled = urlencode({key: fill(value, values) for key, value in step.form.items()})
        return filled.encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    if step.upload is not None:
        return _multipart(step.upload, values)
    if step.text is not None:
        return fill(step.text, values).encode(), {}
    return b"", {}


def _multipart(upload: Upload, values: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """Return an upload as multipart/form-data (RFC 7578): the plain fields first, then the file."""
    boundary = uuid.uuid4().hex
    plain_fields = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{fill(value, values)}\r\n'
        for key, value in upload.fields.items()
    )
    file_name = fill(upload.name, values)
    file_head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{upload.field}"; filename="{file_name}"\r\n'
        f"Content-Type: {upload.type}\r\n\r\n"
    )
    text = f"{plain_fields}{file_head}{fill(upload.text, values)}\r\n--{boundary}--\r\n"
    return text.encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


class Client:
    """One user's requests."""

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._connections: dict[Origin, OriginConnection] = {}
        self._turn = next(config.turns)
        self._cookies: dict[str, str] = {}
        self._home = _origin(config.url)[0]
        self._stop: BaseException | None = None
        """Locust's order to stop, held back until the answer under way is there."""

    def ask(self, step: Step, values: Mapping[str, str] | None = None) -> Response:
        """Send one request and record it.

        Raises LoadRefused for a host outside the allow-list and ValueError for a step that cannot be sent; what goes
        wrong with the target is in the response.
        """
        config = self._config
        values = values or {}

        # Made before the clock starts: what it costs to make a request is no part of its latency.
        body, extra = body_of(step, values)
        extra.update((key, fill(value, values)) for key, value in step.headers.items())
        origin, path = _origin(fill(step.path, values), self._home)
        request = self._head(origin, step, path, extra, body) + body
        wanted_text = fill(step.contains, values).encode() if step.contains else b""
        link = self._connections.get(origin) or self._connections.setdefault(
            origin, OriginConnection(config.addresses(origin), self._turn)
        )

        began, moment = time.perf_counter(), now()
        limit = step.seconds_below or config.seconds_at_most
        sample = RequestSample(step.title, config.recorder.begin(moment), moment, limit)
        reply = Reply(bodiless=step.method == "HEAD")
        error = self._send(link, origin, request, reply, sample)
        seconds = time.perf_counter() - began

        # Two clocks: the upper bound must not lie below the lower one by a microsecond between them.
        sample.naive = max(round(seconds * 1e6), sample.kernel)
        sample.size = reply.size
        extracted: dict[str, str] = {}
        sample.error = error or self._mismatch(step, wanted_text, reply, extracted)
        config.recorder.end(sample)

        if self._stop:
            raise self._stop
        return Response(seconds, None if error else reply, sample.error, extracted)

    def _head(self, origin: Origin, step: Step, path: str, extra: Mapping[str, str], body: bytes) -> bytes:
        """Return the head: of headers of one name the last is sent. Raises ValueError, without the values: secrets."""
        scheme, host, port = origin
        method = step.method
        place = host if port == PORTS[scheme] else f"{host}:{port}"
        # Headers and cookies of the target may be credentials: no other host gets them.
        at_home = origin == self._home

        lines = {"host": f"Host: {place}"}
        if at_home:
            lines |= self._config.header_lines
        lines |= _header_lines(extra)
        if self._cookies and at_home:
            jar = "; ".join(f"{key}={value}" for key, value in self._cookies.items())
            lines["cookie"] = f"{lines['cookie']}; {jar}" if "cookie" in lines else f"Cookie: {jar}"
        if body or method in {"POST", "PUT", "PATCH"}:
            lines["content-length"] = f"Content-Length: {len(body)}"

        text = "\r\n".join((f"{method} {path} HTTP/1.1", *lines.values()))
        # A line break in a value would smuggle in a header, or a second request.
        if text.count("\n") != len(lines) or " " in path:
            raise ValueError(f"{method} {step.title}: a header or the path holds a line break or a space")
        try:
            return (text + "\r\n\r\n").encode("latin-1")
        except UnicodeEncodeError:
            message = f"{method} {step.title}: a header or the path holds a character beyond Latin-1"
            raise ValueError(message) from None

    def _send(
        self, link: OriginConnection, origin: Origin, request: bytes, reply: Reply, sample: RequestSample
    ) -> str | None:
        """Send, wait and fill in the sample's times; return what went wrong before an answer was there, or None."""
        deadline = Timeout.start_new(sample.limit)
        try:
            if link.connection and link.connection.alive():
                connection = link.connection
                sample.sent = sample.on_wire = connection.send(request)
            else:
                # The user waits for the connection too: the request was sent when it was wanted.
                connection = self._open(link, origin, sample)
                sample.on_wire = connection.send(request)
            try:
                stamp = connection.receive(reply)
            except (StopUser, GreenletExit) as stop:
                # Locust stops a user that it believes to be thinking; what was sent is waited for all the same.
                self._stop, stamp = stop, connection.receive(reply)
        except Timeout as late:
            # Somebody else's: a visitor may set a time of its own around several requests.
            if late is not deadline:
                raise
            return self._timed_out(link, reply, sample)
        except (OSError, HTTPParseError) as error:
            link.give_up()
            return _error_text(error)
        finally:
            deadline.close()
        self._arrived(link, reply, stamp, sample)
        return None

    def _arrived(self, link: OriginConnection, reply: Reply, stamp: int, sample: RequestSample) -> None:
        """Fill in when the answer arrived, by the kernel's stamp (ns; 0 without one), and take its cookies."""
        # No stamp on this system: not before the loop last had its turn.
        if stamp <= sample.on_wire:
            sample.stamped = False
            stamp = max(sample.on_wire, now() - round(self._config.health.latest_lag * 1e9))
        sample.kernel = sample.opening + (stamp - sample.on_wire) // 1000
        if not reply.should_keep_alive():
            link.give_up("closed_by_target")
        for line in reply.headers("set-cookie"):
            key, _, value = line.partition(";")[0].partition("=")
            self._cookies[key.strip()] = value.strip()

    def _timed_out(self, link: OriginConnection, reply: Reply, sample: RequestSample) -> str | None:
        """Return that the time is up; None where the answer lies unread in the kernel: then the generator is late."""
        connection = link.connection
        limit = sample.limit
        try:
            stamp = connection.last_chance(reply) if connection else 0
        except (OSError, HTTPParseError) as error:
            link.give_up()
            return _error_text(error)

        in_time = sample.on_wire < stamp <= sample.sent + round(limit * 1e9)
        if in_time:
            self._arrived(link, reply, stamp, sample)
            return None

        link.give_up()
        sample.kernel = round(limit * 1e6)
        sample.waited_out = True
        if connection is None:
            return f"no connection within {limit:g} s"
        return f"no answer within {limit:g} s"

    def _open(self, link: OriginConnection, origin: Origin, sample: RequestSample) -> Connection:
        """Open a connection, to the next address where one cannot be reached. Raises OSError where none can."""
        began = time.perf_counter()
        if link.connection:
            link.give_up("closed_by_target")

        # Each with whether its address family is switched off, and whether the target failed and not this machine.
        failures: list[tuple[bool, bool, OSError]] = []
        for _ in link.addresses:
            address = link.addresses[link.turn % len(link.addresses)]
            try:
                connection = self._connect(link, origin, address)
            except _REACHED:
                raise
            except Timeout:
                link.turn += 1
                raise
            except OSError as error:
                link.turn += 1
                # Where IPv6 is switched off, its addresses fail as if the ports were used up: the others tell more.
                switched_off = address.family == AF_INET6 and error.errno == errno.EADDRNOTAVAIL
                failures.append((switched_off, error.errno not in _LACKS, error))
            else:
                sample.opening = self._opening(connection, time.perf_counter() - began, tries=len(failures) + 1)
                return connection
        # What this machine lacks comes first: it is no failure of the target.
        raise min(failures, key=itemgetter(0, 1))[2]

    def _opening(self, connection: Connection, seconds: float, tries: int) -> int:
        """Return how many µs of opening a connection were the target's, at least; the rest is the generator's own."""
        connect = connection.peer_connect
        # Without the kernel's word, and where an address did not answer: as for an answer without a stamp.
        if connect is None or tries > 1:
            connect = max(0.0, seconds - connection.handshake - self._config.health.latest_lag)
        return round((connect + connection.peer_handshake) * 1e6)

    def _connect(self, link: OriginConnection, origin: Origin, address: Address) -> Connection:
        """Return a new connection; record why it was opened and how long that took."""
        began, recorder = time.perf_counter(), self._config.recorder
        try:
            link.connection = Connection(address, self._config.trust if origin[0] == "https" else None)
        finally:
            if link.connection is None:
                recorder.counters.connections.failed += 1
        took, handshake = time.perf_counter() - began, link.connection.handshake
        recorder.connected(link.why, round((took - handshake) * 1e6), round(handshake * 1e6))
        # Until somebody gives it up for a reason, the loss of this one has none.
        link.why = "unexplained"
        return link.connection

    def _mismatch(self, step: Step, wanted_text: bytes, reply: Reply, extracted: dict[str, str]) -> str | None:
        """Return what about an answer is not as wanted, or None; fill in the values that the step keeps of it."""
        if reply.status not in step.status:
            return f"status {reply.status}"
        try:
            if reply.status in _REDIRECTS:
                forbidden_host = forbidden_redirect(reply.header("location"), self._config.allowed_hosts)
                if forbidden_host:
                    return f"a redirect to {forbidden_host}, which is not in allowed_hosts"
            if wanted_text and wanted_text not in reply.content():
                return "the answer does not hold the wanted text"
            if step.keep:
                content = reply.content()
                extracted |= {name: point(content, pointer) for name, pointer in step.keep.items()}
        except ValueError as error:
            return str(error)
        return None

    def close(self) -> None:
        """Close all connections."""
        for link in self._connections.values():
            link.give_up()


def _origin(url: str, home: Origin | None = None) -> tuple[Origin, str]:
    """Return the origin and the path of an address; one that begins with a slash is at home."""
    if home and url.startswith("/"):
        return home, url
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or PORTS.get(parts.scheme, 0)
    query = f"?{parts.query}" if parts.query else ""
    return (parts.scheme, host, port), (parts.path or "/") + query


def _header_lines(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the line of each header by its name in lower case: of two spellings the later one stays."""
    return {key.lower(): f"{key}: {value}" for key, value in headers.items()}


def _error_text(error: Exception) -> str:
    """Return a failure in words, without what changes from request to request: equal failures are counted together."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.errno in _LACKS:
        return f"{LACKED}{os.strerror(error.errno)}"
    if isinstance(error, OSError) and error.errno:
        return f"{type(error).__name__}: {error.strerror or error.errno}"
    return f"{type(error).__name__}: the answer is damaged or breaks off"
