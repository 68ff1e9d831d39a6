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
from readiness.evidence.records import Result
from readiness.evidence.signing import Signer
from readiness.files.atomic_write import write_whole
from readiness.outcomes import Phase
from readiness.rendering import launch_timeline
from readiness.rendering.actions import owner_of
from readiness.rendering.charts import page
from readiness.rendering.checklist import Mark, Rendered, books, counts, link_to, mark_of
from readiness.rendering.deciding_run import DecidingRun
from readiness.rendering.dossier import Dossier, shown
from readiness.rendering.figures import HIGH, LIMIT_AT, WIDE, bars, course, value_and_limit
from readiness.rendering.key_links import stage_of
from readiness.rendering.run_summary import kind_of
from readiness.rendering.texts import shortened
from readiness.runbook.sign_off import SignOff, same_name
from readiness.verdict import DECIDING, INCOMPLETE_EXIT, VerdictStatus

APPROVALS = "signoff.approvals"
"""The check whose limits name the roles that sign."""


@dataclass(frozen=True)
class SignatureField:
    """A role's place on the form; without a name it is empty."""

    role: str
    name: str = ""
    on: date | None = None
    evidence: str = ""


@dataclass(frozen=True)
class SignOffHeadline:
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
    summary: str = ""
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


def headline(dossier: Dossier) -> SignOffHeadline:
    """Return the verdict: that of the last phase, unless its evidence cannot be trusted."""
    if dossier.untrusted:
        return SignOffHeadline(
            VerdictStatus.INCOMPLETE, "open", "the evidence cannot be trusted as it lies here; see what blocks"
        )

    decided = dossier.phases.get(Phase.GA)
    if decided is None:
        return SignOffHeadline(
            VerdictStatus.INCOMPLETE, "open", f"ga has not been judged: pytest -m ga --env {dossier.environment}"
        )

    verdict = decided.judged.verdict
    if not verdict.good:
        return SignOffHeadline(verdict.word, kind_of(verdict.exit), verdict.action)

    held_back, to_look_at = list(_not_well(dossier)), list(_stale(dossier))
    is_signed = dossier.sign_off and dossier.sign_off.signed_at
    # What goes wrong after the signature is told; it takes no signature back.
    if held_back and not is_signed:
        says = f"every line of ga speaks for it, and it is held back: {', '.join(held_back)}"
        return SignOffHeadline(VerdictStatus.INCOMPLETE, "open", says)

    reservations = [*held_back, *to_look_at]
    says = f"{verdict.action}; but {', '.join(reservations)}" if reservations else verdict.action
    return SignOffHeadline(verdict.word, kind_of(verdict.exit), says)


def _stage(dossier: Dossier) -> str:
    """Return the stage of the roll-out that the newest hours after the launch found; empty where they did not look."""
    decided = dossier.phases.get(Phase.POSTLAUNCH)
    return stage_of(decided.run) if decided else ""


def _not_well(dossier: Dossier) -> Iterator[str]:
    """Yield which of the phases before the last are not well, or were not judged though the runbooks decide in them."""
    start = dossier.phases[Phase.GA].run.start
    # A run that retention has removed since is still in the ledger, and the last phase stands on it.
    known_good = {earlier.phase for earlier in start.earlier_phases or () if earlier.standing().is_good}
    demanded = {phase for book in dossier.books for line in book.lines if line.gate in DECIDING for phase in line.phase}
    for phase in Phase:
        decided = dossier.phases.get(phase)
        if decided is None and phase in demanded - known_good:
            yield f"{phase} was not judged"
        elif decided and not decided.judged.verdict.good:
            yield f"{phase} is {decided.judged.verdict.word}"


def _stale(dossier: Dossier) -> Iterator[str]:
    """Yield which phases an approver should look at, though they are well."""
    for phase, decided in dossier.phases.items():
        if decided.judged.verdict.good and decided.stale:
            yield f"{phase} is stale"


def cards(dossier: Dossier) -> Iterator[Card]:
    """Yield each phase in short."""
    for phase in Phase:
        decided = dossier.phases.get(phase)
        if decided is None:
            yield Card(phase, "not judged", "open", summary=f"pytest -m {phase} --env {dossier.environment}")
            continue

        verdict = decided.judged.verdict
        code = INCOMPLETE_EXIT if decided.doubts else verdict.exit
        yield Card(
            phase,
            decided.word,
            kind_of(code),
            at=decided.run.start.as_of,
            link=link_to(decided.run.folder),
            summary="; ".join(_in_short(decided)),
            stale=decided.stale,
            notes=decided.notes,
        )


def _in_short(decided: DecidingRun) -> Iterator[str]:
    """Yield how much a phase has judged, and until when that holds."""
    recorded = str(decided.judged.verdict.word)
    if decided.word != recorded:
        yield f"recorded as {recorded}: {decided.doubts[0]}"
    yield f"{decided.judged.decided} of {decided.judged.demanded} due decisions"
    ends = decided.judged.verdict.holds_until
    if ends:
        yield f"holds until {ends:%Y-%m-%d %H:%M}Z"


def blocked(dossier: Dossier) -> list[Blocked]:
    """Return what keeps each phase from a good verdict, the last phase first."""
    phases = []
    for phase in reversed(Phase):
        decided = dossier.phases.get(phase)
        command = f"pytest -m {phase} --env {dossier.environment}"

        if decided is None:
            # Of the phases only the last must have been judged for a sign-off.
            if phase is Phase.GA:
                phases.append(Blocked(phase, "not judged", (), command, ("no run of it lies here",)))
            continue

        verdict = decided.judged.verdict
        if verdict.good and not decided.doubts:
            continue
        ended = () if verdict.ended else ("the run did not end by itself, or its evidence is not whole",)
        endings = (*ended, *shown(decided.doubts))
        phases.append(Blocked(phase, decided.word, tuple(_blocks(decided, dossier)), command, endings))
    return phases


