"""One deadline over everything: resolving a name, connecting, sending, and every pause between two bytes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, TypeVar

Found = TypeVar("Found")


class DeadlinePassed(Exception):
    """The work was not done in time; its connection has been cut."""


@dataclass(frozen=True)
class Deadline:
    """An instant of the monotonic clock."""

    ends: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Set a deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds until it ends, never less than a millisecond: most libraries take 0 for `forever`."""
        return max(0.001, self.ends - time.monotonic())


@dataclass
class Wire:
    """The connection that some work holds, so that it can be cut from outside."""

    cut_off: bool = False
    _ours: socket.socket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, descriptor: int) -> None:
        """Take a connection by a descriptor of our own: a library that wraps it in TLS closes or detaches its own."""
        with self._lock:
            self._release()
            self._ours = socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM)
            if self.cut_off:
                self._shut()

    def cut(self) -> None:
        """End the connection, now or as soon as there is one: whoever waits on it sees its end."""
        with self._lock:
            self.cut_off = True
            self._shut()

    def release(self) -> None:
        """Let go of the connection without ending it."""
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
class _Ending(Generic[Found]):
    """How the work ended, carried from its thread to the one that waits."""

    done: threading.Event = field(default_factory=threading.Event)
    value: list[Found] = field(default_factory=list)
    error: BaseException | None = None

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        self.done.set()
        return True


def within(deadline: Deadline, work: Callable[[Wire], Found]) -> Found:
    """Do the work in a daemon thread and wait for it. Raises DeadlinePassed, and whatever the work raises.

    A thread, because nothing else ends the wait for a name server or for a connection that comes a byte at a time.
    At the deadline the wire is cut, so that the thread ends soon after; it never holds the end of the process.
    """
    wire, ending = Wire(), _Ending[Found]()

    def run() -> None:
        with ending:
            try:
                ending.value.append(work(wire))
            finally:
                wire.release()

    threading.Thread(target=run, daemon=True, name="readiness-client").start()
    in_time = False
    try:
        in_time = ending.done.wait(deadline.left())
    finally:
        if not in_time:  # the deadline, or Ctrl-C while waiting: the request must not go on
            wire.cut()
    if not in_time:
        raise DeadlinePassed
    if ending.error:
        raise ending.error
    return ending.value[0]
