"""The verdict on a phase, from the outcomes of its lines. Pure: the same results give the same verdict, years later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from readiness.outcomes import DecisionKey, EscalationStep, Gate, Outcome, Phase
from readiness.runbook.consent import LaunchRecord, held_back, lacks
from readiness.runbook.sign_off import SignOff
from readiness.runbook.waivers import WAIVABLE
from readiness.timeline import Bound, Ending, first_bound

INCOMPLETE_EXIT = 10  # pytest keeps 0 to 6 for itself
SIGN_OFF = "sign_off"
"""What stands in the place of a check where the sign-off's decision decides a line."""


class VerdictStatus(StrEnum):
    """The verdicts."""

    GO = "GO"
    NO_GO = "NO-GO"
    OK = "OK"
    ALERT = "ALERT"
    PAGE = "PAGE"
    PAUSE = "PAUSE"
    ROLLBACK = "ROLLBACK"
    APPROVED = "APPROVED"
    DEFERRED = "DEFERRED"
    INCOMPLETE = "INCOMPLETE"


@dataclass(frozen=True)
class Expected:
    """A decision that the runbook demands in this phase."""

    key: DecisionKey
    gate: Gate
    due: bool = True
    due_at: datetime | None = None
    """When it begins to count; None where it always does, or where nobody knows when."""

    @property
    def decides(self) -> bool:
        """Whether the verdict depends on it; the others are told and counted."""
        return self.gate in DECIDING


@dataclass(frozen=True)
class DecisionOutcome:
    """The outcome of one decision."""

    key: DecisionKey
    outcome: Outcome
    step: EscalationStep | None = None
    """The step of the ladder that this run's failure has reached."""
    held: EscalationStep | None = None
    """The step still held from earlier runs (hysteresis), though this one did not fail or could not look."""


@dataclass(frozen=True)
class Verdict:
    """The word, the exit code, the recommended action and how it came about."""

    word: VerdictStatus
    exit: int
    action: str
    counts: dict[str, int]
    """Outcome → number of decisions, of all that the runbook demands; `fail (waived)` is an outcome of its own."""
    missing: tuple[DecisionKey, ...] = ()
    """The due decisions that nothing has answered."""
    holding: tuple[DecisionKey, ...] = field(default=())
    """The decisions that keep the verdict from being good."""
    ended: bool = True
    """False where the run was cut short."""
    waived: tuple[DecisionKey, ...] = ()
    """The decisions that failed or could not be looked at, and that do not count."""
    later: tuple[DecisionKey, ...] = ()
    """The deciding lines that are not due yet: a good verdict does not speak for them."""
    holds_until: datetime | None = None
    """The instant from which a good verdict no longer holds; None where nothing with a date ends it."""

    @property
    def conditional(self) -> bool:
        """Whether it is good for now alone: something that decides falls due later, or expires."""
        return self.good and (bool(self.later) or self.holds_until is not None)

    @property
    def good(self) -> bool:
        """Whether the launch may go on."""
        return self.exit == 0

    def lapsed(self, moment: datetime) -> str:
        """Return why a good verdict no longer counts at a moment; empty where it does."""
        if self.holds_until is None or moment < self.holds_until:
            return ""
        return f"{self.word} held until {self.holds_until:%Y-%m-%d %H:%M:%S}Z, and that is over: run the phase again"


