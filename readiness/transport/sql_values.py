"""Values of many parts (lists, JSON, ranges), counted before they are built: that takes far more than their length."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.abc import AdaptContext, Buffer, Loader
from psycopg.adapt import Loader as TextLoader
from psycopg.pq import Format

from readiness.outcomes import Unknown

PARTS_AT_MOST = 100_000
"""Of all values of one column: a number in a list takes two bytes on the wire, and 500 while it is read."""
_BETWEEN_PARTS = (b",", b"[", b"{", b"(")
_OF_PARTS = ("json", "jsonb", "record")


def count_parts_first(connection: psycopg.Connection[Any]) -> None:
    """Have this connection refuse values of too many parts before it builds them."""
    adapters = connection.adapters
    for kind in tuple(adapters.types):
        is_of_parts = kind.name in _OF_PARTS or kind.name.endswith("multirange")
        for oid in (kind.array_oid, kind.oid if is_of_parts else 0):
            loader = adapters.get_loader(oid, Format.TEXT) if oid else None
            if loader:
                adapters.register_loader(oid, _counting(loader))


def _counting(loader: type[Loader]) -> type[TextLoader]:
    """Return a loader that counts, and leaves the rest to this one.

    It is no subclass of it: psycopg would go past a method of ours to the one in C.
    """

    class Counting(TextLoader):
        def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
            super().__init__(oid, context)
            self._loader = loader(oid, context)
            self._left = PARTS_AT_MOST

        def load(self, data: Buffer) -> Any:
            text = bytes(data)
            self._left -= sum(text.count(mark) for mark in _BETWEEN_PARTS)
            if self._left < 0:
                raise Unknown(
                    f"the query answers lists or JSON of more than {PARTS_AT_MOST:,} parts",
                    "count them in SQL, or take one value out of them",
                )
            return _loaded(self._loader, text)

    return Counting


def _loaded(loader: Loader, text: bytes) -> Any:
    try:
        return loader.load(text)
    except RecursionError:
        raise Unknown("the query answers JSON that is nested too deeply", "take one value out of it in SQL") from None
