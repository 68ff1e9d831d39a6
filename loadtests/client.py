"""The requests of one user: over kept connections, with both bounds of every latency on record."""

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
from loadtests.recording import Recorder, Sample, Why
from loadtests.reply import HTTPParseError, Reply
from loadtests.safety import Refused, forbidden_redirect
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
class Reach:
    """What all users of a process share: where they may go, and how."""

    url: str
    allowed_hosts: Collection[str]
    headers: Mapping[str, str]
    seconds_at_most: float
    recorder: Recorder
    health: Health
    trust: ssl.SSLContext
    known: dict[Origin, list[Address]] = field(default_factory=dict)
    turns: Iterator[int] = field(default_factory=itertools.count)
    """Gives each user the address of a host to begin with."""

    @cached_property
    def lines(self) -> dict[str, str]:
        """The headers as they are sent to the target, made once for all requests."""
        return _lines(self.headers)

    def addresses(self, origin: Origin) -> list[Address]:
        """Resolve a host once. Raises Refused outside the allow-list and where there is no such host."""
        scheme, host, port = origin
        if host not in self.allowed_hosts or scheme not in PORTS:
            raise Refused([f"a request to {scheme}://{host}, which is not in allowed_hosts"])
        if origin not in self.known:
            try:
                self.known[origin] = resolve(host, port)
            except OSError as error:
                raise Refused([f"{host} has no address: {error.strerror}"]) from None
        return self.known[origin]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    seconds: float
    """From wanting to send to the end of parsing."""
    reply: Reply | None = None
    """None where nothing whole came."""
    error: str | None = None
    """None when it was as wanted."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """What `keep` names, for later steps."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self.reply.size if self.reply else 0


@dataclass
class _Way:
    """The connection to one origin, and why the next one will be opened."""

    addresses: list[Address]
    turn: int
    """Which of them is asked, counted on where one does not answer."""
    connection: Connection | None = None
    why: Why = "first"

    def give_up(self, why: Why = "after_failure") -> None:
        """Close the connection; the next one will be opened for this reason."""
        if self.connection:
            self.connection.close()
            self.connection = None
            self.why = why


