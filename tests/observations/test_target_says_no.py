"""What the target itself answers with a no is decided; what a source or a wall answers is not, and silence neither."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from checks import test_health
from readiness import Measure
from readiness.environment.schema import Environment, Http
from readiness.measurements import AtLeast, Refusal
from readiness.observations.database import ConnectionPool, connection_pool
from readiness.observations.health import HealthAnswer, health_answer, health_word
from readiness.observations.refusals import given_up_after
from readiness.outcomes import Late, Refused, Unknown
from readiness.sandbox.postgres import Server as Database
from readiness.sources.table import Clients
from tests.clients.conftest import DEADLINE, SHORT, Make
from tests.clients.servers import Behaviour, Server, drips_body, drips_head, never, resets_at_once, whole
from tests.observations.conftest import health_of, of_target, reached

ELSEWHERE = of_target("https://shop.example.com")


def test_a_refused_connection_is_a_no_to_health(make: Make, closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    answer = health_of(make(url), url)
    assert answer.status == answer.seconds == Refusal("connection refused")
    measure = Measure()
    with pytest.raises(AssertionError, match="answer time: connection refused, allowed < 30"):
        measure(answer.seconds, "answer time", "s").below(30)


@pytest.mark.parametrize("behaviour", [never, drips_head, drips_body])
def test_an_answer_that_does_not_come_is_at_least_so_late(behaviour: Behaviour, make: Make) -> None:
    with Server(behaviour) as server:
        answer = health_of(make(server.url, http=SHORT), server.url)
    assert isinstance(answer.seconds, AtLeast)
    assert DEADLINE * 0.5 < answer.seconds.at_least < DEADLINE + 0.5
    with pytest.raises(AssertionError, match=r"answer time: ≥ 0\.\d+ s, allowed < 0\.1"):
        Measure()(answer.seconds, "answer time", "s").below(0.1)
    # Nobody knows whether it would have come within the limit.
    with pytest.raises(Unknown, match="known to be at least"):
        Measure()(answer.seconds, "answer time", "s").below(30)
    with pytest.raises(Unknown, match="known to be at least"):
        Measure()(answer.status, "status").is_(200)


def live(answer: HealthAnswer, seconds_below: float | None = None) -> Measure:
    """Hold an answer against a health line as the check does."""
    measure = Measure()
    test_health.test_live(answer, test_health.Live(path="/health", seconds_below=seconds_below), measure)
    return measure


def test_a_slow_answer_fails_where_the_line_says_how_soon_alone() -> None:
    slow = HealthAnswer(200, 1.5, deadline_seconds=10)
    told = [str(taken) for taken in live(slow).taken]
    assert told[0] == "answer time of /health: 1.5 s, allowed < 10"
    with pytest.raises(AssertionError, match=r"1\.5 s, allowed < 1"):
        live(slow, seconds_below=1)


@pytest.mark.parametrize("behaviour", [never, drips_head, drips_body])
def test_what_does_not_answer_by_the_deadline_has_failed_on_every_line(behaviour: Behaviour, make: Make) -> None:
    with Server(behaviour) as server:
        environment = of_target(server.url).model_copy(update={"http": Http(deadline_seconds=DEADLINE)})
        clients = make(server.url, http=SHORT)
        answer = health_answer(clients.http, environment, clients.controls, threading.Event(), "/health")
    with pytest.raises(AssertionError, match=r"answer time of /health: ≥ 0\.\d+ s, allowed < 0\.\d+"):
        live(answer)


def test_a_wait_that_the_run_cut_short_decides_nothing_without_a_limit() -> None:
    assert given_up_after(AtLeast(9.9), 10) == 9.9
    assert given_up_after(AtLeast(1.9), 10) == 10
    cut = HealthAnswer(AtLeast(1.9), AtLeast(1.9), deadline_seconds=10)
    with pytest.raises(Unknown, match="known to be at least"):
        live(cut)
    with pytest.raises(AssertionError, match=r"≥ 1\.9 s, allowed < 1"):
        live(cut, seconds_below=1)


def test_to_what_is_not_about_the_target_a_no_is_unknown(make: Make, closed_port: int) -> None:
    with pytest.raises(Refused, match="refused the connection"):
        health_word(make(f"http://127.0.0.1:{closed_port}").http, "/health", "/environment")
    with Server(never) as server, pytest.raises(Late, match="did not answer in full"):
        health_word(make(server.url, http=SHORT).http, "/health", "/environment")


@pytest.mark.parametrize("behaviour", [never, drips_body])
def test_an_answer_is_not_late_where_the_way_is_gone(
    behaviour: Behaviour, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        raise OSError(113, "No route to host")

    with Server(behaviour) as server:
        # Only the connection after the request, by which the way is proven.
        monkeypatch.setattr("readiness.transport.connecting._connect", unreachable)
        with pytest.raises(Unknown) as found:
            health_of(make(server.url, http=SHORT), server.url)
    assert type(found.value) is Unknown


WALLS: dict[str, Behaviour] = {
    "Cloudflare's header": whole(403, "<html>Just a moment...", {"cf-mitigated": "challenge"}),
    "Cloudflare's page": whole(503, "<script>window._cf_chl_opt={}</script>"),
    "AWS": whole(405, "", {"x-amzn-waf-action": "captcha"}),
    "AWS, with a good status": whole(202, "", {"x-amzn-waf-action": "challenge"}),
    "Incapsula": whole(403, '<iframe src="/_Incapsula_Resource?x=1">Incapsula incident ID: 7-1</iframe>'),
    "too many requests": whole(429, "", {"Retry-After": "30"}),
    "a reset": resets_at_once,
}


@pytest.mark.parametrize("wall", WALLS)
def test_a_wall_in_front_says_nothing_of_the_service(wall: str, make: Make) -> None:
    with Server(WALLS[wall]) as server, pytest.raises(Unknown):
        health_of(make(server.url), server.url)


OWN_PAGES = {
    "Cloudflare's detection": "<h1>503</h1><script src=/cdn-cgi/challenge-platform/scripts/jsd/main.js></script>",
    "Imperva's sensor": '<h1>503</h1><script src="/_Incapsula_Resource?SWJIYLWA=1"></script>',
    "AWS' integration": "<h1>503</h1><script>AwsWafIntegration.getToken()</script>",
}


@pytest.mark.parametrize("page", OWN_PAGES)
def test_a_script_that_a_wall_puts_into_the_services_own_page_hides_no_failure(page: str, make: Make) -> None:
    with Server(whole(503, OWN_PAGES[page], {"x-datadome": "protected"})) as server:
        assert health_of(make(server.url), server.url).status == 503


@pytest.mark.parametrize("status", [401, 403, 500, 502, 503, 504])
def test_a_status_of_the_service_is_its_answer(status: int, make: Make) -> None:
    with Server(whole(status, '{"status": "down"}')) as server:
        assert health_of(make(server.url), server.url).status == status


@pytest.fixture
def crowded(database: Database) -> Iterator[str]:
    """Give the address of a database of which all connections are taken."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                held.enter_context(contextlib.closing(psycopg.connect(database.dsn())))
        yield database.dsn("probe", "probe-password")


