"""Audit runs against the ledger: who signed them, whether their files are as they were sealed, what was left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from readiness.drill import evidence as drill_evidence
from readiness.drill import verdict as drill_verdict
from readiness.errors import BadRun
from readiness.evidence import ledger
from readiness.evidence.findings import Audit, Gap
from readiness.evidence.journal import FILE, RecordedRun, read_run
from readiness.evidence.ledger_reading import LedgerLine, LedgerReading, LedgerRecord
from readiness.evidence.pending_ends import never_ended
from readiness.evidence.previous_run import candidates
from readiness.evidence.reasons import BAD_EXIT, Reason
from readiness.evidence.rejudge import by_earlier_rules, judge
from readiness.evidence.run_changes import between
from readiness.evidence.sealed_folder import SUMMARY, changed, difference, empty_folders
from readiness.evidence.signing import SHOWN, PublicKey
from readiness.evidence.statements import KINDS, LedgerEntry
from readiness.evidence.summary_audit import altered_summary, summary_of_nothing
from readiness.files.evidence_file import folders
from readiness.outcomes import Phase
from readiness.rehearsal import evidence as rehearsal_evidence
from readiness.rehearsal import verdict as rehearsal_verdict
from readiness.rehearsal.figures import Figures
from readiness.verdict import GOOD

SIGNED_BY_NOBODY = "nobody signed it"
MISSING = "the ledger has it, and its folder is missing: it was deleted or moved away, bring it back"


def read_ledger(home: Path, trusted: Mapping[str, PublicKey]) -> LedgerReading | None:
    """Read the ledger of an environment's folder; None where there is none. Raises BadRun where it cannot be read."""
    path = home / ledger.FILE
    return ledger.read(path, trusted) if path.exists() else None


def audit_run(recorded: RecordedRun, reading: LedgerReading | None, trusted: Mapping[str, PublicKey]) -> Audit:
    """Compare one run with the ledger. Where no key was ever in use, a missing signature is only a note."""
    audit = Audit()
    start = recorded.start

    # A replay has looked at nothing: no seal makes evidence of it.
    if start.replay or start.replay_of:
        original = start.replay_of.run if start.replay_of else start.replay
        audit.lacks(Reason.NOT_EVIDENCE, f"a replay of {original} is not evidence")
        return audit

    if start.looked_back:
        audit.lacks(Reason.NOT_EVIDENCE, start.looked_back)

    if reading is None:
        # Who signs runs must have a ledger; who never did need not.
        no_ledger = "no ledger lies beside it: not evidence"
        if trusted or start.key_id:
            audit.lacks(Reason.NOT_SIGNED, no_ledger)
        else:
            audit.notes.append(no_ledger)
        return audit

    audit.tampered += reading.problems
    audit.notes += reading.mends
    record = reading.runs.get(recorded.folder.name)
    if record is None:
        audit.tampered.append("the ledger does not know this run: it was copied in, or its entries were removed")
        return audit

    audit.tampered += _changed(record, recorded, trusted)
    _add_signature(audit, record, recorded, trusted, ever_signed=reading.ever_signed)
    _add_end(audit, record, reading.path.parent)
    audit.notes += empty_folders(recorded.folder)
    audit.notes += _opened_since(reading, record)
    return audit


def _add_end(audit: Audit, record: LedgerRecord, home: Path) -> None:
    """Add that pytest ended red after a run was sealed, or never said how: its journal cannot say that."""
    audit.lacks(Reason.INCOMPLETE, *filter(None, [never_ended(home, record.name)]))
    if record.red_end:
        entry = record.red_end.entry
        reason = Reason.BAD if entry.exit == BAD_EXIT else Reason.NOT_EVIDENCE
        audit.lacks(reason, f"red when it ended: {entry.reason}")


NO_KEY = "not signed, and the project trusts no key (readiness key NAME)"


