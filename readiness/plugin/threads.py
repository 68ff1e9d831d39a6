"""Looks made in daemon threads, each once; those that measure time come last, one at a time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.outcomes import Unknown

THREADS = 32
STALLED_SECONDS = 120.0
"""So long, and what a look waits by itself, may pass without any look coming back; clients have shorter deadlines."""


@dataclass
class Look:
    """One call that is to be made, and in the end its value or why there is none."""

    title: str
    make: Callable[[], Any]
    quiet: bool = False
    writes: bool = False
    """It changes something, and undoes that before it ends."""
    waits_seconds: float = 0.0
    """So long it may wait by its own settings."""
    asked: float = field(default_factory=time.monotonic)
    started: float | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    value: Any = None
    unknown: Unknown | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Make the call, unless it was called off."""
        with self._lock:
            if self.ended.is_set():
                return
            self.started = time.monotonic()
        self.unknown = Unknown(f"{self.title} ended without an answer", "this is a defect of the observation")
        try:
            self.value = self.make()
            self.unknown = None
        except Unknown as unknown:
            self.unknown = unknown
        except SystemExit:
            return  # it leaves its thread, and stays unknown
        finally:
            self.ended.set()

    def call_off(self) -> None:
        """Never begin, unless it has begun."""
        with self._lock:
            if self.started is None:
                self.unknown = Unknown("the run ended before this was looked at", "run it again")
                self.ended.set()


class Threads:
    """The looks of one process. Its threads are daemons: a look that hangs cannot hold the end of the run."""

    def __init__(self, threads: int = THREADS, stalled_seconds: float = STALLED_SECONDS) -> None:
        self._threads, self._stalled = threads, stalled_seconds
        self._looks: dict[Hashable, Look] = {}
        self._todo: queue.SimpleQueue[Look] = queue.SimpleQueue()
        self._busy = threading.Condition()
        self._loud_left = 0
        self._moved = time.monotonic()
        self.called_off = threading.Event()
        """The run ends: what waits in a look stops waiting."""
        self.stopped: list[Look] = []
        """The looks that write and were under way when the run ended."""
        self._silence_over = threading.Event()
        self._silence_over.set()

    def start(self, looks: Mapping[Any, Look]) -> None:
        """Start all of them: the quiet ones once the others are back."""
        self._looks.update(looks)
        loud = [look for look in looks.values() if not look.quiet]
        self._loud_left, self._moved = len(loud), time.monotonic()
        for look in loud:
            self._todo.put(look)
        for _ in range(min(self._threads, len(loud))):
            threading.Thread(target=self._work, daemon=True).start()
        quiet = [look for look in looks.values() if look.quiet]
        if quiet:
            self._silence_over.clear()
            threading.Thread(target=self._work_quietly, args=(quiet,), daemon=True).start()

    def ask(self, key: Hashable, look: Look) -> Look:
        """Give the look of this key; where nobody has started it, start this one now."""
        if key not in self._looks:
            self._looks[key] = look
            self._moved = time.monotonic()
            threading.Thread(target=self._make, args=(look,), daemon=True).start()
        return self._looks[key]

    def wait(self, look: Look, every_seconds: float, meanwhile: Callable[[Look], None]) -> Any:
        """Wait for one. Raises Unknown: its own, or that it did not come back."""
        at_most = self._stalled + look.waits_seconds
        while not look.ended.wait(every_seconds):
            if self.called_off.is_set() or time.monotonic() - max(self._moved, look.started or 0) > at_most:
                reason = f"{look.title} did not come back within {at_most:.0f} s"
                raise Unknown(reason, "is the target, or the network on the way to it, stuck?")
            meanwhile(look)
        return _found(look)

    def wait_at_most(self, look: Look, seconds: float) -> Any:
        """Wait for one no longer than so many seconds after it was asked for. Raises Unknown."""
        if not look.ended.wait(max(0.0, look.asked + seconds - time.monotonic())):
            raise Unknown(f"cut off: {look.title} was not back within {seconds:g} s", "look at it by hand")
        return _found(look)

    def let_measure(self) -> None:
        """Wait until the quiet looks are over: what is asked meanwhile would shift the time that they measure."""
        self._silence_over.wait(self._stalled)

    def call_off(self, clean_up_seconds: float) -> None:
        """Begin no look any more: nobody waits for them. Those that write are given so long to undo what they did."""
        self.called_off.set()
        looks, end = list(self._looks.values()), time.monotonic() + clean_up_seconds
        for look in looks:
            look.call_off()
        self.stopped += [look for look in looks if look.writes and not look.ended.is_set()]
        for look in self.stopped:
            look.ended.wait(max(0.0, end - time.monotonic()))

    def _make(self, look: Look) -> None:
        if look.writes:
            self.let_measure()
        look.run()
        self._moved = time.monotonic()

    def _work(self) -> None:
        while not self._todo.empty():
            try:
                look = self._todo.get_nowait()
            except queue.Empty:
                return
            self._make(look)
            with self._busy:
                self._loud_left -= 1
                self._busy.notify_all()

    def _work_quietly(self, looks: list[Look]) -> None:
        with self._busy:
            self._busy.wait_for(lambda: self._loud_left == 0, timeout=self._stalled / 2)
        for look in looks:
            self._make(look)
        self._silence_over.set()


def _found(look: Look) -> Any:
    if look.unknown:
        raise look.unknown
    return look.value
