"""Where a person's word counts: for what nothing is configured to see. What a machine found always stands."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.evidence.attested import DECIDES, EXPIRED, UNUSED, VOID
from readiness.measurements import Measurement
from readiness.outcomes import Outcome
from readiness.plugin.run import ITEM, RUN
from readiness.runbook.attestations import Attestation
from readiness.runbook.lines import Item

OBSERVED = "attestation"
"""The observation by which a check asks for a person's word itself."""

JUDGED = {Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN}


def attest(item: pytest.Item, record: dict[str, Any], *, configured: bool) -> None:
    """Put a person's word into a `result` record, and say there what it was good for."""
    found, run = item.stash[ITEM], item.config.stash[RUN]
    entry, outcome = run.attestations.of(found.name), Outcome(record["outcome"])
    if entry is None or outcome not in JUDGED:
        return
    asked = OBSERVED in getattr(item, "fixturenames", ())
    lapsed = entry.lapsed(run.moment)
    state = EXPIRED if lapsed else UNUSED
    if asked and outcome is not Outcome.UNKNOWN and not lapsed:
        state, record["attested"] = DECIDES, True
    elif outcome is Outcome.UNKNOWN and not configured and not asked:
        if lapsed:
            command = renewal(found, run.environment.environment)
            record["reason"], record["remedy"] = f"{lapsed}; without it: {record['reason']}", command
        else:
            state = DECIDES
            _decide(record, entry)
    elif outcome is Outcome.FAIL and not lapsed and entry.holds:
        state = VOID
        record["reason"] += f"; this voids what {entry.who} attested on {entry.at}: {entry.statement}"
    name = run.attestations.name_for(found.name)
    record["attestation"] = {"entry": name, "state": state, **entry.model_dump(mode="json")}


def _decide(record: dict[str, Any], entry: Attestation) -> None:
    """Take a person's word for what nothing is configured to see."""
    instead = {key: record[key] for key in ("outcome", "reason", "remedy")}
    measured = Measurement(entry.summary, entry.holds, "is", True, "", entry.holds)
    record |= {"attested": True, "instead_of": instead, "measurements": [vars(measured)], "reason": "", "remedy": ""}
    record["outcome"] = str(Outcome.PASS if entry.holds else Outcome.FAIL)
    if not entry.holds:
        record["reason"] = str(measured)
        record["remedy"] = f"speak with {entry.who}, mend it, and attest it again"


def renewal(item: Item, environment: str) -> str:
    """Give the command that renews an attestation."""
    return f"look again, then renew it: readiness attest {item.name} --env {environment}"
