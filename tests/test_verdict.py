"""The verdict is a pure function of what was demanded and what was found, and no mishap can make it good."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.outcomes import DecisionKey, EscalationStep, Gate, Outcome, Phase
from readiness.verdict import INCOMPLETE_EXIT, DecisionOutcome, Expected, Verdict, VerdictStatus, decide, waived_among

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
    verdict = decide(Phase.PREFLIGHT, [blocker(gate=Gate.WARNING)], [found(outcome)])
    assert (verdict.word, verdict.counts) == (VerdictStatus.GO, {str(outcome): 1})


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