def _blocks(decided: DecidingRun, dossier: Dossier) -> Iterator[Block]:
    # Of several results of one decision, that stands which its judgement came to.
    results: dict[object, Result] = {}
    for result in decided.results:
        decides = decided.judged.outcomes.get(result.key) is result.outcome
        if decides or result.key not in results:
            results[result.key] = result

    for key in dict.fromkeys(decided.judged.verdict.holding):
        holding = results.get(key)
        if holding is None:
            continue
        yield Block(
            name=key.name,
            says=holding.says,
            mark=mark_of(holding, decided, dossier),
            why=shortened(_why(holding)),
            remedy=shortened(holding.remedy),
            owner=shortened(owner_of(key, decided.run.start.owners)),
        )


def _why(result: Result) -> str:
    if result.reason:
        return result.reason
    return f"its step {result.step} still stands" if result.step else ""


def roles(dossier: Dossier) -> list[str]:
    """Return the roles whose approval the runbooks demand."""
    decided = dossier.phases.get(Phase.GA)
    lines = decided.run.plan.lines if decided and decided.run.plan else ()
    demanded = [line.limits[APPROVALS].get("roles", ()) for line in lines if APPROVALS in line.limits]
    return list(dict.fromkeys(str(role) for of_line in demanded for role in of_line))


def lacks(form: SignOff | None, wanted: list[str]) -> str:
    """Return what the form still needs; empty where it is filled."""
    approved = {same_name(approval.role) for approval in form.approvals} if form else set()
    missing = [role for role in wanted if same_name(role) not in approved]
    without = f"; nobody has approved as {', '.join(missing)}" if missing else ""

    if form is None or form.decision == "open":
        return f"nobody has decided{without}"
    if missing:
        return f"the decision is {form.decision}{without}"
    return ""


def signatures(form: SignOff | None, wanted: list[str]) -> list[SignatureField]:
    """Return a row for each role that signs: filled where it has, empty to be signed by hand where it has not."""
    rows = {same_name(role): SignatureField(role) for role in wanted}
    approvals = form.approvals if form else ()
    for approval in approvals:
        signature = SignatureField(approval.role, approval.name, approval.approved_on, approval.evidence)
        rows[same_name(approval.role)] = signature
    return list(rows.values())


@dataclass(frozen=True)
class StatedServiceLevel:
    """What the form states of the service; without a measurement, why it is not known."""

    name: str
    value: str
    allowed: str
    ok: bool


def statement(dossier: Dossier) -> Iterator[StatedServiceLevel]:
    """Yield the service levels of the week."""
    decided = dossier.phases.get(Phase.GA)
    results = decided.results if decided else ()
    for result in results:
        if not result.check.startswith("slo."):
            continue
        for measurement in result.measurements:
            value, allowed = value_and_limit(measurement)
            yield StatedServiceLevel(measurement.name, value, allowed, measurement.ok)
        if not result.measurements:
            yield StatedServiceLevel(result.says, f"{result.outcome}: {shortened(result.reason)}", "", ok=False)


def digest(dossier: Dossier) -> str:
    """Return one digest for all the evidence: whoever has it knows whether the page was made from the same."""
    lines = [f"{run.head}  {run.folder.name}\n" for run in dossier.runs]
    procedures = (*dossier.rehearsals, *dossier.drills)
    lines += [f"{procedure.digest}  {procedure.folder.name}\n" for procedure in procedures]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def render(dossier: Dossier) -> str:
    """Return the page as HTML."""
    form = dossier.sign_off
    wanted = roles(dossier)
    form_lacks = lacks(form, wanted)
    trends = course(dossier)
    own, nearest = bars(dossier)
    checklist = books(dossier, Rendered(form_lacks, trends.lacks))
    boxes = [box for book in checklist for box in book.boxes]
    return page(
        "sign_off.html",
        dossier=dossier,
        stage=_stage(dossier),
        headline=headline(dossier),
        cards=list(cards(dossier)),
        blocked=blocked(dossier),
        own=own,
        nearest=nearest,
        course=trends,
        timeline=launch_timeline.timeline(dossier),
        frame=(launch_timeline.WIDE, launch_timeline.LEFT, launch_timeline.TOP),
        spark=(WIDE, HIGH, LIMIT_AT),
        books=checklist,
        boxes=boxes,
        ticked=sum(box.mark.ticked for box in boxes),
        counts=counts(boxes),
        form=form,
        lacks=form_lacks,
        signatures=signatures(form, wanted),
        statement=list(statement(dossier)),
        deciding={decided.run.folder.name for decided in dossier.phases.values()},
        digest=digest(dossier),
        link=link_to,
    )


def write(dossier: Dossier, signer: Signer | None, mask: Callable[[str], str] = str) -> tuple[Path, str]:
    """Write the page beside the runs and enter it into their ledger, where there is one.

    Returns the page, and the head of the ledger or nothing. Raises BadRun and OSError.
    """
    home = dossier.reports / dossier.environment
    path = home / PAGE
    write_whole(path, mask(render(dossier)))

    ledger = Ledger(home, signer)
    head = ledger.enter(path) if ledger.path.exists() else ""
    return path, head
