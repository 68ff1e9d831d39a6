"""Runbooks: a launch checklist as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from readiness import timeline
from readiness.config.documents import explain, read
from readiness.errors import BadRunbook, not_one_of, wrong_value
from readiness.files.canonical_json import JsonObject
from readiness.incident.walk import IncidentWalk
from readiness.outcomes import DecisionKey, EscalationStep, Gate, Phase
from readiness.runbook.chosen import chosen_faults
from readiness.runbook.dated_limits import LimitsAhead, faults, in_force, is_dated
from readiness.runbook.document_facts import IncidentReport, Rollout, VendorSupport, field_faults
from readiness.runbook.ladder_rules import limit_faults, line_faults
from readiness.runbook.limits import Limits, as_share, judges_shares_alone
from readiness.runbook.line_overlay import Overlaid
from readiness.runbook.links import link
from readiness.runbook.own_readings import OwnReading
from readiness.runbook.schedule import BY_WORD, HELD, KEPT_UP, Schedule, review_faults
from readiness.runbook.severity import Severity, SeverityTable, unknown_words
from readiness.shipped import RUNBOOKS

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*$")
BOTH = "both"
"""What `attest` says of a line that a machine and a person decide together."""
_CHECK = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
OF_SCHEDULE = {HELD, KEPT_UP, BY_WORD}


def _slug(text: str) -> str:
    if not _SLUG.match(text):
        raise ValueError(f"{text!r} must be lower-case letters, digits and hyphens")
    return text


def _due(text: str) -> str:
    if text != timeline.AFTER_SIGN_OFF:
        timeline.parse_offset(text)
    return text


class Line(BaseModel):
    """One entry of a runbook that can be true or false."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, AfterValidator(_slug)]
    ref: str
    says: str
    phase: Annotated[tuple[Phase, ...], Field(min_length=1)]
    gate: Gate
    due: Annotated[str, AfterValidator(_due)] | None = None
    when: str | None = None
    """The feature that the line is about; where the target has none, the environment says *not applicable*."""
    decided_by: dict[str, JsonObject] = {}
    """Check id → its limits. `each: {key: [a, b]}` among them makes one item for a and one for b."""
    ladder: dict[EscalationStep, float | str] = {}
    """Step → the value of the first measurement that reaches it."""
    consecutive: Annotated[int, Field(ge=1)] = 1
    """The ladder counts from so many failures in a row; the first of them is an alert."""
    severity: Severity = ""
    """The runbook's own word for a failure (SEV-1, P0), or one for each step."""
    chosen: tuple[str, ...] = ()
    """Limits whose figures the source document leaves open: the runbook's author chose them."""
    diagnostics: tuple[str, ...] = ()
    """Names of the observations that are attached to the line's result when it fails, and made only then."""
    diagnostics_always: bool = False
    """They are the line's own subject: attached whatever its outcome."""
    links: tuple[Annotated[str, AfterValidator(link)], ...] = ()
    """Where to look by hand; shown when the line is not well."""
    attest: bool | Literal["both"] = False
    """Whether a person's word counts where nothing is configured to see; `both`: a machine's part and the word."""
    rendered_as: Literal["verdict", "sign_off", "trends"] | None = None
    """What decides a line beside its checks: the verdict of its phase, the sign-off's form, or the trends in it."""
    _ahead: Mapping[str, tuple[LimitsAhead, ...]] = PrivateAttr(default_factory=dict)
    _overlaid: Overlaid | None = PrivateAttr(None)

    @field_validator("ladder", mode="before")
    @classmethod
    def _no_truth_for_a_threshold(cls, stated: object) -> object:
        # Pydantic makes 1 of `true`.
        steps = stated.items() if isinstance(stated, dict) else ()
        truths = [step for step, threshold in steps if isinstance(threshold, bool)]
        if truths:
            raise ValueError(f"{', '.join(truths)}: a number or a word is wanted, and this is true or false")
        return stated

    @model_validator(mode="after")
    def _ladder_reaches_the_verdict(self) -> Line:
        problems = list(line_faults(self.gate, self.phase, self.ladder, has_checks=bool(self.decided_by)))
        if problems:
            raise ValueError(f"line {self.id!r}: {'; '.join(problems)}")
        return self

    @model_validator(mode="after")
    def _decided_somehow(self) -> Line:
        if not self.decided_by and not self.rendered_as:
            raise ValueError(f"line {self.id!r} needs decided_by or rendered_as")

        # What decides must be able to: the trends never do, and people sign the last phase alone.
        if self.gate in {Gate.BLOCKER, Gate.ACTION}:
            if self.rendered_as == "trends" and not self.decided_by:
                raise ValueError(f"line {self.id!r}: trends decide nothing; write gate: report, or a check: decided_by")
            if self.rendered_as == "sign_off" and set(self.phase) != {Phase.GA}:
                raise ValueError(f"line {self.id!r}: the sign-off decides in ga alone; write phase: [ga]")

        for check, limits in self.decided_by.items():
            if not _CHECK.match(check):
                raise ValueError(f"line {self.id!r}: {check!r} is not a check id such as database.pool_headroom")
            if "each" in limits and not _is_one_list(limits["each"]):
                wanted = "each names one key and a list of different things, such as each: {job: [a]}"
                raise ValueError(f"line {self.id!r}: {check}: {wanted}")
            for fault in faults(limits):
                raise ValueError(f"line {self.id!r}: {check}: {fault}")
        for fault in chosen_faults(self.chosen, self.decided_by):
            raise ValueError(f"line {self.id!r}: {fault}")
        return self

    @property
    def needs_both(self) -> bool:
        """Whether it takes a machine's part and a person's word; until its checks are written the word alone counts."""
        return self.attest == BOTH and not planned_checks() & set(self.decided_by)

    @property
    def ahead(self) -> Mapping[str, tuple[LimitsAhead, ...]]:
        """Check id → what binds otherwise from a later day; nothing before somebody asked `at` a moment."""
        return self._ahead

    @property
    def overlaid(self) -> Overlaid | None:
        """What the environment states of it beside the runbook; None where that states nothing."""
        return self._overlaid

    def stated_by(self, overlaid: Overlaid) -> Line:
        """Return the line with the account of what an environment states of it, which is merged already."""
        line = self.model_copy()
        line._overlaid = overlaid  # noqa: SLF001  it is its own
        return line

    def at(self, moment: datetime) -> Line:
        """Return the line with the limits that bind at a moment."""
        if not any(is_dated(value) for limits in self.decided_by.values() for value in limits.values()):
            return self
        bound = {check: in_force(limits, moment) for check, limits in self.decided_by.items()}
        line = self.model_copy(update={"decided_by": {check: part.limits for check, part in bound.items()}})
        line._ahead = {  # noqa: SLF001  it is its own
            check: part.ahead for check, part in bound.items() if part.ahead
        }
        return line


