"""One deadline over everything: resolving a name, connecting, sending, and every pause between two bytes.

And where it is asked for one limit on what comes: libpq reads a value whole before anybody can look at it.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, TypeVar

from readiness.transport.kernel_count import bytes_received

Value = TypeVar("Value")


LOOK_SECONDS = 0.005
"""How often what has come is looked at: a local server sends some ten megabytes in it."""
CUT_SHORT_SECONDS = 0.5
"""So much less than its own time a request has waited that the run's deadline cut it."""


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
    bytes_at_most: int | None = None
    """What may come from when it is held; None is any amount."""
    _came_before: int = 0
    _ours: socket.socket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, descriptor: int) -> None:
        """Hold a connection by a descriptor of our own: a library that wraps it in TLS closes or detaches its own."""
        with self._lock:
            self._release()
            # The family does not matter: this socket is only ever shut down or closed.
            self._ours = socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM)
            self._came_before = bytes_received(self._ours) or 0
            if self.cut_off:  # the deadline passed while it connected
                self._shut()

    def cut(self) -> None:
        """End the connection, now or as soon as there is one: whoever waits on it sees its end."""
        with self._lock:
            self.cut_off = True
            self._shut()

    def has_too_much(self) -> bool:
        """Check whether more has come than may; not where nobody counts, see kernel_count."""
        with self._lock:
            if self.bytes_at_most is None or self._ours is None:
                return False
            count = bytes_received(self._ours)
            return count is not None and count - self._came_before > self.bytes_at_most

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


def within(deadline: Deadline, work: Callable[[Wire], Value], bytes_at_most: int | None = None) -> Value:
    """Return what the work returns, done in a daemon thread. Raises DeadlinePassed, and whatever the work raises.

    Its wire is cut as soon as more than `bytes_at_most` have come over it.

    A thread, because nothing else ends the wait for a name server or for a connection that comes a byte at a time.
    At the deadline the wire is cut, so that the thread ends soon after; it never holds the end of the process.

    >>> within(Deadline.after(seconds=5), lambda wire: "an answer")
    'an answer'
    >>> within(Deadline.after(seconds=0.01), lambda wire: time.sleep(1))
    Traceback (most recent call last):
    readiness.transport.deadline.DeadlinePassed
    """
    wire = Wire(bytes_at_most=bytes_at_most)
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
        in_time = _is_done(outcome.done, deadline, wire)
    finally:
        if not in_time:  # the deadline, or Ctrl-C while waiting: the request must not go on
            wire.cut()

    if not in_time:
        raise DeadlinePassed
    if outcome.error:
        raise outcome.error
    return outcome.value[0]


def _is_done(done: threading.Event, deadline: Deadline, wire: Wire) -> bool:
    """Wait for the work to be done, and return whether it was in time."""
    if wire.bytes_at_most is None:
        return done.wait(deadline.left())

    # Another thread than that of the work looks: one call of libpq read 190 MB of one value before it came back.
    while time.monotonic() < deadline.ends:
        if done.wait(min(LOOK_SECONDS, deadline.left())):
            return True
        if wire.has_too_much():
            wire.cut()
    return done.is_set()
