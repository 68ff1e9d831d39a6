"""The page that approvers read and sign: made from the journals of all phases, the rehearsals and the drills alone.

One file without script and without anything from elsewhere. The same evidence gives the same page, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from readiness.evidence.ledger import PAGE, Ledger
from readiness.evidence.records import Result, Start
from readiness.evidence.signing import Signer
from readiness.files.atomic_write import write_whole
from readiness.outcomes import Phase
from readiness.rendering import launch_timeline
from readiness.rendering.charts import page
from readiness.rendering.checklist import Mark, Rendered, books, counts, link_to, mark_of
from readiness.rendering.dossier import Decided, Dossier, shown
from readiness.rendering.figures import HIGH, LIMIT_AT, WIDE, bars, course, said
from readiness.rendering.run_summary import kind_of
from readiness.rendering.texts import shortened
from readiness.runbook.sign_off import SignOff, same_name
from readiness.verdict import INCOMPLETE_EXIT, Word

APPROVALS = "signoff.approvals"
"""The check whose limits name the roles that sign."""


@dataclass(frozen=True)
class Signature:
    """A role's place on the form; without a name it is empty."""

    role: str
    name: str = ""
    on: date | None = None
    evidence: str = ""


@dataclass(frozen=True)
class Headline:
    """The verdict of the page."""

    word: str
    kind: str
    says: str


@dataclass(frozen=True)
class Card:
    """One phase in short."""

    phase: Phase
    word: str
    kind: str
    at: datetime | None = None
    link: str = ""
    told: str = ""
    stale: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """A decision that keeps the verdict of its phase from being good."""

    name: str
    says: str
    mark: Mark
    why: str
    remedy: str
    owner: str


@dataclass(frozen=True)
class Blocked:
    """All of one phase, and the command that judges it again."""

    phase: Phase
    word: str
    blocks: tuple[Block, ...]
    command: str
    endings: tuple[str, ...]


def headline(dossier: Dossier) -> Headline:
    """Give the verdict: that of the last phase, unless its evidence cannot be trusted."""
    found = dossier.phases.get(Phase.GA)
    if dossier.untrusted:
        return Headline(Word.INCOMPLETE, "open", "the evidence cannot be trusted as it lies here; see what blocks")
    if found is None:
        return Headline(Word.INCOMPLETE, "open", f"ga has not been judged: pytest -m ga --env {dossier.environment}")
    verdict = found.judged.verdict
    beside = list(_beside(dossier)) if verdict.good else []
    says = f"{verdict.action}; but {', '.join(beside)}" if beside else verdict.action
    return Headline(verdict.word, kind_of(verdict.exit), says)


def _beside(dossier: Dossier) -> Iterator[str]:
    """Tell which of the other phases an approver should look at, though the last one speaks for itself."""
    for phase in Phase:
        found = dossier.phases.get(phase)
        if found is None:
            yield f"{phase} was not judged"
        elif not found.judged.verdict.good:
            yield f"{phase} is {found.judged.verdict.word}"
        elif found.stale:
            yield f"{phase} is stale"


def cards(dossier: Dossier) -> Iterator[Card]:
    """Sum up each phase."""
    for phase in Phase:
        found = dossier.phases.get(phase)
        if found is None:
            yield Card(phase, "not judged", "open", told=f"pytest -m {phase} --env {dossier.environment}")
            continue
        start, judged = found.run.start, found.judged
        told = f"{judged.decided} of {judged.demanded} due decisions"
        verdict, link = judged.verdict, link_to(found.run.folder)
        kind = kind_of(verdict.exit if not found.doubts else INCOMPLETE_EXIT)
        yield Card(phase, verdict.word, kind, start.as_of, link, told, found.stale, found.notes)


def blocked(dossier: Dossier) -> list[Blocked]:
    """Give what keeps each phase from a good verdict, the last phase first."""
    found = []
    for phase in reversed(Phase):
        decided = dossier.phases.get(phase)
        command = f"pytest -m {phase} --env {dossier.environment}"
        if decided is None:
            if phase is Phase.GA:
                found.append(Blocked(phase, "not judged", (), command, ("no run of it lies here",)))
            continue
        verdict = decided.judged.verdict
        ended = () if verdict.ended else ("the run did not end by itself, or its evidence is not whole",)
        if not verdict.good or decided.doubts:
            endings = (*ended, *shown(decided.doubts))
            found.append(Blocked(phase, verdict.word, tuple(_blocks(decided, dossier)), command, endings))
    return found


