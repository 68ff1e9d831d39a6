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

from loadtests.recording import Recorder
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
        """Look."""
        queue = _numbers("/proc/self/schedstat")
        steal = _numbers("/proc/stat")
        return cls(
            time.monotonic(),
            time.process_time(),
            queue[1] / 1e9 if len(queue) > 1 else 0.0,
            steal[_STEAL - 1] / os.sysconf("SC_CLK_TCK") if len(steal) >= _STEAL else 0.0,
            _throttled(),
        )


def _numbers(path: str) -> list[float]:
    """Return the numbers of a file's first line; none where this system has no such file."""
    try:
        words = Path(path).read_text(encoding="ascii").partition("\n")[0].split()
    except OSError:
        return []
    return [float(word) for word in words if word.isdecimal()]


def _throttled() -> float:
    try:
        lines = Path("/sys/fs/cgroup/cpu.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("throttled_usec")) / 1e6


@dataclass
class Health:
    """Watches one process; only the hold counts."""

    name: str
    recorder: Recorder
    first_seen: float = field(default_factory=time.time)
    lag: Distribution = field(default_factory=Distribution)
    cpu_most: float = 0.0
    collecting: float = 0.0
    latest_lag: float = 0.0
    course: dict[int, tuple[float, float, float]] = field(default_factory=dict)
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
        found = Moment.now()
        wall = found.at - before.at
        seen = ((found.cpu - before.cpu) / wall, (found.queue - before.queue) / wall, self._worst)
        start, self._worst = int(time.time()) // SLICE_SECONDS * SLICE_SECONDS, 0.0
        known = self.course.get(start, seen)
        self.course[start] = (max(known[0], seen[0]), max(known[1], seen[1]), max(known[2], seen[2]))
        if self._in_hold():
            if self._began is None:
                self._began = found
            else:
                self.cpu_most = max(self.cpu_most, seen[0])
            self._ended = found
        return found

    def _collected(self, phase: str, _details: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = time.perf_counter()
        elif self._in_hold():
            self.collecting += time.perf_counter() - self._collecting_since

    def plain(self) -> dict[str, Any]:
        """Give it as the evidence keeps it (`readiness.rehearsal.evidence.Generator`)."""
        process = psutil.Process()
        began, ended = self._began, self._ended
        wall = ended.at - began.at if began and ended else 0.0

        def share(of: str) -> float:
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
            "course": {start: [round(value, 4) for value in seen] for start, seen in self.course.items()},
            "throttled_seconds": round(share("throttled") * wall, 3),
        }