def _is_one_list(each: object) -> bool:
    """Check whether `each` is one key with a list that is not empty, and in which nothing stands twice."""
    if not isinstance(each, dict) or len(each) != 1:
        return False
    (subjects,) = each.values()
    return isinstance(subjects, list) and bool(subjects) and len(set(map(str, subjects))) == len(subjects)


@dataclass(frozen=True)
class Item:
    """One decision that a line needs: the check, and the one thing it is about where the line names several."""

    runbook: str
    line: Line
    check: str
    limits: JsonObject
    subject: str | None = None

    @property
    def line_id(self) -> str:
        """`runbook/line`, as the journal names it."""
        return f"{self.runbook}/{self.line.id}"

    @property
    def name(self) -> str:
        """`runbook/line` or `runbook/line:subject`, as attestations and waivers name it."""
        return self.key.name

    @property
    def local_id(self) -> str:
        """`line` or `line:subject`, as pytest names it in an environment with one runbook."""
        return self.key.local_name

    @property
    def key(self) -> DecisionKey:
        """What makes the item unique in a run."""
        return DecisionKey(self.line_id, self.check, self.subject)

    @property
    def chosen(self) -> JsonObject:
        """The limits whose figures the runbook chose, and in whose place the environment states none."""
        overlaid = self.line.overlaid
        return {
            limit: self.limits[limit]
            for limit in self.line.chosen
            if limit in self.limits and not (overlaid and overlaid.states(self.check, limit))
        }


