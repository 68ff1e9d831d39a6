"""A run held against what its project states today: a good word of other lines, limits or files says nothing of these.

What decides is strict: the lines, their limits and what the environment file says of what the run rests on. The rest of
the file, comments, words and a commit that moved on are mentioned.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.config.variables import unset_in
from readiness.environment.refusals import refusals
from readiness.environment.stated import StatedEnvironment, stated_environment
from readiness.errors import BadInput, BadRunbook
from readiness.evidence.approval_changes import decided_otherwise, renamed_roles
from readiness.evidence.binding import binding_of
from readiness.evidence.environment_changes import environment_changes
from readiness.evidence.findings import Audit
from readiness.evidence.journal import RecordedRun
from readiness.evidence.judged_by import as_judged
from readiness.evidence.limit_changes import GONE, NEW, Change, Direction, as_it_binds, as_it_decides, changes
from readiness.evidence.people import People
from readiness.evidence.people_files import Folders, place_today
from readiness.evidence.planned_lines import planned_lines
from readiness.evidence.reasons import Reason
from readiness.evidence.recorded_binding import RecordedBinding, RecordedFile
from readiness.evidence.records import Plan
from readiness.evidence.withdrawn import attested_otherwise, waived_otherwise
from readiness.outcomes import Phase
from readiness.redaction.redactor import REDACTOR
from readiness.runbook import attestations, sign_off, waivers
from readiness.runbook.entry_files import misnamed_files
from readiness.runbook.overlays import KEY as LINES
from readiness.runbook.overlays import load_stated

if TYPE_CHECKING:
    from readiness.runbook.lines import Runbook

SHOWN_AT_MOST = 6
COMMIT_DIGITS = 12
_ATTESTATIONS, _SIGN_OFF = "attestations", "sign_off"
"""Keys of the environment file that name files of people's words."""


def hold_to_project(audit: Audit, recorded: RecordedRun, environments: Path, reports: Path) -> None:
    """Add that a run is one of another project, where both are known."""
    bound = recorded.start.binding
    try:
        today = binding_of(environments, recorded.start.env, reports) if bound else None
    except BadInput:
        return
    if bound and today:
        _hold_to_project(audit, bound, today)


def hold_to_today(audit: Audit, recorded: RecordedRun, environments: Path, reports: Path, now: datetime) -> None:
    """Add what the project states otherwise today than when a run judged it. A limit may bind from a day."""
    start = recorded.start
    try:
        today = binding_of(environments, start.env, reports)
        books = _runbooks_of_today(environments / f"{start.env}.yaml", tuple(today.runbooks), now)
        _refuse_misnamed(start.env, environments)
    except BadInput as error:
        why = f"what is stated today cannot be read, so nobody knows whether it judged that: {error.problems[0]}"
        audit.lacks(Reason.NOT_TODAY, why)
        return

    refused = refusals(start.env, environments, books, os.environ)
    audit.lacks(Reason.NOT_TODAY, *(REDACTOR.text(f"a new run would be refused: {problem}") for problem in refused[:1]))
    plan = as_it_decides(_plan_of(books, start.phase), start.phase)
    judged = as_judged(recorded, plan)
    then = as_it_decides(as_it_binds(judged, now), start.phase) if judged else None
    changed = list(changes(then, plan)) if then else []
    audit.notes += [f"stated since: {change}" for change in changed if change.begins]
    audit.lacks(Reason.NOT_TODAY, *_demands(start.phase, changed))
    stated = stated_environment(environments / f"{start.env}.yaml")
    folders = Folders(environments, reports / start.env)
    _hold_to_people(audit, recorded, folders, stated, People.of(stated, books, start.phase, now))
    bound = start.binding
    if bound is None:
        audit.notes.append("recorded by a version that did not say of which project and environment file it was")
        return

    _hold_to_project(audit, bound, today)
    told_already = (LINES,) if changed else ()
    _hold_to_environment(audit, recorded, bound.environment, environments / f"{start.env}.yaml", told_already)
    if not changed:
        audit.notes += _reworded(start.phase, bound, today)
    audit.notes += _commits(bound, today)


def _refuse_misnamed(env: str, environments: Path) -> None:
    """Raise BadInput for what people wrote into a file that nobody reads: it may take a word back."""
    problems = list(misnamed_files(env, environments))
    if problems:
        raise BadInput(problems)


