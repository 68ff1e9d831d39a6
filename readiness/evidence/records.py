"""The records of a journal, schema `readiness/journal/1`. Other tools rely on these names; more fields may follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from readiness.environment.declarations import Declaration
from readiness.evidence.grounds import Grounds
from readiness.evidence.plain_fields import plain
from readiness.evidence.recorded_ahead import PlannedAhead, RecordedAhead
from readiness.evidence.recorded_binding import RecordedBinding
from readiness.evidence.recorded_deadline import RecordedDeadline
from readiness.evidence.recorded_ladder import Before, RecordedHysteresis, RecordedState
from readiness.evidence.recorded_look import RecordedLook
from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.evidence.recorded_outline import OutlinedBook
from readiness.evidence.recorded_overlay import RecordedOverlay
from readiness.evidence.recorded_phases import EarlierPhase
from readiness.files.canonical_json import JsonObject
from readiness.measurements import EXACTLY, Measurement
from readiness.outcomes import DecisionKey, EscalationStep, Gate, Outcome, Phase
from readiness.provenance import Provenance, declared
from readiness.runbook.lines import Item
from readiness.runbook.severity import Urgency
from readiness.runbook.sign_off import SignOff
from readiness.timeline import has_passed, is_ahead
from readiness.verdict import VerdictStatus

SCHEMA = "readiness/journal/1"
RED_BESIDE = "well by its lines, and red beside them: mend or remove what failed and decides no line"
"""In place of the action of a good verdict, where something else failed in the same run of pytest."""


NOTHING_SEEN = Grounds()


class Record(BaseModel):
    """Base of all records."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class RecordedTarget(Record):
    """The service that was judged."""

    url: str
    revision: str | None


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
    as_of: AwareDatetime
    """The instant that was judged."""
    started_at: AwareDatetime
    suite: str
    target: RecordedTarget
    limits_digest: str
    launch_at: AwareDatetime | None = None
    not_applicable: dict[str, str] = {}
    attestations: dict[str, JsonObject] = {}
    """`runbook/line` or `runbook/line:subject` → what was attested of it."""
    waivers: dict[str, JsonObject] = {}
    """The same, and what was waived of it."""
    declared: dict[str, Declaration] = {}
    """Key of the environment → who answers for a value that nobody measures; empty in older journals."""
    production: bool | None = None
    replay: str | None = None
    replay_of: ReplayOf | None = None
    """Such a run looked at nothing: it is never evidence."""
    key_id: str | None = None
    """The key that signs the run in the ledger; without one it is not evidence."""
    invocation: str = ""
    """The id that a gate made for this run; empty where somebody ran pytest."""
    before: Before | None = None
    also_before: tuple[Before, ...] = ()
    """What ladder and changes of this run stand on: the one before, and those that ended after that one had begun."""
    unsealed: tuple[str, ...] = ()
    """The runs that opened since the last whole one and never came to an end: nobody knows what they saw."""
    hysteresis: RecordedHysteresis = RecordedHysteresis()
    owners: dict[str, str] = {}
    """`runbook/line`, or the area of a check → who sees to it."""
    keeps_steps: bool = False
    """It stands on the steps of the run before, however long ago that was by the clocks; False in older journals."""
    takes_steps: bool = False
    """The step of a result is the one that its verdict took; False in older journals, where its values reached it."""
    binds_results: bool = False
    """Each result names the observations that it rests on; False in older journals, which did not."""
    binding: RecordedBinding | None = None
    """What it is evidence about: the project, its files, the commit, the pipeline; None in older journals."""
    lies_in: dict[str, str] = {}
    """`attestations`, `sign_off` → where the file lay that the environment names; empty in older journals."""
    sign_off: SignOff | None = None
    """What people had decided when the run began; None before the last phase, and where nobody had."""
    earlier_phases: tuple[EarlierPhase, ...] | None = None
    """How the phases before the last one stood; None before it, and in journals of versions that did not ask."""
    deadline: RecordedDeadline | None = None
    """None in older journals, and with workers: these tell it in the last record."""

    @property
    def looked_back(self) -> str:
        """Why a run of another moment than its own is no evidence; empty for others.

        What has expired since counts in one of the past, and nobody can look at the future.
        """
        moment = f"judged as of {self.as_of:%Y-%m-%d %H:%M:%S}Z"
        if has_passed(self.as_of, self.started_at):
            return f"{moment}, which had passed when it ran: no evidence of today; run it without --as-of"
        if is_ahead(self.as_of, self.started_at):
            return f"{moment}, which was ahead when it ran: a plan, and no evidence; run it then, without --as-of"
        return ""


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
    limits: dict[str, JsonObject]
    ahead: dict[str, tuple[PlannedAhead, ...]] = {}
    overlaid: RecordedOverlay | None = None
    """What the environment states of it; the limits have that already. None where it states nothing."""
    ladder: dict[EscalationStep, float | str] = {}
    consecutive: int = 1
    severity: str | dict[EscalationStep, str] = ""
    diagnostics: tuple[str, ...] = ()
    rendered_as: str | None = None
    needs_both: bool = False
    """A machine's part and a person's word; False in older journals."""
    own_readings: str = ""
    """The digest of what its runbook asks by itself; empty where that asks nothing, and in older journals."""


