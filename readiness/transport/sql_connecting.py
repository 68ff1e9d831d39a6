"""A connection to PostgreSQL that can be cut while it is made: a server may send without an end before it is ready."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import psycopg

from readiness.outcomes import Unknown
from readiness.transport.deadline import Wire

Connection = psycopg.Connection[tuple[Any, ...]]
GREETING_BYTES_AT_MOST = 1_000_000
"""Certificates, settings and notices: PostgreSQL sends some thousand bytes before it is ready."""


def connect(wire: Wire, address: str, **words: Any) -> Connection:
    """Return a connection as psycopg makes it, its socket held by the wire from the first moment on.

    Raises psycopg.Error, Unknown.
    """

    class Held(psycopg.Connection[tuple[Any, ...]]):
        # Part of psycopg's inside: where a release no longer calls it, test_large_answers says so.
        @classmethod
        def _connect_gen(cls, *arguments: Any, **more: Any) -> Any:
            return (yield from _holding(wire, super()._connect_gen(*arguments, **more)))

    try:
        return Held.connect(address, **words)
    except psycopg.Error:
        if wire.has_too_much():
            raise Unknown(
                f"the server sent more than {GREETING_BYTES_AT_MOST:,} bytes before it was ready",
                "is it PostgreSQL? look at what answers at this address",
            ) from None
        raise


def _holding(wire: Wire, steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Go through the steps of connecting, and hold each socket that they wait for: another one for each host."""
    held = None
    try:
        wait = next(steps)
        while True:
            descriptor, _ = wait
            if descriptor != held:
                wire.hold(descriptor)
                held = descriptor
            wait = steps.send((yield wait))
    except StopIteration as end:
        return end.value