def pool_of(clients: Clients, here: Environment) -> ConnectionPool:
    return connection_pool(clients.postgres, clients.pooler, here)


def test_a_database_without_a_free_connection_has_no_headroom(crowded: str, make: Make) -> None:
    here = of_target("http://127.0.0.1")
    pool = pool_of(make(dsn=crowded), here)
    assert pool.share == 1.0
    words = r"share of the pool in use \(.*(too many|remaining).*\): 1, allowed < 0\.8"
    with pytest.raises(AssertionError, match=words):
        Measure()(pool.share, pool.summary).below(0.8)

    clients = make(dsn=crowded)
    answer = reached(clients, here)
    assert isinstance(answer.seconds, Refusal)


def says(message: str) -> Callable[[socket.socket], None]:
    """Refuse each log-in with these words, as a server in English does."""
    fields = b"SFATAL\0VFATAL\0C53300\0M" + message.encode() + b"\0\0"

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    while connection.recv(1000)[4:8] in {b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"}:
                        connection.sendall(b"N")
                    connection.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)

    return serve


@contextlib.contextmanager
def a_database_that(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield f"postgresql://probe@127.0.0.1:{listener.getsockname()[1]}/shop"


WORDS = {  # what the server says: is that a no to reaching it, and is its pool exhausted?
    "sorry, too many clients already": (True, True),
    "remaining connection slots are reserved for roles with the SUPERUSER attribute": (True, True),
    'too many connections for database "shop"': (True, True),
    "no more connections allowed (max_client_conn)": (True, True),
    "the database system is starting up": (True, False),
    "the database system is shutting down": (True, False),
    "the database system is in recovery mode": (True, False),
    'password authentication failed for user "probe"': (False, False),
    'role "probe" is not permitted to log in': (False, False),
    'too many connections for role "probe"': (False, False),
    'database "shop" does not exist': (False, False),
    'no pg_hba.conf entry for host "10.0.0.7", user "probe"': (False, False),
}


@pytest.mark.parametrize("words", WORDS)
def test_what_a_database_says_decides_what_it_is_about(words: str, make: Make) -> None:
    is_no, is_exhausted = WORDS[words]
    with a_database_that(says(words)) as dsn:
        clients, here = make(dsn=dsn), of_target("http://127.0.0.1")
        decided = reached(clients, here) if is_no else None
        pool = pool_of(clients, here) if is_exhausted else None
        if not is_no:
            with pytest.raises(Unknown):
                reached(clients, here)
        if not is_exhausted:
            with pytest.raises(Unknown):
                pool_of(clients, here)
    assert decided is None or decided.seconds == Refusal(words)
    assert pool is None or pool == ConnectionPool(1, 1, words)


def test_a_database_that_hangs_is_at_least_so_slow(make: Make) -> None:
    stopped = threading.Event()

    def hangs(_: socket.socket) -> None:
        stopped.wait(20)

    with a_database_that(hangs) as dsn:
        clients = make(dsn=dsn, postgres={"connect_seconds": 0.5})
        answer = reached(clients, of_target("http://127.0.0.1"))
        stopped.set()
    assert answer.seconds == AtLeast(0.5)


def test_the_end_of_a_tunnel_is_not_the_target(make: Make, closed_port: int) -> None:
    clients = make(dsn=f"postgresql://probe@127.0.0.1:{closed_port}/shop")
    with pytest.raises(Refused):
        reached(clients, ELSEWHERE)
