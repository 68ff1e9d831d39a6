"""Of when what a reading tells is: what was told too early leaves out what came after it."""

from __future__ import annotations

from datetime import datetime

from readiness.environment.schema import KnownReading
from readiness.outcomes import Unknown
from readiness.slo.since_launch import why_told_too_early
from readiness.sources.readings import Readings


def why_some_is_left_out(readings: Readings, known: KnownReading, over_at: datetime) -> str:
    """Return why a reading leaves out some of a time that was over then; empty where it need not.

    To be asked before the reading itself: what is written meanwhile is only younger. It raises nothing: what the
    reading does tell may decide all the same.
    """
    try:
        return why_told_too_early(f"readings.{known.name}", readings.told_at(known), over_at)
    except Unknown as unknown:
        return unknown.reason
