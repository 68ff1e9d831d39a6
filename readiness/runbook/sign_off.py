"""The sign-off: who has approved the service for general availability, and what was decided.

It stands in `<environment>.sign-off.yaml` beside the environment file and is reviewed as any change is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from readiness.config.documents import Document, explain, read
from readiness.config.fields import STRICT, Day, Instant
from readiness.config.wording import is_only_for_this_machine, is_placeholder_link, is_sentence, says_nothing
from readiness.errors import BadInput
from readiness.runbook.approvers import ANYBODY, Approvers

SUFFIX = ".sign-off.yaml"


def same_name(name: str) -> str:
    """Return a name without what differs between its spellings: case, width, spaces."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(folded.split())


def _refuse_placeholder(text: str) -> str:
    if says_nothing(text):
        raise ValueError(f"{text!r} says nothing")
    return text


Said = Annotated[str, Field(max_length=2000), AfterValidator(_refuse_placeholder)]
"""A text that a person wrote, and no placeholder."""


class _Part(BaseModel):
    model_config = STRICT


class Approval(_Part):
    """One role's approval."""

    role: Said
    name: Said
    approved_on: Day
    evidence: str = ""
    """Where it was given: the address of a review, a message."""


class FollowUp(_Part):
    """What is to be done after the launch is signed off."""

    what: Said
    who: Said
    due_on: Day
    done: bool = False


class SignOff(_Part):
    """Approvals, the decision, and what follows from it."""

    decision: Literal["open", "approved", "deferred"] = "open"
    reason: Said | None = None
    """Why it was deferred, or under which conditions it was approved."""
    review_on: Day | None = None
    """When a deferred launch is looked at again."""
    signed_at: Instant | None = None
    """When the page was signed: from then on the lines are due that are due after the sign-off."""
    approvals: tuple[Approval, ...] = ()
    one_person_for_several_roles: Said | None = None
    """Why one person may approve for several roles; without it each role is another person."""
    actions: tuple[FollowUp, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> SignOff:
        if self.decision == "deferred" and (self.reason is None or self.review_on is None):
            raise ValueError("a deferred decision needs a reason and the date of the next look, review_on")

        if self.signed_at and self.decision != "approved":
            raise ValueError(f"signed_at: only an approved one is signed; here the decision is {self.decision}")

        roles = [approval.role for approval in self.approvals]
        twice = sorted({role for role in roles if roles.count(role) > 1})
        if twice:
            raise ValueError(f"approvals: the role {', '.join(twice)} stands twice")
        return self


def path_name(environment: str, stated: Path | None) -> str:
    """Return the name of the file as people look for it."""
    return str(stated or f"{environment}{SUFFIX}")


def path_of(environment: str, folder: Path, stated: Path | None) -> Path:
    """Return the path of the file: beside the environment file unless that names another place."""
    return folder / path_name(environment, stated)


def load(path: Path, approvers: Approvers = ANYBODY) -> SignOff | None:
    """Read a sign-off; None where nobody has written one. Raises BadInput with every problem."""
    if not path.is_file():
        return None

    document = read(path)
    if document.problems:
        raise BadInput(document.problems)

    try:
        form = SignOff.model_validate(document.data)
    except ValidationError as error:
        raise BadInput(explain(error, SignOff, document)) from None

    # Asked of the file and not of the record in a journal: what was signed under earlier rules can be read for ever.
    problems = [*_hollow(form, document), *_approved_by(form, approvers, document)]
    if problems:
        raise BadInput(problems)
    return form


def _hollow(form: SignOff, document: Document) -> Iterator[str]:
    """Yield the texts that say nothing, and the links that lead nowhere."""
    for key in ("reason", "one_person_for_several_roles"):
        text = getattr(form, key)
        if text and not is_sentence(text):
            yield f"{document.where((key,))}: {key}: {text!r} says nothing; write why, in a sentence"

    for index, approval in enumerate(form.approvals):
        if "://" not in approval.evidence:
            continue
        place = f"{document.where(('approvals', index, 'evidence'))}: approvals: {approval.evidence!r}"
        if is_placeholder_link(approval.evidence):
            yield f"{place} is a placeholder; write where the approval was given"
        elif is_only_for_this_machine(approval.evidence):
            yield f"{place} opens on its own machine alone; write where others can see the approval"


def _approved_by(form: SignOff, approvers: Approvers, document: Document) -> Iterator[str]:
    """Yield the approvals of nobody, of somebody who may not approve, and of one person in two spellings."""
    seen: list[str] = []
    for index, approval in enumerate(form.approvals):
        place = document.where(("approvals", index, "name"))
        wrong = approvers.what_is_wrong_with(approval.name)
        if wrong:
            yield f"{place}: approvals: {wrong}"

        alike = next((name for name in seen if name != approval.name and approvers.same(name, approval.name)), None)
        if alike:
            yield f"{place}: approvals: {approvers.one_person(approval.name, alike, 'write one')}"
        seen.append(approval.name)
