"""A line of `attest: both`: a part for a machine and one for a person. Only both together are a pass.

What the machine found to be wrong stays so, and so does what the person says is not true. Where one of the two parts is
missing the line is unknown, and names it.
"""

from __future__ import annotations

from collections.abc import Sequence

from readiness.evidence.attested import DECIDES, HALF
from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.evidence.records import Result
from readiness.outcomes import Outcome
from readiness.provenance import Word, distinct
from readiness.runbook.attestations import Attestation
from readiness.runbook.lines import Item


def without_a_word(result: Result, item: Item, environment: str, lapsed: str | None = None) -> Result:
    """Return what the machine's part comes to where no word counts; `lapsed` says why one that is there does not."""
    missing = lapsed or f"nobody has attested {item.name}"
    if result.outcome is Outcome.UNKNOWN:
        reason, first = f"{result.reason}; and the person's part is missing too: {missing}", f"{result.remedy}; then "
    else:
        reason, first = f"the machine's part holds, the person's is missing: {missing}", ""
    remedy = f"{first}look, then say so: readiness attest {item.name} --env {environment}"
    return result.model_copy(update={"outcome": Outcome.UNKNOWN, "reason": reason, "remedy": remedy, "step": None})


def with_a_word(result: Result, entry: Attestation, measured: Sequence[RecordedMeasurement]) -> tuple[str, Result]:
    """Return what the word is good for, and the result of both parts; `measured` is the word as measurements."""
    broken = next((measurement for measurement in measured if not measurement.ok), None)
    if result.outcome is Outcome.UNKNOWN and broken is None:
        half = f"{result.reason}; this is the machine's part: {entry.who} attested the other one on {entry.at}"
        return HALF, result.model_copy(update={"reason": half})

    word = Word(entry.who, str(entry.at), str(entry.valid_until))
    both = {
        "attested": True,
        "measurements": (*result.measurements, *measured),
        "provenance": distinct((word, *(result.provenance or ()))),
    }
    if broken is not None:
        remedy = f"speak with {entry.who}, mend it, and attest it again"
        both |= {"outcome": Outcome.FAIL, "reason": str(broken.measurement()), "remedy": remedy}
    return DECIDES, result.model_copy(update=both)
