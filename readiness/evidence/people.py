"""How a run of today would read what people wrote beside an environment file: by which lines, approvers and owners."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from readiness import timeline
from readiness.config.variables import filled_where_set
from readiness.environment.stated import StatedEnvironment
from readiness.outcomes import Phase
from readiness.runbook.approvers import Approvers

if TYPE_CHECKING:
    from readiness.runbook.lines import Runbook


@dataclass(frozen=True)
class People:
    """The rules by which today's attestations, waivers and sign-off are read."""

    phase: Phase
    moment: datetime
    """The moment that a run is to count for."""
    runbooks: tuple[Runbook, ...]
    approvers: Approvers
    owners: Mapping[str, str]

    @classmethod
    def of(cls, stated: StatedEnvironment, runbooks: Sequence[Runbook], phase: Phase, moment: datetime) -> People:
        """Return the rules that an environment file states."""
        return cls(phase, moment, tuple(runbooks), Approvers(_filled(stated.approvers)), _filled(stated.owners))

    def has_come(self, day: date) -> bool:
        """Check whether a day that people wrote has begun."""
        return timeline.has_come(day, self.moment)


def _filled(names: Mapping[str, str]) -> dict[str, str]:
    """Return names with the variables that are set here. One that is not set stands for itself, and for no other."""
    return {name: filled_where_set(text, os.environ) for name, text in names.items()}
