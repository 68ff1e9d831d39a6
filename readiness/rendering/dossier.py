"""All the evidence there is of a launch: which run decides each phase, and what the others take away from it.

The newest whole run of a phase decides it, or one that was under way beside it and ended worse. A newer one that left
lines out, or was cut short, can take away but never give: what failed or was unknown in it counts, what it did not
judge stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence.audit import audit_run, read_ledger
from readiness.evidence.findings import Audit
from readiness.evidence.journal import FILE, RecordedRun, read_run
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.newest_run import has_begun, ordered
from readiness.evidence.overtaken import beside
from readiness.evidence.previous_run import REMEMBERED
from readiness.evidence.recorded_outline import OutlinedBook, OutlinedLine
from readiness.evidence.records import Result
from readiness.evidence.rejudge import judge
from readiness.evidence.signing import PublicKey
from readiness.evidence.standing import Place
from readiness.outcomes import Outcome, Phase
from readiness.rendering.deciding_run import DecidingRun, as_they_stand
from readiness.rendering.rehearsals_and_drills import Procedure, drills, rehearsals
from readiness.rendering.run_summary import GOOD, RunSummary, read_summary
from readiness.runbook.sign_off import SignOff
from readiness.timeline import is_due

TAKES_AWAY = {Outcome.FAIL, Outcome.UNKNOWN}
TAKING_AT_MOST = 20
"""So many newer runs that left something out are read."""
SHOWN_AT_MOST = 3


@dataclass(frozen=True)
class UnusableRun:
    """A run that is no evidence."""

    folder: Path
    why: str


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
    runs: tuple[RunSummary, ...]
    """The oldest first."""
    phases: dict[Phase, DecidingRun]
    books: tuple[OutlinedBook, ...]
    unusable: tuple[UnusableRun, ...] = ()
    elsewhere: tuple[RunSummary, ...] = ()
    """Runs against another address: another target."""
    rehearsals: tuple[Procedure, ...] = ()
    drills: tuple[Procedure, ...] = ()
    untrusted: tuple[str, ...] = ()
    """Why no good verdict can stand on this evidence."""

    @property
    def sign_off(self) -> SignOff | None:
        """What people had decided when the last phase was judged."""
        decided = self.phases.get(Phase.GA)
        return decided.run.start.sign_off if decided else None

    def due(self, due: str | None) -> bool:
        """Check whether a line's time has come at the moment of the page."""
        signed_at = self.sign_off.signed_at if self.sign_off else None
        return is_due(due, self.moment, self.launch_at, signed_at)


@dataclass(frozen=True)
class Today:
    """What the evidence is held against beside itself."""

    now: datetime
    environments: Path
    """The folder of the environment's file."""

    def place(self, environment: str, reports: Path) -> Place:
        """Return where the evidence lies. Elsewhere than in its project it is all there is."""
        is_here = (self.environments / f"{environment}.yaml").is_file()
        return Place(environment, reports, self.environments if is_here else None)


def gather(reports: Path, environment: str, trusted: Mapping[str, PublicKey], today: Today | None = None) -> Dossier:
    """Return all the evidence of an environment, held against its ledger. Raises BadRun where there is none.

    Without `today` it is taken as of the clock of its newest run.
    """
    runs, unusable = _summaries(reports, environment)
    if not runs:
        first = f"; {unusable[0].folder.name}: {unusable[0].why}" if unusable else ""
        raise BadRun(
            f"{reports / environment} holds no run that can be read{first}: run pytest -m ga --env {environment}"
        )

    leading = _leading(runs)
    moment = leading.start.as_of
    url = leading.start.target.url
    here = tuple(run for run in runs if run.start.target.url == url)
    elsewhere = tuple(run for run in runs if run.start.target.url != url)

    ledger = read_ledger(reports / environment, trusted)
    decided = _decide_each(here, unusable, ledger, trusted)
    now = today.now if today else max(run.start.started_at for run in runs)
    place = today.place(environment, reports) if today else Place(environment, reports)
    phases = dict(as_they_stand(decided, place, trusted, now))

    return Dossier(
        environment=environment,
        reports=reports,
        url=url,
        revision=leading.start.target.revision,
        moment=moment,
        launch_at=leading.start.launch_at,
        runs=here,
        phases=dict(_aged(phases, moment)),
        books=_books(phases, leading.start.phase),
        unusable=tuple(unusable),
        elsewhere=elsewhere,
        rehearsals=tuple(rehearsals(reports, environment)),
        drills=tuple(drills(reports, environment)),
        untrusted=(*_untrusted(unusable, phases), *_deleted(ledger, phases)),
    )


