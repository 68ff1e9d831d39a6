"""The verdict is a pure function of what was demanded and what was found, and no mishap can make it good."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.outcomes import DecisionKey, EscalationStep, Gate, Outcome, Phase
from readiness.runbook.sign_off import Approval, SignOff
from readiness.runbook.waivers import waived_among
from readiness.timeline import Ending
from readiness.verdict import (
    INCOMPLETE_EXIT,
    SIGN_OFF,
    DecisionOutcome,
    Expected,
    Verdict,
    VerdictStatus,
    decide,
)

KEYS = [DecisionKey(f"book/line-{number}", "area.check", None) for number in range(6)]
EXPECTED = st.lists(
    st.builds(Expected, key=st.sampled_from(KEYS), gate=st.sampled_from(Gate), due=st.booleans()),
    unique_by=lambda item: item.key,
)
RESULTS = st.lists(
    st.builds(
        DecisionOutcome,
        key=st.sampled_from(KEYS),
        outcome=st.sampled_from(Outcome),
        step=st.none() | st.sampled_from(EscalationStep),
    )
)
PHASES = st.sampled_from(Phase)
PRE_LAUNCH = st.sampled_from([Phase.PREFLIGHT, Phase.SMOKE, Phase.GA])
DECIDING = {Gate.BLOCKER, Gate.ACTION}
ANSWERED_WELL = {Outcome.PASS, Outcome.WARN, Outcome.NOT_APPLICABLE, Outcome.NOT_DUE}
SEVERITY = {0: 0, INCOMPLETE_EXIT: 1, 1: 2}


def blocker(number: int = 0, gate: Gate = Gate.BLOCKER) -> Expected:
    return Expected(KEYS[number], gate)


def found(outcome: Outcome, step: EscalationStep | None = None, number: int = 0) -> DecisionOutcome:
    return DecisionOutcome(KEYS[number], outcome, step)


@given(PHASES, EXPECTED, RESULTS, st.booleans())
def test_a_good_verdict_means_that_every_due_blocker_was_answered_well(
    phase: Phase, expected: list[Expected], results: list[DecisionOutcome], ended: bool
) -> None:
    if not decide(phase, expected, results, ended=ended).good:
        return
    assert ended
    due = [item for item in expected if item.due]
    assert due
    for item in due:
        outcomes = {result.outcome for result in results if result.key == item.key}
        assert outcomes, f"{item.key} has no result"
        if item.gate is Gate.BLOCKER:
            assert outcomes <= ANSWERED_WELL | {Outcome.NOT_RUN}
            assert outcomes & ANSWERED_WELL


@given(PHASES, EXPECTED, RESULTS, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_results_does_not_matter(
    phase: Phase, expected: list[Expected], results: list[DecisionOutcome], ended: bool, shuffling: random.Random
) -> None:
    steps_once = {result.key: result.step for result in results}
    same_steps = [replace(result, step=steps_once[result.key]) for result in results]
    mixed = list(same_steps)
    shuffling.shuffle(mixed)
    assert decide(phase, expected, mixed, ended=ended) == decide(phase, expected, same_steps, ended=ended)


@given(PHASES, EXPECTED, RESULTS, st.sampled_from(KEYS), st.none() | st.sampled_from(EscalationStep))
def test_one_failure_more_never_improves(
    phase: Phase,
    expected: list[Expected],
    results: list[DecisionOutcome],
    key: DecisionKey,
    step: EscalationStep | None,
) -> None:
    """A failed warning is at least an answer, so it may complete a run; a failed blocker improves nothing."""
    demanded = [replace(item, gate=Gate.BLOCKER) if item.key == key else item for item in expected]
    before = decide(phase, demanded, results)
    after = decide(phase, demanded, [*results, DecisionOutcome(key, Outcome.FAIL, step)])
    assert not after.good or before.good


@given(PRE_LAUNCH, EXPECTED, RESULTS, st.sampled_from(KEYS))
def test_before_the_launch_one_failed_blocker_more_is_never_a_milder_verdict(
    phase: Phase, expected: list[Expected], results: list[DecisionOutcome], key: DecisionKey
) -> None:
    counted = {item.key for item in expected if item.due and item.gate is Gate.BLOCKER}
    before = decide(phase, expected, results)
    after = decide(phase, expected, [*results, DecisionOutcome(key, Outcome.FAIL)])
    if key in counted:
        assert after.exit == 1
        assert SEVERITY[after.exit] >= SEVERITY[before.exit]


@given(PHASES, EXPECTED, RESULTS, st.sampled_from(KEYS), st.sampled_from(Gate))
def test_a_missing_answer_is_never_good(
    phase: Phase, expected: list[Expected], results: list[DecisionOutcome], key: DecisionKey, gate: Gate
) -> None:
    demanded = [*(item for item in expected if item.key != key), Expected(key, gate)]
    rest = [result for result in results if result.key != key]
    verdict = decide(phase, demanded, rest)
    assert not verdict.good
    assert key in verdict.missing


@given(PHASES, EXPECTED, RESULTS)
def test_a_run_that_did_not_end_is_never_good(
    phase: Phase, expected: list[Expected], results: list[DecisionOutcome]
) -> None:
    assert not decide(phase, expected, results, ended=False).good


@given(PHASES, EXPECTED, RESULTS)
def test_what_is_not_due_is_told_and_not_counted(
    phase: Phase, expected: list[Expected], results: list[DecisionOutcome]
) -> None:
    verdict = decide(phase, expected, results)
    later = {item.key for item in expected if not item.due}
    assert not later & {*verdict.missing, *verdict.holding}
    assert sum(verdict.counts.values()) == len(expected)


def test_a_later_pass_does_not_cover_a_failure() -> None:
    assert decide(Phase.SMOKE, [blocker()], [found(Outcome.FAIL), found(Outcome.PASS)]).word is VerdictStatus.NO_GO


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.NOT_RUN])
@pytest.mark.parametrize("phase", Phase)
def test_unknown_on_a_blocker_is_incomplete(phase: Phase, outcome: Outcome) -> None:
    verdict = decide(phase, [blocker(), blocker(1)], [found(outcome), found(Outcome.PASS, number=1)])
    assert (verdict.word, verdict.exit) == (VerdictStatus.INCOMPLETE, INCOMPLETE_EXIT)
    assert verdict.holding == (KEYS[0],)


def test_a_failed_blocker_outweighs_an_unknown_one() -> None:
    verdict = decide(Phase.PREFLIGHT, [blocker(), blocker(1)], [found(Outcome.UNKNOWN), found(Outcome.FAIL, number=1)])
    assert (verdict.word, verdict.holding) == (VerdictStatus.NO_GO, (KEYS[1],))


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN])
def test_a_warning_line_is_told_and_decides_nothing(outcome: Outcome) -> None:
    passed = found(Outcome.PASS, number=1)
    verdict = decide(Phase.PREFLIGHT, [blocker(gate=Gate.WARNING), blocker(1)], [found(outcome), passed])
    assert (verdict.word, verdict.counts) == (VerdictStatus.GO, {str(outcome): 1, "pass": 1})


def test_an_empty_phase_is_incomplete() -> None:
    assert decide(Phase.PREFLIGHT, [], []).word is VerdictStatus.INCOMPLETE
    assert decide(Phase.PREFLIGHT, [Expected(KEYS[0], Gate.BLOCKER, due=False)], []).word is VerdictStatus.INCOMPLETE


@pytest.mark.parametrize(
    ("step", "word"),
    [
        (None, VerdictStatus.ALERT),
        (EscalationStep.WARN, VerdictStatus.ALERT),
        (EscalationStep.ALERT, VerdictStatus.ALERT),
        (EscalationStep.CRITICAL, VerdictStatus.ALERT),
        (EscalationStep.INCIDENT, VerdictStatus.PAGE),
        (EscalationStep.PAGE, VerdictStatus.PAGE),
        (EscalationStep.PAUSE, VerdictStatus.PAUSE),
        (EscalationStep.ROLLBACK, VerdictStatus.ROLLBACK),
    ],
)
def test_after_the_launch_the_highest_step_is_the_verdict(step: EscalationStep | None, word: VerdictStatus) -> None:
    results = [
        found(Outcome.FAIL, EscalationStep.ALERT),
        found(Outcome.FAIL, step, number=1),
        found(Outcome.PASS, number=2),
    ]
    verdict: Verdict = decide(Phase.POSTLAUNCH, [blocker(n) for n in range(3)], results)
    assert (verdict.word, verdict.exit) == (word, 1)
    assert verdict.action


WAIVED = st.sets(st.sampled_from(KEYS))


@given(PHASES, EXPECTED, RESULTS, st.booleans(), WAIVED)
def test_a_waiver_spares_only_what_failed_or_could_not_be_seen(
    phase: Phase, expected: list[Expected], results: list[DecisionOutcome], ended: bool, waived: set[DecisionKey]
) -> None:
    verdict = decide(phase, expected, results, ended=ended, waived=waived)
    without = decide(phase, expected, results, ended=ended)
    assert SEVERITY[verdict.exit] <= SEVERITY[without.exit]
    assert set(verdict.holding) <= set(without.holding) or verdict.word is VerdictStatus.INCOMPLETE
    assert set(verdict.waived) <= waived
    assert not set(verdict.waived) & set(verdict.holding)
    assert verdict.missing == without.missing
    assert sum(verdict.counts.values()) == len(expected)
    if verdict.good:
        assert ended
        worst = {item.key: [one.outcome for one in results if one.key == item.key] for item in expected if item.due}
        for item in (one for one in expected if one.due and one.gate is Gate.BLOCKER):
            assert set(worst[item.key]) & (ANSWERED_WELL | {Outcome.FAIL, Outcome.UNKNOWN})
            assert item.key in verdict.waived or set(worst[item.key]) <= ANSWERED_WELL | {Outcome.NOT_RUN}


@given(PHASES, EXPECTED, RESULTS, st.booleans())
def test_a_waiver_for_another_line_changes_nothing(
    phase: Phase, expected: list[Expected], results: list[DecisionOutcome], ended: bool
) -> None:
    other = DecisionKey("book/other", "area.check", None)
    assert decide(phase, expected, results, ended=ended, waived={other}) == decide(
        phase, expected, results, ended=ended
    )


def test_one_waived_result_does_not_hide_another() -> None:
    assert waived_among([(KEYS[0], True), (KEYS[0], False), (KEYS[1], True)]) == {KEYS[1]}


AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
INSTANTS = st.integers(min_value=1, max_value=99).map(lambda hours: AT + timedelta(hours=hours))
LATER = st.lists(
    st.builds(
        Expected,
        key=st.sampled_from(KEYS),
        gate=st.sampled_from(Gate),
        due=st.booleans(),
        due_at=st.none() | INSTANTS,
    ),
    unique_by=lambda item: item.key,
)
APPROVED = SignOff(decision="approved", approvals=(Approval(role="SRE", name="Cy Diaz", approved_on=AT.date()),))
NOBODY = SignOff(decision="approved")
OPEN = SignOff()
DEFERRED = SignOff(decision="deferred", reason="a client asked for it", review_on=AT.date())
SIGN_OFFS = st.sampled_from([None, OPEN, NOBODY, APPROVED, DEFERRED])
CAUSES = st.sampled_from(["an attestation expires", "a waiver expires"])
EXPIRING = st.dictionaries(st.sampled_from(KEYS), st.builds(Ending, INSTANTS, CAUSES))
WELL = {Outcome.PASS, Outcome.WARN}


@st.composite
def inputs(draw: st.DrawFn) -> dict[str, Any]:
    """Give everything that a verdict is made of, of a phase that went well as often as of any other."""
    phase = draw(PHASES)
    expected = draw(LATER)
    results = draw(RESULTS)
    # Of results that are drawn freely hardly any set is good: half of the cases begin with passes.
    if draw(st.booleans()):
        results = [DecisionOutcome(item.key, Outcome.PASS) for item in expected if item.due]
        results += draw(st.lists(st.sampled_from(results), max_size=2)) if results else []
    return {
        "phase": phase,
        "expected": expected,
        "results": results,
        "ended": draw(st.booleans()) or draw(st.booleans()),
        "waived": draw(st.sets(st.sampled_from(KEYS), max_size=3)),
        "sign_off": draw(SIGN_OFFS),
        "expiring": draw(EXPIRING),
    }


def of(given: dict[str, Any], **changes: Any) -> Verdict:
    return decide(**{**given, **changes})


def outcomes_of(given: dict[str, Any], key: DecisionKey) -> set[Outcome]:
    return {result.outcome for result in given["results"] if result.key == key}


@given(inputs())
def test_a_good_word_needs_a_deciding_line_that_was_judged_and_is_well(given: dict[str, Any]) -> None:
    verdict = of(given)
    if not verdict.good:
        return
    judged = [
        item for item in given["expected"] if item.due and item.gate in DECIDING and item.key not in verdict.waived
    ]
    assert any(outcomes_of(given, item.key) & WELL for item in judged)


@given(inputs())
def test_what_is_waived_not_due_or_not_applicable_is_alone_no_good_word(given: dict[str, Any]) -> None:
    left_out = [
        replace(result, outcome=Outcome.NOT_APPLICABLE) if result.outcome in WELL else result
        for result in given["results"]
    ]
    assert not of(given, results=left_out).good
    assert not of(given, waived=KEYS, results=[replace(result, outcome=Outcome.FAIL) for result in left_out]).good
    assert not of(given, expected=[replace(item, due=False) for item in given["expected"]]).good
    assert not of(given, expected=[replace(item, gate=Gate.WARNING) for item in given["expected"]]).good


@given(inputs(), st.sampled_from(KEYS))
def test_an_unknown_line_that_decides_is_never_good(given: dict[str, Any], key: DecisionKey) -> None:
    demanded = [*(item for item in given["expected"] if item.key != key), Expected(key, Gate.BLOCKER)]
    unknown = [*given["results"], DecisionOutcome(key, Outcome.UNKNOWN)]
    assert not of(given, expected=demanded, results=unknown, waived=given["waived"] - {key}).good


@given(inputs(), st.sampled_from(KEYS))
def test_a_failure_more_is_never_a_better_word(given: dict[str, Any], key: DecisionKey) -> None:
    demanded = [replace(item, gate=Gate.BLOCKER) if item.key == key else item for item in given["expected"]]
    before = of(given, expected=demanded)
    failed = [*given["results"], DecisionOutcome(key, Outcome.FAIL)]
    assert before.good or not of(given, expected=demanded, results=failed).good


@given(inputs())
def test_a_good_word_is_conditional_where_something_that_decides_is_later_or_expires(given: dict[str, Any]) -> None:
    verdict = of(given)
    if not verdict.good:
        assert not verdict.conditional
        assert verdict.holds_until is None
        return

    deciding = [item for item in given["expected"] if item.gate in DECIDING]
    later = [item for item in deciding if not item.due]
    expiries = [given["expiring"][item.key].at for item in deciding if item.due and item.key in given["expiring"]]
    assert verdict.conditional is bool(later or expiries)
    assert set(verdict.later) == {item.key for item in later}
    assert verdict.holds_until == min([*(item.due_at for item in later if item.due_at), *expiries], default=None)
    if verdict.holds_until:
        assert f"holds until {verdict.holds_until:%Y-%m-%d %H:%M:%S}Z" in verdict.action
        assert verdict.lapsed(verdict.holds_until)
        assert not verdict.lapsed(verdict.holds_until - timedelta(microseconds=1))


@given(inputs())
def test_general_availability_is_good_only_with_an_approval(given: dict[str, Any]) -> None:
    if of(given, phase=Phase.GA).good:
        assert given["sign_off"] is APPROVED


@given(inputs(), st.randoms(use_true_random=False))
def test_the_order_of_the_results_does_not_matter_to_anything(given: dict[str, Any], shuffling: random.Random) -> None:
    mixed = list(given["results"])
    shuffling.shuffle(mixed)
    verdict, other = of(given), of(given, results=mixed)
    assert (verdict.good, verdict.exit, verdict.holds_until) == (other.good, other.exit, other.holds_until)
    assert (verdict.counts, verdict.missing, verdict.later) == (other.counts, other.missing, other.later)


FORM = DecisionKey("book/form", SIGN_OFF, None)


@pytest.mark.parametrize(
    ("signed", "outcome", "word"),
    [
        (APPROVED, "pass", VerdictStatus.APPROVED),
        (OPEN, "unknown", VerdictStatus.INCOMPLETE),
        (None, "unknown", VerdictStatus.INCOMPLETE),
        (DEFERRED, "fail", VerdictStatus.DEFERRED),
    ],
)
def test_a_line_that_the_sign_off_decides_counts(signed: SignOff | None, outcome: str, word: VerdictStatus) -> None:
    lines = [blocker(), Expected(FORM, Gate.BLOCKER)]
    verdict = decide(Phase.GA, lines, [found(Outcome.PASS)], sign_off=signed)
    assert verdict.word is word
    assert verdict.counts == ({"pass": 2} if outcome == "pass" else {"pass": 1, outcome: 1})
    assert verdict.holding == (() if verdict.good else (FORM,))


def test_an_approval_alone_approves_nothing() -> None:
    verdict = decide(Phase.GA, [Expected(FORM, Gate.BLOCKER)], [], sign_off=APPROVED)
    assert verdict.word is VerdictStatus.INCOMPLETE
    assert "no blocker and no action line" in verdict.action


def test_outside_general_availability_nothing_answers_for_the_sign_off() -> None:
    verdict = decide(Phase.SMOKE, [blocker(), Expected(FORM, Gate.BLOCKER)], [found(Outcome.PASS)], sign_off=APPROVED)
    assert (verdict.word, verdict.missing) == (VerdictStatus.INCOMPLETE, (FORM,))
