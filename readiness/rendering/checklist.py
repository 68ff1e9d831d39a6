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
from readiness.evidence.records import OutlinedBook, OutlinedLine, Result
from readiness.measurements import show
from readiness.outcomes import Outcome, Phase
from readiness.rendering import report_page
from readiness.rendering.dossier import Decided, Dossier
from readiness.rendering.texts import anchor_of, shortened
from readiness.verdict import Word

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
        """Tell whether the evidence ticks the box."""
        return self in {Mark.PASSED, Mark.ATTESTED, Mark.WARNED}

    @property
    def closed(self) -> bool:
        """Tell whether nothing is left to do about it now."""
        return self.ticked or self in {Mark.NOT_APPLICABLE, Mark.NOT_DUE}

    @property
    def kind(self) -> str:
        """Name its sign and its colour."""
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
    """What one phase found for a line."""

    phase: Phase
    mark: Mark
    link: str = ""
    """To the report of its run, from the page."""
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
        """The worst of its phases. What is not due yet in one does not hide what was found in another."""
        return max((part.mark for part in self.parts), key=_RANK.index, default=Mark.UNCHECKED)


@dataclass(frozen=True)
class Section:
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
    sections: tuple[Section, ...]

    @property
    def boxes(self) -> list[Box]:
        """All of them, in order."""
        return [box for section in self.sections for box in section.boxes]


def counts(boxes: Iterable[Box]) -> list[tuple[Mark, int]]:
    """Count the boxes of each mark, the good ones first."""
    found = Counter(box.mark for box in boxes)
    return [(mark, found[mark]) for mark in _ORDER if found[mark]]


_ORDER = [Mark.PASSED, Mark.WARNED, Mark.ATTESTED, Mark.NOT_APPLICABLE, Mark.NOT_DUE]
_ORDER += [Mark.WAIVED, Mark.STALE, Mark.UNCHECKED, Mark.UNKNOWN, Mark.FAILED]


@dataclass(frozen=True)
class Rendered:
    """What this page holds itself: why its form and its trends do not tick their boxes; empty where they do."""

    form: str
    trends: str


def books(dossier: Dossier, rendered: Rendered) -> list[Book]:
    """Fill the checklist."""
    by_line = {phase: _by_line(found) for phase, found in dossier.phases.items()}
    return [Book(book.title, tuple(_sections(book, dossier, by_line, rendered))) for book in dossier.books]


def _by_line(found: Decided) -> dict[str, list[Result]]:
    results = sorted(found.results, key=lambda one: one.line)
    return {line: list(group) for line, group in groupby(results, key=lambda one: one.line)}


def _sections(
    book: OutlinedBook, dossier: Dossier, by_line: dict[Phase, dict[str, list[Result]]], rendered: Rendered
) -> Iterator[Section]:
    for ref, lines in groupby(book.lines, key=lambda line: line.ref):
        boxes = []
        for line in lines:
            parts = [_part(phase, line, dossier, by_line) for phase in line.phase] if line.checks else []
            own = _rendered(line, dossier, rendered)
            boxes.append(Box(line, tuple([*parts, own] if own else parts)))
        yield Section(ref, tuple(boxes))


def _rendered(line: OutlinedLine, dossier: Dossier, rendered: Rendered) -> Part | None:
    """Decide the part of a line that the verdict or this page decides."""
    phase = line.phase[-1]
    if line.rendered_as == "verdict":
        found = dossier.phases.get(phase)
        if found is None:
            return Part(phase, Mark.UNCHECKED, why=f"{phase} has not been judged")
        word = found.judged.verdict.word
        mark = Mark.FAILED
        if found.judged.verdict.good:
            mark = Mark.PASSED
        elif word is Word.INCOMPLETE:
            mark = Mark.UNKNOWN
        mark = Mark.STALE if mark.ticked and found.stale else mark
        return Part(phase, mark, link_to(found.run.folder), why=f"the verdict of {phase} is {word}")
    if line.rendered_as in {"sign_off", "trends"}:
        why = rendered.form if line.rendered_as == "sign_off" else rendered.trends
        if why:
            return Part(phase, Mark.UNCHECKED, why=why)
        return Part(phase, Mark.PASSED, why=why, values="on this page")
    return None


