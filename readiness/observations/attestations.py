"""What people attest, line by line."""

from __future__ import annotations

from datetime import datetime

from readiness.environment.schema import Environment
from readiness.observations import observation
from readiness.outcomes import NotConfigured, Unknown
from readiness.runbook.attestations import Attestation, Attestations


@observation
def attestation(attestations: Attestations, line: str, environment: Environment, moment: datetime) -> Attestation:
    """Return what is attested of the line that is judged. Raises Unknown for nothing, and for what has lapsed."""
    # A subject may hold spaces, which a shell would split.
    name = f"'{line}'" if ":" in line else line
    command = f"readiness attest {name} --env {environment.environment}"
    entry = attestations.of(line)
    if entry is None:
        raise NotConfigured(f"not configured: nobody has attested {line}", f"look, then say so: {command}")

    lapsed = entry.lapsed(moment)
    if lapsed:
        raise Unknown(lapsed, f"look again, then renew it: {command}")
    return entry
