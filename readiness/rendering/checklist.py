"""The runbook as the checklist that people know: every line in its own order, each box ticked by its evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from readiness.evidence import journal
from readiness.evidence.recorded_outline import OutlinedBook, OutlinedLine
from readiness.evidence.records import Result
from readiness.outcomes import Outcome, Phase
from readiness.rendering import report_page
from readiness.rendering.deciding_run import DecidingRun
from readiness.rendering.dossier import Dossier
from readiness.rendering.texts import anchor_of, shortened
from readiness.verdict import VerdictStatus

VALUES_AT_MOST = 2


class Mark(StrEnum):
    """What stands in a box, the worst last."""

    NOT_APPLICABLE = "not applicable"
    NOT_DUE = "not due"
    PASSED = "passed"
    ATTESTED = "attested"
    WARNED = "passed, with a warning"
    WAIVED = "waived"
    STALE = "stale"
    UNCHECKED = "not checked"
    UNKNOWN = "unknown"
    FAILED = "failed"

    @property
    def ticked(self) -> bool:
        """Whether the evidence ticks the box."""
        return self in {Mark.PASSED, Mark.ATTESTED, Mark.WARNED}

    @property
    def closed(self) -> bool:
        """Whether nothing is left to do about it now."""
        return self.ticked or self in {Mark.NOT_APPLICABLE, Mark.NOT_DUE}

    @property
    def kind(self) -> str:
        """Its sign and its colour."""
        return _KINDS.get(self, "none")


_KINDS = {
    Mark.PASSED: "good",
    Mark.ATTESTED: "person",
    Mark.WARNED: "good",
    Mark.WAIVED: "waived",
    Mark.STALE: "stale",
    Mark.UNCHECKED: "empty",
    Mark.UNKNOWN: "open",
    Mark.FAILED: "bad",
}
_RANK = list(Mark)
_OF = {
    Outcome.PASS: Mark.PASSED,
    Outcome.WARN: Mark.WARNED,
    Outcome.FAIL: Mark.FAILED,
    Outcome.UNKNOWN: Mark.UNKNOWN,
    Outcome.NOT_RUN: Mark.UNCHECKED,
    Outcome.NOT_DUE: Mark.NOT_DUE,
    Outcome.NOT_APPLICABLE: Mark.NOT_APPLICABLE,
}


@dataclass(frozen=True)
class Part:
    """What one phase came to for a line."""

    phase: Phase
    mark: Mark
    link: str = ""
    """The address of the report of its run, from the page."""
    decided: int = 0
    of: int = 0
    """How many of its decisions are of this mark."""
    why: str = ""
    values: str = ""


@dataclass(frozen=True)
class Box:
    """One line of the checklist."""

    line: OutlinedLine
    parts: tuple[Part, ...]

    @property
    def mark(self) -> Mark:
        """The worst of its phases. What is not due yet in one does not hide what is wrong in another."""
        return max((part.mark for part in self.parts), key=_RANK.index, default=Mark.UNCHECKED)


@dataclass(frozen=True)
class ChecklistSection:
    """The lines of one place in the runbook."""

    ref: str
    boxes: tuple[Box, ...]

    @property
    def closed(self) -> int:
        """How many need nothing more."""
        return sum(box.mark.closed for box in self.boxes)


@dataclass(frozen=True)
class Book:
    """One runbook."""

    title: str
    sections: tuple[ChecklistSection, ...]

    @property
    def boxes(self) -> list[Box]:
        """All of them, in order."""
        return [box for section in self.sections for box in section.boxes]


def counts(boxes: Iterable[Box]) -> list[tuple[Mark, int]]:
    """Return how many boxes have each mark, the good ones first; a mark that no box has is left out."""
    numbers = Counter(box.mark for box in boxes)
    return [(mark, numbers[mark]) for mark in _ORDER if numbers[mark]]


_ORDER = [Mark.PASSED, Mark.WARNED, Mark.ATTESTED, Mark.NOT_APPLICABLE, Mark.NOT_DUE]
_ORDER += [Mark.WAIVED, Mark.STALE, Mark.UNCHECKED, Mark.UNKNOWN, Mark.FAILED]


@dataclass(frozen=True)
class Rendered:
    """What this page holds itself: why its form and its trends do not tick their boxes; empty where they do."""

    form: str
    trends: str


ResultsByLine = dict[Phase, dict[str, list[Result]]]


def books(dossier: Dossier, rendered: Rendered) -> list[Book]:
    """Return the checklist, filled."""
    results = {phase: _by_line(decided) for phase, decided in dossier.phases.items()}
    return [Book(book.title, tuple(_sections(book, dossier, results, rendered))) for book in dossier.books]


def _by_line(decided: DecidingRun) -> dict[str, list[Result]]:
    by_line: dict[str, list[Result]] = {}
    for result in decided.results:
        by_line.setdefault(result.line, []).append(result)
    return by_line


def _sections(
    book: OutlinedBook, dossier: Dossier, results: ResultsByLine, rendered: Rendered
) -> Iterator[ChecklistSection]:
    for ref, lines in groupby(book.lines, key=lambda line: line.ref):
        boxes = tuple(_box(line, dossier, results, rendered) for line in lines)
        yield ChecklistSection(ref, boxes)


def _box(line: OutlinedLine, dossier: Dossier, results: ResultsByLine, rendered: Rendered) -> Box:
    parts = [_part(phase, line, dossier, results) for phase in line.phase] if line.checks else []
    own = _rendered(line, dossier, rendered)
    if own:
        parts.append(own)
    return Box(line, tuple(parts))


def _rendered(line: OutlinedLine, dossier: Dossier, rendered: Rendered) -> Part | None:
    """Return the part of a line that the verdict or this page decides; None where the checks decide alone."""
    phase = line.phase[-1]
    if line.rendered_as == "verdict":
        return _verdict_part(phase, dossier)

    if line.rendered_as in {"sign_off", "trends"}:
        why = rendered.form if line.rendered_as == "sign_off" else rendered.trends
        if why:
            return Part(phase, Mark.UNCHECKED, why=why)
        return Part(phase, Mark.PASSED, values="on this page")

    return None


def _verdict_part(phase: Phase, dossier: Dossier) -> Part:
    decided = dossier.phases.get(phase)
    if decided is None:
        return Part(phase, Mark.UNCHECKED, why=f"{phase} has not been judged")
    verdict = decided.judged.verdict
    return Part(
        phase, _verdict_mark(decided), link_to(decided.run.folder), why=f"the verdict of {phase} is {verdict.word}"
    )


def _verdict_mark(decided: DecidingRun) -> Mark:
    verdict = decided.judged.verdict
    if verdict.good:
        return Mark.STALE if decided.stale else Mark.PASSED
    return Mark.UNKNOWN if verdict.word is VerdictStatus.INCOMPLETE else Mark.FAILED


def _part(phase: Phase, line: OutlinedLine, dossier: Dossier, results: ResultsByLine) -> Part:
    decided = dossier.phases.get(phase)
    if decided is None:
        if dossier.due(line.due):
            return Part(phase, Mark.UNCHECKED, why=f"{phase} has not been judged")
        return Part(phase, Mark.NOT_DUE, why=f"due {line.due}")

    of_line = results[phase].get(line.id, [])
    if not of_line:
        return Part(phase, Mark.UNCHECKED, link_to(decided.run.folder), why=f"{phase} was judged without this line")

    # The worst of its decisions stands in the box, and only those are explained.
    marks = [mark_of(result, decided, dossier) for result in of_line]
    worst = max(marks, key=_RANK.index)
    worst_results = [result for result, mark in zip(of_line, marks, strict=True) if mark is worst]
    return Part(
        phase,
        worst,
        link_to_line(decided.run.folder, worst_results),
        decided=len(worst_results),
        of=len(of_line),
        why=_why(worst, worst_results, decided, line),
        values=_values(worst_results) if worst.ticked else "",
    )


def mark_of(result: Result, decided: DecidingRun, dossier: Dossier) -> Mark:
    """Return what a decision puts into its box: what its record proves, less what has aged."""
    # The outcome is that of judging the record again; the one that was written is only believed where it has none.
    mark = _OF[decided.judged.outcomes.get(result.key, result.outcome)]

    if mark in {Mark.FAILED, Mark.UNKNOWN} and result.key in decided.judged.verdict.waived:
        return Mark.WAIVED

    if mark is Mark.NOT_DUE:
        # Its time may have come since its run, and then nobody has looked.
        line = decided.run.plan.line(result.line) if decided.run.plan else None
        is_due_now = dossier.due(line.due if line else None)
        return Mark.UNCHECKED if is_due_now else mark

    if mark in {Mark.PASSED, Mark.WARNED} and decided.stale:
        return Mark.STALE
    if mark is Mark.PASSED and result.attested:
        return Mark.ATTESTED
    return mark


def _why(mark: Mark, results: list[Result], decided: DecidingRun, line: OutlinedLine) -> str:
    """Return why a mark stands in a box, from the decisions that put it there; empty where it speaks for itself."""
    if mark.ticked:
        return ""
    if mark is Mark.NOT_APPLICABLE:
        return shortened(decided.run.start.not_applicable.get(line.id, ""))
    if mark is Mark.STALE:
        return shortened(decided.stale)
    if mark is Mark.UNCHECKED and results[0].outcome is Outcome.NOT_DUE:
        phase = decided.run.start.phase
        return shortened(f"it was not due yet ({line.due}) when {phase} was judged: judge it again")

    reasons = dict.fromkeys(
        f"{result.subject}: {result.reason}" if result.subject else result.reason for result in results
    )
    return shortened("; ".join(reason for reason in reasons if reason))


def _values(results: Sequence[Result]) -> str:
    """Return what was measured, where it says something without its name, and what a reader has to know of it.

    That is whether it was only stated, and the limits that an environment has loosened.
    """
    measurements = [measurement for result in results for measurement in result.measurements]
    values = [
        measurement.measurement().seen
        for measurement in measurements
        if measurement.unit and measurement.comparator not in {"is", "none"}
    ]
    more = f" and {len(values) - VALUES_AT_MOST} more" if len(values) > VALUES_AT_MOST else ""
    measured = f"{', '.join(values[:VALUES_AT_MOST])}{more}"
    stated = "declared, not measured" if any(result.says_stated for result in results) else ""
    overlaid = dict.fromkeys(says for result in results for says in result.overlaid)
    return shortened("; ".join(filter(None, (": ".join(filter(None, (stated, measured))), *overlaid))))


def link_to(folder: Path) -> str:
    """Return the address of a run's report, from the page that lies beside its folder."""
    file = report_page.FILE if (folder / report_page.FILE).is_file() else journal.FILE
    return f"{quote(folder.name)}/{file}"


def link_to_line(folder: Path, results: Sequence[Result]) -> str:
    """Return the address of the first of some decisions on a run's report."""
    first = results[0]
    return f"{link_to(folder)}#{anchor_of(first.line, first.subject)}"
