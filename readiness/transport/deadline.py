"""One deadline over everything: resolving a name, connecting, sending, and every pause between two bytes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, TypeVar

Value = TypeVar("Value")


class DeadlinePassed(Exception):
    """The work was not done in time; its connection has been cut."""


@dataclass(frozen=True)
class Deadline:
    """An instant of the monotonic clock."""

    ends: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds until it ends, at least a millisecond: most libraries take 0 for `forever`."""
        return max(0.001, self.ends - time.monotonic())


@dataclass
class Wire:
    """The connection that some work holds, so that it can be cut from outside.

    Work that connects holds its connection as soon as it has one:

        def read(wire: Wire) -> bytes:
            with socket.create_connection(("db.example.com", 5432)) as connection:
                wire.hold(connection.fileno())
                return connection.recv(1024)

        greeting = within(Deadline.after(seconds=5), read)
    """

    cut_off: bool = False
    _ours: socket.socket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, descriptor: int) -> None:
        """Hold a connection by a descriptor of our own: a library that wraps it in TLS closes or detaches its own."""
        with self._lock:
            self._release()
            # The family does not matter: this socket is only ever shut down or closed.
            self._ours = socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM)
            if self.cut_off:  # the deadline passed while it connected
                self._shut()

    def cut(self) -> None:
        """End the connection, now or as soon as there is one: whoever waits on it sees its end."""
        with self._lock:
            self.cut_off = True
            self._shut()

    def release(self) -> None:
        """Close our descriptor of the connection, without ending the connection."""
        with self._lock:
            self._release()

    def _shut(self) -> None:
        if self._ours:
            try:
                self._ours.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended by itself

    def _release(self) -> None:
        if self._ours:
            self._ours.close()
            self._ours = None


@dataclass
class _Outcome(Generic[Value]):
    """What the work returned or raised, carried from its thread to the one that waits."""

    done: threading.Event = field(default_factory=threading.Event)
    value: list[Value] = field(default_factory=list)
    """One value, or none: None is a value too."""
    error: BaseException | None = None

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        self.done.set()
        return True  # it is raised where somebody waits for it, not in the thread


def within(deadline: Deadline, work: Callable[[Wire], Value]) -> Value:
    """Return what the work returns, done in a daemon thread. Raises DeadlinePassed, and whatever the work raises.

    A thread, because nothing else ends the wait for a name server or for a connection that comes a byte at a time.
    At the deadline the wire is cut, so that the thread ends soon after; it never holds the end of the process.

    >>> within(Deadline.after(seconds=5), lambda wire: "an answer")
    'an answer'
    >>> within(Deadline.after(seconds=0.01), lambda wire: time.sleep(1))
    Traceback (most recent call last):
    readiness.transport.deadline.DeadlinePassed
    """
    wire = Wire()
    outcome = _Outcome[Value]()

    def run() -> None:
        with outcome:
            try:
                outcome.value.append(work(wire))
            finally:
                wire.release()

    threading.Thread(target=run, daemon=True, name="readiness-client").start()

    in_time = False
    try:
        in_time = outcome.done.wait(deadline.left())
    finally:
        if not in_time:  # the deadline, or Ctrl-C while waiting: the request must not go on
            wire.cut()

    if not in_time:
        raise DeadlinePassed
    if outcome.error:
        raise outcome.error
    return outcome.value[0]
