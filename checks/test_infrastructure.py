"""The machines have room, today and in a month."""

import pytest

from readiness import Limits, Measure, Share
from readiness.observations.infrastructure import MemoryTrend, Resource


class Cpu(Limits):
    share_below: Share


class Memory(Limits):
    share_below: Share


class Disk(Limits):
    share_at_most: Share | None = None
    share_below: Share | None = None


class MemoryNotGrowing(Limits):
    share_a_day_below: Share  # of today's memory
    restarts_at_most: int


class CapacityForecast(Limits):
    resource: Resource
    share_below: Share  # of the resource's limit, in 30 days


@pytest.mark.postlaunch
def test_cpu(cpu_share: float, limits: Cpu, measure: Measure) -> None:
    """The machines have CPU to spare.

    Remedy: add instances; find what is busy in the profile, or in the newest deployment.
    """
    measure(cpu_share, "share of the CPU in use").below(limits.share_below)


@pytest.mark.postlaunch
def test_memory(memory_share: float, limits: Memory, measure: Measure) -> None:
    """The machines have memory to spare.

    Remedy: add memory or instances; look at how it has grown before it is killed for it.
    """
    measure(memory_share, "share of the memory in use").below(limits.share_below)


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_disk(disk_share: float, limits: Disk, measure: Measure) -> None:
    """The fullest disk has room.

    Remedy: remove old logs and dumps, or enlarge the disk: a database whose disk is full takes no writes.
    """
    # Some lines say "at most", others "below". One that says neither judges nothing, and is unknown.
    if limits.share_at_most is not None:
        measure(disk_share, "share of the fullest disk in use").at_most(limits.share_at_most)
    if limits.share_below is not None:
        measure(disk_share, "share of the fullest disk in use").below(limits.share_below)


@pytest.mark.postlaunch
def test_memory_not_growing(memory_trend: MemoryTrend, limits: MemoryNotGrowing, measure: Measure) -> None:
    """No process grows steadily, and none restarts.

    Remedy: restart the instances one by one to win time; take a heap snapshot, compare with the last deployment.
    """
    measure(memory_trend.growth_a_day, "growth of memory in a day, as a share of it").below(limits.share_a_day_below)
    measure(memory_trend.restarts, "restarts in the last day", "restarts").at_most(limits.restarts_at_most)


@pytest.mark.ga
def test_capacity_forecast(forecast_share: float, limits: CapacityForecast, measure: Measure) -> None:
    """The resource stays under its limit for the next 30 days.

    Remedy: raise the limit with the provider, or remove what is no longer needed, before it is reached.
    """
    measure(forecast_share, f"share of its limit that {limits.resource} reaches in 30 days").below(limits.share_below)
