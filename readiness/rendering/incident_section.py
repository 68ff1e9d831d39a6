"""The first thirty minutes as a page of a run tells them: from what the run has recorded, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from readiness.evidence.journal import RecordedRun
from readiness.evidence.recorded_facts import own_facts, recorded_facts, recorded_health
from readiness.evidence.rejudge import judge
from readiness.incident.plain_walk import PLAIN_WALK
from readiness.incident.walk import IncidentWalk
from readiness.incident.walked import FilledWalk, fill
from readiness.outcomes import Phase

FAILED = 1


def command_of(environment: str) -> str:
    """Return the command that asks for the facts of now."""
    return f"readiness incident --env {environment}"


def walks_of(run: RecordedRun) -> Iterator[FilledWalk]:
    """Yield the walk of each runbook of a run that failed, as the run's own record fills it in."""
    if run.plan is None or run.start.phase is not Phase.POSTLAUNCH or run.start.replay:
        return
    verdict = judge(run).verdict
    if verdict.exit != FAILED:
        return
    own = own_facts(run, verdict)
    for book in run.plan.books:
        try:
            walk = IncidentWalk.model_validate(book.incident) if book.incident else PLAIN_WALK
        except ValidationError:  # of another version: the command knows today's
            continue
        name = book.runbook
        yield fill(name, book.title, walk, recorded_facts(run, name, walk, own), health=recorded_health(run, name))
