"""One request over HTTP: its redirects followed, a cap on the body, all within one deadline.

It imports httpx, which is slow to load, and is therefore itself imported with the first request.
"""

from __future__ import annotations

import http.cookiejar
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import httpx

from readiness.environment import schema
from readiness.outcomes import Effect, Late, Refused, Silent, Unknown
from readiness.provenance import Asked
from readiness.redaction.secret import Secret
from readiness.transport.answer import Answer, NotSent, RefusedUnsent, too_large, unpack
from readiness.transport.connecting import Attempt, is_there
from readiness.transport.deadline import CUT_SHORT_SECONDS, Deadline, DeadlinePassed, Wire, within
from readiness.transport.failures import Failure, failure
from readiness.transport.guard import Guard, GuardedRequest, HostNotAllowed
from readiness.transport.shown_address import question, shown_address
from readiness.transport.shown_body import with_body

REDIRECTS_AT_MOST = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_KEEP_METHOD = {307, 308}
_SAFE_TO_REPEAT = {"GET", "HEAD"}
_PORTS = {"http": 80, "https": 443}
_CONNECTED = {"http": "connection.connect_tcp.complete", "https": "connection.start_tls.complete"}
"""Events of httpcore's trace extension that come with the open stream: the last of them, by the scheme."""
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError)


class _BrokenOff(Unknown):
    """The connection ended before anything was answered; asking once more is worth it."""


@dataclass(frozen=True)
class _Hop:
    """One request of a chain of redirects."""

    method: str
    url: httpx.URL
    effect: Effect
    token: Secret | None
    headers: Mapping[str, str]
    content: Mapping[str, Any]
    """httpx's own arguments for the body: json, data and files, each None where it is not given."""
    system: str
    """What is asked, for people: Prometheus, GitHub."""
    first: str = ""
    """Where the chain began, in every hop but the first."""

    def redirected(self, location: str, status: int) -> _Hop:
        """Return the request that a redirect asks for. Raises InvalidURL, ValueError for no http address."""
        url = self.url.join(location)
        if url.scheme not in _PORTS or not url.host:
            raise ValueError("no http address")

        following = replace(self, url=url, first=self.first or shown_address(self.url))

        # As browsers do: 301, 302 and 303 turn what was sent into a question without a body.
        if status not in _KEEP_METHOD and self.method != "HEAD":
            following = replace(following, method="GET", content={})

        # What was given for one origin is not carried to another.
        if _origin(url) != _origin(self.url):
            following = replace(following, token=None, headers={})
        return following