GOOD = {
    Phase.PREFLIGHT: VerdictStatus.GO,
    Phase.SMOKE: VerdictStatus.GO,
    Phase.POSTLAUNCH: VerdictStatus.OK,
    Phase.GA: VerdictStatus.APPROVED,
}
_BAD = {Phase.PREFLIGHT: VerdictStatus.NO_GO, Phase.SMOKE: VerdictStatus.NO_GO, Phase.GA: VerdictStatus.DEFERRED}
_STEP_WORD = {
    EscalationStep.ALERT: VerdictStatus.ALERT,
    EscalationStep.CRITICAL: VerdictStatus.ALERT,
    EscalationStep.INCIDENT: VerdictStatus.PAGE,
    EscalationStep.PAGE: VerdictStatus.PAGE,
    EscalationStep.PAUSE: VerdictStatus.PAUSE,
    EscalationStep.ROLLBACK: VerdictStatus.ROLLBACK,
}
ACTIONS = {
    VerdictStatus.GO: "go on",
    VerdictStatus.NO_GO: "do not launch: mend the failed blockers and run this phase again",
    VerdictStatus.OK: "nothing to do",
    VerdictStatus.ALERT: "tell the team: look at the failed lines within the hour",
    VerdictStatus.PAGE: "page the on-call now",
    VerdictStatus.PAUSE: "pause: close the kill switch, then look at the uploads in flight",
    VerdictStatus.ROLLBACK: "roll back: follow the rollback procedure with the attached diagnostics",
    VerdictStatus.APPROVED: "sign",
    VerdictStatus.DEFERRED: "defer: mend the failed lines and set a date for the next review",
    VerdictStatus.INCOMPLETE: "not decided: make the unknown lines visible and run this phase again",
}
_SETTLED = {Outcome.PASS, Outcome.WARN, Outcome.NOT_APPLICABLE, Outcome.NOT_DUE}
_WELL = {Outcome.PASS, Outcome.WARN}
DECIDING = {Gate.BLOCKER, Gate.ACTION}


def decide(
    phase: Phase,
    expected: Collection[Expected],
    results: Iterable[DecisionOutcome],
    *,
    ended: bool = True,
    waived: Collection[DecisionKey] = (),
    sign_off: SignOff | None = None,
    launch: LaunchRecord | None = None,
    expiring: Mapping[DecisionKey, Ending] | None = None,
) -> Verdict:
    """Return the verdict on a phase, from what its runbooks expect and the results of a run.

    A good one needs a deciding line that was judged and is well. Of a `warning` only its absence matters. After the
    launch a step that is still held counts like a failure. What is waived does not decide; what nothing has answered
    cannot be waived. In `ga` people have a word too: `launch` says what it rests on. `expiring` ends a good verdict.
    """
    # Only general availability is signed: elsewhere nothing answers such a line.
    of_people = [decision for decision in expected if phase is Phase.GA and decision.key.check == SIGN_OFF]
    of_checks = [decision for decision in expected if decision not in of_people]
    worst = _worst(results) | _signatures(of_people, sign_off)
    findings = _findings(phase, of_checks, worst, waived)

    lines_word = _lines_word(phase, findings, worst, ended=ended)
    word, action = _signed(phase, lines_word, _lines_action(lines_word, findings), sign_off, launch)
    is_good = word is GOOD[phase]
    bound = _bound(findings, expiring or {}) if is_good else Bound()
    unsigned = tuple(decision.key for decision in of_people if decision.due and decision.decides and not is_good)
    return Verdict(
        word=word,
        exit=_exit_code(phase, word),
        action="; ".join([action, *_provisos(findings, bound, is_good=is_good)]),
        counts=_counts(expected, worst, findings.waived),
        missing=findings.missing,
        holding=findings.failed or findings.unknown or unsigned,
        ended=ended,
        waived=tuple(sorted(findings.waived, key=str)),
        later=tuple(decision.key for decision in findings.later),
        holds_until=bound.at,
    )


def _signatures(decisions: Iterable[Expected], sign_off: SignOff | None) -> dict[DecisionKey, DecisionOutcome]:
    """Return how the sign-off decides its own lines."""
    outcomes = {"approved": Outcome.PASS, "deferred": Outcome.FAIL}
    outcome = outcomes.get(sign_off.decision if sign_off else "open", Outcome.UNKNOWN)
    return {decision.key: DecisionOutcome(decision.key, outcome) for decision in decisions}


@dataclass(frozen=True)
class _Findings:
    """What the due decisions of a phase came to."""

    relied_on: tuple[DecisionKey, ...]
    """The due decisions that decide, or would if they were not waived."""
    judged: tuple[DecisionKey, ...]
    """Those that decide and were looked at: well or failed."""
    later: tuple[Expected, ...]
    """The deciding ones that are not due yet."""
    failed: tuple[DecisionKey, ...]
    missing: tuple[DecisionKey, ...]
    """Those that nothing has answered, of any gate."""
    unknown: tuple[DecisionKey, ...]
    """The missing, and those that decide and could not be seen."""
    waived: frozenset[DecisionKey]
    to_come: datetime | None
    """In `ga`, when the last of the later ones falls due whose time is known: people sign once, and not before."""

    @property
    def nothing_judged(self) -> bool:
        """Whether nothing decides at all: all lines are warnings, waived, not due or not applicable."""
        return not (self.judged or self.unknown)


