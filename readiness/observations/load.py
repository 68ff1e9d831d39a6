"""The load rehearsals of the target: the newest that counts, judged again by the line's limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from readiness.environment.schema import Environment
from readiness.files.evidence_file import EvidenceArchive
from readiness.observations import observation
from readiness.observations.needs import revision
from readiness.outcomes import Unknown
from readiness.rehearsal.evidence import RehearsalEvidence, folders, read
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.stages import STAGES
from readiness.rehearsal.verdict import Conclusion, Judgement, judge
from readiness.runbook.limits import Limits, Share
from readiness.sources.readings import Readings, revision_of
from readiness.timeline import CLOCKS_DIFFER


class RehearsalLimits(Limits):
    """What a rehearsal has to be to count for a line."""

    # In this order the limits stand in the key of a recorded look.
    stage: str | None = None
    """The stage; without it each of those that ship."""
    days_at_most: float
    """Its age."""
    p95_seconds_below: float
    share_below: Share


@dataclass(frozen=True)
class CapacityLimits:
    """How many users a rehearsal must have had, whatever its stage, and what it has to be to count."""

    users_at_least: int
    days_at_most: float
    p95_seconds_below: float
    share_below: float


@dataclass(frozen=True)
class Rehearsed:
    """One rehearsal that counts, judged by the line's limits."""

    stage: str
    run: str
    passed: bool
    reasons: list[str]
    users: int
    """Held at once, as if the sandbox were not smaller."""
    minutes: float
    p95_seconds: float
    """The upper bound where it is under the limit, else the lower bound."""
    p95_certain: bool
    """False where the limit lies between the bounds, or nothing was answered."""
    share_failed: float


@dataclass(frozen=True)
class Missing:
    """A stage of which no rehearsal counts: why, and what makes one."""

    reason: str
    remedy: str


@dataclass(frozen=True)
class Rehearsals:
    """The rehearsals that a line is about, one for each stage."""

    each: list[Rehearsed]
    missing: list[Missing]
    """The other stages; a figure of the rest that is good enough says nothing of them."""

    @property
    def not_passed(self) -> list[str]:
        """Each that failed, with its reasons."""
        return [f"{rehearsed.run}: {'; '.join(rehearsed.reasons)}" for rehearsed in self.each if not rehearsed.passed]

    @property
    def fewest_users(self) -> int:
        """Of the smallest."""
        return min(rehearsed.users for rehearsed in self.each)

    @property
    def shortest_minutes(self) -> float:
        """Of the shortest hold."""
        return min(rehearsed.minutes for rehearsed in self.each)

    def slowest(self, seconds_below: float) -> float:
        """Return the highest p95, in seconds.

        Raises Unknown where the generator hides it, or where a stage is missing and no other one is too slow.
        """
        slowest = max(rehearsed.p95_seconds for rehearsed in self.each)
        if slowest >= seconds_below:
            return slowest

        self.demand_all()
        hidden = [rehearsed.run for rehearsed in self.each if not rehearsed.p95_certain]
        if hidden:
            reason = f"{', '.join(hidden)}: the limit lies between the bounds of p95, or nothing was answered"
            raise Unknown(reason, "look at the rehearsal's page; rehearse with --processes 2")
        return slowest

    def worst_share_failed(self, share_below: float) -> float:
        """Return the highest share of failed requests. Unknown where a stage is missing and no other one is too bad."""
        worst = max(rehearsed.share_failed for rehearsed in self.each)
        if worst < share_below:
            self.demand_all()
        return worst

    def demand_all(self) -> None:
        """Raise Unknown where a stage is missing."""
        if self.missing:
            reasons = "; ".join(stage.reason for stage in self.missing)
            remedies = " && ".join(stage.remedy for stage in self.missing)
            raise Unknown(reasons, remedies)


