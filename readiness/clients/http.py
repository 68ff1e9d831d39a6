"""HTTP: one deadline over everything, a cap on the body, and an answer or Unknown."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, Self
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import httpx

from readiness import environment
from readiness.clients.guard import Guard
from readiness.environment import host_of
from readiness.errors import nearest
from readiness.outcomes import Effect, Unknown
from readiness.secret import MASK, Secret

REDIRECTS_AT_MOST = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_SECRET_KEYS = ("token", "key", "secret", "signature", "password", "sig", "code")


@dataclass(frozen=True)
class Answer:
    """What came back, whole and within the deadline."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    """From the first byte sent to the last received, connecting included."""

    def text(self) -> str:
        """Decode the body. Raises Unknown."""
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError:
            raise Unknown(f"{self.url} answered what is not UTF-8 text", "look at the address") from None

    def json(self) -> Any:
        """Parse the body as strict JSON. Raises Unknown for HTML, nothing, NaN and the like."""
        text = self.text().strip()
        if not text:
            raise Unknown(f"{self.url} answered {self.status} with an empty body", "look at the address")
        if text.startswith("<"):
            raise Unknown(f"{self.url} answered HTML, not JSON", "a sign-in or error page? look at it in a browser")
        try:
            return json.loads(text, parse_constant=_no_constant)
        except ValueError as error:
            raise Unknown(f"{self.url} answered what is not JSON: {error}", "look at the address") from None

    def expect(self, *statuses: int) -> Answer:
        """Return itself, or say what another status means. Raises Unknown."""
        if self.status in statuses or (not statuses and 200 <= self.status < 300):  # noqa: PLR2004  any success
            return self
        raise Unknown(
            f"{self.url} answered {self.status}{self._wait()}", _REMEDIES.get(self.status, _remedy(self.status))
        )

    def _wait(self) -> str:
        after = self.headers.get("retry-after")
        return f" (retry after {after[:40]})" if after else ""


_REMEDIES = {
    401: "the token is missing, wrong or expired: renew the probe's token",
    402: "the plan does not include this: decide the line by hand",
    403: "the token may not see this: give the probe's account the permission to read it",
    404: "is the address right? some vendors answer 404 for what a token may not see",
    410: "this has been taken away: look for its successor in the vendor's documentation",
    429: "asked too often: wait, then run again",
}


def _remedy(status: int) -> str:
    return "the other side fails: look at its status page, then run again" if status >= 500 else "look at the address"  # noqa: PLR2004


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def at_pointer(data: Any, pointer: str) -> Any:
    """Follow a JSON pointer (RFC 6901). Raises Unknown that names what is there instead."""
    here, walked = data, ""
    for part in pointer.split("/")[1:] if pointer else []:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict) and key in here:
            here = here[key]
        elif isinstance(here, list) and key.isdecimal() and int(key) < len(here):
            here = here[int(key)]
        else:
            known = list(here) if isinstance(here, dict) else []
            near = nearest(key, known)
            there = f"there is {', '.join(sorted(known)[:8])}" if known else f"there is {type(here).__name__}"
            raise Unknown(
                f"the answer has nothing at {walked}/{part}",
                f"correct the pointer: {there}" + (f"; did you mean {near}?" if near else ""),
            )
        walked += f"/{part}"
    return here


class Http:
    """The suite's only way to speak HTTP."""

    def __init__(self, settings: environment.Http, target: environment.Target, guard: Guard) -> None:
        self._settings = settings
        self._target = target
        self._guard = guard
        self._client = httpx.Client(
            trust_env=False,
            follow_redirects=False,
            # A connection for each request: its socket is known, so the deadline can end it whatever it drips.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self._places: dict[str, threading.Semaphore] = {}
        self._lock = threading.Lock()

    def get(self, where: str, *, token: Secret | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Read a path of the target, or a whole address. Raises Unknown."""
        return self.send("GET", where, effect=Effect.READ, token=token, headers=headers)

    def send(
        self,
        method: str,
        where: str,
        *,
        effect: Effect,
        token: Secret | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Answer:
        """Send one request and follow its redirects, all within the deadline. Raises Unknown.

        A path is on the target and carries its token and headers; an address elsewhere carries what is given here.
        `content` is what httpx takes: json, data, files.
        """
        url = urljoin(f"{self._target.url}/", where.lstrip("/")) if where.startswith("/") else where
        deadline = time.monotonic() + self._settings.deadline_seconds
        for _ in range(REDIRECTS_AT_MOST + 1):
            answer = self._once(method, url, effect, self._headers(url, token, headers), content, deadline)
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            onward = urljoin(url, answer.headers["location"])
            if _origin(onward) != _origin(url):
                token, headers = None, None
            url, content = onward, content if answer.status in {307, 308} else {}
            method = method if answer.status in {307, 308} or method == "HEAD" else "GET"
        raise Unknown(f"{shown(url)} redirects more than {REDIRECTS_AT_MOST} times", "look at the address in a browser")

    def close(self) -> None:
        """Let go of what is open."""
        self._client.close()

    def _headers(self, url: str, token: Secret | None, headers: Mapping[str, str] | None) -> dict[str, str]:
        sent = {"User-Agent": "production-readiness"}
        if _origin(url) == _origin(self._target.url):
            sent |= self._target.headers
            token = token or self._target.token
        sent |= headers or {}
        if token:
            sent["Authorization"] = f"Bearer {token.reveal()}"
        return sent

    def _once(
        self,
        method: str,
        url: str,
        effect: Effect,
        headers: dict[str, str],
        content: Mapping[str, Any],
        deadline: float,
    ) -> Answer:
        with self._guard.request("http", method, shown(url), host_of(url), effect) as entry, self._place(url, deadline):
            started = time.monotonic()
            with _Watch(url, deadline) as watch:
                request = self._client.build_request(
                    method, url, headers=headers, timeout=watch.left(), extensions={"trace": watch.trace}, **content
                )
                response = self._client.send(request, stream=True)
                try:
                    body = self._body(response, url)
                finally:
                    response.close()
            entry.status = str(response.status_code)
        return Answer(shown(url), response.status_code, response.headers, body, time.monotonic() - started)

    def _body(self, response: httpx.Response, url: str) -> bytes:
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > self._settings.body_bytes_at_most:
                raise Unknown(
                    f"{shown(url)} answered more than {self._settings.body_bytes_at_most:,} bytes",
                    "is the address right? else raise http.body_bytes_at_most",
                )
        return bytes(body)

    @contextmanager
    def _place(self, url: str, deadline: float) -> Iterator[None]:
        """Wait for one of the host's places; the wait counts towards the deadline."""
        with self._lock:
            places = self._places.setdefault(_origin(url), threading.Semaphore(self._settings.connections_per_host))
        if not places.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise Unknown(f"{shown(url)} was too busy with our other requests", "raise http.deadline_seconds")
        try:
            yield
        finally:
            places.release()


@dataclass
class _Watch:
    """Ends a request at its deadline, also one that drips: httpx alone only limits the pause between two bytes."""

    url: str
    deadline: float
    expired: bool = False
    _socket: socket.socket | None = None
    _timer: threading.Timer | None = None
    _began: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Seconds until the deadline."""
        return max(0.001, self.deadline - time.monotonic())

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Learn the request's socket from httpcore."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._socket = info["return_value"].get_extra_info("socket")
            if self.expired:
                self._end()

    def _end(self) -> None:
        self.expired = True
        if self._socket:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended by itself

    def __enter__(self) -> Self:
        self._timer = threading.Timer(self.left(), self._end)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._timer:
            self._timer.cancel()
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL | ssl.SSLError | ValueError):
            raise self._unknown(error) from None
        if error is None and self.expired:
            raise self._unknown(httpx.ReadTimeout("")) from None

    def _unknown(self, error: Exception) -> Unknown:
        where = shown(self.url)
        text = str(error)
        if self.expired or isinstance(error, httpx.TimeoutException):
            waited = time.monotonic() - self._began
            return Unknown(
                f"{where} did not answer in full within {waited:.1f} s", "is it up? else raise http.deadline_seconds"
            )
        if "CERTIFICATE" in text.upper() or "SSL" in text.upper():
            return Unknown(f"{where}: TLS failed: {text}", "look at the certificate: name, chain, expiry")
        if isinstance(error, httpx.ConnectError):
            return Unknown(f"{where} cannot be reached: {text}", "is it up, and is the address right?")
        return Unknown(
            f"{where} broke off: {text or type(error).__name__}", "look at the service's log, then run again"
        )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def shown(url: str) -> str:
    """Write an address without what may be secret in it."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = [
        (name, MASK if any(word in name.lower() for word in _SECRET_KEYS) else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="*"), ""))
