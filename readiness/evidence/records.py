"""The records of a journal, schema `readiness/journal/1`. Other tools rely on these names; more fields may follow."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from readiness.ladder import EscalationState, Hysteresis
from readiness.measurements import Measurement
from readiness.outcomes import Gate, Outcome, Phase, Step
from readiness.runbook.sign_off import SignOff
from readiness.timeline import has_passed
from readiness.verdict import Key, Word

SCHEMA = "readiness/journal/1"


class Record(BaseModel):
    """Base of all records."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class RecordedTarget(Record):
    """What was judged."""

    url: str
    revision: str | None


class Stood(Record):
    """How a run left one decision."""

    line: str
    check: str
    subject: str | None = None
    outcome: Outcome
    """The last one that was found; a narrowed run leaves those of the others as they were."""
    step: Step | None = None
    runs: int = 0
    failures: int = 0
    calm: int = 0
    below: Step | None = None

    @property
    def key(self) -> Key:
        """What makes it unique in a run."""
        return (self.line, self.check, self.subject)

    def standing(self) -> EscalationState:
        """Give what the ladder carries on."""
        return EscalationState(self.step, self.runs, self.failures, self.calm, self.below)


class Before(Record):
    """The run of this environment and phase before this one, as this one found it."""

    run: str
    head: str
    """The digest of its journal's last line."""
    started_at: datetime
    verdict: Word
    decisions: tuple[Stood, ...] = ()


class RecordedHysteresis(Record):
    """How steps were left when this run was judged; the defaults are those of journals that did not say all of it."""

    far: float = 0.1
    margin: float = 0.1
    runs: int = 3
    nearer: int = 3

    @classmethod
    def of(cls, hysteresis: Hysteresis) -> RecordedHysteresis:
        """Return the record of what a run's ladder goes by."""
        return cls(
            far=hysteresis.release_share,
            margin=hysteresis.margin,
            runs=hysteresis.release_runs,
            nearer=hysteresis.release_runs_within_margin,
        )

    def hysteresis(self) -> Hysteresis:
        """Give what the ladder goes by."""
        return Hysteresis(self.far, self.margin, self.runs, self.nearer)


class ReplayOf(Record):
    """The run whose observations were judged again."""

    run: str
    head: str
    """The digest of its journal's last line."""


class Start(Record):
    """The first record."""

    # pydantic has a method of the name that the journal uses
    schema_name: Literal["readiness/journal/1"] = Field(alias="schema")
    run: str
    env: str
    phase: Phase
    as_of: datetime
    """The instant that was judged."""
    started_at: datetime
    suite: str
    target: RecordedTarget
    limits_digest: str
    launch_at: datetime | None = None
    not_applicable: dict[str, str] = {}
    attestations: dict[str, dict[str, Any]] = {}
    """`runbook/line` or `runbook/line:subject` → what was attested of it."""
    waivers: dict[str, dict[str, Any]] = {}
    """The same, and what was waived of it."""
    production: bool | None = None
    replay: str | None = None
    replay_of: ReplayOf | None = None
    """Such a run looked at nothing: it is never evidence."""
    key_id: str | None = None
    """The key that signs the run in the ledger; without one it is not evidence."""
    before: Before | None = None
    """What the ladder and the changes of this run stand on."""
    hysteresis: RecordedHysteresis = RecordedHysteresis()
    owners: dict[str, str] = {}
    """`runbook/line`, or the area of a check → who sees to it."""
    sign_off: SignOff | None = None
    """What people had decided when the run began; None before the last phase, and where nobody had."""

    @property
    def looked_back(self) -> str:
        """Say that it judged a time that had passed, in which counts what has expired since; empty where it did not."""
        if not has_passed(self.as_of, self.started_at):
            return ""
        told = f"judged as of {self.as_of:%Y-%m-%d %H:%M:%S}Z, which had passed when it ran"
        return f"{told}: no evidence of today; run it without --as-of"


class PlannedLine(Record):
    """A line of the runbooks that the phase demands."""

    id: str
    runbook: str
    ref: str
    says: str
    phase: tuple[Phase, ...]
    gate: Gate
    due: str | None
    checks: tuple[str, ...]
    limits: dict[str, dict[str, Any]]
    ladder: dict[Step, float | str] = {}
    consecutive: int = 1
    severity: str | dict[Step, str] = ""
    diagnostics: tuple[str, ...] = ()


class PlannedItem(Record):
    """A decision that a line needs."""

    line: str
    check: str
    subject: str | None = None
    due: bool

    @property
    def key(self) -> Key:
        """What makes it unique in a run."""
        return (self.line, self.check, self.subject)


class OutlinedLine(Record):
    """A line of a runbook, whatever its phase."""

    id: str
    ref: str
    says: str
    phase: tuple[Phase, ...]
    gate: Gate
    due: str | None = None
    checks: tuple[str, ...] = ()
    rendered_as: str | None = None


class OutlinedBook(Record):
    """A runbook in its own order."""

    runbook: str
    title: str
    lines: tuple[OutlinedLine, ...]


class Plan(Record):
    """Everything that the phase demands, written before anything is looked at."""

    lines: tuple[PlannedLine, ...]
    items: tuple[PlannedItem, ...]
    books: tuple[OutlinedBook, ...] = ()
    """The runbooks whole: a sign-off is made from the journals alone. Older journals have none."""

    def line(self, name: str) -> PlannedLine | None:
        """Find a line by `runbook/line`."""
        return next((line for line in self.lines if line.id == name), None)


class RecordedMeasurement(Record):
    """A value held against its limit."""

    name: str
    value: Any
    comparator: Literal["below", "at_most", "at_least", "above", "is", "none"]
    limit: Any
    unit: str
    ok: bool

    def measurement(self) -> Measurement:
        """Give it as the judgement knows it."""
        return Measurement(self.name, self.value, self.comparator, self.limit, self.unit, self.ok)


class Result(Record):
    """What was decided for one item."""

    line: str
    check: str
    subject: str | None = None
    nodeid: str
    outcome: Outcome
    measurements: tuple[RecordedMeasurement, ...]
    reason: str
    remedy: str
    seconds: float
    step: Step | None = None
    severity: str = ""
    """The runbook's word for this failure."""
    gate: Gate | None = None
    says: str = ""
    ref: str = ""
    side: Any = None
    waived: bool = False
    attested: bool = False
    attestation: dict[str, Any] | None = None
    """The entry that speaks for the line, and what it was good for: decides, void, expired or unused."""
    waiver: dict[str, Any] | None = None
    """The waiver for the line, and what it was good for: waives, expired or unused."""
    instead_of: dict[str, Any] | None = None
    """What would stand here without the attestation."""
    diagnostics: Any = None
    links: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """What makes it unique in a run."""
        return (self.line, self.check, self.subject)


class Finish(Record):
    """The last record."""

    verdict: Word
    exit: int
    action: str
    counts: dict[str, int]
    finished_at: datetime
    ended: bool = True
    """False where the run was interrupted or its evidence is not whole: `withdrawn` says why."""
    withdrawn: tuple[str, ...] = ()
    holding: tuple[tuple[str, str, str | None], ...] = ()
    standing: tuple[Stood, ...] | None = None
    """The decisions at a step of their ladder, or on the way to one or off it; None in older journals."""
