"""What fills or hides the machines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

CPU = "infrastructure.cpu[launch400k/cpu]"
MEMORY = "infrastructure.memory[launch400k/memory]"
DISKS = DISK_AGENCY, DISK_LAUNCH, DISK_CRITICAL = (
    "infrastructure.disk[agency/disk]",
    "infrastructure.disk[launch400k/disk]",
    "infrastructure.disk[launch400k/disk-critical]",
)
GROWTH = "infrastructure.memory_not_growing[launch400k/memory-leak]"
FORECAST = "infrastructure.capacity_forecast[umbrella/capacity:{}]"
DATABASE_CPU = "database.cpu[agency/database-cpu]"
USAGE = (CPU, MEMORY, *DISKS, GROWTH, DATABASE_CPU)
FORECASTS = tuple(FORECAST.format(name) for name in ("database_size", "object_storage", "request_volume"))
BUSY_SECONDS = 5_000.0
HOUR, STEP = 3600.0, 300.0


def _past(hours: float) -> list[float]:
    now = time.time()
    return [now - STEP * n for n in range(int(hours * HOUR / STEP), 0, -1)]


def _hide(target: SandboxTarget, *names: str) -> None:
    target.front.hidden |= set(names)
    target.monitoring.settle()


def _show(target: SandboxTarget, *names: str) -> None:
    target.front.hidden -= set(names)
    target.monitoring.settle()


@fault("postlaunch", turns={CPU: "fail"})
def cpu_busy(target: SandboxTarget) -> Iterator[None]:
    """The CPU has been busy all along; its seconds of the last minutes are counted at once."""
    usual, target.front.cpu = target.front.cpu, 0.97
    target.front.add("node_cpu_seconds_total", BUSY_SECONDS, cpu="0", mode="user")
    target.monitoring.settle()
    yield
    target.front.cpu = usual
    target.front.add("node_cpu_seconds_total", BUSY_SECONDS * (1 - usual) / usual, cpu="0", mode="idle")
    target.monitoring.settle()


def _memory(target: SandboxTarget, share: float) -> Iterator[None]:
    usual, target.front.memory = target.front.memory, share
    target.monitoring.settle()
    yield
    target.front.memory = usual
    target.monitoring.settle()


@fault("postlaunch", turns={MEMORY: "warn"})
def memory_filling(target: SandboxTarget) -> Iterator[None]:
    """Of the memory 85 % is in use."""
    yield from _memory(target, 0.85)


@fault("postlaunch", turns={MEMORY: "fail"})
def memory_full(target: SandboxTarget) -> Iterator[None]:
    """Of the memory 93 % is in use."""
    yield from _memory(target, 0.93)


def _disk(target: SandboxTarget, share: float) -> Iterator[None]:
    usual, target.front.disk = target.front.disk, share
    target.monitoring.settle()
    yield
    target.front.disk = usual
    target.monitoring.settle()


@fault("preflight", "postlaunch", turns=turning("fail", DISK_AGENCY, DISK_LAUNCH))
def disk_filling(target: SandboxTarget) -> Iterator[None]:
    """The disk is full to 85 %."""
    yield from _disk(target, 0.85)


@fault("preflight", "postlaunch", turns=turning("fail", *DISKS))
def disk_full(target: SandboxTarget) -> Iterator[None]:
    """The disk is full to 97 %."""
    yield from _disk(target, 0.97)


@fault("postlaunch", turns={GROWTH: "fail"})
def memory_growing(target: SandboxTarget) -> Iterator[None]:
    """A second process leaks: it has grown by 60 MB in each of the last seven hours."""
    moments = _past(7)
    points = [(moment, 5e8 + 6e7 * (moment - moments[0]) / HOUR) for moment in moments]
    target.front.backfill("process_resident_memory_bytes", points, pod="leaky")
    target.monitoring.settle()
    yield
    target.front.end_backfill("process_resident_memory_bytes", pod="leaky")
    target.monitoring.settle()


@fault("postlaunch", turns={GROWTH: "fail"})
def instance_restarts(target: SandboxTarget) -> Iterator[None]:
    """A second process has been restarted every two hours, which hides its leak."""
    points = [(moment, moment - moment % (2 * HOUR)) for moment in _past(7)]
    target.front.backfill("process_start_time_seconds", points, pod="restless")
    target.monitoring.settle()
    yield
    target.front.end_backfill("process_start_time_seconds", pod="restless")
    target.monitoring.settle()


@fault("ga", turns={FORECAST.format("database_size"): "fail"})
def database_grows(target: SandboxTarget) -> Iterator[None]:
    """A second database grows by 20 GB a day: it will be above its limit in less than a month."""
    moments = _past(48)
    points = [(moment, 1e11 + 2e10 * (moment - moments[0]) / 86_400) for moment in moments]
    target.front.backfill("database_size_bytes", points, database="second")
    target.monitoring.settle()
    yield
    target.front.end_backfill("database_size_bytes", database="second")
    target.monitoring.settle()


@fault("ga", turns=turning("unknown", *(FORECAST.format(name) for name in ("database_size", "object_storage"))))
def sizes_hidden(target: SandboxTarget) -> Iterator[None]:
    """The sizes are no longer measured; their week of history is still there."""
    _hide(target, "database_size_bytes", "object_storage_bytes")
    yield
    _show(target, "database_size_bytes", "object_storage_bytes")


MACHINE = ("node_cpu_seconds_total", "node_filesystem_avail_bytes", "process_resident_memory_bytes")


@fault("preflight", "postlaunch", turns=turning("unknown", CPU, GROWTH, *DISKS))
def machine_metrics_hidden(target: SandboxTarget) -> Iterator[None]:
    """The machine's exporter has stopped; what it said in the last hours is still there."""
    _hide(target, *MACHINE)
    yield
    _show(target, *MACHINE)


@fault("postlaunch", turns=turning("unknown", MEMORY, DATABASE_CPU))
def machine_metrics_not_a_number(target: SandboxTarget) -> Iterator[None]:
    """Two gauges are NaN: something divides by nothing."""
    target.front.not_a_number |= {"node_memory_MemAvailable_bytes", "database_cpu_share"}
    target.monitoring.settle()
    yield
    target.front.not_a_number -= {"node_memory_MemAvailable_bytes", "database_cpu_share"}
    target.monitoring.settle()


@fault("postlaunch", turns={DATABASE_CPU: "fail"})
def database_busy(target: SandboxTarget) -> Iterator[None]:
    """The database's CPU is busy to 92 %."""
    usual, target.front.database_cpu = target.front.database_cpu, 0.92
    target.monitoring.settle()
    yield
    target.front.database_cpu = usual
    target.monitoring.settle()
