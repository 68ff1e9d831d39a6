"""Whether the evidence of the phases before the last one still bears out the good words that the ledger has of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence.acceptance import examine
from readiness.evidence.audit import audit_pruned
from readiness.evidence.earlier_phases import newest_that_decided
from readiness.evidence.findings import Audit, Gap
from readiness.evidence.journal import read_run
from readiness.evidence.ledger_reading import LedgerReading, LedgerRecord
from readiness.evidence.overtaken import is_longer, not_overtaken, told
from readiness.evidence.pending_ends import never_ended
from readiness.evidence.reasons import Reason
from readiness.evidence.recorded_phases import EarlierPhase
from readiness.evidence.records import Start
from readiness.evidence.signing import PublicKey
from readiness.outcomes import Phase
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


def turned_bad(
    start: Start, home: Path, ledger: LedgerReading | None, trusted: Mapping[str, PublicKey], moment: datetime
) -> Iterator[str]:
    """Yield the phases before a run that have turned bad since it began, up to a moment, and were not mended since.

    An INCOMPLETE one has seen nothing that speaks against the launch: it takes no approval away. Nor does a good word
    mend anything that its evidence does not bear out.
    """
    if ledger is None:
        return
    for then in start.earlier_phases or ():
        decided = newest_that_decided(then.phase, ledger, start.target.url, moment)
        mends = partial(_mends, then, home=home, ledger=ledger, trusted=trusted)
        against = (record for record in not_overtaken(decided, mends) if record.name != then.run and _is_bad(record))
        for record in islice(against, 1):
            was = then.verdict or "not judged"
            yield f"{then.phase} is {record.ended} since, in {_in_time(record, then, ledger)}: it was {was} then"


def _is_bad(record: LedgerRecord) -> bool:
    phase = Phase(record.entry.phase)
    return record.entry.verdict != GOOD[phase] or record.is_red_beside


def _mends(
    then: EarlierPhase,
    record: LedgerRecord,
    *,
    home: Path,
    ledger: LedgerReading,
    trusted: Mapping[str, PublicKey],
) -> bool:
    """Check whether what was bad before a run counts no longer after it. That of then is looked at by itself."""
    return record.name == then.run or _is_bad(record) or _is_borne_out(home, record, ledger, trusted)


def _in_time(record: LedgerRecord, then: EarlierPhase, ledger: LedgerReading) -> str:
    """Return a run that turned bad, and where it was under way beside that of then, how."""
    before = ledger.runs.get(then.run)
    return told(record, before) if before and is_longer(record, before) else record.name


def _is_borne_out(home: Path, record: LedgerRecord, ledger: LedgerReading, trusted: Mapping[str, PublicKey]) -> bool:
    audit = _audited(home, record, ledger, trusted)
    return not (audit.tampered or audit.gaps)


def _record_of(earlier: EarlierPhase, ledger: LedgerReading | None) -> LedgerRecord | None:
    """Return the record of the run whose good word counts; None where there is none, and nothing can be lost."""
    is_good = earlier.verdict == GOOD[earlier.phase]
    return ledger.runs.get(earlier.run) if ledger and is_good else None


def _audited(home: Path, record: LedgerRecord, ledger: LedgerReading, trusted: Mapping[str, PublicKey]) -> Audit:
    """Return what is held against the evidence of one run: a signature is missing only where keys have signed."""
    audit = Audit()
    folder = home / record.name
    if folder.is_dir():
        _add_folder(audit, folder, ledger, trusted)
    elif record.pruned:
        # Retention has removed it, and its seal says all that an approval asks of it.
        audit_pruned(audit, record.pruned, record.entry.phase, trusted)
        _add_key(audit, record, ledger)
        audit.lacks(Reason.BAD, *_red_by_ledger(record))
        audit.lacks(Reason.INCOMPLETE, *filter(None, [never_ended(home, record.name)]))
    else:
        audit.tampered.append("its folder is missing: bring it back to where the reports are")
    return audit


def _add_folder(audit: Audit, folder: Path, ledger: LedgerReading, trusted: Mapping[str, PublicKey]) -> None:
    try:
        examined = examine(read_run(folder), ledger, trusted)
    except BadRun as error:
        audit.tampered += str(error).splitlines()
        return
    audit.tampered += examined.audit.tampered
    audit.gaps += [gap for gap in examined.audit.gaps if ledger.ever_signed or gap.reason is not Reason.NOT_SIGNED]
    audit.lacks(Reason.BAD, *filter(None, [examined.failed_beside]))


def _add_key(audit: Audit, record: LedgerRecord, ledger: LedgerReading) -> None:
    """Add that no key counts that signed a run whose folder is gone, where keys sign."""
    if record.key or not ledger.ever_signed:
        return
    if record.uncounted:
        audit.gaps.append(record.uncounted)
    else:
        audit.lacks(Reason.NOT_SIGNED, "no key that counts has signed it")


def _red_by_ledger(record: LedgerRecord) -> Iterator[str]:
    if record.is_red_beside:
        yield "red beside its lines, as the ledger says"
