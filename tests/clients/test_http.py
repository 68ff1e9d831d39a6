"""HTTP: the deadline holds whatever the other side does, and nothing secret leaves by the wrong door."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from readiness.outcomes import Effect, Unknown
from readiness.redaction.secret import Secret
from readiness.transport.answer import at_pointer
from readiness.transport.guard import Guard
from readiness.transport.shown_address import shown_address
from tests.clients.conftest import DEADLINE, NEVER, SHORT, Make
from tests.clients.servers import (
    Asked,
    Behaviour,
    Server,
    document,
    drips_body,
    drips_chunks,
    drips_head,
    endless,
    never,
    packet,
    raw,
    resets_at_once,
    resets_in_body,
    whole,
)

TARGET_TOKEN = "Bearer target-token-of-a-test"


def refused(make: Make, url: str, settings: dict[str, Any] | None = None, **arguments: Any) -> Unknown:
    with pytest.raises(Unknown) as found:
        make(url, http=settings or {}).http.get("/facts", **arguments).expect(200).json()
    return found.value


@pytest.mark.parametrize("behaviour", [never, drips_head, drips_body, drips_chunks])
def test_the_deadline_holds(behaviour: Behaviour, make: Make, guard: Guard) -> None:
    with Server(behaviour) as server:
        clients, started = make(server.url, http=SHORT), time.monotonic()
        with pytest.raises(Unknown, match=rf"did not answer in full within {DEADLINE} s"):
            clients.http.get("/")
        assert DEADLINE - 0.05 < time.monotonic() - started < NEVER
    assert guard.requests[-1].status == "timed out"


def test_the_deadline_holds_over_redirects(make: Make) -> None:
    def slowly_onward(server: Server, connection: socket.socket, _asked: Asked) -> None:
        server.stopped.wait(DEADLINE / 3)
        connection.sendall(packet(302, b"", {"Location": "/again"}))

    with Server(slowly_onward) as server:
        started = time.monotonic()
        assert "within" in refused(make, server.url, SHORT).reason
        assert time.monotonic() - started < NEVER


def test_the_deadline_holds_while_a_name_is_looked_up(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def slow(*_: object, **__: object) -> list[Any]:
        release.wait(2 * NEVER)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    started = time.monotonic()
    assert "within" in refused(make, "http://localhost:1", SHORT).reason
    assert time.monotonic() - started < NEVER
    release.set()


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """Give a port whose queue is full: a connection is neither taken nor refused."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield listener.getsockname()[1]
        for each in waiting:
            each.close()


def test_the_deadline_holds_while_connecting(make: Make, full_backlog: int) -> None:
    started = time.monotonic()
    assert "within" in refused(make, f"http://127.0.0.1:{full_backlog}", SHORT).reason
    assert time.monotonic() - started < NEVER


def test_the_deadline_holds_in_the_tls_handshake(make: Make) -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        started = time.monotonic()
        assert "within" in refused(make, f"https://127.0.0.1:{silent.getsockname()[1]}", SHORT).reason
        assert time.monotonic() - started < NEVER


def test_nothing_goes_on_after_the_deadline(make: Make) -> None:
    before = threading.active_count()
    with Server(drips_head) as server:
        refused(make, server.url, SHORT)
        end = time.monotonic() + 2
        while any(thread.name == "readiness-client" for thread in threading.enumerate()) and time.monotonic() < end:
            time.sleep(0.01)
    assert not [thread for thread in threading.enumerate() if thread.name == "readiness-client"]
    assert threading.active_count() <= before + 3


