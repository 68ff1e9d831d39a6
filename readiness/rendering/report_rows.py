"""The decisions of a run as its report shows them: sorted by what a reader does about them, one row each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from readiness.evidence import attested
from readiness.evidence.journal import RecordedRun
from readiness.evidence.recorded_ahead import says_ahead
from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.evidence.records import Result
from readiness.outcomes import Gate, Outcome
from readiness.provenance import shown_whole
from readiness.rendering import exports
from readiness.rendering.actions import owner_of
from readiness.rendering.texts import anchor_of, shortened
from readiness.runbook.links import is_link

TEXT_AT_MOST = 1_500
VALUE_AT_MOST = 400


class ReportSection(StrEnum):
    """The sections of the report, in their order."""

    FAILED = "failed"
    UNKNOWN = "unknown"
    WARNINGS = "warnings"
    PASSED = "passed"
    LEFT_OUT = "left out"


_SHOWN_ONLY = {Gate.WARNING, Gate.REPORT}
"""Gates whose failures are shown, and do not decide."""
_LEFT_OUT = {Outcome.NOT_DUE, Outcome.NOT_APPLICABLE}
_KINDS = {
    Outcome.PASS: "good",
    Outcome.WARN: "open",
    Outcome.FAIL: "bad",
    Outcome.UNKNOWN: "open",
    Outcome.NOT_RUN: "open",
}


def place_of(result: Result) -> ReportSection:
    """Return the section of a decision. What was not run is never only a warning: its absence alone decides."""
    if result.outcome is Outcome.PASS:
        return ReportSection.PASSED
    if result.outcome in _LEFT_OUT:
        return ReportSection.LEFT_OUT
    if result.outcome is Outcome.NOT_RUN:
        return ReportSection.UNKNOWN
    if result.outcome is Outcome.WARN or result.waived or result.gate in _SHOWN_ONLY:
        return ReportSection.WARNINGS
    return ReportSection.FAILED if result.outcome is Outcome.FAIL else ReportSection.UNKNOWN


@dataclass(frozen=True)
class RowMeasurement:
    """A measurement as text: its value, and what was allowed."""

    name: str
    value: str
    allowed: str
    ok: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


@dataclass(frozen=True)
class Link:
    """A place to look at. Only an address of the web is a link; anything else is shown as text."""

    text: str
    leads: bool


@dataclass(frozen=True)
class DecisionRow:
    """One decision."""

    anchor: str
    name: str
    """`runbook/line:subject`."""
    says: str
    ref: str
    gate: str
    """With the severity that the runbook gives this failure."""
    word: str
    """The outcome in our words, with its flag: `fail (waived)`."""
    kind: str
    """The class of its colour."""
    measurements: tuple[RowMeasurement, ...]
    """The most telling first."""
    reason: str
    remedy: str
    where: str
    again: str
    links: tuple[Link, ...]
    owner: str
    people: tuple[attested.EntryStatus, ...]
    stated: str = ""
    """What it rests on that nothing measured."""
    come_by: tuple[str, ...] = ()
    """How what was measured was come by."""

    @property
    def short(self) -> str:
        """Return the name without its runbook, for a page that has only one."""
        return self.name.partition("/")[2] or self.name

    @property
    def beside(self) -> tuple[RowMeasurement, ...]:
        """Return the measurements that the reason does not state already."""
        return tuple(
            measurement
            for measurement in self.measurements
            if f"{measurement}, allowed {measurement.allowed}" != self.reason
        )


@dataclass(frozen=True)
class Cause:
    """What is wrong and what mends it, with all the decisions that it turned."""

    reason: str
    remedy: str
    rows: tuple[DecisionRow, ...]

    @property
    def kind(self) -> str:
        """Return the colour of its decisions."""
        return self.rows[0].kind

    @property
    def links(self) -> tuple[Link, ...]:
        """Return where to look, each place once."""
        return tuple(dict.fromkeys(link for row in self.rows for link in row.links))


def rows_of(run: RecordedRun) -> dict[ReportSection, list[DecisionRow]]:
    """Return every decision that the run owes, under its section: open blockers first, then in the runbooks' order."""
    lines = run.plan.lines if run.plan else ()
    order = {line.id: number for number, line in enumerate(lines)}

    def position(result: Result) -> tuple[bool, int, str]:
        can_wait = result.outcome in exports.OPEN and result.gate is not Gate.BLOCKER
        return can_wait, order.get(result.line, len(order)), result.key.name

    places: dict[ReportSection, list[DecisionRow]] = {place: [] for place in ReportSection}
    used: set[str] = set()
    for result in sorted(exports.results_of(run), key=position):
        places[place_of(result)].append(_row(run, result, _unused(result, used)))
    return places


