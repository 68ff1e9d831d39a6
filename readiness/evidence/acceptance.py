"""Whether a run may be believed: judged again from its journal, and held against the ledger and the run before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from readiness.errors import BadInput, BadRun
from readiness.evidence.audit import audit_run
from readiness.evidence.earlier_phases import contradicted_phases
from readiness.evidence.findings import Audit
from readiness.evidence.journal import FILE, RecordedRun, read_run
from readiness.evidence.ledger_reading import LedgerReading, LedgerRecord
from readiness.evidence.previous_run import REMEMBERED, as_before, from_seal, history_notes, without_steps
from readiness.evidence.reasons import BAD_EXIT, Reason, gravest
from readiness.evidence.recorded_ladder import Before
from readiness.evidence.rejudge import Judged, judge
from readiness.evidence.signing import SHOWN, PublicKey
from readiness.ladder import INITIAL, EscalationState
from readiness.outcomes import DecisionKey, Phase
from readiness.verdict import INCOMPLETE_EXIT

USAGE_ERROR, INTERNAL_ERROR = 4, 3
"""Of pytest's exit codes, those that say why there is no run."""
RED_EXIT = BAD_EXIT
"""Of a run whose lines are all well, and in which a test failed that decides none."""
SHOWN_AT_MOST = 5
REQUIRED = "--require-signed"
UNSIGNED = "no key signed it that the project trusts; make one with readiness key NAME, and run again"
_HEX = set("0123456789abcdef")


@dataclass
class Examined:
    """What a run is worth, with everything that is held against it."""

    recorded: RecordedRun
    judged: Judged
    audit: Audit
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The moment that it is to count for."""

    @property
    def in_the_way(self) -> tuple[str, ...]:
        """What stands in the way of a good word, beside the lines themselves."""
        return tuple(filter(None, [*self.audit.tampered, self.failed_beside, self.lapsed, *self.audit.unproven]))

    @property
    def reason(self) -> Reason:
        """Why it ends as it does: good only for a good verdict that nothing is held against."""
        # What was changed proves nothing, not even a bad verdict.
        if gravest([self.audit.reason, Reason.BAD]) is not Reason.BAD:
            return self.audit.reason
        # A bad verdict is believed without a signature, a good one is not; and it is none after its time.
        if self.judged.verdict.exit == INCOMPLETE_EXIT:
            return Reason.INCOMPLETE
        if self.judged.verdict.exit or self.failed_beside:
            return Reason.BAD
        return gravest([self.audit.reason, Reason.TOO_OLD if self.lapsed else Reason.GOOD])

    @property
    def failed_beside(self) -> str:
        """What failed in the same run of pytest and decides no line; empty where nothing did."""
        finish = self.recorded.finish
        names = finish.failed_beside if finish else ()
        if not names:
            return ""
        more = f" and {len(names) - SHOWN_AT_MOST} more" if len(names) > SHOWN_AT_MOST else ""
        return f"red beside the verdict, deciding no line: {', '.join(names[:SHOWN_AT_MOST])}{more}"

    @property
    def lapsed(self) -> str:
        """Why a good verdict holds no longer; empty for one that does, and for any other."""
        return self.judged.verdict.lapsed(self.moment)


def examine(
    recorded: RecordedRun,
    ledger: LedgerReading | None,
    trusted: Mapping[str, PublicKey],
    moment: datetime | None = None,
) -> Examined:
    """Return what a recorded run is worth: now, or at another moment that it is to count for."""
    judged = judge(recorded)
    audit = audit_run(recorded, ledger, trusted)
    contradicted = [*_contradicts_previous(recorded, ledger), *contradicted_phases(recorded.start, ledger)]
    audit.tampered = [*judged.refuted, *contradicted, *audit.tampered]
    start = recorded.start
    audit.notes += history_notes(start.before, start.unsealed, start.started_at)
    return Examined(recorded, judged, audit, moment or datetime.now(UTC))


def _contradicts_previous(recorded: RecordedRun, ledger: LedgerReading | None) -> list[str]:
    """Return that a run before says something else than this one says of it: its journal, and its seal."""
    start = recorded.start
    stood_on = [start.before, *start.also_before] if start.before else []
    return [says for before in stood_on for says in _contradicts(recorded, before, ledger)]


def _contradicts(recorded: RecordedRun, before: Before, ledger: LedgerReading | None) -> list[str]:
    record = ledger.runs.get(before.run) if ledger else None
    sealed = from_seal(before.run, record.entry) if record and record.sealed else None
    if sealed and _steps(_stood_on(recorded, sealed)) == _steps(before):
        return []

    # Its journal only where it still lies beside it: retention may have removed it.
    folder = recorded.folder.parent / before.run
    if not (folder / FILE).is_file():
        return [f"it says that it stands on {before.run}, and that run's seal says otherwise"] if sealed else []
    try:
        previous = as_before(read_run(folder))
    except BadRun:
        previous = None
    if previous and _stood_on(recorded, previous) == before:
        return []
    return [f"it says that it stands on {before.run}, and that run's journal says otherwise"]


def _stood_on(recorded: RecordedRun, before: Before) -> Before:
    """Return the run before as the version stood on it that recorded this one."""
    is_long_ago = recorded.start.started_at - before.started_at > REMEMBERED
    return without_steps(before) if is_long_ago and not recorded.start.keeps_steps else before


def _steps(before: Before) -> tuple[str, str, dict[DecisionKey, EscalationState]]:
    """Return what of a run the next one stands on: it, its end, and the steps that it left."""
    steps = {decision.key: decision.state() for decision in before.decisions if decision.state() != INITIAL}
    return before.head, before.verdict, steps


def not_signed(
    recorded: RecordedRun, ledger: LedgerReading | None, trusted: Mapping[str, PublicKey], demanded_by: str = REQUIRED
) -> Iterator[str]:
    """Yield that no trusted key signed a run, for whom demands it; where a key was ever in use its audit says so."""
    record = ledger.runs.get(recorded.folder.name) if ledger else None
    is_signed = record is not None and record.key is not None
    was_key_in_use = bool(trusted or recorded.start.key_id or (ledger and ledger.ever_signed))
    if not is_signed and not was_key_in_use:
        yield f"{demanded_by}: {UNSIGNED}"


def stated_head(head: str | None) -> str | None:
    """Return a head of the ledger that was kept elsewhere. Raises BadInput where it is none: an unset variable is."""
    return None if head is None else stated_digest(head, "--head")


def stated_digest(text: str, option: str) -> str:
    """Return a digest that somebody states, or as much of it as is printed. Raises BadInput where it is none."""
    if len(text) < SHOWN or not set(text.lower()) <= _HEX:
        stated = repr(text) if text else "empty (is its variable set?)"
        raise BadInput([f"{option} is {stated}: give the digest that was printed, {SHOWN} digits at least"])
    return text.lower()


@dataclass(frozen=True)
class Acceptance:
    """What a gate comes to about the run that it started."""

    exit: int
    why: tuple[str, ...]
    """What stands in the way of a good word."""
    examined: Examined | None = None
    red_end: str = ""
    """How pytest ended red though the run is well by its evidence: that is entered, as nothing else remembers it."""


@dataclass(frozen=True)
class Asked:
    """What a gate asked for."""

    home: Path
    """The folder of the environment's evidence."""
    phase: Phase
    invocation: str
    """The id that only this gate's run has."""


