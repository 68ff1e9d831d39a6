"""What the outcomes of a phase add up to. Pure: the same results give the same verdict, also years later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from readiness.outcomes import DecisionKey, Gate, Outcome, Phase, Step
from readiness.runbook.sign_off import SignOff
from readiness.runbook.waivers import WAIVABLE

INCOMPLETE_EXIT = 10  # pytest keeps 0 to 6 for itself


class Word(StrEnum):
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
class Result:
    """What was found for one decision."""

    key: DecisionKey
    outcome: Outcome
    step: Step | None = None
    """The step of the ladder that the failure has reached."""
    held: Step | None = None
    """The step that stands from earlier runs, though this one did not fail or could not look."""


@dataclass(frozen=True)
class Verdict:
    """The word, pytest's exit code, the recommended action and how it came about."""

    word: Word
    exit: int
    action: str
    counts: dict[str, int]
    missing: tuple[DecisionKey, ...] = ()
    holding: tuple[DecisionKey, ...] = field(default=())
    """The decisions that keep the verdict from being good."""
    ended: bool = True
    """False where the run was cut short."""
    waived: tuple[DecisionKey, ...] = ()
    """The decisions that failed or could not be looked at, and that do not count."""

    @property
    def good(self) -> bool:
        """Tell whether the launch may go on."""
        return self.exit == 0


GOOD = {Phase.PREFLIGHT: Word.GO, Phase.SMOKE: Word.GO, Phase.POSTLAUNCH: Word.OK, Phase.GA: Word.APPROVED}
_BAD = {Phase.PREFLIGHT: Word.NO_GO, Phase.SMOKE: Word.NO_GO, Phase.GA: Word.DEFERRED}
_STEP_WORD = {
    Step.ALERT: Word.ALERT,
    Step.CRITICAL: Word.ALERT,
    Step.INCIDENT: Word.PAGE,
    Step.PAGE: Word.PAGE,
    Step.PAUSE: Word.PAUSE,
    Step.ROLLBACK: Word.ROLLBACK,
}
ACTIONS = {
    Word.GO: "go on",
    Word.NO_GO: "do not launch: mend the failed blockers and run this phase again",
    Word.OK: "nothing to do",
    Word.ALERT: "tell the team: look at the failed lines within the hour",
    Word.PAGE: "page the on-call now",
    Word.PAUSE: "pause: close the kill switch, then look at the uploads in flight",
    Word.ROLLBACK: "roll back: follow the rollback procedure with the attached diagnostics",
    Word.APPROVED: "sign",
    Word.DEFERRED: "defer: mend the failed lines and set a date for the next review",
    Word.INCOMPLETE: "not decided: make the unknown lines visible and run this phase again",
}
_SETTLED = {Outcome.PASS, Outcome.WARN, Outcome.NOT_APPLICABLE, Outcome.NOT_DUE}
_DECIDING = {Gate.BLOCKER, Gate.ACTION}


