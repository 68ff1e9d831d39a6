"""HTTP: one deadline over everything, a cap on the body, and an answer or Unknown."""

from __future__ import annotations

import http.cookiejar
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx

from readiness.environment import schema
from readiness.outcomes import Effect, Unknown
from readiness.redaction.secret import MASK, Secret, is_secret_parameter
from readiness.transport.answer import Answer, at_pointer, too_large, unpack
from readiness.transport.deadline import Deadline, DeadlinePassed, Wire, within
from readiness.transport.failures import failure
from readiness.transport.guard import Entry, Guard, HostNotAllowed

__all__ = ["Answer", "Http", "NotSent", "at_pointer", "shown"]

REDIRECTS_AT_MOST = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_KEEP_METHOD = {307, 308}
_SAFE_TO_REPEAT = {"GET", "HEAD"}
_PORTS = {"http": 80, "https": 443}
_CONNECTED = {"connection.connect_tcp.complete", "connection.start_tls.complete"}
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError)


class NotSent(Unknown):
    """No connection came about for a request that changes something: nothing was changed by it."""


class _BrokenOff(Unknown):
    """The connection ended before anything was answered; asking once more is worth it."""


@dataclass(frozen=True)
class _Ask:
    """One request of a chain of redirects."""

    method: str
    url: httpx.URL
    effect: Effect
    token: Secret | None
    headers: Mapping[str, str]
    content: Mapping[str, Any]
    first: str = ""
    """Where the chain began, once it has led on."""

    def onward(self, location: str, status: int) -> _Ask:
        """Follow a redirect: what was given for one origin is not carried to another. Raises InvalidURL, ValueError."""
        url = self.url.join(location)
        if url.scheme not in _PORTS or not url.host:
            raise ValueError("no http address")
        same = _origin(url) == _origin(self.url)
        keep = status in _KEEP_METHOD or self.method == "HEAD"
        return replace(
            self,
            url=url,
            method=self.method if keep else "GET",
            content=self.content if keep else {},
            token=self.token if same else None,
            headers=self.headers if same else {},
            first=self.first or shown(self.url),
        )


