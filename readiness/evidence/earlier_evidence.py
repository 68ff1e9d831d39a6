"""Whether the evidence of the phases before the last one still bears out the good words that the ledger has of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence.acceptance import examine
from readiness.evidence.audit import audit_pruned
from readiness.evidence.findings import Audit, Gap
from readiness.evidence.journal import read_run
from readiness.evidence.ledger_reading import LedgerReading, LedgerRecord
from readiness.evidence.reasons import Reason
from readiness.evidence.recorded_phases import EarlierPhase
from readiness.evidence.records import Start
from readiness.evidence.signing import PublicKey
from readiness.verdict import GOOD


def borne_out(
    earlier: EarlierPhase, home: Path, ledger: LedgerReading | None, trusted: Mapping[str, PublicKey]
) -> EarlierPhase:
    """Return how a phase stood, without its good word where its evidence in `home` does not bear that out."""
    record = _record_of(earlier, ledger)
    if record is None or ledger is None:
        return earlier

    audit = _audited(home, record, ledger, trusted)
    against = [*audit.tampered, *audit.unproven]
    if not against:
        return earlier
    why = f"says {earlier.verdict}, and its evidence does not bear that out: {against[0]}"
    return earlier.model_copy(update={"verdict": "", "why": why})


def hold_to_earlier_evidence(
    audit: Audit, start: Start, home: Path, ledger: LedgerReading | None, trusted: Mapping[str, PublicKey]
) -> None:
    """Add what has become of the evidence of the phases before a run, on whose good words it rests."""
    for earlier in start.earlier_phases or ():
        record = _record_of(earlier, ledger)
        if record is None or ledger is None:
            continue
        on = f"it rests on {earlier.phase} in {earlier.run}"
        of_phase = _audited(home, record, ledger, trusted)
        # What is wrong with the ledger itself has been said of this run already.
        audit.tampered += [f"{on}: {says}" for says in of_phase.tampered if says not in audit.tampered]
        audit.gaps += [Gap(gap.reason, f"{on}: {gap.says}") for gap in of_phase.gaps]


def _record_of(earlier: EarlierPhase, ledger: LedgerReading | None) -> LedgerRecord | None:
    """Return the record of the run whose good word counts; None where there is none, and nothing can be lost."""
    is_good = earlier.verdict == GOOD[earlier.phase]
    return ledger.runs.get(earlier.run) if ledger and is_good else None


def _audited(home: Path, record: LedgerRecord, ledger: LedgerReading, trusted: Mapping[str, PublicKey]) -> Audit:
    """Return what is held against the evidence of one run. Who must have signed it is for the ledger to say."""
    audit = Audit()
    folder = home / record.name
    if folder.is_dir():
        _add_folder(audit, folder, ledger, trusted)
    elif record.pruned:
        # Retention has removed it, and its seal says all that an approval asks of it.
        audit_pruned(audit, record.pruned, record.entry.phase, trusted)
        audit.lacks(Reason.BAD, *_red_by_seal(record))
    else:
        audit.tampered.append("its folder is gone: bring it back to where the reports are")
    return audit


def _add_folder(audit: Audit, folder: Path, ledger: LedgerReading, trusted: Mapping[str, PublicKey]) -> None:
    try:
        examined = examine(read_run(folder), ledger, trusted)
    except BadRun as error:
        audit.tampered += str(error).splitlines()
        return
    audit.tampered += examined.audit.tampered
    audit.gaps += [gap for gap in examined.audit.gaps if gap.reason is Reason.NOT_EVIDENCE]
    audit.lacks(Reason.BAD, *filter(None, [examined.failed_beside]))


def _red_by_seal(record: LedgerRecord) -> Iterator[str]:
    if record.entry.red_beside:
        yield "red beside the verdict, as its seal says"