def accept(asked: Asked, ledger: LedgerReading | None, trusted: Mapping[str, PublicKey], ended: int) -> Acceptance:
    """Return what the run is worth that a gate asked for; `ended` is how pytest's process ended."""
    records = ledger.of_invocation(asked.invocation) if ledger else []
    if len(records) > 1:
        names = ", ".join(record.name for record in records)
        return Acceptance(INCOMPLETE_EXIT, (f"more than one run carries the id of this gate: {names}",))
    if not records:
        return _without_run(ledger, asked.invocation, ended)

    (record,) = records
    if record.refused:
        return Acceptance(USAGE_ERROR, (f"the run was refused: {record.refused.entry.reason}",))
    try:
        examined = examine(read_run(asked.home / record.name), ledger, trusted)
    except BadRun as error:
        return Acceptance(INCOMPLETE_EXIT, tuple(f"{record.name}: {line}" for line in str(error).splitlines()))

    examined.audit.lacks(Reason.NOT_EVIDENCE, *_of_another(examined.recorded, record, asked))
    accepted = Acceptance(examined.reason.gate_code, examined.in_the_way, examined)
    return _held_to_exit(accepted, ended)


def _held_to_exit(accepted: Acceptance, ended: int) -> Acceptance:
    """Return what is left of a good word where pytest itself ended red: something beside the lines is not well.

    A signal after the run was sealed takes nothing back: all that the run has found is in its evidence.
    """
    if accepted.exit or ended <= 0:
        return accepted
    why = f"pytest ended with {_told(ended)}: something beside the lines is red, and its output says what"
    code = RED_EXIT if ended == RED_EXIT else INCOMPLETE_EXIT
    return Acceptance(code, (*accepted.why, why), accepted.examined, red_end=why)


def _without_run(ledger: LedgerReading | None, invocation: str, ended: int) -> Acceptance:
    """Return why there is no run."""
    refused = [line for line in ledger.starts if line.what == "refused"] if ledger else []
    for line in refused:
        if line.entry.invocation == invocation:
            return Acceptance(USAGE_ERROR, (f"the run was refused: {line.entry.reason}",))

    # Of pytest's own codes these two say what is wrong; all the others say that something ended it.
    code = ended if ended in {USAGE_ERROR, INTERNAL_ERROR} else INCOMPLETE_EXIT
    return Acceptance(code, (f"no run appeared: pytest ended with {_told(ended)} before one began",))


def _told(ended: int) -> str:
    return f"signal {-ended}" if ended < 0 else f"exit code {ended}"


def _of_another(recorded: RecordedRun, record: LedgerRecord, asked: Asked) -> Iterator[str]:
    """Yield why a run is not the one that was asked for."""
    start = recorded.start
    if start.invocation != asked.invocation or start.run != record.name:
        yield "its journal does not carry the id of this gate"
    if start.env != asked.home.name or start.phase is not asked.phase:
        yield f"it is a run of {start.env} {start.phase}, and {asked.home.name} {asked.phase} was asked for"