def _part(phase: Phase, line: OutlinedLine, dossier: Dossier, by_line: dict[Phase, dict[str, list[Result]]]) -> Part:
    found = dossier.phases.get(phase)
    if found is None:
        mark = Mark.UNCHECKED if dossier.due(line.due) else Mark.NOT_DUE
        return Part(phase, mark, why=f"{phase} has not been judged" if mark is Mark.UNCHECKED else f"due {line.due}")
    results = by_line[phase].get(line.id, [])
    if not results:
        return Part(phase, Mark.UNCHECKED, link_to(found.run.folder), why=f"{phase} was judged without this line")
    marked = [(mark_of(one, found, dossier), one) for one in results]
    worst = max((mark for mark, _ in marked), key=_RANK.index)
    same = [one for mark, one in marked if mark is worst]
    return Part(
        phase,
        worst,
        link_to_line(found.run.folder, same),
        decided=len(same),
        of=len(results),
        why=_why(worst, same, found, line),
        values=_values(same) if worst.ticked else "",
    )


def mark_of(result: Result, found: Decided, dossier: Dossier) -> Mark:
    """Say what a decision puts into its box: what its record proves, less what has aged."""
    mark = _OF[found.judged.outcomes.get(result.key, result.outcome)]
    if result.key in found.judged.verdict.waived and mark in {Mark.FAILED, Mark.UNKNOWN}:
        return Mark.WAIVED
    if mark is Mark.NOT_DUE:
        line = found.run.plan.line(result.line) if found.run.plan else None
        come = dossier.due(line.due if line else None)
        return Mark.UNCHECKED if come else mark
    if mark in {Mark.PASSED, Mark.WARNED} and found.stale:
        return Mark.STALE
    return Mark.ATTESTED if mark is Mark.PASSED and result.attested else mark


def _why(mark: Mark, results: list[Result], found: Decided, line: OutlinedLine) -> str:
    if mark.ticked or mark is Mark.NOT_APPLICABLE:
        reason = found.run.start.not_applicable.get(line.id, "") if mark is Mark.NOT_APPLICABLE else ""
    elif mark is Mark.STALE:
        reason = found.stale
    elif mark is Mark.UNCHECKED and results[0].outcome is Outcome.NOT_DUE:
        reason = f"it was not due yet ({line.due}) when {found.run.start.phase} was judged: judge it again"
    else:
        told = dict.fromkeys(f"{one.subject}: {one.reason}" if one.subject else one.reason for one in results)
        reason = "; ".join(one for one in told if one)
    return shortened(reason)


def _values(results: Iterable[Result]) -> str:
    """Write what was measured, where it says something without its name."""
    taken = [one for result in results for one in result.measurements]
    told = [f"{show(one.value)} {one.unit}" for one in taken if one.unit and one.comparator not in {"is", "none"}]
    more = f" and {len(told) - VALUES_AT_MOST} more" if len(told) > VALUES_AT_MOST else ""
    return shortened(f"{', '.join(told[:VALUES_AT_MOST])}{more}")


def link_to(folder: Path, *, under: str = "") -> str:
    """Give the address of a run's report, from the page that lies beside its folder."""
    file = report_page.FILE if (folder / report_page.FILE).is_file() else journal.FILE
    return f"{under}{quote(folder.name)}/{file}"


def link_to_line(folder: Path, results: Sequence[Result]) -> str:
    """Give the address of the first of some decisions on a run's report."""
    first = results[0]
    return f"{link_to(folder)}#{anchor_of(first.line, first.subject)}"