def _hold_to_people(
    audit: Audit, recorded: RecordedRun, folders: Folders, stated: StatedEnvironment, people: People
) -> None:
    """Add what people take back today of what a run rests on, and where nobody knows whether they do."""
    start, environments = recorded.start, folders.environments
    waived_in = environments / f"{start.env}{waivers.SUFFIX}"
    audit.lacks(Reason.NOT_TODAY, *dict.fromkeys(waived_otherwise(recorded, people, waived_in)))

    named = place_today(stated.attestations, start.lies_in.get(_ATTESTATIONS, ""), folders)
    if named is not None:
        path = attestations.path_of(start.env, environments, named if stated.attestations else None)
        taken_back = attested_otherwise(recorded, people, path, required=bool(stated.attestations))
        audit.lacks(Reason.NOT_TODAY, *dict.fromkeys(taken_back))
    elif any(result.attested for result in recorded.results):
        audit.lacks(Reason.NOT_TODAY, _unknown(_ATTESTATIONS, stated.attestations))

    if start.phase is not Phase.GA or start.sign_off is None:
        return
    named = place_today(stated.sign_off, start.lies_in.get(_SIGN_OFF, ""), folders)
    if named is not None:
        path = sign_off.path_of(start.env, environments, named if stated.sign_off else None)
        audit.lacks(Reason.NOT_TODAY, *decided_otherwise(recorded, people, path))
        audit.notes += renamed_roles(recorded, people, path)
    else:
        audit.lacks(Reason.NOT_TODAY, _unknown(_SIGN_OFF, stated.sign_off))


def _unknown(key: str, stated: str) -> str:
    """Return that nobody knows what a file says, for want of the variable that names it."""
    unset = ", ".join(unset_in(stated, os.environ))
    why = "so nobody knows whether what the run rests on was taken back"
    return f"{key}: {stated}: {unset} is not set here, {why}: set {unset} and verify again"


def _runbooks_of_today(path: Path, names: tuple[str, ...], now: datetime) -> list[Runbook]:
    """Return the runbooks of an environment file as they bind today. Raises BadRunbook."""
    problems: list[str] = []
    books = [book.at(now) for book in load_stated(names, path, problems)]
    if problems:
        raise BadRunbook(problems)
    return books


def _plan_of(books: list[Runbook], phase: Phase) -> Plan:
    """Return what runbooks demand in a phase."""
    items = [item for book in books for item in book.items(phase)]
    decisions = [{"line": item.line_id, "check": item.check, "subject": item.subject, "due": True} for item in items]
    return Plan.model_validate({"lines": planned_lines(books, phase), "items": decisions})


def _hold_to_project(audit: Audit, bound: RecordedBinding, today: RecordedBinding) -> None:
    if bound.project.same_as(today.project) is False:
        which = f"it is a run of the project {bound.project.shown}, and this is {today.project.shown}"
        audit.lacks(Reason.OTHER_PROJECT, f"{which}: state `project` in the environment file if both are one")


def _demands(phase: Phase, changed: list[Change]) -> Iterator[str]:
    """Yield, in one sentence, what is demanded otherwise today."""
    strict = [change for change in changed if change.direction is not Direction.SAME and not change.begins]
    if not strict:
        return

    added = [change.line for change in strict if change.says == NEW]
    gone = [change.line for change in strict if change.says == GONE]
    limits = [str(change) for change in strict if change.says not in {NEW, GONE}]
    parts = (("lines added", added), ("lines gone", gone), ("changed", limits))
    differences = "; ".join(f"{word}: {_some(names)}" for word, names in parts if names)
    yield f"{phase} judged with a runbook of another digest than today's: {differences}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN_AT_MOST} more" if len(names) > SHOWN_AT_MOST else ""
    return f"{', '.join(names[:SHOWN_AT_MOST])}{more}"


def _hold_to_environment(
    audit: Audit, recorded: RecordedRun, then: RecordedFile, path: Path, said: Collection[str]
) -> None:
    """Add what the environment file says otherwise; of the keys `said` it is told already what they change."""
    today = stated_environment(path)
    if then.digest == today.digest:
        return
    changed = environment_changes(recorded, then, today)
    if changed.deciding:
        says = _some(list(changed.deciding))
        audit.lacks(Reason.NOT_TODAY, f"{path.name} says something else today than when it was judged: {says}")
    elif changed.others and not set(changed.others) <= set(said):
        says = _some([key for key in changed.others if key not in said])
        audit.notes.append(f"{path.name} has changed since, in what {recorded.start.phase} does not rest on: {says}")
    elif not changed.others:
        audit.notes.append(f"{path.name} has changed since, in comments, order or form alone")


def _reworded(phase: Phase, bound: RecordedBinding, today: RecordedBinding) -> Iterator[str]:
    """Yield the runbooks that are not as they were and demand the same."""
    for name, file in today.runbooks.items():
        then = bound.runbooks.get(name)
        if then and then.digest != file.digest:
            yield f"the runbook {name} has changed since, and demands the same of {phase}"


def _commits(bound: RecordedBinding, today: RecordedBinding) -> Iterator[str]:
    """Yield that a run was made of another commit, or of files that nobody had committed."""
    if bound.commit and bound.commit.dirty:
        yield f"it ran with uncommitted changes on {bound.commit.id[:COMMIT_DIGITS]}"
    if bound.commit and today.commit and bound.commit.id != today.commit.id:
        then, now = bound.commit.id[:COMMIT_DIGITS], today.commit.id[:COMMIT_DIGITS]
        yield f"the commit moved on since: {then} -> {now}"
