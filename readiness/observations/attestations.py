"""What people attest, line by line."""

from __future__ import annotations

from datetime import datetime

from readiness.environment.schema import Environment
from readiness.observations import observation
from readiness.outcomes import NotConfigured, Unknown
from readiness.runbook.attestations import Attestation, Attestations


@observation
def attestation(attestations: Attestations, line: str, environment: Environment, moment: datetime) -> Attestation:
    """Give what is attested of the line that is judged. It counts no longer than it says."""
    name = line if ":" not in line else f"'{line}'"
    command = f"readiness attest {name} --env {environment.environment}"
    found = attestations.of(line)
    if found is None:
        raise NotConfigured(f"not configured: nobody has attested {line}", f"look, then say so: {command}")
    lapsed = found.lapsed(moment)
    if lapsed:
        raise Unknown(lapsed, f"look again, then renew it: {command}")
    return found