@dataclass(frozen=True)
class Demand:
    """Who must have been rehearsed, when, at which revision, by which limits."""

    archive: EvidenceArchive
    environment: str
    """Whose rehearsals count."""
    judged: Environment
    revision: str
    moment: datetime
    limits: RehearsalLimits | CapacityLimits

    def renew(self, stage: str) -> str:
        """Return the command that makes a new one."""
        return f"readiness rehearse --env {self.environment} --stage {stage}"

    def newest(self, stage: str) -> Rehearsed:
        """Return the newest rehearsal of a stage that counts. Raises Unknown with the reason against each newer one."""
        worked_out: dict[str, Figures] = {}

        def speaks_against(evidence: RehearsalEvidence) -> Iterator[str]:
            worked_out[evidence.run] = Figures.of(evidence)
            return self._against(worked_out[evidence.run], stage)

        candidates = folders(self.archive.reports, self.environment, stage)
        evidence, against = self.archive.newest(candidates, read, speaks_against)
        if evidence is None:
            reasons = against or f"{self.environment} has none in reports/{self.environment}/rehearsals/"
            raise Unknown(f"no rehearsal '{stage}' that counts: {reasons}", self.renew(stage))
        return self._judged(worked_out[evidence.run])

    def _by_line(self, figures: Figures) -> Judgement:
        """Return the judgement of a rehearsal by the line's limits in place of its own."""
        limits = {"p95_seconds_below": self.limits.p95_seconds_below, "share_below": self.limits.share_below}
        return judge(figures, figures.evidence.asked.model_copy(update=limits))

    def _against(self, figures: Figures, stage: str) -> Iterator[str]:
        """Yield why a rehearsal does not count here."""
        evidence = figures.evidence
        if (evidence.environment, evidence.stage) != (self.environment, stage):
            yield f"it is of {evidence.environment}, {evidence.stage}"
        if evidence.scale != 1 and not self.judged.sandbox:
            yield f"it was scaled by {evidence.scale:g}, which proves nothing but the sandbox"

        if evidence.target.revision is None:
            yield f"it does not know the revision it ran on: {evidence.target.revision_unknown_because}"
        elif evidence.target.revision != self.revision:
            yield f"it ran on revision {evidence.target.revision}, {self.revision} is to be launched"

        asked = evidence.asked
        limits = self.limits
        if asked.p95_seconds_below > limits.p95_seconds_below or asked.share_below > limits.share_below:
            yield f"its limits were looser: p95 {asked.p95_seconds_below:g} s, errors {asked.share_below:.2%}"

        age = self.moment - (evidence.finished_at or evidence.started_at)
        if age < -CLOCKS_DIFFER:
            yield "it ended after the moment that is judged"
        if age > timedelta(days=limits.days_at_most):
            yield f"it is {age.days} days old, allowed are {limits.days_at_most:g}"

        judgement = self._by_line(figures)
        if judgement.word is Conclusion.INCONCLUSIVE:
            yield f"it is inconclusive: {'; '.join(reason.says for reason in judgement.reasons)}"

    def _judged(self, figures: Figures) -> Rehearsed:
        evidence = figures.evidence
        judgement = self._by_line(figures)
        limit = self.limits.p95_seconds_below
        low = figures.p95_widest.low
        high = figures.p95_widest.high
        return Rehearsed(
            stage=evidence.stage,
            run=evidence.run,
            passed=judgement.word is Conclusion.PASS,
            reasons=[reason.says for reason in judgement.reasons],
            users=round(evidence.asked.users / evidence.scale),
            minutes=evidence.asked.hold_minutes / evidence.scale,
            p95_seconds=high if high < limit else low,
            p95_certain=0 < high < limit or low >= limit,
            share_failed=figures.share_failed,
        )


def _demand(
    readings: Readings,
    environment: Environment,
    moment: datetime,
    archive: EvidenceArchive,
    limits: RehearsalLimits | CapacityLimits,
) -> Demand:
    runs = revision_of(environment.target, readings)
    name = environment.load.rehearsed_in if environment.load else None
    return Demand(archive, name or environment.environment, environment, runs, moment, limits)


@observation(needs=revision)
def rehearsals(
    readings: Readings, environment: Environment, moment: datetime, archive: EvidenceArchive, limits: RehearsalLimits
) -> Rehearsals:
    """Return the newest rehearsals that count, of one stage or of each that ships; all of them, or one that failed."""
    demand = _demand(readings, environment, moment, archive, limits)
    counted: list[Rehearsed] = []
    missing: list[Missing] = []
    for stage in [limits.stage] if limits.stage else STAGES:
        try:
            counted.append(demand.newest(stage))
        except Unknown as unknown:
            missing.append(Missing(unknown.reason, unknown.remedy))

    # A rehearsal that failed decides the lines, whatever is missing beside it.
    result = Rehearsals(counted, missing)
    if all(rehearsed.passed for rehearsed in counted):
        result.demand_all()
    return result


@observation(needs=revision)
def capacity(
    readings: Readings, environment: Environment, moment: datetime, archive: EvidenceArchive, limits: CapacityLimits
) -> Rehearsed:
    """Return the largest rehearsal that passed; a larger one that failed and was asked for is the answer instead."""
    demand = _demand(readings, environment, moment, archive, limits)
    wanted = limits.users_at_least
    counted: list[Rehearsed] = []
    refused: list[str] = []
    for stage in sorted({folder.name.partition("-")[2] for folder in folders(archive.reports, demand.environment)}):
        try:
            counted.append(demand.newest(stage))
        except Unknown as unknown:
            refused.append(unknown.reason)

    large = [rehearsed for rehearsed in counted if rehearsed.users >= wanted]
    if large:
        return max(large, key=lambda rehearsed: (rehearsed.passed, rehearsed.users))

    most = max((rehearsed.users for rehearsed in counted if rehearsed.passed), default=0)
    reason = f"no rehearsal had {wanted:,} users; the largest that passed had {most:,}"
    remedy = f"add a stage with {wanted} users to load.stages, then: {demand.renew('<its name>')}"
    raise Unknown("; ".join([reason, *refused]), remedy)
