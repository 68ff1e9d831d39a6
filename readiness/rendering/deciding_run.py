"""The run that decides a phase on the sign-off page, and all that keeps a good verdict from standing on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from readiness.evidence.journal import RecordedRun
from readiness.evidence.newest_run import ahead
from readiness.evidence.records import Result
from readiness.evidence.rejudge import Judged
from readiness.evidence.signing import PublicKey
from readiness.evidence.standing import Demands, Place, Standing, standing_of
from readiness.outcomes import Phase
from readiness.verdict import VerdictStatus


@dataclass(frozen=True)
class DecidingRun:
    """The run that decides a phase, with its judgement and every reservation about it."""

    run: RecordedRun
    judged: Judged
    """With what newer runs took away."""
    stale: str = ""
    """Why what passed in it cannot be relied on any more."""
    notes: tuple[str, ...] = ()
    refuted: tuple[str, ...] = ()
    """Where its journal contradicts itself."""
    unproven: tuple[str, ...] = ()
    """What the ledger says against it, or against newer runs that left something out."""
    overtaken: tuple[str, ...] = ()
    """Why it is not the newest that is known: a start that was refused, a newer run that cannot be read."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """All that keeps a good verdict from standing on it."""
        return (*self.refuted, *self.unproven, *self.overtaken)

    @property
    def word(self) -> str:
        """The verdict, as far as it stands."""
        verdict = self.judged.verdict
        return str(VerdictStatus.INCOMPLETE if verdict.good and self.doubts else verdict.word)

    @property
    def results(self) -> list[Result]:
        """Every decision that the phase demands, the missing ones too."""
        return [*self.run.results, *self.judged.missing]


def as_they_stand(
    phases: dict[Phase, DecidingRun], place: Place, trusted: Mapping[str, PublicKey], now: datetime
) -> Iterator[tuple[Phase, DecidingRun]]:
    """Yield each phase with what `readiness verify` has against it.

    The page of a sign-off is a record: a phase that another one followed, or that was signed, grows no older, and a
    later run that left something out only takes away from it. Until then what counts is the newest that is known.
    """
    for phase, decided in phases.items():
        is_followed = Phase.GA in phases or any(list(Phase).index(other) > list(Phase).index(phase) for other in phases)
        until = decided.run.start.started_at if is_followed else now
        standing = standing_of(place, phase, trusted, Demands(now, at=until, of_today=not is_followed))
        if standing.folder == decided.run.folder:
            more = [why for why in standing.why if why not in decided.doubts]
            yield phase, replace(decided, unproven=(*decided.unproven, *more))
        else:
            overtaken = tuple(_overtakes(standing, decided, now, is_record=is_followed))
            yield phase, replace(decided, overtaken=overtaken)


def _overtakes(standing: Standing, decided: DecidingRun, now: datetime, *, is_record: bool) -> Iterator[str]:
    """Yield why the newest that is known is not the run that decides."""
    if standing.examined is None:
        yield from standing.why
        return
    newest = standing.examined.recorded
    # Of another target it says nothing.
    if newest.start.target.url != decided.run.start.target.url:
        return
    faults = [*standing.examined.audit.tampered, *ahead(newest.start, now)]
    # A bad word needs nothing newer to stand.
    if not faults and not is_record and standing.exit and decided.judged.verdict.good:
        faults = [f"it is {standing.word}, and older runs are not the newest that is known"]
    yield from (f"{newest.folder.name} is newer: {fault}" for fault in faults)
