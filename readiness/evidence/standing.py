"""How a phase stands: its newest run, what is held against it, and the word that is left.

`verify`, `next`, `history` and the sign-off page ask here, so that they cannot disagree.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from readiness.environment.demands import signature_demand
from readiness.environment.stated import stated_target
from readiness.errors import BadRun
from readiness.evidence.acceptance import REQUIRED, Examined, examine, not_signed
from readiness.evidence.anchored import Recalled, contradictions, hold_to_anchors, recalled_of
from readiness.evidence.audit import read_ledger
from readiness.evidence.broken_off import broken_off_beside
from readiness.evidence.earlier_evidence import hold_to_earlier_evidence
from readiness.evidence.findings import Audit, Gap
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.ledger_reading import LedgerReading, LedgerRecord
from readiness.evidence.lost_history import gone_from_ledger, lost
from readiness.evidence.named_folder import beside_its_ledger
from readiness.evidence.newest_run import RHYTHM, MissingRun, ahead, has_begun, newest_of, too_old
from readiness.evidence.overtaken import beside, told
from readiness.evidence.pending_starts import not_in_ledger
from readiness.evidence.phases_before import hold_to_phases_before
from readiness.evidence.reasons import BAD_EXIT, Reason, gravest
from readiness.evidence.signing import PublicKey
from readiness.evidence.today import hold_to_project, hold_to_today
from readiness.outcomes import Phase
from readiness.redaction.redactor import REDACTOR
from readiness.verdict import VerdictStatus

WHY_AT_MOST = 3
ALTERED_WORD = "none"
"""Of evidence that was changed: it proves nothing, not even a bad verdict."""


@dataclass(frozen=True)
class Place:
    """Where the evidence of an environment lies, and the folder of its file and keys."""

    environment: str
    reports: Path
    environments: Path | None = None
    """None where the evidence is all there is."""

    @property
    def home(self) -> Path:
        """The folder of its evidence."""
        return self.reports / self.environment

    @property
    def file(self) -> Path | None:
        """Its file, which may not be there."""
        return self.environments / f"{self.environment}.yaml" if self.environments else None


@dataclass(frozen=True)
class Demands:
    """What a run must be, so that its word stands."""

    now: datetime
    """By the clock of this machine: no run is of the future."""
    at: datetime | None = None
    """The moment that it is to count for; None is now."""
    newer_than: timedelta | None = None
    """How old it may be; None is the rhythm of its phase."""
    of_today: bool = True
    """Whether it judged what the project states today; False for a phase that others have followed."""
    anchored: bool = False
    """Whether an anchor must cover it, also where the environment states no place for them."""
    anchors: tuple[str, ...] = ()
    """Places of anchors beside those that the environment states."""
    signed: bool = False
    """Whether a trusted key must have signed it, also where none was ever used and the environment does not ask."""

    @property
    def moment(self) -> datetime:
        """The moment that a run is to count for."""
        return self.at or self.now


@dataclass(frozen=True)
class Standing:
    """What is known of a phase, or of one run that somebody named."""

    ledger: LedgerReading | None = None
    examined: Examined | None = None
    """The run with all that is held against it; None where there is none that can be read."""
    no_run: str = ""
    """Why the newest that is known is no run."""
    is_unheard_of: bool = False
    """Whether nobody has ever started it, as far as is known."""
    unreadable: tuple[str, ...] = ()
    """Why its evidence cannot be read: it was changed, or deleted."""
    is_missing: bool = False
    """Whether it cannot be read because its folder is not there."""
    gaps: tuple[Gap, ...] = ()
    """Where there is no run: what the anchors have against the ledger."""
    began_last: str = ""
    """The run that began last, where another one decides that began before it and ended after it."""

    @property
    def folder(self) -> Path | None:
        """Where the run lies."""
        return self.examined.recorded.folder if self.examined else None

    @property
    def reason(self) -> Reason:
        """Why it stands so: good only for a good word that nothing is held against."""
        if self.examined:
            return self.examined.reason
        if self.unreadable:
            return Reason.ALTERED
        return gravest([Reason.NO_RUN, *(gap.reason for gap in self.gaps)])

    @property
    def exit(self) -> int:
        """The exit code of whoever decides by it."""
        return self.reason.code

    @property
    def word(self) -> str:
        """The word that is left: a good one only with exit 0."""
        if self.unreadable or (self.examined and self.examined.audit.tampered):
            return ALTERED_WORD
        if self.examined is None:
            return str(VerdictStatus.INCOMPLETE)

        verdict = self.examined.judged.verdict
        if not verdict.good or self.exit == 0:
            return str(verdict.word)
        if self.exit == BAD_EXIT:
            return f"{verdict.word} by its lines, and red beside them"
        return str(VerdictStatus.INCOMPLETE)

    @property
    def why(self) -> tuple[str, ...]:
        """What stands in the way of a good word, beside the lines themselves."""
        if self.examined:
            return self.examined.in_the_way
        return self.unreadable or (self.no_run, *(gap.says for gap in self.gaps))


def in_a_line(standing: Standing) -> str:
    """Return how a phase stands, in one line: the word, its exit code, the run and what stands in the way."""
    run = f", {standing.folder.name}" if standing.folder else ""
    why = f": {'; '.join(standing.why[:WHY_AT_MOST])}" if standing.why else ""
    return f"{standing.word} ({standing.exit}){run}{why}"


def standing_of(place: Place, phase: Phase, trusted: Mapping[str, PublicKey], demands: Demands) -> Standing:
    """Return how a phase stands: what the newest run of it is worth, by the order of the ledger."""
    return standings(place, trusted, demands, [phase])[phase]


def standings(
    place: Place, trusted: Mapping[str, PublicKey], demands: Demands, phases: Iterable[Phase] = tuple(Phase)
) -> dict[Phase, Standing]:
    """Return how each of some phases stands."""
    try:
        ledger = read_ledger(place.home, trusted)
    except BadRun as error:
        return dict.fromkeys(phases, Standing(unreadable=tuple(str(error).splitlines())))

    recalled = recalled_of(place.environment, place.file, demands.anchors, is_demanded=demands.anchored)
    known: dict[Phase, Standing] = {}
    for phase in phases:
        standing = _of_phase(place, phase, ledger, trusted, demands)
        known[phase] = _anchored(standing, recalled)
    return known


def _anchored(standing: Standing, recalled: Sequence[Recalled]) -> Standing:
    """Return how something stands, held against the anchors of its ledger."""
    ledger = standing.ledger
    if standing.examined:
        record = ledger.runs.get(standing.examined.recorded.folder.name) if ledger else None
        hold_to_anchors(standing.examined.audit, ledger, recalled, record)
        return standing
    return replace(standing, gaps=tuple(gap for each in recalled for gap in contradictions(ledger, each)))


def _of_phase(
    place: Place, phase: Phase, ledger: LedgerReading | None, trusted: Mapping[str, PublicKey], demands: Demands
) -> Standing:
    try:
        newest = newest_of(place.home, phase, ledger)
    except BadRun as error:
        return Standing(ledger, unreadable=tuple(str(error).splitlines()), is_missing=isinstance(error, MissingRun))
    not_here = (
        lost(place.home, ledger) or gone_from_ledger(place.home, phase, ledger) or not_in_ledger(place.home, phase)
    )
    if newest.folder is None:
        why = "; ".join(filter(None, [newest.no_run, not_here]))
        return Standing(ledger, no_run=why, is_unheard_of=newest.is_unheard_of and not not_here)

    standing = _of_folder(newest.folder, ledger, trusted, demands)
    if standing.examined:
        standing.examined.audit.lacks(Reason.NOT_EVIDENCE, *filter(None, [not_here]))
        audit, recorded = standing.examined.audit, standing.examined.recorded
        at_most = RHYTHM[phase] if demands.newer_than is None else demands.newer_than
        audit.tampered += _of_another(recorded, place, phase)
        audit.lacks(Reason.TOO_OLD, *too_old(recorded.start, demands.moment, at_most))
        audit.lacks(Reason.NOT_TODAY, *_elsewhere(recorded, place))
        if place.environments:
            _hold_to_files(audit, recorded, place.environments, place.reports, demands)
        if demands.of_today:
            where = place.home, place.environments
            hold_to_phases_before(audit, recorded.start, *where, ledger, trusted, demands.moment)
        audit.lacks(Reason.NOT_SIGNED, *unsigned(recorded, ledger, trusted, place.file, is_required=demands.signed))
    return _with_those_beside(standing, place, trusted, demands)


def _with_those_beside(
    standing: Standing, place: Place, trusted: Mapping[str, PublicKey], demands: Demands
) -> Standing:
    """Return how a phase stands by all its runs that count: where one says no good word, that one decides.

    Such a run may be older than the phase has rhythm, and of what was stated then: only what it says is asked.
    """
    ledger, newest = standing.ledger, standing.folder
    if ledger is None or newest is None:
        return standing
    against = [standing]
    for record in (*beside(ledger, newest.name), *broken_off_beside(ledger, newest.name)):
        of_record = _beside(record, newest.name, place, ledger, trusted, demands)
        if _says_no(of_record):
            against.append(of_record)
    # Of the same gravity the newest is named.
    order = list(Reason)
    return max(against, key=lambda each: order.index(each.reason))


def _beside(
    record: LedgerRecord,
    newest: str,
    place: Place,
    ledger: LedgerReading,
    trusted: Mapping[str, PublicKey],
    demands: Demands,
) -> Standing:
    """Return what a run says that counts beside the newest one."""
    folder = place.home / record.name
    relation = told(record, ledger.runs[newest])
    if record.sealed and not folder.is_dir():
        missing = f"{relation}, is {record.ended}, and its folder is missing from {place.home}: bring it back"
        return Standing(ledger, unreadable=(missing,), is_missing=True, began_last=newest)

    of_record = replace(_of_folder(folder, ledger, trusted, demands), began_last=newest)
    if of_record.examined:
        since = "no run has begun and ended since" if record.sealed else "no whole run has begun since"
        of_record.examined.audit.notes.append(f"it decides: {relation}, and {since}")
        recorded = of_record.examined.recorded
        lacking = unsigned(recorded, ledger, trusted, place.file, is_required=demands.signed)
        of_record.examined.audit.lacks(Reason.NOT_SIGNED, *lacking)
    return of_record


def _says_no(standing: Standing) -> bool:
    """Check whether a run says no good word, or none that its evidence bears out. One that has lapsed was good."""
    examined = standing.examined
    if examined is None:
        return True
    is_borne_out = examined.audit.reason is Reason.GOOD
    return not (is_borne_out and examined.judged.verdict.good and not examined.failed_beside)


def _hold_to_files(audit: Audit, recorded: RecordedRun, environments: Path, reports: Path, demands: Demands) -> None:
    """Add what the files of the project say otherwise today."""
    if demands.of_today:
        hold_to_today(audit, recorded, environments, reports, demands.moment)
    else:
        hold_to_project(audit, recorded, environments, reports)


def standing_of_run(folder: Path, environments: Path, trusted: Mapping[str, PublicKey], demands: Demands) -> Standing:
    """Return what a run is worth that somebody names by its folder. It may be of any age, unless that is stated."""
    try:
        folder, ledger = beside_its_ledger(folder, trusted)
    except BadRun as error:
        return Standing(unreadable=tuple(str(error).splitlines()))

    standing = _of_folder(folder, ledger, trusted, demands)
    if standing.examined:
        audit, recorded = standing.examined.audit, standing.examined.recorded
        if demands.newer_than is not None:
            audit.lacks(Reason.TOO_OLD, *too_old(recorded.start, demands.moment, demands.newer_than))
        hold_to_earlier_evidence(audit, recorded.start, folder.parent, ledger, trusted)
        # Who names a run may look at an old one, but not at another project's.
        hold_to_project(audit, recorded, environments, folder.parents[1])
        file = environments / f"{recorded.start.env}.yaml"
        audit.lacks(Reason.NOT_SIGNED, *unsigned(recorded, ledger, trusted, file, is_required=demands.signed))
        # By the ledger: what a journal says of itself must not choose whose program is asked.
        env = Path(ledger.env if ledger else folder.parent).name
        kept_by = environments / f"{env}.yaml"
        is_at_home = env == recorded.start.env
        recalled = recalled_of(env, kept_by, demands.anchors, is_demanded=demands.anchored, is_at_home=is_at_home)
        return _anchored(standing, recalled)
    return standing


def _of_folder(
    folder: Path, ledger: LedgerReading | None, trusted: Mapping[str, PublicKey], demands: Demands
) -> Standing:
    """Return what the run in a folder is worth, whatever was asked for. No run is of the future."""
    record = ledger.runs.get(folder.name) if ledger else None
    is_sealed = record is not None and record.sealed is not None
    if not is_sealed and not has_begun(folder):
        return Standing(ledger, no_run=f"nothing was recorded in {folder}: it holds no journal")
    try:
        examined = examine(read_run(folder), ledger, trusted, demands.moment)
    except BadRun as error:
        return Standing(ledger, unreadable=tuple(str(error).splitlines()))
    examined.audit.lacks(Reason.TOO_OLD, *ahead(examined.recorded.start, demands.now))
    return Standing(ledger, examined)


def _of_another(recorded: RecordedRun, place: Place, phase: Phase) -> Iterator[str]:
    """Yield that a run is of another environment or phase than was asked for."""
    if recorded.start.env != place.environment:
        yield f"this is a run of {recorded.start.env}: it was copied in"
    if recorded.start.phase != phase:
        yield f"this is a run of {recorded.start.phase}, and {phase} was asked for: its journal was replaced"


def _elsewhere(recorded: RecordedRun, place: Place) -> Iterator[str]:
    """Yield that the newest run judged another address than the environment names today."""
    judged = recorded.start.target.url
    stated = stated_target(place.file, os.environ) if place.file else ""
    is_masked = "***" in judged
    if stated and not is_masked and stated.rstrip("/") != judged.rstrip("/"):
        says = f"the run judged {judged}, and {place.environment}.yaml names {stated} today: another target"
        yield REDACTOR.text(says)


def unsigned(
    recorded: RecordedRun,
    ledger: LedgerReading | None,
    trusted: Mapping[str, PublicKey],
    file: Path | None,
    *,
    is_required: bool,
) -> Iterator[str]:
    """Yield that nobody signed a run, where somebody demands it: who asks, or the environment by its file."""
    if is_required:
        yield from not_signed(recorded, ledger, trusted, REQUIRED)
    elif file and (demanded_by := signature_demand(file)):
        yield from not_signed(recorded, ledger, trusted, demanded_by)
