"""How busy and how full the machines are, and where that leads. The defaults are node exporter's names.

Every query ends in the metric itself (`... and metric`): a range still answers for minutes after its metric stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from readiness.observations import known_reading, observation
from readiness.observations.needs import need
from readiness.sources.readings import Readings

Resource = Literal["database_size", "object_storage", "request_volume"]

CPU = known_reading("cpu_share", "the share of the CPU in use, averaged over the machines, 0 to 1")
MEMORY = known_reading("memory_share", "the share of the memory in use on the fullest machine, 0 to 1")
_REAL_DISKS = '{fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660"}'
DISK = known_reading("disk_share", "the share of the fullest disk in use, 0 to 1")
MEMORY_GROWTH = known_reading(
    "memory_growth", "by what share of itself the memory of the process that grows fastest grows in a day"
)
RESTARTS = known_reading("restarts", "how often processes have restarted in the last day")
FORECASTS = {
    "database_size": known_reading(
        "database_size_forecast", "the share of its limit that the database's size reaches in 30 days"
    ),
    "object_storage": known_reading(
        "object_storage_forecast", "the share of its limit that the object storage reaches in 30 days"
    ),
    "request_volume": known_reading(
        "request_volume_forecast", "the share of its limit that the volume of requests reaches in 30 days"
    ),
}


@need("readings.{resource}_forecast")
def forecast(readings: Readings, resource: Resource) -> None:
    """Make sure that there is a forecast of the resource. Raises NotConfigured."""
    readings.require(FORECASTS[resource])


@observation(needs=CPU)
def cpu_share(readings: Readings) -> float:
    """Return the share of the CPU in use in the last minutes, averaged over the machines."""
    return readings.number(CPU)


@observation(needs=MEMORY)
def memory_share(readings: Readings) -> float:
    """Return the share of the memory in use on the fullest machine."""
    return readings.number(MEMORY)


@observation(needs=DISK)
def disk_share(readings: Readings) -> float:
    """Return the share of the fullest disk in use."""
    return readings.number(DISK)


@dataclass(frozen=True)
class MemoryTrend:
    """Growth as a share of today's memory in a day, from the last six hours; restarts in the last day."""

    growth_a_day: float
    restarts: float


@observation(needs=(MEMORY_GROWTH, RESTARTS))
def memory_trend(readings: Readings) -> MemoryTrend:
    """Return how the memory has grown, and whether a restart has hidden it."""
    return MemoryTrend(readings.number(MEMORY_GROWTH), readings.number(RESTARTS))


@observation(needs=forecast)
def forecast_share(readings: Readings, resource: Resource) -> float:
    """Return the share of its limit that a resource is forecast to reach in 30 days."""
    return readings.number(FORECASTS[resource])