def body_of(step: Step, values: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """Make the body of a step and the headers that go with it. Raises ValueError."""
    if step.json_body is not None:
        return json.dumps(fill_all(step.json_body, values)).encode(), {"Content-Type": "application/json"}
    if step.form is not None:
        filled = urlencode({key: fill(value, values) for key, value in step.form.items()})
        return filled.encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    if step.upload is not None:
        return _multipart(step.upload, values)
    return (fill(step.text, values).encode() if step.text is not None else b""), {}


def _multipart(upload: Upload, values: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    edge = uuid.uuid4().hex
    head = (
        f'--{edge}\r\nContent-Disposition: form-data; name="{upload.field}"; filename="{fill(upload.name, values)}"\r\n'
    )
    plain = "".join(
        f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{fill(value, values)}\r\n'
        for key, value in upload.fields.items()
    )
    text = f"{plain}{head}Content-Type: {upload.type}\r\n\r\n{fill(upload.text, values)}\r\n--{edge}--\r\n"
    return text.encode(), {"Content-Type": f"multipart/form-data; boundary={edge}"}


class Client:
    """One user's requests."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._ways: dict[Origin, _Way] = {}
        self._turn = next(reach.turns)
        self._cookies: dict[str, str] = {}
        self._home = _origin(reach.url)[0]
        self._stop: BaseException | None = None

    def ask(self, step: Step, values: Mapping[str, str] | None = None) -> Answer:
        """Send one request and record it.

        Raises Refused for a host outside the allow-list and ValueError for a step that cannot be sent; what goes wrong
        with the target is in the answer.
        """
        reach, values = self._reach, values or {}
        body, extra = body_of(step, values)
        extra.update((key, fill(value, values)) for key, value in step.headers.items())
        origin, path = _origin(fill(step.path, values), self._home)
        request = self._head(origin, step, path, extra, body) + body
        wanted = fill(step.contains, values).encode() if step.contains else b""
        way = self._ways.get(origin) or self._ways.setdefault(origin, _Way(reach.addresses(origin), self._turn))
        began, moment = time.perf_counter(), now()
        limit = step.seconds_below or reach.seconds_at_most
        sample = Sample(step.title, reach.recorder.begin(moment), moment, limit)
        reply = Reply(bodiless=step.method == "HEAD")
        error = self._send(way, origin, request, reply, sample)
        seconds = time.perf_counter() - began
        sample.naive, sample.size = max(round(seconds * 1e6), sample.kernel), reply.size
        kept: dict[str, str] = {}
        sample.error = error or self._wrong(step, wanted, reply, kept)
        reach.recorder.end(sample)
        if self._stop:
            raise self._stop
        return Answer(seconds, None if error else reply, sample.error, kept)

    def _head(self, origin: Origin, step: Step, path: str, extra: Mapping[str, str], body: bytes) -> bytes:
        """Make the head: of headers of one name the last is sent. Raises ValueError, without the values: secrets."""
        (scheme, host, port), method = origin, step.method
        place = host if port == PORTS[scheme] else f"{host}:{port}"
        lines = {"host": f"Host: {place}", **(self._reach.lines if origin == self._home else {}), **_lines(extra)}
        if self._cookies and origin == self._home:
            jar = "; ".join(f"{key}={value}" for key, value in self._cookies.items())
            lines["cookie"] = f"{lines['cookie']}; {jar}" if "cookie" in lines else f"Cookie: {jar}"
        if body or method in {"POST", "PUT", "PATCH"}:
            lines["content-length"] = f"Content-Length: {len(body)}"
        text = "\r\n".join((f"{method} {path} HTTP/1.1", *lines.values()))
        if text.count("\n") != len(lines) or " " in path:
            raise ValueError(f"{method} {step.title}: a header or the path holds a line break or a space")
        try:
            return (text + "\r\n\r\n").encode("latin-1")
        except UnicodeEncodeError:
            says = f"{method} {step.title}: a header or the path holds a character beyond Latin-1"
            raise ValueError(says) from None

    def _send(self, way: _Way, origin: Origin, request: bytes, reply: Reply, sample: Sample) -> str | None:
        """Send, wait and fill in the times; say what went wrong on the way."""
        deadline = Timeout.start_new(sample.limit)
        try:
            connection = way.connection if way.connection and way.connection.alive() else self._open(way, origin)
            sample.sent = connection.send(request)
            try:
                stamp = connection.receive(reply)
            except (StopUser, GreenletExit) as stop:
                # Locust stops a user that it believes to be thinking; what was sent is waited for all the same.
                self._stop, stamp = stop, connection.receive(reply)
        except Timeout as late:
            if late is not deadline:
                raise
            return self._too_late(way, reply, sample)
        except (OSError, HTTPParseError) as error:
            way.give_up()
            return _spoken(error)
        finally:
            deadline.close()
        self._arrived(way, reply, stamp, sample)
        return None

    def _arrived(self, way: _Way, reply: Reply, stamp: int, sample: Sample) -> None:
        if stamp <= sample.sent:  # no stamp on this system: not before the loop last had its turn
            sample.stamped = False
            stamp = max(sample.sent, now() - round(self._reach.health.latest_lag * 1e9))
        sample.kernel = (stamp - sample.sent) // 1000
        if not reply.should_keep_alive():
            way.give_up("closed_by_target")
        for line in reply.headers("set-cookie"):
            key, _, value = line.partition(";")[0].partition("=")
            self._cookies[key.strip()] = value.strip()

    def _too_late(self, way: _Way, reply: Reply, sample: Sample) -> str | None:
        """Say that the time is up, unless the answer lies unread in the kernel: then the generator is late."""
        connected, sent, limit = way.connection, sample.sent, sample.limit
        try:
            stamp = connected.last_chance(reply) if connected else 0
        except (OSError, HTTPParseError) as error:
            way.give_up()
            return _spoken(error)
        if sent < stamp <= sent + round(limit * 1e9):
            self._arrived(way, reply, stamp, sample)
            return None
        way.give_up()
        sample.kernel, sample.waited_out = round(limit * 1e6), True
        return f"no answer within {limit:g} s" if connected else f"no connection within {limit:g} s"

    def _open(self, way: _Way, origin: Origin) -> Connection:
        """Open a connection, to the next address where one cannot be reached. Raises OSError where none can."""
        if way.connection:
            way.give_up("closed_by_target")
        failures: list[tuple[bool, bool, OSError]] = []
        for _ in way.addresses:
            address = way.addresses[way.turn % len(way.addresses)]
            try:
                return self._open_one(way, origin, address)
            except _REACHED:
                raise
            except Timeout:
                way.turn += 1
                raise
            except OSError as error:
                way.turn += 1
                # Where IPv6 is switched off, its addresses fail as if the ports were used up: the others tell more.
                off = address.family == AF_INET6 and error.errno == errno.EADDRNOTAVAIL
                failures.append((off, error.errno not in _LACKS, error))
        raise min(failures, key=itemgetter(0, 1))[2]

    def _open_one(self, way: _Way, origin: Origin, address: Address) -> Connection:
        """Open a connection and record why and how long it took."""
        began, recorder = time.perf_counter(), self._reach.recorder
        try:
            way.connection = Connection(address, self._reach.trust if origin[0] == "https" else None)
        finally:
            if way.connection is None:
                recorder.counters.connections.failed += 1
        took, handshake = time.perf_counter() - began, way.connection.handshake
        recorder.connected(way.why, round((took - handshake) * 1e6), round(handshake * 1e6))
        way.why = "unexplained"
        return way.connection

    def _wrong(self, step: Step, wanted: bytes, reply: Reply, kept: dict[str, str]) -> str | None:
        """Say what about an answer is not as wanted; fill in what is kept of it."""
        if reply.status not in step.status:
            return f"status {reply.status}"
        try:
            if reply.status in _REDIRECTS and (
                out := forbidden_redirect(reply.header("location"), self._reach.allowed_hosts)
            ):
                return f"a redirect to {out}, which is not in allowed_hosts"
            if wanted and wanted not in reply.content():
                return "the answer does not hold the wanted text"
            if step.keep:
                content = reply.content()
                kept |= {name: point(content, pointer) for name, pointer in step.keep.items()}
        except ValueError as error:
            return str(error)
        return None

    def close(self) -> None:
        """End all connections."""
        for way in self._ways.values():
            way.give_up()


def _origin(url: str, home: Origin | None = None) -> tuple[Origin, str]:
    """Split an address; one that begins with a slash is at home."""
    if home and url.startswith("/"):
        return home, url
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return (parts.scheme, (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme, 0)), path


def _lines(headers: Mapping[str, str]) -> dict[str, str]:
    """Give the line of each header by its name in lower case: of two spellings the later one stays."""
    return {key.lower(): f"{key}: {value}" for key, value in headers.items()}


def _spoken(error: Exception) -> str:
    """Name a failure without what changes from request to request."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.errno in _LACKS:
        return f"{LACKED}{os.strerror(error.errno)}"
    if isinstance(error, OSError) and error.errno:
        return f"{type(error).__name__}: {error.strerror or error.errno}"
    return f"{type(error).__name__}: the answer is damaged or breaks off"