def _add_signature(
    audit: Audit, record: LedgerRecord, recorded: RecordedRun, trusted: Mapping[str, PublicKey], *, ever_signed: bool
) -> None:
    """Add who sealed and signed a run, or why that is missing."""
    if record.sealed is None:
        never = "it was opened and never sealed: it died, a secret was found in it, or its seal was removed"
        audit.lacks(Reason.NOT_EVIDENCE, never)
        return

    if record.key:
        audit.notes.append(f"signed by {record.key.name}, {record.key.key_id[:SHOWN]}")
        return

    if record.uncounted:
        audit.gaps.append(record.uncounted)
        return

    lack = _unsigned(trusted, signed=record.signed or bool(recorded.start.key_id))
    if not lack and ever_signed:
        lack = "nobody signed it, and runs of this ledger were signed before: the key went missing"
    if lack:
        audit.lacks(Reason.NOT_SIGNED, f"{lack}: not evidence")
    else:
        audit.notes.append(f"{NO_KEY}: not evidence")


def _unsigned(trusted: Mapping[str, PublicKey], *, signed: bool) -> str:
    """Return why it lacks a signature that it must have; empty where no key was ever in use."""
    if trusted:
        return f"{SIGNED_BY_NOBODY} whom the project trusts"
    if signed:
        return "it was signed, and no trusted key verifies that: no keys/*.pub is in the folder of --environments"
    return ""


def _changed(record: LedgerRecord, recorded: RecordedRun, trusted: Mapping[str, PublicKey]) -> Iterator[str]:
    """Yield where a run is not the one that the ledger has under its name."""
    start = recorded.start
    if start.run != record.name:
        yield f"its journal is that of {start.run}: it was copied in"
    if start.env != record.entry.env:
        was_entered = f"it was entered for {record.entry.env}"
        yield f"its journal is of the environment {start.env}, and {was_entered}: it was copied in"

    yield from _entered_as_another(record, start.phase)
    if record.opened:
        opened = record.opened.entry
        if (opened.limits_digest, opened.started_at) != (start.limits_digest, start.started_at):
            yield "it was opened with another plan, or at another time: its journal was replaced"
        # Older ledgers do not say it.
        if opened.binding and opened.binding != (start.binding.digest if start.binding else ""):
            yield "it was opened for another project, runbook or environment file than its journal names"

    yield from altered_summary(recorded, record, trusted)
    # The rest of what was never sealed has nothing to be compared with.
    if record.sealed is None:
        return

    yield from changed(recorded.folder, record.sealed.files, later={SUMMARY})
    sealed = record.sealed.entry
    if sealed.head != recorded.head:
        yield "the journal does not end as it did when it was sealed"
    yield from _sealed_with_another_end(sealed, recorded)
    verdict = judge(recorded).verdict
    was_sealed_as = (sealed.verdict, sealed.exit)
    if was_sealed_as != (str(verdict.word), verdict.exit) and not by_earlier_rules(recorded, verdict):
        yield f"sealed as {sealed.verdict}, its results add up to {verdict.word}"


def _sealed_with_another_end(sealed: LedgerEntry, recorded: RecordedRun) -> Iterator[str]:
    """Yield what the last record of a journal says otherwise than the seal. Older seals say less."""
    finish = recorded.finish
    standing = finish.standing if finish else None
    if sealed.standing is not None and sealed.standing != (standing or ()):
        yield "it was sealed with other steps of the ladder than its journal ends with"
    is_red_beside = bool(finish and finish.failed_beside)
    if sealed.red_beside is not None and sealed.red_beside != is_red_beside:
        yield "it was sealed as another than its journal says it was: red beside its lines, or not"


def _entered_as_another(record: LedgerRecord, phase: Phase) -> Iterator[str]:
    """Yield that a run is entered as what it is not: a key that may sign some phases alone would sign any."""
    for line in filter(None, (record.opened, record.sealed)):
        if line.entry.kind != "run" or line.entry.phase not in {"", phase}:
            entered = line.entry.phase if line.entry.kind == "run" else line.entry.kind
            yield f"it was {line.what} as {entered or 'a run'}, and its journal is of {phase}"


def _opened_since(reading: LedgerReading, record: LedgerRecord) -> Iterator[str]:
    """Yield what was opened of this phase between the last good run and this one: no attempt can be left out."""
    attempts: list[LedgerRecord] = []
    for earlier in _runs_before(reading, record):
        if earlier.ended in GOOD.values():
            attempts = []
        else:
            attempts.append(earlier)
    if not attempts:
        return

    words = [attempt.ended for attempt in attempts]
    counted = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    since = f"{attempts[0].entry.at:%Y-%m-%d %H:%M}Z"
    yield f"{len(attempts)} other runs of {record.entry.phase} since {since} were not good: {counted}"

    # Running until it is green with other limits is no better than lowering them.
    if any(attempt.entry.limits_digest != record.entry.limits_digest for attempt in attempts):
        yield "its limits are not those of the runs before it: see readiness verify --all"