class Exchange:
    """Sends requests and receives their answers, each over a connection of its own."""

    def __init__(self, settings: schema.Http, target: schema.Target, guard: Guard) -> None:
        self._settings = settings
        self._target = target
        self._guard = guard
        self._tls: ssl.SSLContext | None = None
        self._places: dict[str, threading.Semaphore] = {}
        self._lock = threading.Lock()

    def send(
        self,
        method: str,
        where: str,
        *,
        effect: Effect,
        token: Secret | None,
        headers: Mapping[str, str],
        content: Mapping[str, Any],
        follow: bool,
        system: str,
    ) -> Answer:
        """Return the answer to one request, its redirects followed. Raises Unknown."""
        hop = _Hop(method.upper(), self._address(where), effect, token, headers, content, system)
        return self._follow(hop, follow=follow)

    def is_source(self, where: str) -> bool:
        """Return whether a request would go elsewhere than to the target."""
        try:
            return not where.startswith("/") and not self._is_target(httpx.URL(where))
        except (httpx.InvalidURL, ValueError):
            return False

    def _is_target(self, url: httpx.URL) -> bool:
        return _origin(url) == _origin(httpx.URL(self._target.url))

    def _follow(self, hop: _Hop, *, follow: bool) -> Answer:
        first_url = hop.url
        deadline = Deadline.after(self._guard.seconds_for(hop.effect, self._settings.deadline_seconds))
        seconds = 0.0

        for _ in range(REDIRECTS_AT_MOST + 1):
            answer = self._with_retry(hop, deadline)
            seconds += answer.seconds

            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not location:
                return replace(answer, seconds=seconds)

            try:
                following = hop.redirected(location, answer.status)
            except (httpx.InvalidURL, ValueError):
                raise Unknown(f"{answer.url} redirects to no http address", "correct the Location it sends") from None

            # What was sent is never sent to another place than the one that was named.
            is_another_question = _page(following.url) != _page(hop.url) or hop.method not in _SAFE_TO_REPEAT
            if not follow and is_another_question:
                return replace(answer, seconds=seconds, redirects_to=shown_address(following.url))
            hop = following

        raise Unknown(
            f"{shown_address(first_url)} redirects more than {REDIRECTS_AT_MOST} times",
            "a loop? follow it in a browser, and set the address where it ends",
        )

    def _client(self, url: httpx.URL) -> httpx.Client:
        """Return a client for one request to an address.

        A pool that requests share hands a connection on which has just been answered, while another thread closes it
        as superfluous; then the request on it waits for its whole deadline (httpcore issue 1110).
        """
        return httpx.Client(
            verify=self._tls_context() if url.scheme == "https" else _trusts_nobody(),
            # A proxy or a .netrc of this machine must not decide what is asked.
            trust_env=False,
            follow_redirects=False,
            # Requests do not know of each other: no cookie is kept.
            cookies=_no_cookies(),
        )

    def _tls_context(self) -> ssl.SSLContext:
        """Return the one context of all requests: reading the certificates takes a while."""
        with self._lock:
            if self._tls is None:
                self._tls = httpx.create_ssl_context(trust_env=False)
                if self._settings.ca_file:
                    self._tls.load_verify_locations(self._settings.ca_file)
            return self._tls

    def _address(self, where: str) -> httpx.URL:
        """Return the URL of a path of the target, or of a whole address. Raises Unknown."""
        is_path = where.startswith("/")
        # No server is sent what follows it: another page would be asked than the line names.
        if is_path and "#" in where:
            raise Unknown(
                f"no server is sent the # behind {shown_address(where)}", "write the path as the service has it"
            )
        address = self._target.url + where if is_path else where
        try:
            url = httpx.URL(address)
        except (httpx.InvalidURL, ValueError):
            raise Unknown("an address to be asked cannot be read", "correct it in the environment file") from None
        if url.scheme not in _PORTS or not url.host:
            raise Unknown(f"{shown_address(url)} is neither a path nor an http address", "begin it with / or https://")
        return url

    def _headers(self, hop: _Hop) -> httpx.Headers:
        """Return the headers to send; the target's own go to the target's origin alone."""
        headers = httpx.Headers({"User-Agent": "production-readiness", "Accept-Encoding": "gzip"})
        token = hop.token

        if self._is_target(hop.url):
            headers.update(self._target.headers)
            if token is None and "authorization" not in httpx.Headers(hop.headers):
                token = self._target.token

        headers.update(hop.headers)
        if token:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        return headers

    def _with_retry(self, hop: _Hop, deadline: Deadline) -> Answer:
        """Send, and once more where the connection broke off before an answer: a deployment does that to one or two."""
        try:
            return self._once(hop, deadline)
        except HostNotAllowed as refusal:
            if not hop.first:
                raise
            raise Unknown(
                f"{hop.first} redirects to {shown_address(hop.url)}; {refusal.reason}",
                "a sign-in page? look at it in a browser; add the host to allowed_hosts only if it is ours",
            ) from None
        except _BrokenOff as broken_off:
            # The other side may have done it before it broke off; twice is worse than not known.
            if hop.method not in _SAFE_TO_REPEAT:
                raise Unknown(broken_off.reason, broken_off.remedy) from None

        try:
            return self._once(hop, deadline)
        except _BrokenOff as broken_off:
            raise Unknown(f"{broken_off.reason}, twice", broken_off.remedy) from None

    def _once(self, hop: _Hop, deadline: Deadline) -> Answer:
        where = shown_address(hop.url)
        attempt = Attempt()
        asked = Asked(hop.system, hop.url.host, with_body(question(hop.method, where), hop.content, hop.effect))
        with self._guard.request("http", hop.method, where, hop.url.host, hop.effect, asked) as entry:
            with self._place(hop.url, deadline):
                self._require_worth_asking(hop.url)
                try:
                    answer = within(deadline, lambda wire: self._exchange(hop, where, deadline, wire, attempt))
                except (DeadlinePassed, httpx.TimeoutException):
                    entry.status = "timed out"
                    raise self._too_slow(hop, attempt) from None
                except _Early as early:
                    raise self._unsent(early.error, hop, entry) from None
                except _FAILURES as error:
                    raise _failed(error, hop, entry, answered=True) from None
            entry.status = str(answer.status)
        self._guard.silences.answered(*_place_of(hop.url))
        return answer

    def _require_worth_asking(self, url: httpx.URL) -> None:
        """Raise Silent where the host has been silent, and is so still: a connection shows it sooner than a request."""
        silences, place = self._guard.silences, _place_of(url)
        silences.require_worth_asking(*place)
        if silences.has_been_silent(*place) and not is_there(self._guard, "http", *place):
            silences.require_worth_asking(*place)

    def _exchange(self, hop: _Hop, where: str, deadline: Deadline, wire: Wire, attempt: Attempt) -> Answer:
        """Send and receive; runs in a thread of its own and may be cut off at any point."""

        def trace(event: str, info: Mapping[str, Any]) -> None:
            if event in _CONNECTED.values():
                wire.hold(info["return_value"].get_extra_info("socket").fileno())
            if event == "connection.connect_tcp.started":
                attempt.connecting_since = time.monotonic()
            if event == _CONNECTED["http"]:
                attempt.connecting_since = None
            if event == _CONNECTED[hop.url.scheme]:
                attempt.is_connected = True

        with self._client(hop.url) as client:
            started = attempt.started = time.monotonic()
            try:
                request = client.build_request(
                    hop.method,
                    hop.url,
                    headers=self._headers(hop),
                    timeout=deadline.left(),
                    extensions={"trace": trace},
                    **hop.content,
                )
                response = client.send(request, stream=True)
            except httpx.TimeoutException:
                raise
            except _FAILURES as error:
                raise _Early(error) from None

            try:
                raw = self._body(response, where)
            finally:
                response.close()
            seconds = time.monotonic() - started

        encoding = response.headers.get("content-encoding", "").strip().lower()
        body = unpack(raw, encoding, self._settings.body_bytes_at_most, where)
        return Answer(where, response.status_code, response.headers, body, seconds)

    def _body(self, response: httpx.Response, where: str) -> bytes:
        """Return the body as it was sent, still packed: httpx unpacks without a bound. Raises Unknown."""
        body = bytearray()
        for part in response.iter_raw():
            body += part
            if len(body) > self._settings.body_bytes_at_most:
                raise too_large(where, self._settings.body_bytes_at_most)
        return bytes(body)

    @contextmanager
    def _place(self, url: httpx.URL, deadline: Deadline) -> Iterator[None]:
        """Wait for one of the host's places; the wait counts towards the deadline."""
        with self._lock:
            host = f"{url.host}:{_port(url)}"
            if host not in self._places:
                self._places[host] = threading.Semaphore(self._settings.connections_per_host)
            places = self._places[host]

        if not places.acquire(timeout=deadline.left()):
            number = self._settings.connections_per_host
            raise Unknown(
                f"{shown_address(url)} was not asked: our other requests took all {number} places",
                "raise http.connections_per_host or http.deadline_seconds",
            )
        try:
            yield
        finally:
            places.release()

    def _too_slow(self, hop: _Hop, attempt: Attempt) -> Unknown:
        """Return what a missing answer means: that it is late, where there was a way to it before and after."""
        waited_seconds = time.monotonic() - attempt.started
        allowed_seconds = self._settings.deadline_seconds
        reason = f"{shown_address(hop.url)} did not answer in full within {allowed_seconds:g} s"
        remedy = "is it up and reachable from here? else raise http.deadline_seconds"
        if waited_seconds < allowed_seconds - CUT_SHORT_SECONDS:
            reason = f"{shown_address(hop.url)} had not answered in full for {waited_seconds:.1f} s when the run ended"
            remedy = "is it up and reachable from here? else raise run.seconds_at_most"

        host, port = _place_of(hop.url)
        # On a machine that is too busy to connect in time, nobody was silent.
        connecting_since = attempt.connecting_since
        if connecting_since and time.monotonic() - connecting_since > self._settings.deadline_seconds / 2:
            self._guard.silences.was_silent(host, port)
            return Silent(reason, remedy, host, port)
        if attempt.is_connected and is_there(self._guard, "http", host, port):
            return Late(reason, remedy, waited_seconds, host)
        return Unknown(reason, remedy)

    def _unsent(self, error: Exception, hop: _Hop, entry: GuardedRequest) -> Unknown:
        """Return what a failure before the answer means, and count it where nobody was there."""
        unknown = _failed(error, hop, entry, answered=False)
        if isinstance(unknown, Silent):
            self._guard.silences.was_silent(unknown.host, unknown.port)
        return unknown


