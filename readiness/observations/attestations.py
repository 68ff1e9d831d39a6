"""What people attest, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from readiness.environment.schema import Environment
from readiness.observations import observation
from readiness.observations.needs import need, stated
from readiness.outcomes import NotConfigured, Unknown
from readiness.provenance import Word, note
from readiness.runbook.attestations import Attestation, Attestations
from readiness.timeline import parse_span


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
    note(_word_of(entry))
    lapsed = entry.lapsed(moment)
    if lapsed:
        raise Unknown(lapsed, f"look again, then renew it: {_command(line, environment)}")
    return entry


@dataclass(frozen=True)
class Promptness:
    """Whether what a line attests was attested within the time after the launch that the line allows."""

    attested_on: str
    late: bool
    """A word that came later says that the work did."""


@need("launch_at, where the line says within")
def launch_of_deadline(launch_at: datetime | None, within: str | None) -> None:
    """Make sure that the launch time is there where a deadline counts from it. Raises NotConfigured."""
    if within:
        stated(launch_at)


@observation(needs=(attested, launch_of_deadline))
def promptness(
    attestations: Attestations, line: str, environment: Environment, launch_at: datetime | None, within: str | None
) -> Promptness:
    """Return whether the line was attested within so long after the launch; without a deadline nothing is late."""
    entry = attested(attestations, line, environment)
    note(_word_of(entry))
    is_late = within is not None and entry.is_late(stated(launch_at) + parse_span(within))
    return Promptness(str(entry.at), is_late)


def _word_of(entry: Attestation) -> Word:
    return Word(entry.who, str(entry.at), str(entry.valid_until))


def _command(line: str, environment: Environment) -> str:
    # A subject may hold spaces, which a shell would split.
    name = f"'{line}'" if ":" in line else line
    return f"readiness attest {name} --env {environment.environment}"
