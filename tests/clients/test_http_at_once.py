"""HTTP: many requests at the same time, and the places of a host."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from readiness.outcomes import Unknown
from tests.clients.conftest import DEADLINE, Make
from tests.clients.servers import Asked, Server, document, never, packet

WAITING = 64
"""So many that one after another takes much longer than all at once does on a busy machine."""


def test_only_so_many_at_once(make: Make) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def counted(server: Server, connection: socket.socket, asked: Asked) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        server.stopped.wait(0.03)
        with lock:
            at_once -= 1
        document({})(server, connection, asked)

    with Server(counted) as server:
        http = make(server.url, http={"connections_per_host": 2}).http
        threads = [threading.Thread(target=http.get, args=("/",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.asked) == 8
    assert most <= 2


def test_waiting_for_a_place_counts_towards_the_deadline(make: Make) -> None:
    with Server(never) as server:
        http = make(server.url, http={"connections_per_host": 1, "deadline_seconds": DEADLINE}).http
        started = time.monotonic()
        found: list[Unknown] = []

        def ask() -> None:
            with pytest.raises(Unknown) as unknown:
                http.get("/")
            found.append(unknown.value)

        threads = [threading.Thread(target=ask) for _ in range(WAITING)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - started < WAITING * DEADLINE / 2, "each had a whole deadline after the one before"
    assert len(found) == WAITING


def test_many_at_once_are_all_answered(make: Make) -> None:
    """A pool that they shared closed connections that it had just handed on: one in a thousand was never answered."""

    def a_moment_later(_server: Server, connection: socket.socket, _asked: Asked) -> None:
        time.sleep(0.05)
        connection.sendall(packet(200, b"{}", {"Connection": "keep-alive"}))
        connection.recv(1)  # until whoever asked closes it

    with Server(a_moment_later) as server:
        http = make(server.url, http={"connections_per_host": 32, "deadline_seconds": 30}).http
        with ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(lambda _: http.get("/").status, range(640)))
    assert answers == [200] * 640
