"""What many looks ask in the same moment is asked once; what is asked later, or otherwise, is asked anew."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import psycopg
import pytest

from readiness.outcomes import Effect, Unknown
from readiness.provenance import Provenance, noted, unnoted
from readiness.redaction.secret import Secret
from readiness.sandbox.postgres import Server as Database
from readiness.transport.http import Http
from readiness.transport.in_flight import InFlight
from tests.clients.conftest import NEVER, Make
from tests.clients.servers import Asked, Behaviour, Server, packet

TARGET = "http://127.0.0.1:1"
MANY = 8
SLOW: dict[str, object] = {"connections_per_host": MANY, "deadline_seconds": NEVER}
RULES = b'{"rules": []}'


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + NEVER
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def waiting(in_flight: InFlight[Any]) -> int:
    """Return how many threads wait for what another one has asked."""
    events: list[Any] = [flight.over for flight in list(in_flight._flights.values())]
    return sum(len(event._cond._waiters) for event in events)


def when_all_wait(http: Http) -> Behaviour:
    """Answer when all others who ask wait for this answer."""

    def behaviour(_server: Server, connection: socket.socket, _asked: Asked) -> None:
        until(lambda: waiting(http._in_flight) == MANY - 1)
        connection.sendall(packet(200, RULES))

    return behaviour


def when_all_have_asked() -> Behaviour:
    """Answer when as many requests are here as there are threads."""
    here = threading.Barrier(MANY)

    def behaviour(_server: Server, connection: socket.socket, _asked: Asked) -> None:
        here.wait(NEVER)
        connection.sendall(packet(200, RULES))

    return behaviour


def at_once(ask: Callable[[int], Any]) -> list[Any]:
    """Have many threads ask; return what each got, in their order."""
    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(ask, range(MANY)))


@pytest.fixture
def http(make: Make) -> Http:
    return make(TARGET, http=SLOW).http


def test_a_source_is_asked_once_for_all_who_ask_in_the_same_moment(http: Http) -> None:
    with Server(when_all_wait(http)) as server:
        assert at_once(lambda _: http.get(f"{server.url}/rules").json()) == [{"rules": []}] * MANY
        assert len(server.asked) == 1
        assert at_once(lambda _: http.get(f"{server.url}/rules").json()) == [{"rules": []}] * MANY
        assert len(server.asked) == 2, "no answer is kept"


OTHERWISE: dict[str, Callable[[Http, str, int], object]] = {
    "another page": lambda asking, url, number: asking.get(f"{url}/rules?page={number}"),
    "another token": lambda asking, url, number: asking.get(url, token=Secret(f"a-token-of-{number}")),
    "another header": lambda asking, url, number: asking.get(url, headers={"X-Scope-OrgID": str(number)}),
    "another system": lambda asking, url, number: asking.asking(f"system {number}").get(url),
    "a body": lambda asking, url, _: asking.send("POST", url, effect=Effect.READ, json={"query": "{ figures }"}),
    "a GET with a body": lambda asking, url, _: asking.send("GET", url, effect=Effect.READ, json={}),
    "no GET": lambda asking, url, _: asking.send("HEAD", url, effect=Effect.READ),
}


@pytest.mark.parametrize("ask", OTHERWISE.values(), ids=OTHERWISE)
def test_what_is_not_the_same_question_is_asked_by_everybody(
    http: Http, ask: Callable[[Http, str, int], object]
) -> None:
    with Server(when_all_have_asked()) as server:
        at_once(lambda number: ask(http, server.url, number))
        assert len(server.asked) == MANY


@pytest.mark.parametrize("by_path", [True, False], ids=["by its path", "by its address"])
def test_the_target_is_asked_by_everybody(make: Make, *, by_path: bool) -> None:
    with Server(when_all_have_asked()) as server:
        http = make(server.url, http=SLOW).http
        at_once(lambda _: http.get("/health" if by_path else f"{server.url}/health"))
        assert len(server.asked) == MANY


def test_everybody_is_told_where_it_came_from(http: Http) -> None:
    def ask(url: str, number: int) -> list[Provenance]:
        # Whoever asks first may ask for what no value rests on; those who wait have it noted all the same.
        with noted() as gathered, unnoted() if number == 0 else nullcontext():
            until(lambda: number == 0 or bool(http._in_flight._flights))
            http.get(url)
        return gathered

    with Server(when_all_wait(http)) as server:
        first, *others = at_once(lambda number: ask(f"{server.url}/rules", number))
        assert len(server.asked) == 1
    assert first == []
    assert [list(map(str, gathered)) for gathered in others] == [["asked HTTP at 127.0.0.1: GET /rules"]] * (MANY - 1)


def test_what_nobody_could_see_is_unknown_to_everybody(http: Http) -> None:
    def broken_off(_server: Server, _connection: socket.socket, _asked: Asked) -> None:
        until(lambda: waiting(http._in_flight) == MANY - 1)

    def ask(url: str) -> Unknown:
        with pytest.raises(Unknown) as unknown:
            http.get(url)
        return unknown.value

    with Server(broken_off) as server:
        unknowns = at_once(lambda _: ask(f"{server.url}/rules"))
    assert {(type(one), one.reason) for one in unknowns} == {(type(unknowns[0]), unknowns[0].reason)}
    assert len({id(one) for one in unknowns}) == MANY, "each thread has its own"


def test_who_is_interrupted_leaves_the_others_to_ask() -> None:
    in_flight = InFlight[str]()
    asking = threading.Event()

    def interrupted() -> str:
        asking.set()
        until(lambda: waiting(in_flight) == 1)
        raise KeyboardInterrupt

    def first() -> None:
        with pytest.raises(KeyboardInterrupt):
            in_flight.once("the rules", interrupted)

    with ThreadPoolExecutor(2) as pool:
        broken = pool.submit(first)
        asking.wait()
        other = pool.submit(in_flight.once, "the rules", lambda: "asked anew")
        broken.result()
        assert other.result() == "asked anew"


def test_a_statement_is_sent_once_for_all_who_wait_for_it(make: Make, database: Database) -> None:
    postgres = make(dsn=database.dsn("probe", "probe-password")).postgres
    slow = "select pg_advisory_xact_lock_shared(7)::text as lock, clock_timestamp()::text as at, %s as given"
    with psycopg.connect(database.dsn(), autocommit=True) as other, ThreadPoolExecutor(1) as pool:
        other.execute("select pg_advisory_lock(7)")
        asked = pool.submit(at_once, lambda _: postgres.rows(slow, "a"))
        until(lambda: waiting(postgres._in_flight) == MANY - 1)
        other.execute("select pg_advisory_unlock(7)")
        of_each = asked.result()
    assert len({rows[0]["at"] for rows in of_each}) == 1
    of_each[0][0]["at"] = "changed"
    assert of_each[1][0]["at"] != "changed", "each has rows of its own"
    by_each = at_once(lambda number: postgres.rows(slow, str(number)))
    assert {rows[0]["given"] for rows in by_each} == set(map(str, range(MANY)))
