"""The decision and the approvals that the last phase rests on, held against the sign-off file of today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from readiness.errors import BadInput
from readiness.evidence.journal import RecordedRun
from readiness.evidence.people import People
from readiness.evidence.withdrawn import is_same_giver
from readiness.outcomes import Phase
from readiness.redaction.redactor import REDACTOR
from readiness.redaction.shown import shown
from readiness.runbook import sign_off
from readiness.runbook.approvers import Approvers
from readiness.runbook.consent import LaunchRecord, lacks
from readiness.runbook.sign_off import Approval, SignOff, same_name
from readiness.timeline import is_due
from readiness.verdict import DECIDING


def decided_otherwise(recorded: RecordedRun, people: People, path: Path) -> Iterator[str]:
    """Yield where an approval that a run rests on is not given any more, as a new run reads the sign-off file."""
    start = recorded.start
    then = start.sign_off
    if then is None or then.decision != "approved":
        return
    try:
        today = sign_off.load(path, people.approvers)
    except BadInput as error:
        yield REDACTOR.text(f"a new run would be refused: {error.problems[0]}")
        return
    if today is None:
        yield f"it rests on the decision in {path.name}, which is there no more"
        return

    if today.decision != then.decision:
        yield f"it rests on a decision that was {then.decision}, and {path.name} says {today.decision}"
    elif wanting := lacks(today, LaunchRecord(people.moment, start.launch_at, ())):
        yield f"it rests on the approval in {path.name}, which is none today: {shown(wanting)}"
    for approval, same in _pairs(then, today, people):
        yield from _taken_back(approval, same, path.name)
    yield from _by_one_person(then, today, people.approvers, path.name)
    yield from _due_since_signed(recorded, then, today, people)


def renamed_roles(recorded: RecordedRun, people: People, path: Path) -> Iterator[str]:
    """Yield each role that is called otherwise today, with the approval of the same person: it takes nothing back."""
    then = recorded.start.sign_off
    if then is None or then.decision != "approved":
        return
    try:
        today = sign_off.load(path, people.approvers)
    except BadInput:  # `decided_otherwise` tells it
        return
    for approval, same in _pairs(then, today, people) if today else ():
        if same and same_name(same.role) != same_name(approval.role):
            yield shown(f"{path.name} calls the role of {approval.name} {same.role} today, and {approval.role} then")


def _pairs(then: SignOff, today: SignOff, people: People) -> list[tuple[Approval, Approval | None]]:
    """Return each approval that a run rests on with the one that stands for it today; None where there is none.

    A role may be called otherwise, as long as no line demands it by the name that it had.
    """
    demanded = _demanded_roles(people)
    names_then = {same_name(approval.role) for approval in then.approvals}
    of_new_names = [approval for approval in today.approvals if same_name(approval.role) not in demanded | names_then]

    pairs: list[tuple[Approval, Approval | None]] = []
    for approval in then.approvals:
        same_role = [other for other in today.approvals if same_name(other.role) == same_name(approval.role)]
        same = _of_same_giver(approval, same_role)
        if same is None and same_name(approval.role) not in demanded:
            same = _of_same_giver(approval, of_new_names)
            # One approval stands for one role.
            of_new_names = [other for other in of_new_names if other is not same]
        pairs.append((approval, same))
    return pairs


def _of_same_giver(then: Approval, candidates: Sequence[Approval]) -> Approval | None:
    return next((approval for approval in candidates if is_same_giver(then.name, approval.name)), None)


def _demanded_roles(people: People) -> set[str]:
    """Return the roles that lines of the last phase demand by their names."""
    demanded = [item.limits.get("roles") for book in people.runbooks for item in book.items(Phase.GA)]
    return {same_name(str(role)) for roles in demanded if isinstance(roles, list | tuple) for role in roles}


def _taken_back(then: Approval, same: Approval | None, file: str) -> Iterator[str]:
    """Yield that an approval is there no more, or is of an earlier day."""
    what = shown(f"it rests on the approval of {then.name} as {then.role}")
    if same is None:
        yield f"{what}, which {file} has no more"
    elif same.approved_on < then.approved_on:
        yield f"{what}: it was given on {then.approved_on}, and {file} says {same.approved_on}"


def _by_one_person(then: SignOff, today: SignOff, approvers: Approvers, file: str) -> Iterator[str]:
    """Yield that nobody says any more why one person approved for several roles."""
    if not then.one_person_for_several_roles or today.one_person_for_several_roles:
        return
    pairs = combinations([approval.name for approval in then.approvals], 2)
    if any(approvers.same(name, other) for name, other in pairs):
        yield f"it rests on one person for several roles, and {file} has no one_person_for_several_roles any more"


def _due_since_signed(recorded: RecordedRun, then: SignOff, today: SignOff, people: People) -> Iterator[str]:
    """Yield the deciding lines that are due since somebody signed the page, and that the run did not judge."""
    lines = recorded.plan.lines if recorded.plan else ()
    launch_at = recorded.start.launch_at
    for line in lines:
        was_due = is_due(line.due, people.moment, launch_at, then.signed_at)
        if line.gate in DECIDING and not was_due and is_due(line.due, people.moment, launch_at, today.signed_at):
            yield f"{line.id} is due since the page was signed, and was not judged: run {people.phase} again"