def _decide_each(
    runs: Sequence[RunSummary],
    unusable: list[UnusableRun],
    ledger: LedgerReading | None,
    trusted: Mapping[str, PublicKey],
) -> dict[Phase, DecidingRun]:
    """Return the run that decides each phase; `unusable` gains those that cannot."""
    audited = partial(audit_run, reading=ledger, trusted=trusted)
    decided = {phase: _decide(runs, phase, unusable, audited, ledger) for phase in Phase}
    return {phase: run for phase, run in decided.items() if run}


def _summaries(reports: Path, environment: str) -> tuple[list[RunSummary], list[UnusableRun]]:
    """Return the runs of an environment, the oldest first, and those that cannot be read."""
    runs: list[RunSummary] = []
    unusable: list[UnusableRun] = []
    for folder in ordered(reports, environment):
        # One that died before it wrote anything is in the ledger, and has nothing to be read.
        if not has_begun(folder):
            continue
        try:
            runs.append(read_summary(folder))
        except BadRun as error:
            unusable.append(UnusableRun(folder, str(error)))
    return _oldest_first(runs, reports / environment), unusable


def _oldest_first(runs: list[RunSummary], home: Path) -> list[RunSummary]:
    """Return runs in the order of the ledger; before them those that it does not know, by their clocks."""
    ledger = read_ledger(home, {})
    places = {name: number for number, name in enumerate(ledger.runs, 1)} if ledger else {}
    by_clock = sorted(runs, key=lambda run: (run.start.started_at, run.folder.name))
    return sorted(by_clock, key=lambda run: places.get(run.folder.name, 0))


def _leading(runs: Sequence[RunSummary]) -> RunSummary:
    """Return the run that a sign-off stands for: the last of the last phase, else the last of all."""
    # A run that looked back with --as-of stands for a past moment: only where there is no other.
    of_today = [run for run in runs if not run.start.looked_back] or runs
    of_last_phase = [run for run in of_today if run.start.phase is Phase.GA]
    return of_last_phase[-1] if of_last_phase else of_today[-1]


def _decide(
    runs: Sequence[RunSummary],
    phase: Phase,
    unusable: list[UnusableRun],
    audited: Callable[[RecordedRun], Audit],
    ledger: LedgerReading | None,
) -> DecidingRun | None:
    """Return the run that decides a phase, with what newer ones took away; `unusable` gains those that cannot.

    One that looked back decides none.
    """
    newest_first = [run for run in reversed(runs) if run.start.phase is phase]
    while True:
        able = [run for run in newest_first if not run.start.looked_back]
        if not able:
            unusable += [UnusableRun(run.folder, run.start.looked_back) for run in newest_first]
            return None

        chosen = _chosen(able, ledger)
        try:
            run = read_run(chosen.folder)
        except BadRun as error:
            unusable.append(UnusableRun(chosen.folder, _first_line(error)))
            newest_first.remove(chosen)
            continue

        newer = _taking(newest_first, chosen, ledger)
        return _decided(run, newer[:TAKING_AT_MOST], audited)


def _chosen(newest_first: Sequence[RunSummary], ledger: LedgerReading | None) -> RunSummary:
    """Return the newest whole run, or one that counts beside it and is not good.

    Where none is whole it is the newest that ended, and else the newest.
    """
    for run in newest_first:
        if run.whole:
            counting = [run, *(other for other in _beside(newest_first, run, ledger) if other.whole)]
            return next((other for other in counting if other.kind != GOOD), run)
    for run in newest_first:
        if run.finish:
            return run
    return newest_first[0]