class Http:
    """The suite's only way to speak HTTP."""

    def __init__(self, settings: schema.Http, target: schema.Target, guard: Guard) -> None:
        self._settings = settings
        self._target = target
        self._guard = guard
        self._client: httpx.Client | None = None
        self._places: dict[str, threading.Semaphore] = {}
        self._lock = threading.Lock()

    def get(
        self, where: str, *, token: Secret | None = None, headers: Mapping[str, str] | None = None, follow: bool = True
    ) -> Answer:
        """Read a path of the target, or a whole address. Raises Unknown.

        Without `follow` a redirect to another page, such as one to sign in, is the answer.
        """
        return self.send("GET", where, effect=Effect.READ, token=token, headers=headers, follow=follow)

    def send(
        self,
        method: str,
        where: str,
        *,
        effect: Effect,
        token: Secret | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        follow: bool = True,
    ) -> Answer:
        """Send one request and follow its redirects, all within the deadline. Raises Unknown.

        A path is on the target and carries its token and headers; an address elsewhere carries what is given here.
        A method that is not GET or HEAD says what it does to the other side by `effect`.
        """
        content = {name: value for name, value in {"json": json, "data": data, "files": files}.items() if value}
        if json is not None:
            content["json"] = json
        ask = _Ask(method.upper(), self._address(where), effect, token, headers or {}, content)
        deadline, seconds = Deadline.after(self._settings.deadline_seconds), 0.0
        for _ in range(REDIRECTS_AT_MOST + 1):
            answer = self._patiently(ask, deadline)
            seconds += answer.seconds
            if answer.status not in _REDIRECTS or not answer.headers.get("location"):
                return replace(answer, seconds=seconds)
            try:
                onward = ask.onward(answer.headers["location"], answer.status)
            except (httpx.InvalidURL, ValueError):
                raise Unknown(f"{answer.url} redirects to no http address", "correct the Location it sends") from None
            if not follow and _page(onward.url) != _page(ask.url):
                return replace(answer, seconds=seconds, redirects_to=shown(onward.url))
            ask = onward
        raise Unknown(
            f"{shown(self._address(where))} redirects more than {REDIRECTS_AT_MOST} times",
            "a loop? follow it in a browser, and set the address where it ends",
        )

    def close(self) -> None:
        """Let go of what is open."""
        if self._client:
            self._client.close()

    def _open(self) -> httpx.Client:
        """Give the one client, made when it is first needed: reading the certificates takes a while."""
        with self._lock:
            self._client = self._client or httpx.Client(
                trust_env=False,
                follow_redirects=False,
                # Requests do not know of each other: no cookie is kept, and each has a connection of its own, whose
                # socket is known, so that the deadline can end it whatever it drips.
                cookies=_no_cookies(),
                limits=httpx.Limits(max_keepalive_connections=0),
            )
            return self._client

    def _address(self, where: str) -> httpx.URL:
        try:
            url = httpx.URL(self._target.url + where if where.startswith("/") else where)
        except (httpx.InvalidURL, ValueError):
            raise Unknown("an address to be asked cannot be read", "correct it in the environment file") from None
        if url.scheme not in _PORTS or not url.host:
            raise Unknown(f"{shown(url)} is neither a path nor an http address", "begin it with / or https://")
        return url

    def _headers(self, ask: _Ask) -> httpx.Headers:
        sent = httpx.Headers({"User-Agent": "production-readiness", "Accept-Encoding": "gzip"})
        token = ask.token
        if _origin(ask.url) == _origin(httpx.URL(self._target.url)):
            sent.update(self._target.headers)
            if "authorization" not in httpx.Headers(ask.headers):
                token = token or self._target.token
        sent.update(ask.headers)
        if token:
            sent["Authorization"] = f"Bearer {token.reveal()}"
        return sent

    def _patiently(self, ask: _Ask, deadline: Deadline) -> Answer:
        """Ask, and once more where the connection broke off before an answer: a deployment does that to one or two."""
        try:
            return self._once(ask, deadline)
        except HostNotAllowed as refusal:
            if not ask.first:
                raise
            raise Unknown(
                f"{ask.first} redirects to {shown(ask.url)}; {refusal.reason}",
                "a sign-in page? look at it in a browser; add the host to allowed_hosts only if it is ours",
            ) from None
        except _BrokenOff as lost:
            if ask.method not in _SAFE_TO_REPEAT:
                raise Unknown(lost.reason, lost.remedy) from None
        try:
            return self._once(ask, deadline)
        except _BrokenOff as lost:
            raise Unknown(f"{lost.reason}, twice", lost.remedy) from None

    def _once(self, ask: _Ask, deadline: Deadline) -> Answer:
        where = shown(ask.url)
        with self._guard.request("http", ask.method, where, ask.url.host, ask.effect) as entry:
            with self._place(ask.url, deadline):
                try:
                    answer = within(deadline, lambda wire: self._exchange(ask, deadline, wire))
                except DeadlinePassed:
                    raise self._too_slow(where, entry) from None
                except httpx.TimeoutException:
                    raise self._too_slow(where, entry) from None
                except _Early as early:
                    lost = _failed(early.error, where, entry, answered=False)
                    if isinstance(early.error, httpx.ConnectError) and ask.method not in _SAFE_TO_REPEAT:
                        raise NotSent(lost.reason, lost.remedy) from None
                    raise lost from None
                except _FAILURES as error:
                    raise _failed(error, where, entry, answered=True) from None
            entry.status = str(answer.status)
        return answer

    def _exchange(self, ask: _Ask, deadline: Deadline, wire: Wire) -> Answer:
        """Send and receive; runs in a thread of its own and may be cut off at any point."""

        def trace(event: str, info: Mapping[str, Any]) -> None:
            if event in _CONNECTED:
                wire.hold(info["return_value"].get_extra_info("socket").fileno())

        client = self._open()
        started = time.monotonic()
        try:
            request = client.build_request(
                ask.method,
                ask.url,
                headers=self._headers(ask),
                timeout=deadline.left(),
                extensions={"trace": trace},
                **ask.content,
            )
            response = client.send(request, stream=True)
        except httpx.TimeoutException:
            raise
        except _FAILURES as error:
            raise _Early(error) from None
        try:
            raw = self._body(response, shown(ask.url))
        finally:
            response.close()
        seconds = time.monotonic() - started
        encoding = response.headers.get("content-encoding", "").strip().lower()
        body = unpack(raw, encoding, self._settings.body_bytes_at_most, shown(ask.url))
        return Answer(shown(ask.url), response.status_code, response.headers, body, seconds)

    def _body(self, response: httpx.Response, where: str) -> bytes:
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
            places = self._places.setdefault(
                f"{url.host}:{url.port or _PORTS.get(url.scheme)}",
                threading.Semaphore(self._settings.connections_per_host),
            )
        if not places.acquire(timeout=deadline.left()):
            raise Unknown(
                f"{shown(url)} was not asked: our other requests took all {self._settings.connections_per_host} places",
                "raise http.connections_per_host or http.deadline_seconds",
            )
        try:
            yield
        finally:
            places.release()

    def _too_slow(self, where: str, entry: Entry) -> Unknown:
        entry.status = "timed out"
        return Unknown(
            f"{where} did not answer in full within {self._settings.deadline_seconds:g} s",
            "is it up and reachable from here? else raise http.deadline_seconds",
        )


class _Early(Exception):
    """A failure before the answer's headers were there."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def _failed(error: Exception, where: str, entry: Entry, *, answered: bool) -> Unknown:
    found = failure(error, answered=answered)
    entry.status = found.status
    return (_BrokenOff if found.broke_off else Unknown)(f"{where} {found.reason}", found.remedy)


def _no_cookies() -> http.cookiejar.CookieJar:
    return http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)


def _page(url: httpx.URL) -> tuple[str, str]:
    """Tell pages apart: https instead of http, or a slash at the end, does not make another one."""
    return url.host, url.path.rstrip("/")


def shown(url: httpx.URL | str) -> str:
    """Write an address without what may be secret in it."""
    known = httpx.URL(url)
    query = [
        (name, MASK if is_secret_parameter(name) else value)
        for name, value in parse_qsl(known.query.decode("ascii", "replace"), keep_blank_values=True)
    ]
    plain = known.copy_with(username=None, password=None, query=None, fragment=None)
    return f"{plain}?{urlencode(query, safe='*')}" if query else str(plain)
