"""What people have written beside an environment file, read by the rules of a run: what one refuses does not count."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.environment.declarations import Declarations, stated_declarations
from readiness.environment.stated import stated_environment
from readiness.errors import BadInput
from readiness.evidence.people import People
from readiness.outcomes import Phase
from readiness.runbook import attestations, sign_off, waivers
from readiness.runbook.attestations import Attestation
from readiness.runbook.waivers import Waiver

if TYPE_CHECKING:
    from readiness.runbook.lines import Runbook


@dataclass(frozen=True)
class StatedByPeople:
    """The entries of today that a run would take."""

    attestations: Mapping[str, Attestation] | None = field(default_factory=dict)
    """None where a variable names the file, so that only a run knows it."""
    waivers: Mapping[str, Waiver] = field(default_factory=dict)
    declared: Declarations | None = field(default_factory=dict)
    """Who answers for a value that nobody measures; None where a variable has a part of it, which only a run knows."""


def stated_by_people(file: Path, runbooks: Sequence[Runbook], moment: datetime) -> StatedByPeople:
    """Return what people state beside an environment file. Raises BadInput with all that a run would refuse."""
    stated = stated_environment(file)
    people = People.of(stated, runbooks, Phase.GA, moment)
    problems = [f"{file.name}: approvers: {wrong}" for _, wrong in people.approvers.faults()]

    attested: Mapping[str, Attestation] | None = None
    waived: Mapping[str, Waiver] = {}
    declared: Declarations | None = None
    with _adding_to(problems):
        if "${" not in stated.attestations:
            attested = _attested(file, stated.attestations, runbooks)
    with _adding_to(problems):
        declared = stated_declarations(file)
    with _adding_to(problems):
        path = file.with_name(f"{file.stem}{waivers.SUFFIX}")
        waived = waivers.load(path, runbooks, os.environ, people.approvers, people.owners).waivers
    with _adding_to(problems):
        if "${" not in stated.sign_off:
            place = Path(stated.sign_off) if stated.sign_off else None
            sign_off.load(sign_off.path_of(file.stem, file.parent, place), people.approvers)

    if problems:
        raise BadInput(problems)
    return StatedByPeople(attested, waived, declared)


def _attested(file: Path, place: str, runbooks: Sequence[Runbook]) -> Mapping[str, Attestation]:
    path = attestations.path_of(file.stem, file.parent, Path(place) if place else None)
    return attestations.load(path, runbooks, os.environ, required=bool(place)).attestations


@contextmanager
def _adding_to(problems: list[str]) -> Iterator[None]:
    """Add what is wrong to a list, and go on."""
    try:
        yield
    except BadInput as error:
        problems += error.problems
