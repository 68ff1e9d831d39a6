"""Observations made in daemon threads, each once; those that measure time come last, one at a time."""

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
"""So long, and what a task waits by itself, may pass without any task coming back; clients have shorter deadlines."""


@dataclass
class ObservationTask:
    """One call that is to be made, and in the end its value or why there is none."""

    title: str
    make: Callable[[], Any]
    exclusive: bool = False
    """It measures time: it runs after the others, one at a time, and what writes waits for it."""
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

        # What ends the thread in a way that nobody foresaw must not look like a value.
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

    def call_off(self, reason: str = "the run ended before this was looked at", remedy: str = "run it again") -> None:
        """Never begin, unless it has begun."""
        with self._lock:
            if self.started is None:
                self.unknown = Unknown(reason, remedy)
                self.ended.set()

    def result(self) -> Any:
        """Return the value of a task that has ended. Raises Unknown."""
        if self.unknown:
            raise self.unknown
        return self.value


class TaskPool:
    """The tasks of one process. Its threads are daemons: a task that hangs cannot hold the end of the run."""

    def __init__(self, threads: int = THREADS, stalled_seconds: float = STALLED_SECONDS) -> None:
        self._threads = threads
        self._stalled_seconds = stalled_seconds
        self._tasks: dict[Hashable, ObservationTask] = {}
        self._queue: queue.SimpleQueue[ObservationTask] = queue.SimpleQueue()
        self._shared_left = 0
        """The tasks that are not exclusive and have not come back."""
        self._shared_changed = threading.Condition()
        self._last_progress = time.monotonic()
        self._deadline: tuple[float, float] | None = None
        """When it passes by the monotonic clock, and how many seconds it gave."""
        self.called_off = threading.Event()
        """The run ends: what waits in a task stops waiting."""
        self.stopped: list[ObservationTask] = []
        """The tasks that write and were under way when the run ended."""
        self._latency_probes_over = threading.Event()
        self._latency_probes_over.set()

    def end_after(self, seconds: float, begun_at: float) -> None:
        """Wait for no task longer than that after an instant of the monotonic clock, and begin none later."""
        self._deadline = begun_at + seconds, seconds

    def start(self, tasks: Mapping[Any, ObservationTask]) -> None:
        """Start all of them: the exclusive ones once the others are back."""
        self._tasks.update(tasks)

        shared = [task for task in tasks.values() if not task.exclusive]
        self._shared_left = len(shared)
        self._last_progress = time.monotonic()
        for task in shared:
            self._queue.put(task)
        for _ in range(min(self._threads, len(shared))):
            threading.Thread(target=self._work, daemon=True).start()

        exclusive = [task for task in tasks.values() if task.exclusive]
        if exclusive:
            self._latency_probes_over.clear()
            threading.Thread(target=self._work_alone, args=(exclusive,), daemon=True).start()

    def ask(self, key: Hashable, task: ObservationTask) -> ObservationTask:
        """Return the task of this key; where nobody has started it, start this one now."""
        if key not in self._tasks:
            self._tasks[key] = task
            self._last_progress = time.monotonic()
            threading.Thread(target=self._make, args=(task,), daemon=True).start()
        return self._tasks[key]

    def wait(self, task: ObservationTask, every_seconds: float, meanwhile: Callable[[ObservationTask], None]) -> Any:
        """Return the value of a task once it is there. Raises Unknown: its own, or that it did not come back."""
        at_most = self._stalled_seconds + task.waits_seconds
        while not task.ended.wait(every_seconds):
            if self._is_over():
                self.called_off.set()
                raise Unknown(*self._late(task))
            idle_seconds = time.monotonic() - max(self._last_progress, task.started or 0)
            if self.called_off.is_set() or idle_seconds > at_most:
                reason = f"{task.title} did not come back within {at_most:.0f} s"
                raise Unknown(reason, "is the target, or the network on the way to it, stuck?")
            meanwhile(task)
        return task.result()

    def wait_at_most(self, task: ObservationTask, seconds: float) -> Any:
        """Return the value of a task that is back within so many seconds of being asked for. Raises Unknown."""
        seconds_left = task.asked + seconds - time.monotonic()
        if not task.ended.wait(max(0.0, seconds_left)):
            raise Unknown(f"cut off: {task.title} was not back within {seconds:g} s", "look at it by hand")
        return task.result()

    def wait_for_latency_probes(self) -> None:
        """Wait until the exclusive tasks are over: what is asked meanwhile would shift the time that they measure."""
        self._latency_probes_over.wait(self._stalled_seconds)

    def call_off(self, clean_up_seconds: float) -> None:
        """Begin no task any more: nobody waits for them. Those that write are given so long to undo what they did."""
        self.called_off.set()
        deadline = time.monotonic() + clean_up_seconds
        tasks = list(self._tasks.values())
        for task in tasks:
            task.call_off()

        self.stopped += [task for task in tasks if task.writes and not task.ended.is_set()]
        for task in self.stopped:
            task.ended.wait(max(0.0, deadline - time.monotonic()))

    def _make(self, task: ObservationTask) -> None:
        if task.writes:
            self.wait_for_latency_probes()
        if self._is_over():
            task.call_off(*self._late(task))
        task.run()
        self._last_progress = time.monotonic()

    def _is_over(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline[0]

    def _late(self, task: ObservationTask) -> tuple[str, str]:
        """Return the reason and the remedy for a task that is not back at the deadline."""
        seconds = self._deadline[1] if self._deadline else 0.0
        reason = f"{task.title} was not back when the run's deadline of {seconds:.0f} s passed"
        return reason, "what hangs? the plan shows the deadline, and run.seconds_at_most lowers it"

    def _work(self) -> None:
        while not self._queue.empty():
            try:
                task = self._queue.get_nowait()
            except queue.Empty:
                return  # another thread was faster
            self._make(task)
            with self._shared_changed:
                self._shared_left -= 1
                self._shared_changed.notify_all()

    def _work_alone(self, tasks: list[ObservationTask]) -> None:
        # One that hangs must not keep the exclusive ones from being made at all.
        with self._shared_changed:
            self._shared_changed.wait_for(lambda: self._shared_left == 0, timeout=self._stalled_seconds / 2)
        for task in tasks:
            self._make(task)
        self._latency_probes_over.set()
