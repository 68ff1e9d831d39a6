"""The first thirty minutes as a page of a run tells them: from what the run has recorded, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from readiness.evidence.journal import RecordedRun
from readiness.evidence.recorded_facts import recorded_facts
from readiness.evidence.rejudge import judge
from readiness.incident.plain_walk import PLAIN_WALK
from readiness.incident.walk import IncidentWalk
from readiness.incident.walked import FilledWalk, fill
from readiness.outcomes import Phase

FAILED = 1


def is_incident(run: RecordedRun) -> bool:
    """Check whether a run after the launch has found something that somebody must see to now."""
    return run.start.phase is Phase.POSTLAUNCH and not run.start.replay and judge(run).verdict.exit == FAILED


def command_of(environment: str) -> str:
    """Return the command that asks for the facts of now."""
    return f"readiness incident --env {environment}"


def walks_of(run: RecordedRun) -> Iterator[FilledWalk]:
    """Yield the walk of each runbook of a run that failed, as the run's own record fills it in."""
    if not run.plan or not is_incident(run):
        return
    for book in run.plan.books:
        try:
            walk = IncidentWalk.model_validate(book.incident) if book.incident else PLAIN_WALK
        except ValidationError:  # of another version: the command knows today's
            continue
        yield fill(book.runbook, book.title, walk, recorded_facts(run, book.runbook, walk))
