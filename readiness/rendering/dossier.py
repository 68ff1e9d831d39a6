"""All the evidence there is of a launch: which run decides each phase, and what must be said of the others.

The newest whole run of a phase decides it. A newer one that left lines out, or was cut short, can take away but never
give: what it found failed or unknown counts, what it did not look at stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence.audit import Audit, audit_run, read_ledger
from readiness.evidence.journal import FILE, RecordedRun, read_run
from readiness.evidence.ledger import LedgerReading
from readiness.evidence.previous_run import REMEMBERED, candidates
from readiness.evidence.records import OutlinedBook, OutlinedLine, Plan, Result
from readiness.evidence.rejudge import Judged, judge
from readiness.evidence.signing import PublicKey
from readiness.outcomes import Outcome, Phase
from readiness.rendering.rehearsals_and_drills import Procedure, drills, rehearsals
from readiness.rendering.run_summary import Glance, glance
from readiness.runbook.sign_off import SignOff
from readiness.timeline import is_due

TAKES_AWAY = {Outcome.FAIL, Outcome.UNKNOWN}
TAKING_AT_MOST = 20
"""So many newer runs that left something out are read."""
SHOWN_AT_MOST = 3


@dataclass(frozen=True)
class Lost:
    """A run that is no evidence."""

    folder: Path
    why: str


@dataclass(frozen=True)
class Decided:
    """What stands of one phase."""

    run: RecordedRun
    judged: Judged
    """With what newer runs took away."""
    stale: str = ""
    """Why what passed in it cannot be relied on any more."""
    notes: tuple[str, ...] = ()
    refuted: tuple[str, ...] = ()
    """Where its journal contradicts itself."""
    unproven: tuple[str, ...] = ()
    """What the ledger says against it, or against newer runs that left something out."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """Give all that keeps a good verdict from standing on it."""
        return (*self.refuted, *self.unproven)

    @property
    def results(self) -> list[Result]:
        """Give every decision that the phase demands, the missing ones too."""
        return [*self.run.results, *self.judged.missing]


@dataclass(frozen=True)
class Dossier:
    """The evidence of one environment and one address."""

    environment: str
    reports: Path
    url: str
    revision: str | None
    moment: datetime
    """The instant that it stands for: that of its last run."""
    launch_at: datetime | None
    runs: tuple[Glance, ...]
    """The oldest first."""
    phases: dict[Phase, Decided]
    books: tuple[OutlinedBook, ...]
    lost: tuple[Lost, ...] = ()
    elsewhere: tuple[Glance, ...] = ()
    """Runs against another address: another target."""
    rehearsals: tuple[Procedure, ...] = ()
    drills: tuple[Procedure, ...] = ()
    untrusted: tuple[str, ...] = ()
    """Why no good verdict can stand on this evidence."""

    @property
    def sign_off(self) -> SignOff | None:
        """What people had decided when the last phase was judged."""
        found = self.phases.get(Phase.GA)
        return found.run.start.sign_off if found else None

    def due(self, due: str | None) -> bool:
        """Tell whether a line's time has come at the moment of the page."""
        return is_due(due, self.moment, self.launch_at, self.sign_off.signed_at if self.sign_off else None)


def gather(reports: Path, environment: str, trusted: Mapping[str, PublicKey]) -> Dossier:
    """Read all the evidence of an environment, and hold it against its ledger. Raises BadRun where there is none."""
    runs, lost = _glances(reports, environment)
    if not runs:
        first = f"; {lost[0].folder.name}: {lost[0].why}" if lost else ""
        raise BadRun(
            f"{reports / environment} holds no run that can be read{first}: run pytest -m ga --env {environment}"
        )
    of_today = [one for one in runs if not one.start.looked_back] or runs
    leading = next((one for one in reversed(of_today) if one.start.phase is Phase.GA), of_today[-1])
    url = leading.start.target.url
    here = tuple(one for one in runs if one.start.target.url == url)
    ledger = read_ledger(reports / environment, trusted)
    audited = partial(audit_run, reading=ledger, trusted=trusted)
    phases = {phase: found for phase in Phase if (found := _decide(here, phase, lost, audited))}
    books = phases[leading.start.phase].run if leading.start.phase in phases else None
    return Dossier(
        environment=environment,
        reports=reports,
        url=url,
        revision=leading.start.target.revision,
        moment=leading.start.as_of,
        launch_at=leading.start.launch_at,
        runs=here,
        phases=dict(_aged(phases, leading.start.as_of)),
        books=_books(books.plan if books else None, phases),
        lost=tuple(lost),
        elsewhere=tuple(one for one in runs if one.start.target.url != url),
        rehearsals=tuple(rehearsals(reports, environment)),
        drills=tuple(drills(reports, environment)),
        untrusted=(*_untrusted(lost, phases), *_deleted(ledger, phases)),
    )


def _glances(reports: Path, environment: str) -> tuple[list[Glance], list[Lost]]:
    found, lost = [], []
    for folder in candidates(reports, environment):
        try:
            found.append(glance(folder))
        except BadRun as error:
            lost.append(Lost(folder, str(error)))
    return sorted(found, key=lambda one: (one.start.started_at, one.folder.name)), lost