def _blocks(decided: Decided, dossier: Dossier) -> Iterator[Block]:
    by_key: dict[object, Result] = {}
    for result in decided.results:
        known = by_key.get(result.key)
        if known is None or decided.judged.outcomes.get(result.key) is result.outcome:
            by_key[result.key] = result
    for key in dict.fromkeys(decided.judged.verdict.holding):
        found = by_key.get(key)
        if found is None:
            continue
        mark = mark_of(found, decided, dossier)
        why = found.reason or (f"its step {found.step} still stands" if found.step else "")
        owner = _owner(found, decided.run.start)
        yield Block(key.name, found.says, mark, shortened(why), shortened(found.remedy), owner)


def _owner(result: Result, start: Start) -> str:
    """Say who sees to a decision, where the journal names owners: of the line, else of the area of its check."""
    known = (result.key.name, result.line, result.check.partition(".")[0])
    return shortened(next((start.owners[one] for one in known if one in start.owners), ""))


def roles(dossier: Dossier) -> list[str]:
    """Name the roles whose approval the runbooks demand."""
    found = dossier.phases.get(Phase.GA)
    lines = found.run.plan.lines if found and found.run.plan else ()
    named = [line.limits[APPROVALS].get("roles", ()) for line in lines if APPROVALS in line.limits]
    return list(dict.fromkeys(str(role) for one in named for role in one))


def lacks(form: SignOff | None, wanted: list[str]) -> str:
    """Say what the form still needs; empty where it is filled."""
    known = {same_name(one.role) for one in form.approvals} if form else set()
    missing = [role for role in wanted if same_name(role) not in known]
    without = f"; nobody has approved as {', '.join(missing)}" if missing else ""
    if form is None or form.decision == "open":
        return f"nobody has decided{without}"
    return f"the decision is {form.decision}{without}" if missing else ""


def signatures(form: SignOff | None, wanted: list[str]) -> list[Signature]:
    """Give a row for each role that signs: filled where it has, empty to be signed by hand where it has not."""
    given = {
        same_name(one.role): Signature(one.role, one.name, one.approved_on, one.evidence)
        for one in (form.approvals if form else ())
    }
    asked = {same_name(role): Signature(role) for role in wanted}
    return list((asked | given).values())


@dataclass(frozen=True)
class Stated:
    """What the form states of the service; without a measurement, why it is not known."""

    name: str
    value: str
    allowed: str
    ok: bool


def statement(dossier: Dossier) -> Iterator[Stated]:
    """Give the service levels of the week."""
    found = dossier.phases.get(Phase.GA)
    for result in found.results if found else ():
        if not result.check.startswith("slo."):
            continue
        for one in result.measurements:
            value, allowed = said(one)
            yield Stated(one.name, value, allowed, one.ok)
        if not result.measurements:
            yield Stated(result.says, f"{result.outcome}: {shortened(result.reason)}", "", ok=False)


def digest(dossier: Dossier) -> str:
    """Give one digest for all the evidence: whoever has it knows whether the page was made from the same."""
    lines = [f"{one.head}  {one.folder.name}\n" for one in dossier.runs]
    lines += [f"{one.digest}  {one.folder.name}\n" for one in (*dossier.rehearsals, *dossier.drills)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def render(dossier: Dossier) -> str:
    """Write the page."""
    wanted, trends, form = roles(dossier), course(dossier), dossier.sign_off
    own, nearest = bars(dossier)
    checklist = books(dossier, Rendered(lacks(form, wanted), trends.lacks))
    boxes = [box for book in checklist for box in book.boxes]
    return page(
        "sign_off.html",
        dossier=dossier,
        headline=headline(dossier),
        cards=list(cards(dossier)),
        blocked=blocked(dossier),
        own=own,
        nearest=nearest,
        course=trends,
        passage=launch_timeline.passage(dossier),
        lane=(launch_timeline.WIDE, launch_timeline.LEFT, launch_timeline.TOP),
        spark=(WIDE, HIGH, LIMIT_AT),
        books=checklist,
        boxes=boxes,
        ticked=sum(box.mark.ticked for box in boxes),
        counts=counts(boxes),
        form=form,
        lacks=lacks(form, wanted),
        signatures=signatures(form, wanted),
        statement=list(statement(dossier)),
        deciding={found.run.folder.name for found in dossier.phases.values()},
        digest=digest(dossier),
        link=link_to,
    )


def write(dossier: Dossier, signer: Signer | None, mask: Callable[[str], str] = str) -> tuple[Path, str]:
    """Write the page beside the runs and enter it into their ledger, where there is one.

    Gives the page, and the head of the ledger or nothing. Raises BadRun and OSError.
    """
    home = dossier.reports / dossier.environment
    path, book = home / PAGE, Ledger(home, signer)
    write_whole(path, mask(render(dossier)))
    return path, book.enter(path) if book.path.exists() else ""
