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
    entry = attestations.of(line)
    if entry is None:
        raise NotConfigured(
            f"not configured: nobody has attested {line}", f"look, then say so: {_command(line, environment)}"
        )
    return entry


@observation(needs=attested)
def attestation(attestations: Attestations, line: str, environment: Environment, moment: datetime) -> Attestation:
    """Return what is attested of the line that is judged. Raises Unknown for nothing, and for what has lapsed."""
    entry = attested(attestations, line, environment)
    lapsed = entry.lapsed(moment)
    if lapsed:
        raise Unknown(lapsed, f"look again, then renew it: {_command(line, environment)}")
    return entry


def _command(line: str, environment: Environment) -> str:
    # A subject may hold spaces, which a shell would split.
    name = f"'{line}'" if ":" in line else line
    return f"readiness attest {name} --env {environment.environment}"
