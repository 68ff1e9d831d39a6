"""Waivers: a failure that someone asked to live with and someone else approved, for a reason and until a day.

They lie in `<environment>.waivers.yaml` beside the environment file. The check still runs and its outcome stays; a
waived one no longer decides the verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, model_validator

from readiness.config.documents import Document, read
from readiness.config.fields import STRICT, Day
from readiness.config.persons import what_is_wrong_with
from readiness.config.variables import filled
from readiness.config.wording import is_sentence
from readiness.errors import BadEnvironment, not_one_of
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import DecisionKey, Outcome, Phase
from readiness.runbook.approvers import ANYBODY, Approvers
from readiness.runbook.attestations import Name, Words, name_among, unknown_lines
from readiness.runbook.lines import Runbook
from readiness.runbook.sign_off import same_name
from readiness.timeline import end_of_day, has_come

SUFFIX = ".waivers.yaml"
DAYS_AT_MOST = 92
"""Nothing is waived for ever."""
WAIVABLE = {Outcome.FAIL, Outcome.UNKNOWN}
"""What was not run cannot be lived with: nobody has looked what it is."""


class WaiverReason(StrEnum):
    """Why one may live with a failure."""

    RISK_ACCEPTED = "risk-accepted"
    MITIGATED = "mitigated"
    FIX_SCHEDULED = "fix-scheduled"
    OUT_OF_SCOPE = "out-of-scope"
    VENDOR_OUTAGE = "vendor-outage"
    FALSE_ALARM = "false-alarm"


class Waiver(BaseModel):
    """Who asked, who approved, why, and until when."""

    model_config = STRICT

    requested_by: Name
    approved_by: Name
    reason: WaiverReason
    because: Words
    at: Day
    until: Day
    """The last day that it counts, to its end in UTC."""
    phases: tuple[Phase, ...] = ()
    """None: in all of them."""
    subjects: tuple[str, ...] = ()
    """The things of the line that are waived; none: the whole line."""

    @model_validator(mode="after")
    def _by_two_and_ends(self) -> Waiver:
        # Whoever may approve his own request waives what he likes.
        if _same_person(self.requested_by, self.approved_by):
            raise ValueError(_one_person(self, ANYBODY))
        if self.until < self.at:
            raise ValueError(f"until {self.until} is before at {self.at}")
        if self.until - self.at > timedelta(days=DAYS_AT_MOST):
            raise ValueError(f"until {self.until} is more than {DAYS_AT_MOST} days after at {self.at}")
        return self

    def lapsed(self, moment: datetime) -> str | None:
        """Return why it does not count at a moment; None where it does."""
        if moment >= end_of_day(self.until):
            return f"the waiver that {self.approved_by} approved on {self.at} expired on {self.until}"
        if not has_come(self.at, moment):
            return f"the waiver that {self.approved_by} approved is of {self.at}, after the moment that is judged"
        return None

    def covers(self, phase: Phase | None) -> bool:
        """Check whether it is meant for a phase."""
        return not self.phases or phase in self.phases

    def is_about(self, subject: str | None) -> bool:
        """Check whether it is meant for a thing of its line."""
        return not self.subjects or subject in self.subjects


def _one_person(waiver: Waiver, approvers: Approvers) -> str:
    """Return that who asked and who approved are the same, with both spellings."""
    remedy = "someone else approves a waiver"
    if waiver.requested_by == waiver.approved_by:
        return f"approved_by {waiver.approved_by!r} is who asked for it; {remedy}"
    return f"requested_by and approved_by: {approvers.one_person(waiver.requested_by, waiver.approved_by, remedy)}"


def _same_person(name: str, other: str) -> bool:
    # A space more or less makes no second person.
    return same_name(name).replace(" ", "") == same_name(other).replace(" ", "")


class Waivers(BaseModel):
    """The file: `runbook/line`, or `runbook/line:subject`, and what is waived of it."""

    model_config = STRICT

    waivers: dict[str, Waiver] = {}

    def name_for(self, item: str) -> str | None:
        """Return the name of the entry for `runbook/line:subject`: its own, else that of its line."""
        name = name_among(self.waivers, item)
        if name is None or ":" in name:
            return name

        subject = item.partition(":")[2] or None
        return name if self.waivers[name].is_about(subject) else None

    def plain(self, items: Collection[str]) -> dict[str, JsonObject]:
        """Return the entries for some of these items, name → its values as JSON has them."""
        names = [self.name_for(item) for item in items]
        return {name: self.waivers[name].model_dump(mode="json") for name in names if name}


def load(
    path: Path,
    runbooks: Collection[Runbook],
    variables: Mapping[str, str],
    approvers: Approvers = ANYBODY,
    owners: Mapping[str, str] | None = None,
) -> Waivers:
    """Read the file; none is as good as an empty one. Raises BadEnvironment with every problem."""
    if not path.is_file():
        return Waivers()
    return of_document(read(path), runbooks, variables, approvers, owners)


def of_document(
    document: Document,
    runbooks: Collection[Runbook],
    variables: Mapping[str, str],
    approvers: Approvers = ANYBODY,
    owners: Mapping[str, str] | None = None,
) -> Waivers:
    """Return the waivers of a file that was read. Raises BadEnvironment with every problem."""
    file = filled(document, Waivers, variables)
    problems = [*unknown_lines(file.waivers, runbooks, "waivers", document)]
    for name, waiver in file.waivers.items():
        responsible = _owners_of(name, waiver, runbooks, owners or {})
        problems += _hollow(name, waiver, document)
        problems += _of_no_such_subject(name, waiver, document, runbooks)
        problems += _approved_by(name, waiver, document, approvers, responsible)
    if problems:
        raise BadEnvironment(problems)
    return file


def _hollow(name: str, waiver: Waiver, document: Document) -> Iterator[str]:
    """Yield a problem for a reason that says nothing, and for a name of nobody.

    Asked of the file and not of the record in a journal: what was waived under earlier rules can be read for ever.
    """
    if not is_sentence(waiver.because):
        place = document.where(("waivers", name, "because"))
        yield f"{place}: waivers.{name}.because: {waiver.because!r} says nothing; write why, in a sentence"
    if wrong := what_is_wrong_with(waiver.requested_by):
        place = document.where(("waivers", name, "requested_by"))
        yield f"{place}: waivers.{name}.requested_by: {waiver.requested_by!r} {wrong}"


def _of_no_such_subject(name: str, waiver: Waiver, document: Document, runbooks: Collection[Runbook]) -> Iterator[str]:
    """Yield a problem for each thing that the line does not have, with the nearest one that it has."""
    place = f"{document.where(('waivers', name, 'subjects'))}: waivers.{name}.subjects"
    if waiver.subjects and ":" in name:
        yield f"{place}: the entry is about one thing by its name; leave subjects out, or name the line alone"
        return

    valid = subjects_of(name, runbooks)
    is_followed = any(runbook.runbook == name.partition("/")[0] for runbook in runbooks)
    if waiver.subjects and is_followed and not valid:
        yield f"{place}: the line names no things of which one could be waived; leave subjects out"
        return
    for subject in waiver.subjects:
        if is_followed and subject not in valid:
            yield f"{place}: {not_one_of(subject, valid)}"


def subjects_of(line: str, runbooks: Collection[Runbook]) -> list[str]:
    """Return the things of a line that are decided one by one."""
    items = (item for runbook in runbooks for item in runbook.items() if item.line_id == line)
    return list(dict.fromkeys(item.subject for item in items if item.subject is not None))


def _approved_by(
    name: str, waiver: Waiver, document: Document, approvers: Approvers, responsible: Collection[str]
) -> Iterator[str]:
    """Yield why whoever approved a waiver could not: nobody, not on the list, who asked for it, who owns the line."""
    place = f"{document.where(('waivers', name, 'approved_by'))}: waivers.{name}"
    wrong = approvers.what_is_wrong_with(waiver.approved_by)
    if wrong:
        yield f"{place}.approved_by: {wrong}"
    if approvers.same(waiver.requested_by, waiver.approved_by):
        yield f"{place}: {_one_person(waiver, approvers)}"
        return

    owner = next((owner for owner in responsible if approvers.same(owner, waiver.approved_by)), None)
    if owner is not None:
        spelling = "" if owner == waiver.approved_by else f" ({owner!r})"
        owns = f"owns the line, see owners{spelling}"
        yield f"{place}: approved_by {waiver.approved_by!r} {owns}; someone else approves a waiver"


def _owners_of(name: str, waiver: Waiver, runbooks: Collection[Runbook], owners: Mapping[str, str]) -> list[str]:
    """Return who sees to what is waived: the owner of the line, of a thing in it, or of the area of its check."""
    line = name.partition(":")[0]
    checks = {item.check for runbook in runbooks for item in runbook.items() if item.line_id == line}
    areas = {check.partition(".")[0] for check in checks}

    # Who waives a line waives all that it names.
    things = [] if ":" in name else [f"{line}:{subject}" for subject in waiver.subjects or subjects_of(line, runbooks)]
    return [owners[key] for key in (name, line, *things, *sorted(areas)) if key in owners]


def waived_among(results: Iterable[tuple[DecisionKey, bool]]) -> set[DecisionKey]:
    """Return the decisions whose every result is waived: one that is not cannot hide behind another."""
    all_waived: dict[DecisionKey, bool] = {}
    for key, waived in results:
        all_waived[key] = waived and all_waived.get(key, True)
    return {key for key, waived in all_waived.items() if waived}
