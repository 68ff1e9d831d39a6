"""Where a person's word counts: for what nothing is configured to see. What a machine found always stands."""

from __future__ import annotations

import pytest

from readiness.evidence.attested import DECIDES, EXPIRED, UNUSED, VOID
from readiness.evidence.records import RecordedMeasurement, Result
from readiness.outcomes import Outcome
from readiness.plugin.session import SESSION, STATE
from readiness.runbook.attestations import Attestation
from readiness.runbook.lines import Item

OBSERVED = "attestation"
"""The observation by which a check asks for a person's word itself."""

JUDGED = {Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN}


def attest(item: pytest.Item, result: Result, *, configured: bool) -> Result:
    """Return the result with the attestation of its line, and with what that was good for."""
    run, decided = item.config.stash[SESSION].run, item.stash[STATE].item
    entry = run.attestations.of(decided.name)
    if entry is None or result.outcome not in JUDGED:
        return result

    asked = OBSERVED in getattr(item, "fixturenames", ())
    unseen = result.outcome is Outcome.UNKNOWN and not configured and not asked
    lapsed = entry.lapsed(run.moment)

    state = UNUSED
    if lapsed:
        state = EXPIRED
        if unseen:
            remedy = renewal(decided, run.environment.environment)
            result = result.model_copy(
                update={"reason": f"{lapsed}; without it: {result.reason}", "remedy": remedy},
            )
    elif asked and result.outcome is not Outcome.UNKNOWN:
        # The check has judged what the person said.
        state = DECIDES
        result = result.model_copy(update={"attested": True})
    elif unseen:
        state = DECIDES
        result = _decided_by(entry, result)
    elif result.outcome is Outcome.FAIL and entry.holds:
        state = VOID
        contradicted = f"this voids what {entry.who} attested on {entry.at}: {entry.statement}"
        result = result.model_copy(update={"reason": f"{result.reason}; {contradicted}"})

    name = run.attestations.name_for(decided.name)
    carried = {"entry": name, "state": state, **entry.model_dump(mode="json")}
    return result.model_copy(update={"attestation": carried})


def _decided_by(entry: Attestation, result: Result) -> Result:
    """Return the result that a person's word gives, where nothing is configured to see."""
    measured = RecordedMeasurement(
        name=entry.told, value=entry.holds, comparator="is", limit=True, unit="", ok=entry.holds
    )
    instead_of = {"outcome": str(result.outcome), "reason": result.reason, "remedy": result.remedy}
    attested = result.model_copy(
        update={
            "attested": True,
            "instead_of": instead_of,
            "measurements": (measured,),
            "outcome": Outcome.PASS,
            "reason": "",
            "remedy": "",
        }
    )
    if entry.holds:
        return attested

    remedy = f"speak with {entry.who}, mend it, and attest it again"
    return attested.model_copy(
        update={"outcome": Outcome.FAIL, "reason": str(measured.measurement()), "remedy": remedy},
    )


def renewal(item: Item, environment: str) -> str:
    """Return the command that renews an attestation."""
    return f"look again, then renew it: readiness attest {item.name} --env {environment}"
