"""Where an attestation counts: for what nothing is configured to see. What a machine measured always stands."""

from __future__ import annotations

import pytest

from readiness.evidence.attested import DECIDES, EXPIRED, UNUSED, VOID
from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.evidence.records import Result
from readiness.outcomes import Outcome
from readiness.plugin.session import SESSION, STATE
from readiness.runbook.attestations import Attestation
from readiness.runbook.lines import Item

OBSERVED = "attestation"
"""The observation by which a check asks for the attestation itself."""

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

    state = EXPIRED
    if not lapsed:
        state, result = _weighed(entry, result, asked=asked, unseen=unseen)
    elif unseen:
        # It would have decided: it is to be renewed.
        reason = f"{lapsed}; without it: {result.reason}"
        remedy = renewal(decided, run.environment.environment)
        result = result.model_copy(update={"reason": reason, "remedy": remedy})

    name = run.attestations.name_for(decided.name)
    carried = {"entry": name, "state": state, **entry.model_dump(mode="json")}
    return result.model_copy(update={"attestation": carried})


def _weighed(entry: Attestation, result: Result, *, asked: bool, unseen: bool) -> tuple[str, Result]:
    """Return what an attestation that counts is good for, and the result with it.

    `asked`: the check asks for the attestation itself. `unseen`: nothing is configured to see.
    """
    # The check has judged what the person attested.
    if asked and result.outcome is not Outcome.UNKNOWN:
        return DECIDES, result.model_copy(update={"attested": True})

    if unseen:
        return DECIDES, _decided_by(entry, result)

    # What a machine saw stands, and the person was wrong.
    if result.outcome is Outcome.FAIL and entry.holds:
        contradicted = f"this voids what {entry.who} attested on {entry.at}: {entry.statement}"
        return VOID, result.model_copy(update={"reason": f"{result.reason}; {contradicted}"})

    return UNUSED, result


def _decided_by(entry: Attestation, result: Result) -> Result:
    """Return the result that an attestation gives, where nothing is configured to see."""
    measured = RecordedMeasurement(
        name=entry.summary, value=entry.holds, comparator="is", limit=True, unit="", ok=entry.holds
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
