"""The drills of the target: the newest of each kind that counts, judged again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from readiness.drill.evidence import (
    OF_A_REVISION,
    Broken,
    DrillEvidence,
    FellBack,
    Incident,
    Restored,
    RolledBack,
    Switched,
    folders,
    read,
)
from readiness.drill.verdict import backup_hours, done_steps, faults, gaps
from readiness.environment.schema import Environment
from readiness.files.evidence_file import EvidenceArchive
from readiness.observations import observation
from readiness.observations.needs import AnyNeed, need, revision
from readiness.outcomes import NotConfigured, Unknown
from readiness.runbook.limits import Limits
from readiness.sources.readings import Readings, revision_of
from readiness.timeline import CLOCKS_DIFFER

Facts = TypeVar("Facts", Restored, Switched, RolledBack, Broken, FellBack, Incident)


class DrillLimits(Limits):
    """How old a drill may be to count for a line."""

    days_at_most: float


@dataclass(frozen=True)
class Drilled:
    """One drill that counts."""

    run: str
    days: float
    """Its age at the moment that is judged."""
    faults: list[str]
    """What the target failed in, and what was not put back."""


@dataclass(frozen=True)
class RestoreDrill(Drilled):
    """A restore that was tried."""

    hours: float
    """From the decision to the end of the comparison; 0 where it failed."""
    backup_hours: float
    """Age of the backup that was restored, when the drill began."""


@dataclass(frozen=True)
class RollbackDrill(Drilled):
    """A rollback that was tried."""

    minutes: float
    """Until the wanted version was served and healthy; 0 where it never was."""


@dataclass(frozen=True)
class IncidentDrill(Drilled):
    """An incident that was played through."""

    steps: list[str]
    """Those that were done, in the order in which they were done."""


@dataclass(frozen=True)
class Demand:
    """Whose drills count, when, at which revision."""

    archive: EvidenceArchive
    environment: Environment
    readings: Readings
    """What tells the revision where the environment does not."""
    moment: datetime
    days_at_most: float

    def newest(self, drill: str) -> DrillEvidence:
        """Return the newest drill that counts. Raises Unknown with the reason against each newer one."""
        revision_now = revision_of(self.environment.target, self.readings) if drill in OF_A_REVISION else None
        name = _drilled_in(self.environment)

        def reasons_against(candidate: DrillEvidence) -> Iterator[str]:
            if (candidate.environment, candidate.drill) != (name, drill):
                yield f"it is of {candidate.environment}, {candidate.drill}"
            # A failure that was seen stands, whatever was not seen.
            if not _failures(candidate):
                yield from _unseen(candidate)
            if drill in OF_A_REVISION:
                yield from _of_another_revision(candidate, revision_now)
            yield from self._too_old(candidate)

        candidates = folders(self.archive.reports, name, drill)
        evidence, against = self.archive.newest(candidates, read, reasons_against)
        if evidence is None:
            reasons = against or f"{name} has none in reports/{name}/drills/"
            raise Unknown(f"no drill '{drill}' that counts: {reasons}", f"readiness drill {drill} --env {name}")
        return evidence

    def _too_old(self, evidence: DrillEvidence) -> Iterator[str]:
        age = self.moment - (evidence.finished_at or evidence.started_at)
        if age < -CLOCKS_DIFFER:
            yield "it ended after the moment that is judged"
        if age > timedelta(days=self.days_at_most):
            yield f"it is {age.days} days old, allowed are {self.days_at_most:g}"


def _unseen(evidence: DrillEvidence) -> Iterator[str]:
    """Yield what the evidence does not show of the drill."""
    if evidence.ended != "whole":
        yield f"it was cut short: {evidence.ended_because or 'it did not end'}"
    else:
        yield from gaps(evidence)


def _of_another_revision(evidence: DrillEvidence, revision_now: str | None) -> Iterator[str]:
    if evidence.revision is None:
        yield f"it does not know the revision it ran on: {evidence.revision_unknown_because}"
    elif evidence.revision != revision_now:
        yield f"it ran on revision {evidence.revision}, {revision_now} is to be launched"


def described(drill: str) -> AnyNeed:
    """Return the need of a drill: its description, or a folder of one that was done."""
    section = drill.replace("-", "_")

    def find(environment: Environment, archive: EvidenceArchive) -> None:
        settings = environment.drills
        is_described = settings is not None and bool(settings.drilled_in or getattr(settings, section))
        if not is_described and not any(folders(archive.reports, _drilled_in(environment), drill)):
            raise NotConfigured(f"no drill '{drill}' is described", f"set drills.{section} in the environment file")

    return need(f"drills.{section}")(find)


def _drilled_in(environment: Environment) -> str:
    """Return the environment whose drills count."""
    # A drill that must not run against this environment is run in another one, which describes it.
    drilled_in = environment.drills.drilled_in if environment.drills else None
    return drilled_in or environment.environment


def _days(evidence: DrillEvidence, moment: datetime) -> float:
    return (moment - (evidence.finished_at or evidence.started_at)) / timedelta(days=1)


def _failures(evidence: DrillEvidence) -> list[str]:
    """Return what the target failed in, and what was not put back after the drill."""
    not_put_back = [f"it was not put back: {what}" for what in evidence.left]
    return [*faults(evidence), *not_put_back]


def _facts(kind: type[Facts], evidence: DrillEvidence) -> Facts:
    """Return the facts of a drill as those of its kind. Raises Unknown where they are another's."""
    if not isinstance(evidence.facts, kind):
        raise Unknown(f"{evidence.run}: the facts are those of another drill", "run the drill again")
    return evidence.facts


