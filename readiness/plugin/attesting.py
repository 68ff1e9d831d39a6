"""Where an attestation counts: for what nothing is configured to see. What a machine measured always stands."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import pytest

from readiness.evidence.attested import DECIDES, EXPIRED, UNUSED, VOID
from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.evidence.records import Result
from readiness.outcomes import Outcome
from readiness.plugin import both_parts
from readiness.plugin.run import Run
from readiness.plugin.session import SESSION, STATE
from readiness.provenance import Word
from readiness.runbook.attestations import Attestation
from readiness.runbook.lines import Item
from readiness.timeline import parse_span

OBSERVED = "attestation"
"""The observation by which a check asks for the attestation itself."""

JUDGED = {Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN}


def attest(item: pytest.Item, result: Result, *, configured: bool) -> Result:
    """Return the result with the attestation of its line, and with what that was good for."""
    run, decided = item.config.stash[SESSION].run, item.stash[STATE].item
    entry = run.attestations.of(decided.name)
    asked = OBSERVED in getattr(item, "fixturenames", ())
    needs_both = decided.line.needs_both and not asked and result.outcome in JUDGED - {Outcome.FAIL}
    if entry is None:
        environment = run.environment.environment
        return both_parts.without_a_word(result, decided, environment) if needs_both else result
    if result.outcome not in JUDGED:
        return result

    unseen = result.outcome is Outcome.UNKNOWN and not configured and not asked
    lapsed = why_not(run, decided, entry)

    state = EXPIRED
    if needs_both:
        state, result = _with_both(run, decided, entry, result, lapsed)
    elif not lapsed:
        state, result = _weighed(entry, result, _deadline(run, decided), asked=asked, unseen=unseen)
    elif unseen:
        # It would have decided: it is to be renewed.
        reason = f"{lapsed}; without it: {result.reason}"
        remedy = renewal(decided, run.environment.environment)
        result = result.model_copy(update={"reason": reason, "remedy": remedy})
    elif asked and result.outcome is not Outcome.UNKNOWN:
        # The check knows what was attested, and not of which time its line speaks.
        remedy = renewal(decided, run.environment.environment)
        unknown = {"outcome": Outcome.UNKNOWN, "reason": lapsed, "remedy": remedy, "measurements": (), "step": None}
        result = result.model_copy(update=unknown)

    name = run.attestations.name_for(decided.name)
    carried = {"entry": name, "state": state, **entry.model_dump(mode="json")}
    return result.model_copy(update={"attestation": carried})


def _with_both(run: Run, item: Item, entry: Attestation, result: Result, lapsed: str | None) -> tuple[str, Result]:
    """Return what a word is good for that is one of two parts, and the result of both."""
    if lapsed:
        return EXPIRED, both_parts.without_a_word(result, item, run.environment.environment, lapsed)
    return both_parts.with_a_word(result, entry, _measured_word(entry, _deadline(run, item)))


def why_not(run: Run, item: Item, entry: Attestation) -> str | None:
    """Return why an attestation does not count for an item at the moment that is judged; None where it does."""
    signed_at = run.sign_off.signed_at if run.sign_off else None
    lapsed = entry.lapsed(run.moment)
    return lapsed or entry.of_another_time(item.line.due, run.environment.launch_at, signed_at)


def _deadline(run: Run, item: Item) -> datetime | None:
    """Return by when a line wants its word; None where it states no such time."""
    within, launch_at = item.limits.get("within"), run.environment.launch_at
    if not isinstance(within, str) or launch_at is None:
        return None
    # The limits of a check that is not written yet are read by nobody else.
    with suppress(ValueError):
        return launch_at + parse_span(within)
    return None


def _weighed(
    entry: Attestation, result: Result, deadline: datetime | None, *, asked: bool, unseen: bool
) -> tuple[str, Result]:
    """Return what an attestation that counts is good for, and the result with it.

    `asked`: the check asks for the attestation itself. `unseen`: nothing is configured to see.
    """
    # The check has judged what the person attested.
    if asked and result.outcome is not Outcome.UNKNOWN:
        return DECIDES, result.model_copy(update={"attested": True})

    if unseen:
        return DECIDES, _decided_by(entry, result, deadline)

    # What a machine saw stands, and the person was wrong.
    if result.outcome is Outcome.FAIL and entry.holds:
        contradicted = f"this voids what {entry.who} attested on {entry.at}: {entry.statement}"
        return VOID, result.model_copy(update={"reason": f"{result.reason}; {contradicted}"})

    return UNUSED, result


def _decided_by(entry: Attestation, result: Result, deadline: datetime | None) -> Result:
    """Return the result that an attestation gives, where nothing is configured to see."""
    measured = _measured_word(entry, deadline)
    instead_of = {"outcome": str(result.outcome), "reason": result.reason, "remedy": result.remedy}
    attested = result.model_copy(
        update={
            "attested": True,
            "instead_of": instead_of,
            "measurements": tuple(measured),
            "provenance": (Word(entry.who, str(entry.at), str(entry.valid_until)),),
            "outcome": Outcome.PASS,
            "reason": "",
            "remedy": "",
        }
    )
    broken = next((one for one in measured if not one.ok), None)
    if broken is None:
        return attested

    remedy = f"speak with {entry.who}, mend it, and attest it again"
    return attested.model_copy(
        update={"outcome": Outcome.FAIL, "reason": str(broken.measurement()), "remedy": remedy},
    )


def _measured_word(entry: Attestation, deadline: datetime | None) -> list[RecordedMeasurement]:
    """Return a person's word as measurements: that it holds, and that it came in time."""
    measured = [_measured(entry.summary, entry.holds, limit=True)]
    if deadline:
        late = f"attested on {entry.at} and therefore too late, due {deadline:%Y-%m-%d %H:%M}Z"
        measured.append(_measured(late, entry.is_late(deadline), limit=False))
    return measured


def _measured(name: str, value: bool, *, limit: bool) -> RecordedMeasurement:
    return RecordedMeasurement(name=name, value=value, comparator="is", limit=limit, unit="", ok=value is limit)


def renewal(item: Item, environment: str) -> str:
    """Return the command that renews an attestation."""
    return f"look again, then renew it: readiness attest {item.name} --env {environment}"