CAUSES: dict[str, tuple[Behaviour, str, str]] = {
    "401": (whole(401), "answered 401", "token"),
    "403": (whole(403), "answered 403", "permission"),
    "404": (whole(404), "answered 404", "address"),
    "429": (whole(429, "", {"Retry-After": "30"}), "answered 429 (retry after 30)", "wait"),
    "503": (whole(503), "answered 503", "status page"),
    "304": (whole(304), "answered 304", "where it really is"),
    "HTML": (whole(200, "<html>"), "with HTML, not JSON", "browser"),
    "empty": (whole(200), "is empty", "answer there"),
    "NaN": (whole(200, '{"a": NaN}'), "NaN is no number", "format"),
    "endless": (endless, "more than 1,000,000 bytes", "body_bytes_at_most"),
    "bomb": (whole(200, gzip.compress(b"0" * 9_000_000), {"Content-Encoding": "gzip"}), "more than 1,000,000", "body_"),
    "reset at once": (resets_at_once, "broke off before it answered, twice", "log"),
    "reset in the body": (resets_in_body, "broke off in its answer", "log"),
    "short": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), "not whole HTTP", "log"),
    "elsewhere": (
        whole(302, "", {"Location": "http://evil.example/"}),
        "/facts redirects to http://evil.example/; the host evil.example is not allowed",
        "allowed_h",
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_has_its_own_words(cause: str, make: Make) -> None:
    behaviour, reason, remedy = CAUSES[cause]
    with Server(behaviour) as server:
        found = refused(make, server.url)
    assert reason in found.reason
    assert remedy in found.remedy


def test_a_closed_port_is_told_as_such(make: Make, guard: Guard, closed_port: int) -> None:
    assert "refused the connection" in refused(make, f"http://127.0.0.1:{closed_port}").reason
    assert guard.requests[-1].status == "connection refused"


def test_a_name_without_address_is_told_as_such(make: Make, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    assert "its name has no address" in refused(make, "http://localhost:1").reason
    assert guard.requests[-1].status == "name not found"


def test_tls_against_plain_http_is_told_as_such(make: Make, guard: Guard) -> None:
    with Server(whole(200)) as server:
        assert "failed in TLS" in refused(make, server.url.replace("http", "https")).reason
    assert guard.requests[-1].status == "TLS failed"


def test_a_get_that_breaks_off_is_asked_once_more_and_both_are_recorded(make: Make, guard: Guard) -> None:
    def first_breaks(server: Server, connection: socket.socket, asked: Asked) -> None:
        (resets_at_once if len(server.asked) == 1 else document({"up": True}))(server, connection, asked)

    with Server(first_breaks) as server:
        assert make(server.url).http.get("/").json() == {"up": True}
    assert [request.status for request in guard.requests] == ["reset before an answer", "200"]


@pytest.mark.parametrize("behaviour", [whole(503), resets_in_body])
def test_an_answer_is_never_asked_for_again(behaviour: Behaviour, make: Make) -> None:
    with Server(behaviour) as server:
        refused(make, server.url)
        assert len(server.asked) == 1


def test_what_is_not_a_get_is_never_sent_twice(make: Make) -> None:
    with Server(resets_at_once) as server:
        with pytest.raises(Unknown, match="broke off before it answered"):
            make(server.url).http.send("POST", "/", effect=Effect.WRITE)
        assert len(server.asked) == 1


def test_an_effect_that_is_not_allowed_sends_nothing(make: Make, guard: Guard) -> None:
    guard.allowed = frozenset({Effect.READ})
    with Server(document({})) as server:
        with pytest.raises(Unknown, match="has the effect write"):
            make(server.url).http.send("DELETE", "/upload/1", effect=Effect.WRITE)
        assert server.asked == []


def test_the_target_gets_its_token_and_headers_and_others_do_not(make: Make) -> None:
    with Server(document({})) as target, Server(document({})) as other:
        http = make(target.url, target={"headers": {"X-Probe": "yes"}}).http
        http.get("/a")
        http.get(f"{target.url}/b")
        http.get("/c", token=Secret("a-token-of-its-own"))
        http.get("/d", headers={"authorization": "Basic own"})
        http.get(f"{other.url}/e")
        http.get(f"{other.url}/f", token=Secret("a-token-for-the-other"))
    sent = [asked.headers.get("authorization") for asked in target.asked]
    assert sent == [TARGET_TOKEN, TARGET_TOKEN, "Bearer a-token-of-its-own", "Basic own"]
    assert {asked.headers.get("x-probe") for asked in target.asked} == {"yes"}
    assert [asked.headers.get("authorization") for asked in other.asked] == [None, "Bearer a-token-for-the-other"]
    assert {asked.headers.get("x-probe") for asked in other.asked} == {None}


def test_a_redirect_to_another_origin_loses_what_was_given(make: Make) -> None:
    with Server(document({"here": 1})) as other, Server(whole(302, "", {"Location": f"{other.url}/x"})) as target:
        clients = make(target.url, target={"headers": {"X-Probe": "yes"}})
        clients.http.get("/", token=Secret("a-token-of-its-own"), headers={"apikey": "another-secret"})
    (asked,) = other.asked
    assert not {"authorization", "apikey", "x-probe"} & set(asked.headers)


def _sends_on(location: str) -> Behaviour:
    def behave(server: Server, connection: socket.socket, asked: Asked) -> None:
        moved = whole(302, "", {"Location": location})
        (moved if asked.path == "/health" else document({}))(server, connection, asked)

    return behave


@pytest.mark.parametrize(
    ("location", "status", "redirects_to"),
    [
        ("/login?next=/health&token=abc", 302, "/login?next=%2Fhealth&token=***"),
        ("http://evil.example/health", 302, "http://evil.example/health"),
        ("/health/", 200, ""),
    ],
)
def test_a_redirect_to_another_page_is_the_answer_where_it_is_not_followed(
    location: str, status: int, redirects_to: str, make: Make
) -> None:
    with Server(_sends_on(location)) as server:
        answer = make(server.url).http.get("/health", follow=False)
        assert answer.status == status
        assert answer.redirects_to.removeprefix(server.url) == redirects_to


@pytest.mark.parametrize(("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
def test_a_redirected_write_is_what_the_status_says(status: int, method: str, make: Make) -> None:
    def onward(server: Server, connection: socket.socket, asked: Asked) -> None:
        moved = whole(status, "", {"Location": "/moved"})
        (moved if asked.path == "/" else document({}))(server, connection, asked)

    with Server(onward) as server:
        make(server.url).http.send("POST", "/", effect=Effect.WRITE, json={"a": 1})
    assert server.asked[1].method == method
    assert server.asked[1].body == (b'{"a":1}' if method == "POST" else b"")


def test_the_seconds_of_an_answer_count_all_its_redirects(make: Make) -> None:
    def onward(server: Server, connection: socket.socket, asked: Asked) -> None:
        server.stopped.wait(0.1)
        (whole(302, "", {"Location": "/moved"}) if asked.path == "/" else document({}))(server, connection, asked)

    with Server(onward) as server:
        assert 0.2 <= make(server.url).http.get("/").seconds < 5


def test_no_cookie_is_kept(make: Make) -> None:
    with Server(whole(200, "{}", {"Set-Cookie": "session=abc; Path=/"})) as server:
        http = make(server.url).http
        http.get("/")
        http.get("/")
    assert [asked.headers.get("cookie") for asked in server.asked] == [None, None]


def test_the_surroundings_send_nothing_elsewhere(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with Server(document({"a": 1})) as server:
        assert make(server.url).http.get("/").json() == {"a": 1}


@pytest.mark.parametrize("token", ["a-token\nwith a line break", "a-token\x00of-nothing"])
def test_a_token_that_cannot_be_sent_is_not_told(token: str, make: Make, guard: Guard) -> None:
    with Server(document({})) as server:
        found = refused(make, server.url, token=Secret(token))
        assert server.asked == []
    assert "characters that HTTP does not know" in found.reason
    assert not [part for part in ("line break", "of-nothing") if part in found.reason]
    assert guard.requests[-1].status == "not sent"


@pytest.mark.parametrize("where", ["health", "ftp://127.0.0.1/x", "http://", "http://[::1", "file:///etc/passwd", ""])
def test_what_is_no_address_is_unknown(where: str, make: Make, guard: Guard) -> None:
    with pytest.raises(Unknown):
        make().http.get(where)
    assert guard.requests == []


def test_the_record_holds_no_secret(make: Make, guard: Guard) -> None:
    with Server(document({})) as server:
        answer = make(server.url).http.get("/hook?token=abcdefgh&page=2&api_key=ijklmnop")
    assert answer.url == f"{server.url}/hook?token=***&page=2&api_key=***"
    assert guard.requests[0].target == answer.url
    assert server.asked[0].path.endswith("token=abcdefgh&page=2&api_key=ijklmnop")


def test_an_address_is_shown_without_its_user() -> None:
    assert shown_address("https://user:pass@shop.example:8443/a?q=1#part") == "https://shop.example:8443/a?q=1"


DOCUMENT = {"a": [{"b/c": 1, "d~e": 2}], "": 3, "status": "ok"}


@pytest.mark.parametrize(
    ("pointer", "found"),
    [("", DOCUMENT), ("/a/0/b~1c", 1), ("/a/0/d~0e", 2), ("/", 3), ("/status", "ok")],
)
def test_a_pointer_finds(pointer: str, found: object) -> None:
    assert at_pointer(DOCUMENT, pointer) == found


@pytest.mark.parametrize(
    ("pointer", "reason", "remedy"),
    [
        ("status", "'status' is not a JSON pointer", "/status"),
        ("/stauts", "nothing at /stauts", "did you mean status?"),
        ("/a/1", "nothing at /a/1", "there is a list of 1"),
        ("/a/00", "nothing at /a/00", "there is a list of 1"),
        ("/a/-1", "nothing at /a/-1", "there is a list of 1"),
        ("/a/\u0660", "nothing at /a/\u0660", "there is a list of 1"),
        ("/a/0/x/y", "nothing at /a/0/x", "there is b/c, d~e"),
        ("/status/deep", "nothing at /status/deep", "there is str"),
    ],
)
def test_a_pointer_that_finds_nothing_says_what_is_there(pointer: str, reason: str, remedy: str) -> None:
    with pytest.raises(Unknown) as found:
        at_pointer(DOCUMENT, pointer)
    assert reason in found.value.reason
    assert remedy in found.value.remedy