def _findings(
    phase: Phase,
    expected: Collection[Expected],
    worst: Mapping[DecisionKey, DecisionOutcome],
    waived: Collection[DecisionKey],
) -> _Findings:
    due = [decision for decision in expected if decision.due]
    spared = {decision.key for decision in due if decision.key in waived and _outcome(worst, decision) in WAIVABLE}
    relied_on = [decision for decision in due if decision.decides]
    deciding = [decision for decision in relied_on if decision.key not in spared]

    well = [decision.key for decision in deciding if _outcome(worst, decision) in _WELL]
    failed = [decision.key for decision in deciding if _is_bad(phase, worst.get(decision.key, _NO_RESULT))]
    unsettled = [decision.key for decision in deciding if _outcome(worst, decision) not in _SETTLED]
    missing = [decision.key for decision in due if _outcome(worst, decision) is Outcome.NOT_RUN]

    later = tuple(decision for decision in expected if decision.decides and not decision.due)
    due_later = [decision.due_at for decision in later if decision.due_at and phase is Phase.GA]
    return _Findings(
        relied_on=tuple(decision.key for decision in relied_on),
        judged=tuple(dict.fromkeys([*well, *failed])),
        later=later,
        failed=tuple(failed),
        missing=tuple(missing),
        unknown=tuple(dict.fromkeys([*unsettled, *missing])),
        waived=frozenset(spared),
        to_come=max(due_later, default=None),
    )


def _lines_word(
    phase: Phase, findings: _Findings, worst: Mapping[DecisionKey, DecisionOutcome], *, ended: bool
) -> VerdictStatus:
    """Return the word that the lines alone speak for."""
    # A failed blocker outweighs anything unknown: the launch is off either way.
    if findings.failed:
        return _bad_word(phase, [worst[key] for key in findings.failed])

    # What could not be seen, or was not looked at, may hide a failure.
    if findings.unknown:
        return VerdictStatus.INCOMPLETE

    # Waived, not applicable and not due are no reason to launch, and neither is a warning that is well.
    if findings.nothing_judged:
        return VerdictStatus.INCOMPLETE

    # An approval would speak for what can only be seen later.
    # A run that was cut short may not have written the failure that ended it.
    if findings.to_come or not ended:
        return VerdictStatus.INCOMPLETE

    return GOOD[phase]


def _lines_action(word: VerdictStatus, findings: _Findings) -> str:
    """Return what is to be done, as far as the lines go."""
    if word is VerdictStatus.INCOMPLETE and findings.nothing_judged:
        return "not decided: no blocker and no action line was looked at and judged; see the counts"
    if word is VerdictStatus.INCOMPLETE and findings.to_come and not findings.unknown:
        return f"too early: {len(findings.later)} lines that decide fall due by {findings.to_come:%Y-%m-%d %H:%M:%S}Z"
    return ACTIONS[word]


def _bad_word(phase: Phase, failures: Iterable[DecisionOutcome]) -> VerdictStatus:
    """Return the phase's bad word; after the launch that of the highest step that is reached or still held."""
    if phase in _BAD:
        return _BAD[phase]

    steps = [step for result in failures for step in (result.step, result.held) if step and step in _STEP_WORD]
    highest = max(steps, key=lambda step: step.height, default=EscalationStep.ALERT)
    return _STEP_WORD[highest]