class PlannedItem(Record):
    """A decision that a line needs."""

    line: str
    check: str
    subject: str | None = None
    due: bool

    @property
    def key(self) -> DecisionKey:
        """What makes it unique in a run."""
        return DecisionKey(self.line, self.check, self.subject)


class Plan(Record):
    """Everything that the phase demands, written before anything is looked at."""

    lines: tuple[PlannedLine, ...]
    items: tuple[PlannedItem, ...]
    books: tuple[OutlinedBook, ...] = ()
    """The runbooks whole: a sign-off is made from the journals alone. Older journals have none."""

    def line(self, name: str) -> PlannedLine | None:
        """Return the line of a name, `runbook/line`; None where the plan has none."""
        return next((line for line in self.lines if line.id == name), None)


class RecordedUnknown(Record):
    """Why an observation has no value."""

    reason: str
    remedy: str
    configured: bool = True
    """False: the environment does not say where to look."""
    trace: str = ""
    """Of a defect of the observation."""


class RecordedObservation(Record):
    """The outcome of an observation: `value` or `unknown`."""

    KIND: ClassVar = "observation"

    name: str = ""
    arguments: JsonObject = {}
    at: str = ""
    value: Any = None
    unknown: RecordedUnknown | None = None
    source: str = ""
    stated: tuple[str, ...] = ()
    """What it rests on that somebody wrote down and nothing measured, each in a sentence."""
    provenance: tuple[Provenance, ...] | None = None
    """How its value was come by; None in older journals."""
    reads: tuple[str, ...] | None = None
    """The keys of the environment file that it read, also those that were not there; None in older journals."""
    seconds: float = 0.0
    run: str = ""
    """The run that made it; empty in older journals."""

    @property
    def has_value(self) -> bool:
        """Whether it has a value, which may be None."""
        return "value" in self.model_fields_set

    def plain(self) -> JsonObject:
        """Return it as plain JSON, as it stands in the journal and crosses processes."""
        return plain(self.model_dump(exclude_unset=True))