class Runbook(BaseModel):
    """A launch checklist: its schedule, its lines, and the queries that its document states."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    runbook: Annotated[str, AfterValidator(_slug)]
    title: str
    schedule: Schedule = {}
    severities: SeverityTable = {}
    readings: dict[str, OwnReading] = {}
    """Reading → the document's own query for it, for the lines of this runbook where the environment states none."""
    incident_report: IncidentReport = {}
    """What each incident report tells, by the document; empty where it has no template."""
    vendors: dict[str, VendorSupport] = {}
    rollout: Rollout = {}
    incident: IncidentWalk | None = None
    """What its document says of the first minutes of an incident."""
    lines: Annotated[tuple[Line, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_once(self) -> Runbook:
        ids = [line.id for line in self.lines]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"line ids stand twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _severities_known(self) -> Runbook:
        problems = list(unknown_words({line.id: line.severity for line in self.lines}, self.severities))
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def _names_what_it_has(self) -> Runbook:
        for line in self.lines:
            reports = field_faults(line.decided_by, self.incident_report)
            for problem in (*review_faults(_reviews(line), self.schedule), *reports):
                raise ValueError(f"line {line.id!r}: {problem}")
        return self

    def at(self, moment: datetime) -> Runbook:
        """Return the runbook with the limits that bind at a moment."""
        return self.model_copy(update={"lines": tuple(line.at(moment) for line in self.lines)})

    def items(self, phase: Phase | None = None) -> Iterator[Item]:
        """Yield the decisions that the lines of a phase need (all phases: None), in the runbook's order."""
        for line in self.lines:
            if phase is None or phase in line.phase:
                yield from _items(self.runbook, line)


def _reviews(line: Line) -> Iterator[tuple[str, JsonObject]]:
    """Yield the checks of a line that are about an entry of the schedule, with the limits that name the entry."""
    for item in _items("", line):
        if item.check in OF_SCHEDULE and "review" in item.limits:
            yield item.check, item.limits


def _items(runbook: str, line: Line) -> Iterator[Item]:
    for check, stated in line.decided_by.items():
        limits = {key: value for key, value in stated.items() if key != "each"}
        if "each" not in stated:
            yield Item(runbook, line, check, limits)
            continue
        for key, subjects in stated["each"].items():
            for subject in subjects:
                yield Item(runbook, line, check, {**limits, key: subject}, str(subject))


def shipped() -> list[str]:
    """Return the names of the runbooks that come with the suite."""
    return sorted(path.stem for path in RUNBOOKS.glob("*.yaml"))


def locate(name: str, folder: Path) -> Path:
    """Return the path of a runbook: a name that ships, or a file beside the environment. Raises BadRunbook."""
    if name.endswith((".yaml", ".yml")):
        return folder / name
    if name not in shipped():
        raise BadRunbook([f"runbook {not_one_of(name, shipped())}, or a file: {name}.yaml"])
    return RUNBOOKS / f"{name}.yaml"


def load(path: Path) -> Runbook:
    """Read one runbook. Raises BadRunbook with every problem."""
    document = read(path)
    if document.problems:
        raise BadRunbook(document.problems)

    try:
        return Runbook.model_validate(document.data)
    except ValidationError as error:
        raise BadRunbook(explain(error, Runbook, document)) from None


def load_each(names: Iterable[str], folder: Path, problems: list[str]) -> Iterator[Runbook]:
    """Yield the runbooks that can be read; `problems` gains what is wrong with the others, and between two of them."""
    file_of: dict[str, str] = {}
    for name in names:
        try:
            book = load(locate(name, folder))
        except BadRunbook as error:
            problems += error.problems
            continue
        if book.runbook in file_of:
            both = f"{file_of[book.runbook]} and {name}"
            problems.append(
                f"{both}: both are the runbook {book.runbook!r}; give each a name of its own, or name it once"
            )
        file_of.setdefault(book.runbook, name)
        yield book


@cache
def planned_checks() -> frozenset[str]:
    """Return the checks that the shipped runbooks ask for and that nobody has written yet."""
    text = (RUNBOOKS / "planned-checks.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def limits_of(item: Item, model: type[Limits]) -> Limits:
    """Return the limits of one item, validated together with the thresholds of its ladder. Raises BadRunbook."""
    problems = list(_shares_of_ladder(item, model))
    try:
        limits = model.model_validate(item.limits)
    except ValidationError as error:
        raise BadRunbook([*_limit_problems(item, model, error), *problems]) from None

    # The thresholds of a line with several checks may be about any of them.
    if not problems and len(item.line.decided_by) == 1:
        problems += [f"{_place(item)}: ladder: {fault}" for fault in limit_faults(item.line.ladder, dict(limits))]
    if problems:
        raise BadRunbook(problems)
    return limits


def _shares_of_ladder(item: Item, model: type[Limits]) -> Iterator[str]:
    """Yield the thresholds that are no shares, where they must be."""
    if len(item.line.decided_by) > 1:
        return

    # A check that also takes seconds or rows may have them in its ladder.
    if not judges_shares_alone(model):
        return

    for step, threshold in item.line.ladder.items():
        if isinstance(threshold, str):
            continue
        try:
            as_share(threshold)
        except ValueError as error:
            yield f"{_place(item)}: ladder: {step}: {error}"


def _limit_problems(item: Item, model: type[Limits], error: ValidationError) -> Iterable[str]:
    for problem in error.errors():
        kind = problem["type"]
        message = wrong_value(problem)
        key = ".".join(str(part) for part in problem["loc"])
        place = _place(item, key)

        if kind == "extra_forbidden":
            yield f"{place}: limit {not_one_of(key, model.model_fields)}"
        elif kind == "missing":
            yield f"{place}: limit {key!r} is missing"
        elif kind == "value_error":
            yield f"{place}: limit {key!r}: {message}"
        else:
            yield f"{place}: limit {key!r}: {message[:1].lower()}{message[1:]}, not {problem['input']!r}"


def _place(item: Item, limit: str = "") -> str:
    """Return where a limit of an item is stated, or the limits: in the environment, or else in the runbook."""
    overlaid = item.line.overlaid
    if overlaid and item.check in overlaid.stated and (not limit or overlaid.states(item.check, limit)):
        return f"{overlaid.place}: {item.check}"
    return f"runbook {item.runbook}: line {item.line.id}: {item.check}"
