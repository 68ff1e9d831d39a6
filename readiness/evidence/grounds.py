"""What a result stands on besides its measurements."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.evidence.recorded_ahead import RecordedAhead
from readiness.evidence.recorded_look import RecordedLook
from readiness.provenance import Provenance


@dataclass(frozen=True)
class Grounds:
    """What was seen and how it was come by, as the result of one item carries it."""

    stated: tuple[str, ...] = ()
    provenance: tuple[Provenance, ...] = ()
    overlaid: tuple[str, ...] = ()
    rests_on: tuple[RecordedLook, ...] | None = None
    ahead: tuple[RecordedAhead, ...] | None = None