def _taking(
    newest_first: Sequence[RunSummary], chosen: RunSummary, ledger: LedgerReading | None
) -> Sequence[RunSummary]:
    """Return the runs that left something out and may take away from the one that decides, the newest first."""
    newer = newest_first[: newest_first.index(chosen)]
    older = [run for run in _beside(newest_first, chosen, ledger) if run not in newer]
    return [run for run in (*newer, *older) if run.start.looked_back or not run.whole]


def _beside(runs: Sequence[RunSummary], run: RunSummary, ledger: LedgerReading | None) -> list[RunSummary]:
    """Return the runs that count beside one: under way when it was, and ended after it."""
    names = {record.name for record in beside(ledger, run.folder.name)} if ledger else set()
    return [other for other in runs if other.folder.name in names]


def _decided(run: RecordedRun, newer: Sequence[RunSummary], audited: Callable[[RecordedRun], Audit]) -> DecidingRun:
    """Return what a run decides, less what newer runs take away from it."""
    taken, notes, forged = _taken_by(newer, run, audited)
    judged = judge(run)
    audit = audited(run)
    merged = replace(run, results=[*run.results, *taken])
    return DecidingRun(
        merged,
        judge(merged) if taken else judged,
        notes=tuple(notes),
        refuted=judged.refuted,
        unproven=(*audit.tampered, *audit.unproven, *forged),
    )


def _taken_by(
    newer: Sequence[RunSummary], run: RecordedRun, audited: Callable[[RecordedRun], Audit]
) -> tuple[list[Result], list[str], list[str]]:
    """Return what newer runs, which left something out, take away: results that failed or are unknown.

    Beside it a note on each of them, and the faults of those that were changed.
    """
    planned = {item.key for item in run.plan.items} if run.plan else set()
    taken: list[Result] = []
    notes: list[str] = []
    forged: list[str] = []
    for summary in newer:
        name = summary.folder.name
        try:
            newer_run = read_run(summary.folder)
        except BadRun as error:
            notes.append(f"{name} is newer and cannot be read: {_first_line(error)}")
            continue

        # What the plan of the deciding run does not know is no decision of this launch.
        outcomes = judge(newer_run).outcomes
        bad = [
            result for result in newer_run.results if result.key in planned and outcomes.get(result.key) in TAKES_AWAY
        ]
        taken += bad

        effect = f"{len(bad)} of its lines count as failed or unknown" if bad else "nothing in it failed"
        why = "judged another moment with --as-of" if summary.start.looked_back else "left something out"
        notes.append(f"{name} is newer and {why} ({summary.word}): {effect}")
        forged += [f"{name} is newer: {fault}" for fault in audited(newer_run).tampered]
    return taken, notes, forged


def _first_line(error: BadRun) -> str:
    return str(error).splitlines()[0]


def _aged(phases: dict[Phase, DecidingRun], moment: datetime) -> Iterator[tuple[Phase, DecidingRun]]:
    """Yield each phase with why it is stale: judged too long ago, over, or on another revision than what followed."""
    for phase, decided in phases.items():
        yield phase, replace(decided, stale=_stale(phase, phases, moment))


_FOLLOWED_BY = {Phase.PREFLIGHT: (Phase.SMOKE, "launched"), Phase.POSTLAUNCH: (Phase.GA, "served at the sign-off")}
"""The phase whose revision is that of the launch, or of the sign-off, and the words for it."""