class _Early(Exception):
    """A failure before the answer's headers were there."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def _failed(error: Exception, hop: _Hop, entry: GuardedRequest, *, answered: bool) -> Unknown:
    """Return the error for an exception of httpx or the system, and set the status of the request's record."""
    cause = failure(error, answered=answered)
    entry.status = cause.status

    is_unsent = isinstance(error, httpx.ConnectError) and hop.method not in _SAFE_TO_REPEAT
    reason = f"{shown_address(hop.url)} {cause.reason}"
    if cause.refused:
        kind = RefusedUnsent if is_unsent else Refused
        return kind(reason, cause.remedy, cause.status, hop.url.host)
    if cause.silent and not is_unsent:
        return Silent(reason, cause.remedy, *_place_of(hop.url))
    return _kind_of(cause, is_unsent=is_unsent)(reason, cause.remedy)


def _kind_of(cause: Failure, *, is_unsent: bool) -> type[Unknown]:
    if is_unsent:
        return NotSent
    return _BrokenOff if cause.broke_off else Unknown


@cache
def _trusts_nobody() -> ssl.SSLContext:
    """Return a context for where there is no TLS: to read the system's certificates takes 30 ms."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _no_cookies() -> http.cookiejar.CookieJar:
    return http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, _port(url)


def _port(url: httpx.URL) -> int | None:
    return url.port or _PORTS.get(url.scheme)


def _place_of(url: httpx.URL) -> tuple[str, int]:
    return url.host, _port(url) or 0


def _page(url: httpx.URL) -> tuple[str, str]:
    """Return what tells pages apart: https instead of http, or a slash at the end, does not make another one."""
    return url.host, url.path.rstrip("/")
