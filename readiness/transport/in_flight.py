"""Reads that are under way: whoever asks the same meanwhile has that answer, and the other side is asked once.

Twenty lines about alert rules begin in the same moment, and all of them read the same page of Prometheus. No answer is
kept: what is asked when it has come is asked anew, so that none is older than the time it took.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from readiness.outcomes import Unknown
from readiness.provenance import Provenance, note, noted

Value = TypeVar("Value")


@dataclass
class _Flight(Generic[Value]):
    """One read that is under way, and what came of it."""

    over: threading.Event = field(default_factory=threading.Event)
    answers: list[Value] = field(default_factory=list)
    """One answer; none where it came to nothing."""
    unknown: Unknown | None = None
    came_from: tuple[Provenance, ...] = ()


class InFlight(Generic[Value]):
    """The reads of one system that are under way, each by what is asked.

    >>> in_flight = InFlight[str]()
    >>> in_flight.once("GET /rules", lambda: "the rules")
    'the rules'
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[Value]] = {}
        self._lock = threading.Lock()

    def once(self, asked: Hashable, ask: Callable[[], Value]) -> Value:
        """Return what `ask` returns, or what another thread is about to have that asks the same. Raises Unknown."""
        with self._lock:
            flight = self._flights.get(asked)
            is_first = flight is None
            if flight is None:
                flight = self._flights[asked] = _Flight()
        return self._ask(asked, flight, ask) if is_first else _joined(flight, ask)

    def _ask(self, asked: Hashable, flight: _Flight[Value], ask: Callable[[], Value]) -> Value:
        """Ask, and leave for the others what came of it."""
        try:
            with noted() as came_from:
                try:
                    flight.answers.append(ask())
                finally:
                    flight.came_from = tuple(came_from)
        except Unknown as unknown:
            flight.unknown = unknown
            raise
        finally:
            with self._lock:
                del self._flights[asked]
            flight.over.set()
            _note(flight)
        return flight.answers[0]


def _joined(flight: _Flight[Value], ask: Callable[[], Value]) -> Value:
    """Wait for what another thread asked, and return it. Raises Unknown, as for whoever asked."""
    flight.over.wait()
    if flight.unknown:
        _note(flight)
        raise copy.copy(flight.unknown)  # each thread has its own: one that is raised gets a traceback and notes
    # Whoever asked was interrupted: that says nothing about the other side.
    if not flight.answers:
        return ask()
    _note(flight)
    return flight.answers[0]


def _note(flight: _Flight[Value]) -> None:
    for provenance in flight.came_from:
        note(provenance)
