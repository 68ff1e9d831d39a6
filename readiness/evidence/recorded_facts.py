"""The facts of a walk as far as a run has recorded them: nobody is asked again."""

from __future__ import annotations

from collections.abc import Mapping

from readiness.evidence.journal import RecordedRun
from readiness.evidence.records import RecordedObservation
from readiness.evidence.red_lines import evidence_facts, since_by_record
from readiness.incident.facts import OF_PEOPLE, Wanted, read_fact
from readiness.incident.found import Fact, Missing
from readiness.incident.signs import health_paths, wanted_health
from readiness.incident.walk import IncidentWalk
from readiness.verdict import Verdict

AS_ASKED_BY = "as_asked_by"
"""The argument of a look that says by whose query it was."""


def own_facts(run: RecordedRun, verdict: Verdict) -> dict[str, Fact]:
    """Return what a run tells of itself and of the one before it."""
    again = f"pytest -m {run.start.phase} --env {run.start.env}"
    return evidence_facts(run, since_by_record(run), verdict, run.start.started_at, again)


def recorded_facts(run: RecordedRun, runbook: str, walk: IncidentWalk, own: Mapping[str, Fact]) -> dict[str, Fact]:
    """Return each fact of a runbook's walk as a run's record has it, or that the run did not look at it."""
    facts = dict(own)
    ask = f"readiness incident --env {run.start.env}"
    for name in walk.names:
        if name not in facts:
            facts[name] = _recorded(run, runbook, walk.wanted(name), ask)
    return facts


def recorded_health(run: RecordedRun, runbook: str) -> dict[str, Fact]:
    """Return what the health endpoints of a runbook's lines answered, by their path, as a run's record has it."""
    lines = run.plan.lines if run.plan else ()
    paths = health_paths(line.limits for line in lines if line.runbook == runbook)
    ask = f"readiness incident --env {run.start.env}"
    return {path: _recorded(run, runbook, wanted_health(path), ask) for path in paths}


def _recorded(run: RecordedRun, runbook: str, wanted: Wanted, ask: str) -> Fact:
    kind = wanted.kind
    if kind.name in OF_PEOPLE:
        return Missing("nobody has said how long", f"{ask} --fix 45m, or --fix unknown", was_asked=False)
    record = next((record for record in reversed(run.observations) if _is_it(record, wanted, runbook)), None)
    if record is None or not (record.has_value or record.unknown):
        return Missing("this run did not look at it", ask, was_asked=False)
    if not record.has_value and record.unknown:
        return Missing(record.unknown.reason, record.unknown.remedy)
    return read_fact(kind, record.value)


def _is_it(record: RecordedObservation, wanted: Wanted, runbook: str) -> bool:
    """Check whether a record is of the look that a fact asks for, told the same, and by this runbook's query."""
    if record.name != wanted.kind.look or record.arguments.get(AS_ASKED_BY, runbook) != runbook:
        return False
    return all(record.arguments.get(name) == value for name, value in wanted.arguments.items())