def _signed(
    phase: Phase, word: VerdictStatus, action: str, sign_off: SignOff | None, launch: LaunchRecord | None
) -> tuple[VerdictStatus, str]:
    """Return the word and the action once people have decided.

    They may defer what every line speaks for. They cannot approve what the lines do not.
    """
    # Only general availability is signed.
    if phase is not Phase.GA:
        return word, action

    if sign_off and sign_off.decision == "deferred":
        deferral = f"deferred: {sign_off.reason}; look again on {sign_off.review_on}"
        if word is not VerdictStatus.APPROVED:
            deferral = f"{deferral}; {action}"
        return VerdictStatus.DEFERRED, deferral

    # A signature does not make up for a line that failed or could not be seen.
    if word is not VerdictStatus.APPROVED:
        if sign_off and sign_off.decision == "approved":
            action = f"the approval does not count yet; {'; '.join(filter(None, [action, held_back(launch)]))}"
        return word, action

    withheld = _withheld(sign_off, launch)
    if withheld:
        return VerdictStatus.INCOMPLETE, f"every line of ga speaks for it, and {withheld}"

    if sign_off is None or sign_off.signed_at is None:
        return word, action
    return word, f"signed on {sign_off.signed_at:%Y-%m-%d}"


def _withheld(sign_off: SignOff | None, launch: LaunchRecord | None) -> str:
    """Return why there is no approval though every line speaks for it; empty where there is."""
    # A signature does not make up for a phase before that is not well either, or for a launch that has not been.
    holds_back = held_back(launch)
    if holds_back:
        return f"it is held back: {holds_back}"

    lack = lacks(sign_off, launch)
    return f"nobody has decided: {lack}" if lack else ""


def _bound(findings: _Findings, expiring: Mapping[DecisionKey, Ending]) -> Bound:
    """Return until when a good verdict holds: to the next due time, or to the first expiry."""
    due = [decision.due_at for decision in findings.later if decision.due_at]
    endings = [expiring[key] for key in findings.relied_on if key in expiring]
    return first_bound(due, endings)


def _provisos(findings: _Findings, bound: Bound, *, is_good: bool) -> Iterator[str]:
    """Yield what a verdict leaves out, and what ends it."""
    if bound.at:
        yield bound.says
    if is_good and findings.later:
        yield f"not due yet: {len(findings.later)} of the lines that decide"
    if findings.waived:
        yield f"waived: {len(findings.waived)}"


def _exit_code(phase: Phase, word: VerdictStatus) -> int:
    if word is VerdictStatus.INCOMPLETE:
        return INCOMPLETE_EXIT
    if word is GOOD[phase]:
        return 0
    return 1


def _counts(
    expected: Iterable[Expected], worst: Mapping[DecisionKey, DecisionOutcome], spared: Collection[DecisionKey]
) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for decision in expected:
        outcome = str(_outcome(worst, decision))
        if decision.key in spared:
            outcome = f"{outcome} (waived)"
        counts[outcome] += 1
    return dict(counts)


_NO_RESULT = DecisionOutcome(DecisionKey("", "", None), Outcome.NOT_RUN)
RANK = [
    Outcome.PASS,
    Outcome.WARN,
    Outcome.NOT_DUE,
    Outcome.NOT_APPLICABLE,
    Outcome.NOT_RUN,
    Outcome.UNKNOWN,
    Outcome.FAIL,
]
"""The outcomes, the best first."""


def _worst(results: Iterable[DecisionOutcome]) -> dict[DecisionKey, DecisionOutcome]:
    """Return the worst result of each decision, so that a later pass cannot cover an earlier failure."""
    worst: dict[DecisionKey, DecisionOutcome] = {}
    for result in results:
        earlier = worst.get(result.key)
        if earlier is None or RANK.index(result.outcome) > RANK.index(earlier.outcome):
            worst[result.key] = result
    return worst


def _outcome(worst: Mapping[DecisionKey, DecisionOutcome], decision: Expected) -> Outcome:
    # A result of a line that is not due yet does not count, whatever it says.
    if not decision.due:
        return Outcome.NOT_DUE
    return worst.get(decision.key, _NO_RESULT).outcome


def _is_bad(phase: Phase, result: DecisionOutcome) -> bool:
    """Check whether a result counts as a failure: after the launch, a step that is still held does too."""
    if result.outcome is Outcome.FAIL:
        return True
    return phase is Phase.POSTLAUNCH and result.held in _STEP_WORD
