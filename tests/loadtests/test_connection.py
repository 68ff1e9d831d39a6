"""How an answer ends: complete, or with the connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from gevent import Timeout, sleep

from loadtests.connection import Connection, resolve
from loadtests.reply import HTTPParseError, Reply

BREAKS_OFF = {
    "before-the-first-byte": b"",
    "in-the-headers": b"HTTP/1.1 200 OK\r\nContent-",
    "in-the-body": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
    "after-an-interim-answer": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@contextmanager
def answering(words: bytes) -> Iterator[Connection]:
    """Connect to a server that reads a request, says these words and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(words)

        thread = threading.Thread(target=serve)
        thread.start()
        with closing(Connection(resolve("127.0.0.1", server.getsockname()[1])[0], None)) as connection, Timeout(5):
            connection.send(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            yield connection
        thread.join()


@pytest.mark.parametrize("words", BREAKS_OFF.values(), ids=BREAKS_OFF)
def test_an_answer_that_breaks_off_is_told(words: bytes) -> None:
    with answering(words) as connection, pytest.raises((ConnectionResetError, HTTPParseError)):
        connection.receive(Reply())


@pytest.mark.parametrize("words", BREAKS_OFF.values(), ids=BREAKS_OFF)
def test_so_it_is_when_the_time_is_already_up(words: bytes) -> None:
    with answering(words) as connection:
        sleep(0.2)
        with pytest.raises((ConnectionResetError, HTTPParseError)):
            connection.last_chance(Reply())


def test_the_end_of_the_connection_may_be_the_end_of_the_body() -> None:
    with answering(b"HTTP/1.1 200 OK\r\n\r\nabc") as connection:
        reply = Reply()
        connection.receive(reply)
        assert (reply.status, reply.content()) == (200, b"abc")