@observation(needs=described("restore"))
def restore_drill(
    readings: Readings, environment: Environment, moment: datetime, archive: EvidenceArchive, days_at_most: float
) -> RestoreDrill:
    """Return the newest restore that counts."""
    evidence = Demand(archive, environment, readings, moment, days_at_most).newest("restore")
    seconds = _facts(Restored, evidence).seconds or 0.0
    return RestoreDrill(
        evidence.run,
        days=_days(evidence, moment),
        faults=_failures(evidence),
        hours=seconds / 3600,
        backup_hours=backup_hours(evidence) or 0.0,
    )


@observation(needs=(described("kill-switch"), revision))
def kill_switch_drill(
    readings: Readings, environment: Environment, moment: datetime, archive: EvidenceArchive, days_at_most: float
) -> Drilled:
    """Return the newest turn of the kill switch that counts."""
    evidence = Demand(archive, environment, readings, moment, days_at_most).newest("kill-switch")
    return Drilled(evidence.run, _days(evidence, moment), _failures(evidence))


@observation(needs=(described("rollback"), revision))
def rollback_drill(
    readings: Readings, environment: Environment, moment: datetime, archive: EvidenceArchive, days_at_most: float
) -> RollbackDrill:
    """Return the newest rollback that counts."""
    evidence = Demand(archive, environment, readings, moment, days_at_most).newest("rollback")
    seconds = _facts(RolledBack, evidence).seconds or 0.0
    return RollbackDrill(evidence.run, _days(evidence, moment), _failures(evidence), minutes=seconds / 60)


@observation(needs=(described("circuit-breaker"), revision))
def circuit_breaker_drill(
    readings: Readings, environment: Environment, moment: datetime, archive: EvidenceArchive, days_at_most: float
) -> Drilled:
    """Return the newest trial of a circuit breaker that counts."""
    evidence = Demand(archive, environment, readings, moment, days_at_most).newest("circuit-breaker")
    return Drilled(evidence.run, _days(evidence, moment), _failures(evidence))


@observation(needs=(described("fallback"), revision))
def fallback_drill(
    readings: Readings, environment: Environment, moment: datetime, archive: EvidenceArchive, days_at_most: float
) -> Drilled:
    """Return the newest trial of a fallback that counts."""
    evidence = Demand(archive, environment, readings, moment, days_at_most).newest("fallback")
    return Drilled(evidence.run, _days(evidence, moment), _failures(evidence))


@observation(needs=described("incident"))
def incident_drill(
    readings: Readings, environment: Environment, moment: datetime, archive: EvidenceArchive, days_at_most: float
) -> IncidentDrill:
    """Return the newest incident that was played through and counts."""
    evidence = Demand(archive, environment, readings, moment, days_at_most).newest("incident")
    return IncidentDrill(evidence.run, _days(evidence, moment), _failures(evidence), done_steps(evidence))