class Result(Record):
    """What was decided for one item: made where it is judged, and carried as it is into journal, terminal and reports.

    The order of the fields is that of the journal.
    """

    line: str
    check: str
    subject: str | None = None
    ref: str = ""
    says: str = ""
    gate: Gate | None = None
    links: tuple[str, ...] = ()
    nodeid: str
    where: str = ""
    """The check's file and line."""
    again: str = ""
    """The command that decides this one item once more."""
    diagnostics: Any = None
    measurements: tuple[RecordedMeasurement, ...]
    stated: tuple[str, ...] = ()
    """What was only stated of what was measured, each in a sentence; a person's attestation takes its place."""
    provenance: tuple[Provenance, ...] | None = None
    """How what was measured was come by; None in older journals."""
    overlaid: tuple[str, ...] = ()
    """By which limits it was judged that are looser than the line's own, or other words, each in a sentence."""
    rests_on: tuple[RecordedLook, ...] | None = None
    """The observations that its check was given; None where the check did not begin, and in older journals."""
    ahead: tuple[RecordedAhead, ...] | None = None
    seconds: float
    step: EscalationStep | None = None
    severity: str = ""
    """The runbook's word for this failure."""
    answer: str = ""
    """Until when somebody answers it, by the runbook's table of severities."""
    side: Any = None
    waived: bool = False
    attested: bool = False
    outcome: Outcome
    reason: str
    remedy: str
    instead_of: JsonObject | None = None
    """What would stand here without the attestation."""
    attestation: JsonObject | None = None
    """The entry that speaks for the line, and what it was good for: decides, void, expired or unused."""
    waiver: JsonObject | None = None
    """The waiver for the line, and what it was good for: waives, expired or unused."""

    @classmethod
    def of(
        cls,
        item: Item,
        *,
        nodeid: str,
        where: str,
        again: str,
        outcome: Outcome,
        reason: str,
        remedy: str,
        measurements: Iterable[Measurement] = (),
        grounds: Grounds = NOTHING_SEEN,
        seconds: float = 0.0,
        step: EscalationStep | None = None,
        urgency: Urgency | None = None,
        diagnostics: Mapping[str, Any] | None = None,
    ) -> Result:
        """Return what was decided for an item of a runbook; attestations and waivers have not been looked at."""
        return cls(
            **_stated_by(item),
            nodeid=nodeid,
            where=where,
            again=again,
            diagnostics=dict(diagnostics or {}),
            measurements=tuple(RecordedMeasurement(**vars(measurement)) for measurement in measurements),
            **vars(grounds),
            seconds=seconds,
            step=step,
            **vars(urgency or Urgency()),
            side={},
            outcome=outcome,
            reason=reason,
            remedy=remedy,
        )

    @property
    def key(self) -> DecisionKey:
        """What makes it unique in a run."""
        return DecisionKey(self.line, self.check, self.subject)

    @property
    def says_stated(self) -> str:
        """What it rests on that nothing measured, in a sentence; empty where all was measured, or a person vouches."""
        if not self.stated or self.attested:
            return ""
        people = dict.fromkeys(one.vouched for one in declared(self.provenance or ()) if one.vouched)
        return "; ".join([f"{'; '.join(self.stated)}: not measured", *people])

    @property
    def says_overlaid(self) -> str:
        """The limits of the environment by which it was judged in place of the line's, in a sentence; or empty."""
        return "; ".join(self.overlaid)

    def measured(self) -> list[Measurement]:
        """Return the measurements as the judgement takes them."""
        return [measurement.measurement() for measurement in self.measurements]

    def plain(self) -> JsonObject:
        """Return it as plain JSON, as it stands in the journal and crosses processes."""
        absent = {name for name in _ONLY_WHERE_STATED if getattr(self, name) is None}
        absent |= {name for name in ("stated", "answer", "overlaid") if not getattr(self, name)}
        fields = self.model_dump(exclude=absent)
        # Not by a serializer of the model: pydantic makes an error of the Ctrl-C that comes while one runs.
        for measurement in fields["measurements"]:
            if measurement["known"] == EXACTLY:
                del measurement["known"]
        return plain(fields)


_ONLY_WHERE_STATED = ("instead_of", "attestation", "waiver", "rests_on", "ahead", "provenance")
"""The fields that a result has with an attestation or a waiver, where its check began, and in newer runs."""


def _stated_by(item: Item) -> dict[str, Any]:
    """Return what the runbook states of an item, as a result has it."""
    of_line = {name: getattr(item.line, name) for name in ("ref", "says", "gate", "links")}
    return {"line": item.line_id, "check": item.check, "subject": item.subject, **of_line}


class Finish(Record):
    """The last record."""

    verdict: VerdictStatus
    exit: int
    action: str
    counts: dict[str, int]
    finished_at: AwareDatetime
    ended: bool = True
    """False where the run was interrupted or its evidence is not whole: `withdrawn` says why."""
    withdrawn: tuple[str, ...] = ()
    failed_beside: tuple[str, ...] = ()
    """What failed in the same run of pytest and decides no line: a good verdict does not speak for it."""
    holding: tuple[DecisionKey, ...] = ()
    deadline: RecordedDeadline | None = None
    """None where no look began."""
    standing: tuple[RecordedState, ...] | None = None
    """The decisions at a step of their ladder, or on the way to one or off it; None in older journals."""
    holds_until: AwareDatetime | None = None  # the instant from which a good verdict no longer holds