def _runs_before(reading: LedgerReading, record: LedgerRecord) -> Iterator[LedgerRecord]:
    """Yield the runs of the same phase that were opened before, the oldest first."""
    for other in reading.runs.values():
        if other is record:
            return
        if other.entry.kind == "run" and other.entry.phase == record.entry.phase:
            yield other


@dataclass(frozen=True)
class Audited:
    """One record of the ledger and what its audit comes to, for the list of all."""

    record: LedgerRecord
    reason: Reason
    is_missing: bool = False
    """Whether its folder is not there, and nobody has entered that."""


def audit_all(
    home: Path, reading: LedgerReading, trusted: Mapping[str, PublicKey], approved: Collection[str] = ()
) -> tuple[Audit, list[Audited]]:
    """Compare everything of an environment with its ledger; `approved` are digests of limits that somebody accepts."""
    whole = Audit(tampered=list(reading.problems), notes=list(reading.mends))
    audited: list[Audited] = []
    newest: dict[str, RecordedRun] = {}
    for record in reading.runs.values():
        audit, recorded = _audit_record(home, record, trusted)
        whole.tampered += [f"{record.name}: {finding}" for finding in audit.tampered]
        whole.gaps += [Gap(gap.reason, f"{record.name}: {gap.says}") for gap in audit.gaps]
        audited.append(Audited(record, audit.reason, is_missing=MISSING in audit.tampered))

        if recorded:
            before = newest.get(recorded.start.phase)
            _add_changes(whole, before, recorded, approved)
            newest[recorded.start.phase] = recorded

    for line in reading.refusals():
        start = line.entry.phase or "a start of which no phase is known"
        whole.notes.append(f"{start} was refused at {line.entry.at:%Y-%m-%d %H:%M:%S}Z: {line.entry.reason}")
    whole.lacks(Reason.NO_RUN, *(f"{phase}: {why}" for phase in Phase if (why := reading.why_no_run(phase))))
    whole.tampered += _strangers(home, reading)
    _audit_page(home, reading, trusted, whole)
    for phase, recorded in newest.items():
        whole.notes.append(f"limits of {phase}: {recorded.start.limits_digest}")
    return whole, audited


def _strangers(home: Path, reading: LedgerReading) -> Iterator[str]:
    """Yield the folders of evidence that the ledger does not have."""
    others = (folder for place in KINDS for folder in folders(home / place))
    for folder in (*candidates(home.parent, home.name), *others):
        name = folder.relative_to(home).as_posix()
        kind = KINDS.get(folder.parent.name, "run")
        if name not in reading.runs:
            yield f"{name}: the ledger does not know this {kind}: it was copied in, or cut out of it"


def _audit_page(home: Path, reading: LedgerReading, trusted: Mapping[str, PublicKey], whole: Audit) -> None:
    """Compare the page that approvers sign with its newest entry."""
    page = home / ledger.PAGE
    remedy = f"render it anew: readiness sign-off --env {home.name}"

    line = reading.page
    if line is None:
        if page.is_file():
            reason = "the ledger does not know this page: it was put there, or its entry was cut out"
            whole.tampered.append(f"{page.name}: {reason}; {remedy}")
        return

    at = f"{line.entry.at:%Y-%m-%d %H:%M:%S}Z"
    if not page.is_file():
        whole.tampered.append(f"{page.name}: the ledger has it, and it is gone: it was deleted; {remedy}")
        return
    if all(difference(page, digest) for digest in line.files.values()):
        reason = f"it is not as it was rendered at {at}: it was changed since"
        whole.tampered.append(f"{page.name}: {reason}; {remedy}")
        return
    if line.key:
        whole.notes.append(f"{page.name}: as it was rendered at {at}, signed by {line.key.name}")
        return

    lack = _unsigned(trusted, signed=line.signed)
    if line.uncounted:
        whole.lacks(line.uncounted.reason, f"{page.name}: {line.uncounted.says}; {remedy}")
    elif lack:
        whole.lacks(Reason.NOT_SIGNED, f"{page.name}: {lack}; {remedy}")