def _decide(
    runs: Sequence[Glance], phase: Phase, lost: list[Lost], audited: Callable[[RecordedRun], Audit]
) -> Decided | None:
    """Find the run that decides a phase, and what newer ones took away from it. One that looked back decides none."""
    ordered = [one for one in reversed(runs) if one.start.phase is phase]
    while able := [one for one in ordered if not one.start.looked_back]:
        chosen = next((one for one in able if one.whole), None)
        chosen = chosen or next((one for one in able if one.finish), able[0])
        try:
            run = read_run(chosen.folder)
        except BadRun as error:
            lost.append(Lost(chosen.folder, str(error).splitlines()[0]))
            ordered.remove(chosen)
            continue
        taken, notes, forged = _taken_by(ordered[: ordered.index(chosen)][:TAKING_AT_MOST], run, audited)
        judged, audit = judge(run), audited(run)
        merged = replace(run, results=[*run.results, *taken])
        return Decided(
            merged,
            judge(merged) if taken else judged,
            notes=tuple(notes),
            refuted=judged.refuted,
            unproven=(*audit.tampered, *audit.unproven, *forged),
        )
    lost += [Lost(one.folder, one.start.looked_back) for one in ordered]
    return None


def _taken_by(
    newer: Sequence[Glance], run: RecordedRun, audited: Callable[[RecordedRun], Audit]
) -> tuple[list[Result], list[str], list[str]]:
    """Give what newer runs, which left something out, found failed or unknown; say so, and which were changed."""
    known = {item.key for item in run.plan.items} if run.plan else set()
    taken, notes, forged = [], [], []
    for one in newer:
        try:
            found = read_run(one.folder)
        except BadRun as error:
            notes.append(f"{one.folder.name} is newer and cannot be read: {str(error).splitlines()[0]}")
            continue
        outcomes = judge(found).outcomes
        bad = [one for one in found.results if outcomes.get(one.key) in TAKES_AWAY and one.key in known]
        taken += bad
        told = f"{len(bad)} of its lines count as failed or unknown" if bad else "nothing in it failed"
        why = "looked back with --as-of" if one.start.looked_back else "left something out"
        notes.append(f"{one.folder.name} is newer and {why} ({one.word}): {told}")
        forged += [f"{one.folder.name} is newer: {fault}" for fault in audited(found).tampered]
    return taken, notes, forged


def _aged(phases: dict[Phase, Decided], moment: datetime) -> Iterator[tuple[Phase, Decided]]:
    """Tell which phase was judged too long ago, or on another revision than the one that followed."""
    later = {Phase.PREFLIGHT: Phase.SMOKE, Phase.POSTLAUNCH: Phase.GA}
    for phase, found in phases.items():
        start = found.run.start
        after = phases.get(later.get(phase, phase))
        was, now = start.target.revision, after.run.start.target.revision if after else None
        stale = ""
        if was and now and was != now:
            verb = "launched" if phase is Phase.PREFLIGHT else "served at the sign-off"
            stale = f"decided on revision {was}; {now} was {verb}"
        elif phase is Phase.POSTLAUNCH and moment - start.as_of > REMEMBERED:
            hours = (moment - start.as_of).total_seconds() / 3600
            stale = f"it looked {hours:,.0f} h earlier; at most {REMEMBERED.days * 24} count"
        yield phase, replace(found, stale=stale)


def _untrusted(lost: list[Lost], phases: dict[Phase, Decided]) -> Iterator[str]:
    """Tell why no good verdict can stand: what decides contradicts itself, or what came after it cannot be read."""
    for phase, found in phases.items():
        if found.refuted:
            yield f"{found.run.start.run} ({phase}) contradicts itself: {found.refuted[0]}"
        for why in shown(found.unproven):
            yield f"{found.run.folder.name} ({phase}): {why}"
    for one in lost:
        decided = next((found for phase, found in phases.items() if f"-{phase}" in one.folder.name), None)
        if decided is None or one.folder.name > decided.run.folder.name:
            newer = "is newer than the run that decides its phase, and " if decided else ""
            yield f"{one.folder.name} {newer}is no evidence: {one.why}"


def shown(sentences: Sequence[str]) -> Iterator[str]:
    """Give the first few, and say how many more there are."""
    yield from sentences[:SHOWN_AT_MOST]
    if len(sentences) > SHOWN_AT_MOST:
        yield f"and {len(sentences) - SHOWN_AT_MOST} more: see readiness verify"


def _deleted(book: LedgerReading | None, phases: dict[Phase, Decided]) -> Iterator[str]:
    """Tell which runs the ledger has after those that decide, and that lie here no more."""
    for kept in book.runs.values() if book else ():
        entry = kept.entry
        found = next((one for phase, one in phases.items() if (entry.kind, entry.phase) == ("run", phase)), None)
        if found is None or entry.target != found.run.start.target.url:
            continue
        began, gone = entry.started_at, not (found.run.folder.parent / kept.name / FILE).is_file()
        if gone and began and began > found.run.start.started_at:
            yield f"{kept.name} is newer than the run that decides its phase, and it is gone: it was deleted"


def _books(leading: Plan | None, phases: dict[Phase, Decided]) -> tuple[OutlinedBook, ...]:
    """Give the runbooks whole; from older journals, which hold none, what the phases know of them together."""
    if leading and leading.books:
        return leading.books
    lines: dict[str, dict[str, OutlinedLine]] = {}
    for found in phases.values():
        for line in found.run.plan.lines if found.run.plan else ():
            told = line.model_dump(include={"id", "ref", "says", "phase", "gate", "due", "checks", "rendered_as"})
            lines.setdefault(line.runbook, {}).setdefault(line.id, OutlinedLine.model_validate(told))
    return tuple(OutlinedBook(runbook=name, title=name, lines=tuple(found.values())) for name, found in lines.items())
