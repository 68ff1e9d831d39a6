"""What people attest, line by line."""

from __future__ import annotations

from datetime import datetime

from readiness.environment.schema import Environment
from readiness.observations import observation
from readiness.observations.needs import need
from readiness.outcomes import NotConfigured, Unknown
from readiness.runbook.attestations import Attestation, Attestations


@need("an attestation of the line")
def attested(attestations: Attestations, line: str, environment: Environment) -> Attestation:
    """Return what is attested of the line, also what has lapsed. Raises NotConfigured."""
    found = attestations.of(line)
    if found is None:
        reason = f"not configured: nobody has attested {line}"
        raise NotConfigured(reason, f"look, then say so: {_command(line, environment)}")
    return found


@observation(needs=attested)
def attestation(attestations: Attestations, line: str, environment: Environment, moment: datetime) -> Attestation:
    """Give what is attested of the line that is judged. It counts no longer than it says."""
    found = attested(attestations, line, environment)
    lapsed = found.lapsed(moment)
    if lapsed:
        raise Unknown(lapsed, f"look again, then renew it: {_command(line, environment)}")
    return found


def _command(line: str, environment: Environment) -> str:
    name = line if ":" not in line else f"'{line}'"
    return f"readiness attest {name} --env {environment.environment}"
