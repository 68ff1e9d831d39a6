"""What a check came to under the limits that bind from a later day, as a journal has it: told before it fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.files.canonical_json import JsonObject
from readiness.measurements import holds, show
from readiness.outcomes import Outcome, Unknown

WELL = (Outcome.PASS, Outcome.WARN)
"""What can still turn bad."""


class PlannedAhead(BaseModel):
    """The limits of a check that bind otherwise from an instant on."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    begins: AwareDatetime
    limits: JsonObject


class RecordedAhead(PlannedAhead):
    """What was measured, held against these limits."""

    measurements: tuple[RecordedMeasurement, ...] = ()

    @property
    def will_fail(self) -> bool:
        """Whether what was measured does not keep them."""
        return not self.measurements or not all(measurement.ok for measurement in self.measurements)

    @property
    def says(self) -> str:
        """What will bind, and that it is not kept."""
        broken = next((measurement for measurement in self.measurements if not measurement.ok), None)
        what = str(broken.measurement()) if broken else f"{show(self.limits)}, and nothing was measured by it"
        return f"from {self.begins:%Y-%m-%d} on {what}: this line will then fail"


def will_fail(ahead: Iterable[RecordedAhead]) -> Iterator[RecordedAhead]:
    """Yield the limits that are not kept, the nearest first."""
    yield from sorted((part for part in ahead if part.will_fail), key=lambda part: part.begins)


def says_ahead(outcome: Outcome, ahead: Iterable[RecordedAhead] | None) -> str:
    """Return the first limit that what is well now will not keep, in a sentence; empty where all will be kept."""
    first = next(will_fail(ahead or ()), None) if outcome in WELL else None
    return first.says if first else ""


def contradicted(
    planned: Iterable[PlannedAhead], recorded: Iterable[RecordedAhead], *, is_judged: bool
) -> Iterator[str]:
    """Yield where a result does not say what its plan demands of later limits, or says it wrong."""
    wanted = {part.begins: part.limits for part in planned}
    given = {part.begins: part.limits for part in recorded}
    if given != wanted and (is_judged or given):
        yield "it was not held against the limits that the plan states from a later day"

    for part in recorded:
        for measurement in part.measurements:
            if _compared(measurement) is not measurement.ok:
                yield f"{measurement.measurement()}: compared again with the limit of {part.begins:%Y-%m-%d} it differs"


def _compared(measurement: RecordedMeasurement) -> bool | None:
    try:
        return holds(measurement.value, measurement.comparator, measurement.limit, measurement.known)
    except Unknown:
        return None


def bound_at(
    limits: Mapping[str, JsonObject], ahead: Mapping[str, Iterable[PlannedAhead]], moment: datetime
) -> dict[str, JsonObject]:
    """Return the limits of each check that bind at a moment, of a plan that was made before it."""
    bound = {check: dict(stated) for check, stated in limits.items()}
    for check, parts in ahead.items():
        for part in sorted(parts, key=lambda part: part.begins):
            if part.begins <= moment and check in bound:
                bound[check] |= part.limits
    return bound