def _unused(result: Result, used: set[str]) -> str:
    """Return an id that no other decision on the page has: a line may be decided by several checks."""
    first = anchor_of(result.line, result.subject)
    anchor, number = first, 1
    while anchor in used:
        number += 1
        anchor = f"{first}+{number}"
    used.add(anchor)
    return anchor


def _row(run: RecordedRun, result: Result, anchor: str) -> DecisionRow:
    """Return a decision as the page shows it."""
    again = result.again or f"pytest -m {run.start.phase} --env {run.start.env}"
    entries = attested.entry_statuses([result])
    return DecisionRow(
        anchor=anchor,
        name=shortened(result.key.name),
        says=shortened(result.says, TEXT_AT_MOST),
        ref=shortened(result.ref),
        gate=exports.gate_of(result),
        word=_word(result),
        kind=_kind(result),
        measurements=tuple(_measurement(measurement) for measurement in sorted(result.measurements, key=_dullness)),
        reason=shortened(result.reason, TEXT_AT_MOST),
        remedy=shortened(result.remedy, TEXT_AT_MOST),
        where=shortened(str(getattr(result, "where", ""))),
        again=again,
        links=tuple(Link(link, leads=is_link(link)) for link in result.links),
        owner=shortened(owner_of(result.key, run.start.owners)),
        people=tuple(entries),
        stated=shortened(_beside(result), TEXT_AT_MOST),
        come_by=tuple(shortened(shown_whole(one), TEXT_AT_MOST) for one in result.provenance or ()),
    )


def _beside(result: Result) -> str:
    """Return what a reader has to know beside the outcome: what was only stated, whose limit it was, what will fail."""
    says = [result.says_stated, result.says_overlaid, says_ahead(result.outcome, result.ahead)]
    return ". ".join(filter(None, says))


def _word(result: Result) -> str:
    """Return the outcome, and what people did about it or stated."""
    if result.waived:
        return f"{result.outcome} (waived)"
    if result.attested:
        return f"{result.outcome} (attested)"
    if result.says_stated and result.outcome in {Outcome.PASS, Outcome.WARN}:
        return f"{result.outcome} (declared)"
    return str(result.outcome)


def _kind(result: Result) -> str:
    if result.waived:
        return "waived"
    if result.attested and result.outcome is Outcome.PASS:
        return "person"
    return _KINDS.get(result.outcome, "none")


def _measurement(recorded: RecordedMeasurement) -> RowMeasurement:
    name = shortened(recorded.name, VALUE_AT_MOST)
    value = shortened(recorded.measurement().seen, VALUE_AT_MOST)
    allowed = shortened(recorded.measurement().allowed, VALUE_AT_MOST)
    return RowMeasurement(name, value, allowed, recorded.ok)


def _dullness(recorded: RecordedMeasurement) -> tuple[bool, bool]:
    """Return what sorts first what is out of its limit, then figures: "answer time" says more than "status: 200"."""
    is_figure = isinstance(recorded.value, int | float) and not isinstance(recorded.value, bool)
    has_room = is_figure and recorded.comparator not in {"is", "none"}
    return recorded.ok, not has_room


def causes(rows: Iterable[DecisionRow]) -> list[Cause]:
    """Return decisions with one reason and one remedy together, in the order of their first ones."""
    by_cause: dict[tuple[str, str, str], list[DecisionRow]] = {}
    for row in rows:
        by_cause.setdefault((row.kind, row.reason, row.remedy), []).append(row)
    return [Cause(reason, remedy, tuple(group)) for (_, reason, remedy), group in by_cause.items()]


def by_section(rows: Iterable[DecisionRow], *, several_books: bool) -> Iterator[tuple[str, list[DecisionRow]]]:
    """Yield the rows of each section of the runbook, with its title."""
    by_title: dict[str, list[DecisionRow]] = {}
    for row in rows:
        book = row.name.partition("/")[0]
        title = f"{book} {row.ref}" if several_books else row.ref
        by_title.setdefault(title.strip(), []).append(row)
    yield from by_title.items()
