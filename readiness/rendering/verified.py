"""What `readiness verify` says of a run: how it ended, its line among all, and everything as JSON for machines."""

from __future__ import annotations

from datetime import datetime

from readiness.evidence.audit import Audited
from readiness.evidence.journal import RecordedRun
from readiness.evidence.ledger_reading import LedgerReading, LedgerRecord
from readiness.evidence.reasons import Reason
from readiness.evidence.rejudge import Judged
from readiness.evidence.standing import Standing
from readiness.files.canonical_json import JsonObject
from readiness.verdict import INCOMPLETE_EXIT


def endings(recorded: RecordedRun, judged: Judged) -> list[str]:
    """Return how the run ended, where it did not end as it should."""
    sentences = []
    if recorded.finish is None:
        results = f"{judged.decided} of {judged.demanded} results"
        sentences.append(f"early: {results} kept, it died {_place_of_death(recorded)}")
    if recorded.torn:
        sentences.append("while it wrote: the last line is cut off")
    if recorded.finish and not recorded.finish.ended:
        reasons = recorded.finish.withdrawn or ("it was interrupted",)
        sentences += [f"not whole: {reason}" for reason in reasons]
    return sentences


def _place_of_death(recorded: RecordedRun) -> str:
    if recorded.died_in:
        return f"in {recorded.died_in}"
    return "after its last item" if recorded.cases else "before its first item"


def audited_line(audited: Audited) -> str:
    """Return the line of a record in the list of all: when, how it ended, what it is worth, who signed it."""
    record = audited.record
    state = {Reason.GOOD: "holds", Reason.ALTERED: "ALTERED"}.get(audited.reason, "not evidence")
    state = "MISSING" if audited.is_missing else state
    # The space between two columns is no part of a width: what is longer than its column keeps it.
    columns = f"{record.ended:<10} {state:<13} {record.name}"
    return f"{record.entry.at:%Y-%m-%d %H:%M:%S}Z  {columns}  {_signature(record)}"


def _signature(record: LedgerRecord) -> str:
    if record.key:
        return f"signed by {record.key.name}"
    if record.uncounted:
        return "signed, does not count"
    return "signed, not trusted" if record.signed else "not signed"


def as_json(standing: Standing) -> JsonObject:
    """Return what a run is worth as plain JSON."""
    examined = standing.examined
    assert examined  # who has none is told so elsewhere
    recorded, judged, audit = examined.recorded, examined.judged, examined.audit
    signed_by = _signed_by(recorded, standing.ledger)
    is_held_against = bool(audit.tampered or audit.unproven)
    finish = recorded.finish
    return {
        "run": recorded.start.run,
        "env": recorded.start.env,
        "phase": str(recorded.start.phase),
        "as_of": recorded.start.as_of.isoformat(),
        "started_at": recorded.start.started_at.isoformat(),
        "trusted": not audit.tampered,
        # What nobody signed is not evidence, also where nobody ever demanded that: the exit code is another question.
        "evidence": signed_by is not None and not is_held_against,
        "signed_by": signed_by,
        "gaps": audit.unproven,
        "told": audit.notes,
        "verdict": None if audit.tampered else str(judged.verdict.word),
        "holds_until": _isoformat(judged.verdict.holds_until),
        "lapsed": examined.lapsed,
        "reason": str(standing.reason),
        "exit": standing.exit,
        "recorded": str(finish.verdict) if finish else None,
        "ended": bool(finish and finish.ended),
        "endings": endings(recorded, judged),
        "failed_beside": finish.failed_beside if finish else (),
        "problems": audit.tampered,
        "decided": judged.decided,
        "demanded": judged.demanded,
        "missing": [item.key.name for item in judged.missing],
        "holding": [key.name for key in judged.verdict.holding],
        "counts": judged.verdict.counts,
        "head": recorded.head,
        "incomplete": standing.reason.gate_code == INCOMPLETE_EXIT,
    }


def _signed_by(recorded: RecordedRun, ledger: LedgerReading | None) -> str | None:
    record = ledger.runs.get(recorded.folder.name) if ledger else None
    return record.key.name if record and record.key else None


def _isoformat(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
