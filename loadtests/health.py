"""How the process that makes the load is doing: the loop's lag and the wait for a processor tell, CPU use misleads."""

from __future__ import annotations

import gc
import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
import psutil

from loadtests.recording import RequestRecorder
from readiness.measurements import is_digits
from readiness.rehearsal.evidence import SLICE_SECONDS
from readiness.rehearsal.histogram import Distribution

PROBE_SECONDS = 0.02
LOOK_SECONDS = 1.0
_MEGABYTE = 1_000_000
_STEAL = 8
"""Column of `/proc/stat`."""


@dataclass(frozen=True)
class Moment:
    """What the kernel has counted up to now, in seconds."""

    at: float
    cpu: float
    queue: float
    steal: float
    throttled: float

    @classmethod
    def now(cls) -> Moment:
        """Return what the kernel has counted; 0 for what this system does not count."""
        return cls(time.monotonic(), time.process_time(), _queued(), _stolen(), _throttled())


def _numbers(path: str) -> list[float]:
    """Return the numbers of a file's first line; none where this system has no such file."""
    try:
        values = Path(path).read_text(encoding="ascii").partition("\n")[0].split()
    except OSError:
        return []
    return [float(value) for value in values if is_digits(value)]


def _queued() -> float:
    """Return the seconds that this process waited for a processor. Source: the second number of schedstat, in ns."""
    numbers = _numbers("/proc/self/schedstat")
    return numbers[1] / 1e9 if len(numbers) > 1 else 0.0


def _stolen() -> float:
    """Return the seconds that the host took of this machine. Source: `/proc/stat`, in ticks."""
    ticks = _numbers("/proc/stat")
    return ticks[_STEAL - 1] / os.sysconf("SC_CLK_TCK") if len(ticks) >= _STEAL else 0.0


def _throttled() -> float:
    """Return the seconds that the container's quota held it back. Source: cgroup v2."""
    try:
        lines = Path("/sys/fs/cgroup/cpu.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("throttled_usec")) / 1e6


@dataclass
class Health:
    """Watches one process; only the hold counts."""

    name: str
    recorder: RequestRecorder
    first_seen: float = field(default_factory=time.time)
    lag: Distribution = field(default_factory=Distribution)
    """How late the loop woke up, in the hold."""
    cpu_most: float = 0.0
    """The highest share of one processor between two looks of the hold."""
    collecting: float = 0.0
    """Seconds of garbage collection in the hold."""
    latest_lag: float = 0.0
    """Seconds, at the last probe."""
    course: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    """Unix second of a slice's start → the most of its CPU share, of its wait for CPU, and of its lag (s)."""
    _began: Moment | None = None
    _ended: Moment | None = None
    _collecting_since: float = 0.0
    _worst: float = 0.0
    """Lag since the last look."""

    def watch(self) -> None:
        """Probe for ever; run it in a greenlet of its own."""
        gc.callbacks.append(self._collected)
        looked, next_look = Moment.now(), time.monotonic() + LOOK_SECONDS
        while True:
            before = time.perf_counter()
            gevent.sleep(PROBE_SECONDS)
            self.latest_lag = max(0.0, time.perf_counter() - before - PROBE_SECONDS)
            self._worst = max(self._worst, self.latest_lag)
            if self._in_hold():
                self.lag.record(int(self.latest_lag * 1e6))
            if time.monotonic() >= next_look:
                looked, next_look = self._look(looked), time.monotonic() + LOOK_SECONDS

    def _in_hold(self) -> bool:
        return self.recorder.hold_from <= time.time() < self.recorder.hold_until

    def _look(self, before: Moment) -> Moment:
        """Add the time since the last look to the course, and to the hold; return this look."""
        moment = Moment.now()
        wall = moment.at - before.at
        cpu_share = (moment.cpu - before.cpu) / wall
        queue_share = (moment.queue - before.queue) / wall
        worst_lag, self._worst = self._worst, 0.0

        start = int(time.time()) // SLICE_SECONDS * SLICE_SECONDS
        most_cpu, most_queue, most_lag = self.course.get(start, (cpu_share, queue_share, worst_lag))
        self.course[start] = (max(most_cpu, cpu_share), max(most_queue, queue_share), max(most_lag, worst_lag))

        if self._in_hold():
            # The first look of the hold ends a second that began before it: it only opens the account.
            if self._began is None:
                self._began = moment
            else:
                self.cpu_most = max(self.cpu_most, cpu_share)
            self._ended = moment
        return moment

    def _collected(self, phase: str, _details: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = time.perf_counter()
        elif self._in_hold():
            self.collecting += time.perf_counter() - self._collecting_since

    def plain(self) -> dict[str, Any]:
        """Return it as the evidence keeps it (`readiness.rehearsal.evidence.Generator`); plain, to cross processes."""
        process = psutil.Process()
        began, ended = self._began, self._ended
        wall = ended.at - began.at if began and ended else 0.0

        def share(of: str) -> float:
            """Return what was counted from the first look of the hold to the last, as a share of that time."""
            return round((getattr(ended, of) - getattr(began, of)) / wall, 4) if wall else 0.0

        return {
            "name": self.name,
            "host": platform.node(),
            "pid": process.pid,
            "first_seen": self.first_seen,
            "last_seen": time.time(),
            "cpu_share_mean": share("cpu"),
            "cpu_share_most": round(self.cpu_most, 4),
            "queue_share": share("queue"),
            "lag": dict(self.lag.counts),
            "rss_megabytes": round(process.memory_info().rss / _MEGABYTE, 1),
            "descriptors": process.num_fds(),
            "collecting_seconds": round(self.collecting, 4),
            "steal_share": share("steal"),
            "course": {start: [round(value, 4) for value in peaks] for start, peaks in self.course.items()},
            "throttled_seconds": round(share("throttled") * wall, 3),
        }