def decide(
    phase: Phase,
    expected: Collection[Expected],
    results: Iterable[Result],
    *,
    ended: bool = True,
    waived: Collection[DecisionKey] = (),
    sign_off: SignOff | None = None,
) -> Verdict:
    """Add up a phase. At its end the launch's own people have a word too: see `_signed`.

    A failed blocker outweighs everything unknown. Whatever the runbook demands and nobody answered, whatever came
    back unknown on a blocker, and a run that did not end by itself, keep the verdict from being good. Lines of gate
    `warning` are told and counted; only their absence matters here. After the launch a step that still stands counts
    like a failure that reaches it. What is waived keeps its outcome and does not decide; what nobody answered cannot
    be waived.
    """
    found = _worst(results)
    counted = [item for item in expected if item.due]
    missing = tuple(item.key for item in counted if found.get(item.key, _NOTHING).outcome is Outcome.NOT_RUN)
    deciding = [item for item in counted if item.gate in _DECIDING]
    spared = {item.key for item in counted if item.key in waived and _outcome(found, item) in WAIVABLE}
    failed = [item for item in deciding if item.key not in spared and _is_bad(phase, found.get(item.key, _NOTHING))]
    open_ = [item.key for item in deciding if item.key not in spared and _outcome(found, item) not in _SETTLED]
    counts = Counter(f"{_outcome(found, item)}{' (waived)' if item.key in spared else ''}" for item in expected)
    if failed:
        word = _word(phase, [found[item.key] for item in failed])
        holding = tuple(item.key for item in failed)
    elif open_ or missing or not counted or not ended:
        word, holding = Word.INCOMPLETE, tuple(dict.fromkeys((*open_, *missing)))
    else:
        word, holding = GOOD[phase], ()
    word, action = _signed(word, sign_off) if phase is Phase.GA and sign_off else (word, ACTIONS[word])
    code = {Word.INCOMPLETE: INCOMPLETE_EXIT, GOOD[phase]: 0}.get(word, 1)
    action = f"{action}; waived: {len(spared)}" if spared else action
    return Verdict(word, code, action, dict(counts), missing, holding, ended, tuple(sorted(spared, key=str)))


def _signed(word: Word, sign_off: SignOff) -> tuple[Word, str]:
    """Give the word and the action once people have decided.

    They may defer what every line speaks for. They cannot approve what the lines do not.
    """
    if sign_off.decision == "deferred":
        why = f"deferred: {sign_off.reason}; look again on {sign_off.review_on}"
        return Word.DEFERRED, why if word is Word.APPROVED else f"{why}; {ACTIONS[word]}"
    if word is not Word.APPROVED:
        told = "the approval does not count yet; " if sign_off.decision == "approved" else ""
        return word, f"{told}{ACTIONS[word]}"
    if sign_off.decision == "open":
        return Word.INCOMPLETE, "every line speaks for it, and nobody has decided: set decision in the sign-off file"
    return word, f"signed on {sign_off.signed_at:%Y-%m-%d}" if sign_off.signed_at else ACTIONS[word]


def waived_among(results: Iterable[tuple[DecisionKey, bool]]) -> set[DecisionKey]:
    """Give the decisions whose every result is waived: one that is not cannot hide behind another."""
    found: dict[DecisionKey, bool] = {}
    for key, waived in results:
        found[key] = waived and found.get(key, True)
    return {key for key, waived in found.items() if waived}


_NOTHING = Result(DecisionKey("", "", None), Outcome.NOT_RUN)
RANK = [
    Outcome.PASS,
    Outcome.WARN,
    Outcome.NOT_DUE,
    Outcome.NOT_APPLICABLE,
    Outcome.NOT_RUN,
    Outcome.UNKNOWN,
    Outcome.FAIL,
]


def _worst(results: Iterable[Result]) -> dict[DecisionKey, Result]:
    """Keep the worst result of each decision, so that a later pass cannot cover an earlier failure."""
    found: dict[DecisionKey, Result] = {}
    for result in results:
        known = found.get(result.key)
        if known is None or RANK.index(result.outcome) > RANK.index(known.outcome):
            found[result.key] = result
    return found


def _outcome(found: dict[DecisionKey, Result], item: Expected) -> Outcome:
    if not item.due:
        return Outcome.NOT_DUE
    return found.get(item.key, _NOTHING).outcome


def _is_bad(phase: Phase, result: Result) -> bool:
    return result.outcome is Outcome.FAIL or (phase not in _BAD and result.held in _STEP_WORD)


def _word(phase: Phase, failed: list[Result]) -> Word:
    if phase in _BAD:
        return _BAD[phase]
    steps = [step for result in failed for step in (result.step, result.held) if step and step in _STEP_WORD]
    highest = max(steps, key=lambda step: step.height, default=Step.ALERT)
    return _STEP_WORD[highest]
