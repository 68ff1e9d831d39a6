"""One user's requests, on a server that answers as the path says: what is sent, and what is booked."""

from __future__ import annotations

import errno
import gzip
import os
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest

from loadtests import client, connection
from loadtests.client import Client, ClientConfig, Response
from loadtests.connection import Address, trust
from loadtests.health import Health
from loadtests.recording import RequestRecorder
from loadtests.reply import BYTES_KEPT
from readiness.rehearsal.journeys import Step

OK = "200 OK\r\n"
ANSWERS: dict[str, tuple[str, bytes]] = {
    "/": (OK, b'{"token": "t1"}'),
    "/error": (OK, b'{"error": "no"}'),
    "/gzip": (f"{OK}Content-Encoding: gzip\r\n", b"oops"),
    "/bomb": (f"{OK}Content-Encoding: gzip\r\n", gzip.compress(b" " * 50_000_000)),
    "/pieces": (f"{OK}Content-Encoding: gzip\r\n", gzip.compress(b"") * 100_000),
    "/large": (OK, b" " * (BYTES_KEPT + 1)),
    "/location": ("302 Found\r\nLocation: http://[bad\r\n", b""),
    "/cookie": (f"{OK}Set-Cookie: session=s1\r\n", b""),
}


@dataclass
class Served:
    """A server of one thread, and the heads that it was sent."""

    port: int
    heads: list[str] = field(default_factory=list)

    def answer(self, listening: socket.socket) -> None:
        """Serve until the socket is closed, one request to a connection."""
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            with peer:
                self.heads.append(peer.recv(10_000).decode("latin-1").partition("\r\n\r\n")[0])
                head, body = ANSWERS[self.heads[-1].split()[1]]
                peer.sendall(f"HTTP/1.1 {head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


@contextmanager
def serving() -> Iterator[Served]:
    """Serve meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Served(listening.getsockname()[1])
        thread = threading.Thread(target=found.answer, args=(listening,))
        thread.start()
        yield found
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


@pytest.fixture
def other() -> Iterator[Served]:
    with serving() as found:
        yield found


def reaching(port: int, headers: Mapping[str, str] | None = None) -> ClientConfig:
    recorder = RequestRecorder(hold_from=0)
    return ClientConfig(
        f"http://127.0.0.1:{port}", ["127.0.0.1"], headers or {}, 3, recorder, Health("x", recorder), trust()
    )


def ask(config: ClientConfig, values: Mapping[str, str] | None = None, **step: Any) -> Response:
    """Ask once, as one user."""
    with closing(Client(config)) as user:
        return user.ask(Step.model_validate(step), values)


UNWANTED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing-to-keep": ({"path": "/error", "keep": {"token": "/token"}}, "the answer has nothing at /token"),
    "damaged-gzip": ({"path": "/gzip", "contains": "x"}, "the answer is not gzip as it says"),
    "damaged-gzip-to-keep": ({"path": "/gzip", "keep": {"token": "/token"}}, "the answer is not gzip as it says"),
    "bomb": ({"path": "/bomb", "contains": "x"}, "the answer unpacks to more than 4,000,000 bytes"),
    "bomb-to-keep": ({"path": "/bomb", "keep": {"a": "/a"}}, "the answer unpacks to more than 4,000,000 bytes"),
    "pieces": ({"path": "/pieces", "contains": "x"}, "the answer is not gzip as it says"),
    "large": ({"path": "/large", "contains": "x"}, "the answer has more than 4,000,000 bytes, and is not looked into"),
    "bad-location": ({"path": "/location"}, "a redirect to what is no address"),
}


@pytest.mark.parametrize("name", UNWANTED)
def test_an_answer_that_cannot_be_used_is_a_failed_request(served: Served, name: str) -> None:
    step, error = UNWANTED[name]
    config = reaching(served.port)
    assert ask(config, **step).error == error
    counters = config.recorder.counters
    assert counters.sent_in == counters.recorded_in == {"hold": 1}
    assert counters.endpoints[step["path"]].errors == {error: 1}


def test_what_is_kept_comes_with_the_answer(served: Served) -> None:
    answer = ask(reaching(served.port), path="/", keep={"token": "/token"})
    assert (answer.error, answer.kept) == (None, {"token": "t1"})


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"path": "/{{id}}"}, "GET /{{id}}: a header or the path holds a line break or a space"),
        ({"path": "/", "headers": {"X-Id": "{{id}} €"}}, "a character beyond Latin-1"),
        ({"path": "/", "contains": "{{typo}}"}, "{{typo}} has no value"),
    ],
)
def test_a_step_that_cannot_be_sent_is_no_request_and_tells_no_value(step: dict[str, Any], says: str) -> None:
    config = reaching(9)
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        ask(config, {"id": "a secret"}, **step)
    assert "secret" not in str(caught.value)
    assert not config.recorder.counters.sent_in


def test_a_header_of_the_step_replaces_what_is_there_however_it_is_spelled(served: Served) -> None:
    config = reaching(served.port, {"Authorization": "Bearer environment", "Accept": "*/*", "accept": "text/html"})
    headers = {"authorization": "Bearer {{token}}", "content-type": "application/vnd.api+json", "HOST": "shop.example"}
    ask(config, {"token": "user"}, path="/", method="POST", json={"a": 1}, headers=headers)
    assert served.heads[0].split("\r\n")[1:] == [
        "HOST: shop.example",
        "authorization: Bearer user",
        "accept: text/html",
        "content-type: application/vnd.api+json",
        "Content-Length: 8",
    ]


def test_cookies_are_sent_in_one_line(served: Served) -> None:
    with closing(Client(reaching(served.port, {"cookie": "preview=1"}))) as user:
        for _ in range(2):
            user.ask(Step(path="/cookie"))
    assert [line for line in served.heads[1].split("\r\n") if "ookie" in line][1:] == ["cookie: preview=1; session=s1"]


@pytest.mark.parametrize("lack", [errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM])
def test_what_the_generator_runs_out_of_is_not_the_targets(monkeypatch: pytest.MonkeyPatch, lack: int) -> None:
    def out(*_: object) -> NoReturn:
        raise OSError(lack, "whatever it says")

    monkeypatch.setattr(connection, "Socket", out)
    assert ask(reaching(9), path="/").error == f"the generator: {os.strerror(lack)}"


def test_a_target_that_refuses_is_told_as_such() -> None:
    assert ask(reaching(9), path="/").error == "ConnectionRefusedError: ECONNREFUSED"


def at(config: ClientConfig, *ports: int) -> ClientConfig:
    """Give the target these addresses."""
    host, home = "127.0.0.1", urlsplit(config.url).port or 0
    config.resolved["http", host, home] = [Address(host, home, socket.AF_INET, (host, port)) for port in ports]
    return config


def test_users_begin_with_the_addresses_in_turn(served: Served, other: Served) -> None:
    config = at(reaching(9), served.port, other.port)
    assert not any(ask(config, path="/").error for _ in range(6))
    assert (len(served.heads), len(other.heads)) == (3, 3)


def test_an_address_that_refuses_is_passed_over(served: Served) -> None:
    config = at(reaching(9), 9, served.port)
    assert not any(ask(config, path="/").error for _ in range(4))
    assert config.recorder.counters.connections.failed == 2
    assert ask(at(config, 9, 9), path="/").error == "ConnectionRefusedError: ECONNREFUSED"


V6_OFF = (socket.AF_INET6, errno.EADDRNOTAVAIL)
REFUSED = (socket.AF_INET, errno.ECONNREFUSED)
NO_PORT = (socket.AF_INET, errno.EADDRNOTAVAIL)


@pytest.mark.parametrize(
    ("failures", "says"),
    [
        ((V6_OFF, REFUSED), "ConnectionRefusedError: Connection refused"),
        ((REFUSED, V6_OFF), "ConnectionRefusedError: Connection refused"),
        (((socket.AF_INET6, errno.ECONNREFUSED), NO_PORT), "the generator: Cannot assign requested address"),
        ((V6_OFF,), "the generator: Cannot assign requested address"),
    ],
)
def test_of_several_failures_the_one_that_tells_most_is_told(
    monkeypatch: pytest.MonkeyPatch, failures: tuple[tuple[int, int], ...], says: str
) -> None:
    def fail(address: Address, _: object) -> NoReturn:
        raise OSError(address.port, os.strerror(address.port))

    monkeypatch.setattr(client, "Connection", fail)
    config = reaching(9)
    config.resolved["http", "127.0.0.1", 9] = [Address("", code, family, ()) for family, code in failures]
    assert ask(config, path="/").error == says


def test_a_certificate_that_is_not_trusted_is_not_passed_over(monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    def fail(*_: object) -> NoReturn:
        raise ssl.SSLError(1, "wrong version")

    monkeypatch.setattr(client, "Connection", fail)
    config = at(reaching(9), 9, served.port)
    assert ask(config, path="/").error == "SSLError: wrong version"
    assert config.recorder.counters.connections.failed == 1