def _stale(phase: Phase, phases: dict[Phase, DecidingRun], moment: datetime) -> str:
    """Return why what passed in a phase cannot be relied on any more; empty where it can."""
    start = phases[phase].run.start
    if phase in _FOLLOWED_BY:
        next_phase, verb = _FOLLOWED_BY[phase]
        judged_on = start.target.revision
        followed_by = phases[next_phase].run.start.target.revision if next_phase in phases else None
        if judged_on and followed_by and judged_on != followed_by:
            return f"decided on revision {judged_on}; {followed_by} was {verb}"

    # A verdict has to hold until the phase that it was needed for began.
    follower = phases.get(_FOLLOWED_BY[phase][0]) if phase in _FOLLOWED_BY else None
    needed_until = follower.run.start.as_of if follower else moment
    lapsed = phases[phase].judged.verdict.lapsed(needed_until)
    if lapsed and phase is not Phase.SMOKE:
        return lapsed

    age = moment - start.as_of
    if phase is Phase.POSTLAUNCH and age > REMEMBERED:
        return f"it looked {age.total_seconds() / 3600:,.0f} h earlier; at most {REMEMBERED.days * 24} count"
    return ""


def _untrusted(unusable: list[UnusableRun], phases: dict[Phase, DecidingRun]) -> Iterator[str]:
    """Yield why no good verdict can stand: what decides contradicts itself, or what came after it cannot be read."""
    for phase, decided in phases.items():
        if decided.refuted:
            yield f"{decided.run.start.run} ({phase}) contradicts itself: {decided.refuted[0]}"
        for why in shown(decided.unproven):
            yield f"{decided.run.folder.name} ({phase}): {why}"
        for why in shown(decided.overtaken):
            yield f"{phase}: {why}"

    for run in unusable:
        # Of a journal that cannot be read, the folder's name alone shows the phase.
        deciding = next((decided for phase, decided in phases.items() if f"-{phase}" in run.folder.name), None)
        if deciding is None:
            yield f"{run.folder.name} is no evidence: {run.why}"
        elif run.folder.name > deciding.run.folder.name:
            yield f"{run.folder.name} is newer than the run that decides its phase, and is no evidence: {run.why}"


def shown(sentences: Sequence[str]) -> Iterator[str]:
    """Yield the first few sentences, and how many more there are."""
    yield from sentences[:SHOWN_AT_MOST]
    if len(sentences) > SHOWN_AT_MOST:
        yield f"and {len(sentences) - SHOWN_AT_MOST} more: see readiness verify"


def _deleted(ledger: LedgerReading | None, phases: dict[Phase, DecidingRun]) -> Iterator[str]:
    """Yield which runs the ledger has after those that decide, and that lie here no more."""
    records = ledger.runs.values() if ledger else ()
    names = [record.name for record in records]
    for record in records:
        entry = record.entry
        # Rehearsals and drills stand in the ledger too.
        if entry.kind != "run":
            continue
        decided = next((decided for phase, decided in phases.items() if entry.phase == phase), None)
        if decided is None or entry.target != decided.run.start.target.url:
            continue

        is_newer = names.index(record.name) > _index(names, decided.run.folder.name)
        is_here = (decided.run.folder.parent / record.name / FILE).is_file()
        if is_newer and not is_here:
            yield f"{record.name} is newer than the run that decides its phase, and it is gone: it was deleted"


def _index(names: list[str], name: str) -> int:
    """Return the place of a run in the ledger; before all others where it is not in it."""
    return names.index(name) if name in names else -1


def _books(phases: dict[Phase, DecidingRun], leading: Phase) -> tuple[OutlinedBook, ...]:
    """Return the runbooks whole; from older journals, which hold none, what the phases show of them together."""
    plan = phases[leading].run.plan if leading in phases else None
    if plan and plan.books:
        return plan.books

    lines: dict[str, dict[str, OutlinedLine]] = {}
    for decided in phases.values():
        planned = decided.run.plan.lines if decided.run.plan else ()
        for line in planned:
            outline = OutlinedLine.model_validate(line.model_dump(include=set(OutlinedLine.model_fields)))
            lines.setdefault(line.runbook, {}).setdefault(line.id, outline)
    return tuple(OutlinedBook(runbook=name, title=name, lines=tuple(by_id.values())) for name, by_id in lines.items())
