"""The verdict on a phase, from the outcomes of its lines. Pure: the same results give the same verdict, years later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from readiness.outcomes import DecisionKey, EscalationStep, Gate, Outcome, Phase
from readiness.runbook.sign_off import SignOff
from readiness.runbook.waivers import WAIVABLE

INCOMPLETE_EXIT = 10  # pytest keeps 0 to 6 for itself


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

    @property
    def good(self) -> bool:
        """Whether the launch may go on."""
        return self.exit == 0


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
_DECIDING = {Gate.BLOCKER, Gate.ACTION}


def decide(
    phase: Phase,
    expected: Collection[Expected],
    results: Iterable[DecisionOutcome],
    *,
    ended: bool = True,
    waived: Collection[DecisionKey] = (),
    sign_off: SignOff | None = None,
) -> Verdict:
    """Return the verdict on a phase, from what its runbooks expect and the results of a run.

    Lines of gate `warning` are counted and shown; only their absence matters here. After the launch a step that is
    still held counts like a failure that reaches it. What is waived keeps its outcome and does not decide; what nothing
    has answered cannot be waived. In `ga` the people who sign have a word too, see `_signed`.
    """
    worst = _worst(results)
    findings = _findings(phase, expected, worst, waived)

    lines_word = _lines_word(phase, findings, worst, ended=ended)
    word, action = _signed(phase, lines_word, sign_off)
    if findings.waived:
        action = f"{action}; waived: {len(findings.waived)}"

    return Verdict(
        word=word,
        exit=_exit_code(phase, word),
        action=action,
        counts=_counts(expected, worst, findings.waived),
        missing=findings.missing,
        holding=findings.failed or findings.unknown,
        ended=ended,
        waived=tuple(sorted(findings.waived, key=str)),
    )


@dataclass(frozen=True)
class _Findings:
    """What the due decisions of a phase came to."""

    any_due: bool
    failed: tuple[DecisionKey, ...]
    missing: tuple[DecisionKey, ...]
    """Those that nothing has answered, of any gate."""
    unknown: tuple[DecisionKey, ...]
    """The missing, and those that decide and could not be seen."""
    waived: frozenset[DecisionKey]


def _findings(
    phase: Phase,
    expected: Iterable[Expected],
    worst: Mapping[DecisionKey, DecisionOutcome],
    waived: Collection[DecisionKey],
) -> _Findings:
    due = [decision for decision in expected if decision.due]
    spared = {decision.key for decision in due if decision.key in waived and _outcome(worst, decision) in WAIVABLE}
    deciding = [decision for decision in due if decision.gate in _DECIDING and decision.key not in spared]

    failed = [decision.key for decision in deciding if _is_bad(phase, worst.get(decision.key, _NO_RESULT))]
    unsettled = [decision.key for decision in deciding if _outcome(worst, decision) not in _SETTLED]
    missing = [decision.key for decision in due if _outcome(worst, decision) is Outcome.NOT_RUN]

    return _Findings(
        any_due=bool(due),
        failed=tuple(failed),
        missing=tuple(missing),
        unknown=tuple(dict.fromkeys([*unsettled, *missing])),
        waived=frozenset(spared),
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

    # Without a due line nothing has been looked at: that is no reason to launch.
    if not findings.any_due:
        return VerdictStatus.INCOMPLETE

    # A run that was cut short may not have written the failure that ended it.
    if not ended:
        return VerdictStatus.INCOMPLETE

    return GOOD[phase]


def _bad_word(phase: Phase, failures: Iterable[DecisionOutcome]) -> VerdictStatus:
    """Return the phase's bad word; after the launch that of the highest step that is reached or still held."""
    if phase in _BAD:
        return _BAD[phase]

    steps = [step for result in failures for step in (result.step, result.held) if step and step in _STEP_WORD]
    highest = max(steps, key=lambda step: step.height, default=EscalationStep.ALERT)
    return _STEP_WORD[highest]


def _signed(phase: Phase, word: VerdictStatus, sign_off: SignOff | None) -> tuple[VerdictStatus, str]:
    """Return the word and the action once people have decided.

    They may defer what every line speaks for. They cannot approve what the lines do not.
    """
    # Only general availability is signed.
    if phase is not Phase.GA or sign_off is None:
        return word, ACTIONS[word]

    if sign_off.decision == "deferred":
        action = f"deferred: {sign_off.reason}; look again on {sign_off.review_on}"
        if word is not VerdictStatus.APPROVED:
            action = f"{action}; {ACTIONS[word]}"
        return VerdictStatus.DEFERRED, action

    # A signature does not make up for a line that failed or could not be seen.
    if word is not VerdictStatus.APPROVED:
        action = ACTIONS[word]
        if sign_off.decision == "approved":
            action = f"the approval does not count yet; {action}"
        return word, action

    if sign_off.decision == "open":
        return (
            VerdictStatus.INCOMPLETE,
            "every line speaks for it, and nobody has decided: set decision in the sign-off file",
        )

    if sign_off.signed_at is None:
        return word, ACTIONS[word]
    return word, f"signed on {sign_off.signed_at:%Y-%m-%d}"


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


def waived_among(results: Iterable[tuple[DecisionKey, bool]]) -> set[DecisionKey]:
    """Return the decisions whose every result is waived: one that is not cannot hide behind another."""
    all_waived: dict[DecisionKey, bool] = {}
    for key, waived in results:
        all_waived[key] = waived and all_waived.get(key, True)
    return {key for key, waived in all_waived.items() if waived}


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