def _audit_record(
    home: Path, record: LedgerRecord, trusted: Mapping[str, PublicKey]
) -> tuple[Audit, RecordedRun | None]:
    """Return the audit of one record, and its run where it is one that can be read."""
    audit = Audit()
    _add_end(audit, record, home)
    folder = home / record.name
    if not folder.is_dir() and record.pruned:
        audit_pruned(audit, record.pruned, record.entry.phase, trusted)
        return audit, None
    if not folder.is_dir():
        audit.tampered.append(MISSING)
        return audit, None

    recorded = None
    if record.entry.kind == "run":
        recorded = _audit_journal(folder, record, audit, trusted)
    elif record.sealed:
        audit.tampered += changed(folder, record.sealed.files)
        audit.tampered += _contradicts_seal(folder, record)

    if record.sealed is None:
        opened = f"{record.entry.at:%Y-%m-%d %H:%M:%S}Z"
        audit.lacks(Reason.NOT_EVIDENCE, f"opened {opened} and never sealed: abandoned, or still under way")
    elif record.uncounted:
        audit.gaps.append(record.uncounted)
    elif record.key is None:
        lack = _unsigned(trusted, signed=record.signed or bool(recorded and recorded.start.key_id))
        if lack:
            audit.lacks(Reason.NOT_SIGNED, lack)
    return audit, recorded


def audit_pruned(audit: Audit, pruned: LedgerLine, phase: str, trusted: Mapping[str, PublicKey]) -> None:
    """Add that nobody who may has signed the removal of a folder, or that it was entered for another phase."""
    if pruned.entry.phase not in {"", phase}:
        audit.tampered.append(f"its folder was pruned as {pruned.entry.phase}, and it was entered as {phase}")
    if pruned.key:
        return
    if pruned.uncounted:
        audit.lacks(pruned.uncounted.reason, f"its folder was pruned, and that is {pruned.uncounted.says}")
        return
    lack = _unsigned(trusted, signed=pruned.signed)
    if lack:
        audit.lacks(Reason.NOT_SIGNED, f"its folder was pruned, and {lack}")


def _audit_journal(
    folder: Path, record: LedgerRecord, audit: Audit, trusted: Mapping[str, PublicKey]
) -> RecordedRun | None:
    """Compare a run's journal with its record; return the run where it can be read."""
    # A run that died before its first record has left nothing to read.
    if record.sealed is None and _is_empty(folder / FILE):
        audit.tampered += summary_of_nothing(folder)
        return None

    try:
        recorded = read_run(folder)
    except BadRun as error:
        audit.tampered += str(error).splitlines()
        return None

    audit.tampered += _changed(record, recorded, trusted)
    audit.tampered += judge(recorded).refuted
    if recorded.start.looked_back:
        audit.lacks(Reason.NOT_EVIDENCE, recorded.start.looked_back)
    return recorded


def _is_empty(journal: Path) -> bool:
    return not journal.is_file() or not journal.stat().st_size


_VERDICTS: dict[str, Callable[[Path], str]] = {
    "rehearsal": lambda folder: str(rehearsal_verdict.judge(Figures.of(rehearsal_evidence.read(folder))).word),
    "drill": lambda folder: str(drill_verdict.judge(drill_evidence.read(folder)).word),
}


def _contradicts_seal(folder: Path, record: LedgerRecord) -> Iterator[str]:
    """Yield that the evidence of a rehearsal or a drill, judged again, comes to another verdict than its seal."""
    try:
        word = _VERDICTS[record.entry.kind](folder)
    except BadRun as error:
        word = str(error)
    if word != record.ended:
        yield f"sealed as {record.ended}, its evidence adds up to {word}"


def _add_changes(whole: Audit, before: RecordedRun | None, now: RecordedRun, approved: Collection[str]) -> None:
    """Add what is different since the run before: told, and where it takes something away, no evidence."""
    if before is None:
        return
    for change in between(before, now):
        gap = change.gap(approved)
        says = f"{now.start.run}: since {before.start.run}: {change.says}"
        if gap:
            whole.lacks(gap.reason, says)
        else:
            whole.notes.append(says)
