"""Where the source of a reading stands: in the environment file, in the runbook of the line, or in the suite.

The environment file wins. A runbook's own query serves the lines of that runbook alone: it names tables and metrics of
the product that its document is about. What stands in the suite asks PostgreSQL of itself, and no product's table.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from readiness.environment.schema import KnownReading, Reading
from readiness.runbook.lines import Runbook
from readiness.runbook.own_readings import OwnReading

OwnSources = Mapping[str, Mapping[str, Reading]]
"""Runbook → its own readings."""
NO_RUNBOOK = ""


class Origin(StrEnum):
    """Where a source stands."""

    ENVIRONMENT = "of the environment file"
    RUNBOOK = "of the runbook"
    POSTGRES = "PostgreSQL's own"


@dataclass(frozen=True)
class Origins:
    """The sources of all readings, as the lines of one runbook ask by them."""

    configured: Mapping[str, Reading]
    """Those of the environment file."""
    own: Mapping[str, Reading] = field(default_factory=dict)
    """Those of the runbook."""

    def of(self, reading: KnownReading) -> Origin | None:
        """Return where the source of a reading stands; None where there is none."""
        if reading.name in self.configured:
            return Origin.ENVIRONMENT
        if reading.name in self.own:
            return Origin.RUNBOOK
        return Origin.POSTGRES if reading.default else None

    def source(self, reading: KnownReading) -> Reading | None:
        """Return the source of a reading; None where there is none."""
        own = self.own.get(reading.name, reading.default)
        # Asked of the environment in this way, it is noted that the look rests on the key being as it is there.
        return self.configured.get(reading.name, own)

    def names(self) -> list[str]:
        """Return the names of the readings that have a source outside the suite."""
        return [*self.configured, *self.own]


def own_sources(runbooks: Iterable[Runbook]) -> OwnSources:
    """Return what each runbook asks by itself, which may be nothing."""
    return {book.runbook: {name: _reading(own) for name, own in book.readings.items()} for book in runbooks}


def _reading(own: OwnReading) -> Reading:
    return Reading.model_validate(own.model_dump(exclude_unset=True))


def agreed(own: OwnSources) -> Mapping[str, Reading]:
    """Return the sources that no two runbooks state differently: by them a drill asks, which is of no runbook."""
    sources = {name: source for readings in own.values() for name, source in readings.items()}
    return {
        name: source
        for name, source in sources.items()
        if all(readings.get(name, source) == source for readings in own.values())
    }


def asks_otherwise(own: OwnSources, runbook: str, configured: Container[str], names: Collection[str] | None) -> bool:
    """Check whether a runbook asks for one of these readings (None: for any) in a way that not all runbooks do."""
    for name, source in own.get(runbook, {}).items():
        is_asked_for = name not in configured and (names is None or name in names)
        if is_asked_for and any(readings.get(name) != source for readings in own.values()):
            return True
    return False
