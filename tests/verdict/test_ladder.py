"""The ladder: which step a measurement has reached, and which one stands from run to run."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import test_database, test_slo
from readiness.ladder import INITIAL, EscalationState, Hysteresis, Ladder, advance, decided, next_state, reached, replay
from readiness.measurements import AtLeast, Measure, Measurement, Plain, Refusal, holds
from readiness.observations.database_statistics import QueryTimes
from readiness.observations.health import HealthAnswer
from readiness.outcomes import DecisionKey, EscalationStep, Gate, Outcome, Phase
from readiness.runbook.lines import load, locate
from readiness.slo.events import Usual
from readiness.verdict import Expected, VerdictStatus, decide

RATES = {EscalationStep.ALERT: 0.05, EscalationStep.PAGE: 0.1, EscalationStep.PAUSE: 0.1, EscalationStep.ROLLBACK: 0.2}
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def below(value: float | bool | str, limit: float = 0.05, name: str = "share failed") -> Measurement:
    ok = holds(value, "below", limit) if isinstance(value, int | float) and not isinstance(value, bool) else False
    return Measurement(name, value, "below", limit, "", ok)


@pytest.mark.parametrize(
    ("value", "step"),
    [
        (0.0, None),
        (0.049, None),
        (0.05, EscalationStep.ALERT),
        (0.1, EscalationStep.PAUSE),
        (0.19, EscalationStep.PAUSE),
        (0.2, EscalationStep.ROLLBACK),
    ],
)
def test_a_step_is_reached_at_its_threshold(value: float, step: EscalationStep | None) -> None:
    assert reached(RATES, [below(value)]) is step


@given(NUMBERS, NUMBERS)
def test_a_worse_value_never_reaches_a_lower_step(one: float, other: float) -> None:
    better, worse = sorted((one, other))
    first, second = reached(RATES, [below(better)]), reached(RATES, [below(worse)])
    assert first is None or (second is not None and second.height >= first.height)


@given(st.lists(NUMBERS, max_size=5), NUMBERS)
def test_one_measurement_more_never_lowers_the_step(values: list[float], more: float) -> None:
    first = reached(RATES, [below(value) for value in values])
    second = reached(RATES, [below(value) for value in [*values, more]])
    assert first is None or (second is not None and second.height >= first.height)


@pytest.mark.parametrize(
    ("comparator", "value", "reaches"),
    [
        ("below", 10, True),
        ("at_most", 10, False),
        ("at_most", 11, True),
        ("at_least", 10, False),
        ("at_least", 9, True),
        ("above", 10, True),
        ("above", 11, False),
    ],
)
def test_a_threshold_is_compared_as_the_limit_is(comparator: str, value: int, reaches: bool) -> None:
    measurement = Measurement("queue", value, comparator, 0, "", ok=True)
    assert (reached({EscalationStep.PAGE: 10}, [measurement]) is EscalationStep.PAGE) is reaches


def test_a_word_is_reached_by_what_is_out_of_its_limit_and_names_it() -> None:
    tripped = Measurement("circuit breakers not closed", ["payments open"], "none", None, "", ok=False)
    closed = Measurement("circuit breakers not closed", [], "none", None, "", ok=True)
    assert reached({EscalationStep.PAGE: "open"}, [tripped]) is EscalationStep.PAGE
    assert reached({EscalationStep.PAGE: "open"}, [closed]) is None
    assert reached({EscalationStep.PAGE: "half-open"}, [tripped]) is None
    assert reached({EscalationStep.PAUSE: "failed"}, [tripped]) is EscalationStep.PAUSE
    assert reached({EscalationStep.PAUSE: "failed"}, [closed]) is None


@pytest.mark.parametrize(
    ("name", "value", "word", "reaches"),
    [
        ("breakers", ["payments open"], "open", True),
        ("breakers", ["payments OPEN"], "open", True),
        ("breakers", ["payments Half-Open"], "half_open", True),
        ("breakers", ["mail closed", "payments open"], "open", True),
        ("breakers", {"payments": "open"}, "open", True),
        ("state of the queue", "degraded", "degraded", True),
        ("databases without a backup", ["orders-db"], "orders-db", True),
        ("breakers open or half-open", ["payments half_open"], "open", False),
        ("breakers open", ["payments half-open"], "open", False),
        ("breakers", ["open search half_open"], "open", False),
        ("breakers", ["payments reopened"], "open", False),
        ("state of the queue degraded", "stopped", "degraded", False),
        ("queues open", 7, "open", False),
        ("queues open", None, "open", False),
    ],
)
def test_a_word_is_sought_in_what_was_measured(name: str, value: Plain, word: str, reaches: bool) -> None:
    taken = Measurement(name, value, "none", None, "", ok=False)
    assert (reached({EscalationStep.PAGE: word}, [taken]) is EscalationStep.PAGE) is reaches


def test_a_refusal_reaches_each_word() -> None:
    refused = Measurement("breakers", "connection refused", "none", None, "", ok=False, known="refused")
    assert reached({EscalationStep.PAGE: "open"}, [refused]) is EscalationStep.PAGE


@pytest.mark.parametrize("value", [True, "many"])
def test_what_is_no_number_reaches_no_threshold(value: bool | str) -> None:
    assert reached({EscalationStep.PAGE: 0.5}, [below(value)]) is None


def test_without_a_ladder_or_a_measurement_there_is_no_step() -> None:
    assert reached({}, [below(1.0)]) is None
    assert reached(RATES, []) is None


def test_a_threshold_is_in_the_unit_of_the_first_measurement() -> None:
    share = Measurement("share in use", 0.3, "below", 0.8, "", ok=True)
    count = Measurement("in use", 30, "below", 95, "connections", ok=True)
    assert reached({EscalationStep.CRITICAL: 0.95}, [share, count]) is None
    assert reached({EscalationStep.CRITICAL: 25}, [count, share]) is EscalationStep.CRITICAL


N = Hysteresis().release_runs
ONE_STEP = Ladder({EscalationStep.PAUSE: 0.1})
ALL_STEPS = Ladder(RATES)


def seen(value: float, limit: float = 0.05) -> tuple[Outcome, list[Measurement]]:
    measured = below(value, limit)
    return (Outcome.PASS if measured.ok and not reached(RATES, [measured]) else Outcome.FAIL), [measured]


def steps(ladder: Ladder, values: Sequence[float]) -> list[EscalationStep | None]:
    return [one.step for one in replay(ladder, [seen(value) for value in values])]


def turns(found: Sequence[EscalationStep | None]) -> int:
    return sum(one is not other for one, other in pairwise([None, *found]))


AT_A_LIMIT = st.sampled_from(sorted(set(RATES.values())))
NEAR = st.lists(st.floats(-0.49, 0.49), min_size=1, max_size=40)


@given(AT_A_LIMIT, NEAR)
def test_a_value_that_oscillates_around_a_limit_never_flaps(limit: float, shares: list[float]) -> None:
    """It comes over the limit at least in every third run, and never falls to half of it."""
    values = [limit * (1 + (abs(share) if number % N == 0 else share)) for number, share in enumerate(shares)]
    assert turns(steps(ALL_STEPS, values)) == 1


@given(st.lists(st.floats(0.0901, 0.12), max_size=60))
def test_without_leaving_the_margin_a_step_is_left_at_most_in_every_sixth_run(values: list[float]) -> None:
    assert turns(steps(ONE_STEP, values)) <= 1 + 2 * len(values) / (2 * N + 1)


@given(st.lists(st.floats(0, 0.5), max_size=40))
def test_what_is_reached_stands(values: list[float]) -> None:
    for value, step in zip(values, steps(ALL_STEPS, values), strict=True):
        now = reached(RATES, [below(value)])
        assert now is None or (step is not None and step.height >= now.height)


@given(st.lists(st.floats(0, 0.5), max_size=20), st.floats(0, 0.0249))
def test_a_value_that_is_far_back_leaves_every_step_at_once(values: list[float], calm: float) -> None:
    assert steps(ALL_STEPS, [*values, calm])[-1] is None


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([0.049, 0.051, 0.049, 0.024], [None, "alert", "alert", None]),
        ([0.101, 0.049, 0.024], ["pause", "alert", None]),
        ([0.051, 0.044, 0.044, 0.044], ["alert", "alert", "alert", None]),
        ([0.051, *[0.049] * 6], [*["alert"] * 6, None]),
        ([0.051, 0.044, 0.049, 0.044, 0.044], [*["alert"] * 4, None]),
        ([0.201, 0.185, 0.12, 0.12, 0.12], [*["rollback"] * 4, "pause"]),
        ([0.056, 0.044] * 3, ["alert"] * 6),
        ([0.22, 0.17] * 3, ["rollback"] * 6),
    ],
)
def test_a_step_is_left_far_below_it_or_after_some_runs(values: list[float], found: list[str | None]) -> None:
    assert steps(ALL_STEPS, values) == found


def test_a_share_that_must_be_high_has_its_margin_towards_one() -> None:
    def high(value: float) -> tuple[Outcome, list[Measurement]]:
        return Outcome.PASS, [Measurement("success", value, "above", 0.99, "", ok=value > 0.99)]

    ladder = Ladder({EscalationStep.ALERT: 0.95})
    values = [0.951, 0.95, 0.951, 0.976]
    assert [one.step for one in replay(ladder, [high(value) for value in values])] == [None, "alert", "alert", None]


HEALTH = Ladder({EscalationStep.PAGE: "failed"}, consecutive=2)
UP = (Outcome.PASS, [Measurement("status", 200, "is", 200, "", ok=True)])
DOWN = (Outcome.FAIL, [Measurement("status", 503, "is", 200, "", ok=False)])
DARK: tuple[Outcome, list[Measurement]] = (Outcome.UNKNOWN, [])


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([DOWN, UP, DOWN, UP], [None] * 4),
        ([DOWN, DOWN, UP, UP, UP], [None, "page", "page", "page", None]),
        ([DOWN, DARK, DOWN], [None, None, "page"]),
        ([DOWN, DOWN, DARK, DARK, DARK, DARK], [None, *["page"] * 5]),
        ([DOWN, DOWN, UP, DOWN, UP, UP, UP], [None, *["page"] * 5, None]),
    ],
)
def test_health_needs_two_failures_in_a_row(
    runs: list[tuple[Outcome, list[Measurement]]], found: list[str | None]
) -> None:
    assert [one.step for one in replay(HEALTH, runs)] == found


def test_what_became_not_due_has_no_step() -> None:
    assert [one.step for one in replay(HEALTH, [DOWN, DOWN, (Outcome.NOT_DUE, [])])] == [None, "page", None]


RECORDED = [
    ("ingestion", "hourly-error-rate", [0.049], VerdictStatus.OK),
    ("ingestion", "hourly-error-rate", [0.051], VerdictStatus.ALERT),
    ("ingestion", "hourly-error-rate", [0.101], VerdictStatus.PAUSE),
    ("ingestion", "hourly-error-rate", [0.201], VerdictStatus.ROLLBACK),
    ("ingestion", "rollback-recommended", [0.201], VerdictStatus.ROLLBACK),
    ("ingestion", "pause-recommended", [0.101], VerdictStatus.PAUSE),
    ("umbrella", "daily-error-rate", [0.009], VerdictStatus.OK),
    ("umbrella", "daily-error-rate", [0.02], VerdictStatus.ALERT),
    ("umbrella", "hourly-error-rate", [0.049], VerdictStatus.OK),
    ("umbrella", "hourly-error-rate", [0.051], VerdictStatus.ALERT),
    ("umbrella", "hourly-error-rate", [0.101], VerdictStatus.PAGE),
    ("umbrella", "hourly-error-rate", [0.201], VerdictStatus.ROLLBACK),
    ("umbrella", "daily-p95", [2.1], VerdictStatus.ALERT),
    ("umbrella", "hourly-p95", [0.9], VerdictStatus.OK),
    ("umbrella", "hourly-p95", [1.1], VerdictStatus.ALERT),
    ("umbrella", "hourly-p95", [2.1], VerdictStatus.PAGE),
    ("umbrella", "rollback-trigger", [503], VerdictStatus.ALERT),
    ("umbrella", "rollback-trigger", [503, 503], VerdictStatus.ROLLBACK),
    ("umbrella", "uptime-alert", [0.989], VerdictStatus.ALERT),
    ("umbrella", "health", [503], VerdictStatus.ALERT),
    ("umbrella", "health", [503, 503], VerdictStatus.PAGE),
    ("umbrella", "health", [503, 503, 200], VerdictStatus.PAGE),
    ("umbrella", "health", [503, 503, 200, 200, 200], VerdictStatus.OK),
    ("launch400k", "sla-error-rate", [0.051], VerdictStatus.ALERT),
    ("launch400k", "sla-response-time", [1.4], VerdictStatus.OK),
    *[("launch400k", name, [0.91], VerdictStatus.ALERT) for name in ("cpu", "memory")],
    *[("launch400k", name, [0.79], VerdictStatus.OK) for name in ("cpu", "memory")],
    ("launch400k", "disk-critical", [0.96], VerdictStatus.ALERT),
    ("launch400k", "diagnose-pool", [0.81], VerdictStatus.OK),
    ("launch400k", "diagnose-pool", [0.96], VerdictStatus.ALERT),
]
FIRST_LIMIT = {
    "share_below": "below",
    "share_at_most": "at_most",
    "share_above": "above",
    "p95_seconds_below": "below",
    "path": "is",
}


@pytest.mark.parametrize(
    ("book", "name", "values", "word"), RECORDED, ids=[f"{one[0]}-{one[1]}-{one[2]}-{one[3]}" for one in RECORDED]
)
def test_each_step_is_recommended_on_what_was_recorded(
    book: str, name: str, values: list[float], word: VerdictStatus
) -> None:
    line = next(one for one in load(locate(book, Path())).lines if one.id == name)
    comparator, limit = next((FIRST_LIMIT[key], stated) for key, stated in next(iter(line.decided_by.values())).items())
    key = DecisionKey(f"{book}/{name}", next(iter(line.decided_by)), None)
    ladder = {key: Ladder(line.ladder, line.consecutive)}
    standing: dict[DecisionKey, EscalationState] = {}
    for value in values:
        allowed = 200 if comparator == "is" else limit
        taken = [Measurement("value", value, comparator, allowed, "", ok=holds(value, comparator, allowed))]
        good = taken[0].ok and reached(line.ladder, taken) in {None, EscalationStep.WARN}
        outcome = Outcome.PASS if good else Outcome.FAIL
        standing = advance(ladder, standing, [(key, outcome, taken)])
        verdict = decide(Phase.POSTLAUNCH, [Expected(key, line.gate)], decided([(key, outcome)], standing))
    assert verdict.word is word


def test_a_step_about_the_first_figure_is_not_reached_by_the_second() -> None:
    measure = Measure()
    limits = test_database.QueryLatency(mean_seconds_below=0.1, running_seconds_below=60, calls_at_least=100)
    test_database.test_query_latency(QueryTimes(0.01, 3.0, 1000), limits, measure)
    assert reached({EscalationStep.ALERT: 0.5}, measure.taken) is None, (
        "a statement that runs for 3 s is not a slow mean"
    )
    measure = Measure()
    traffic = test_slo.TrafficNormal(drop_share_below=0.5, times_below=3, of="requests")
    test_slo.test_traffic_normal(Usual("requests", 1000, (1000,)), traffic, measure)
    assert reached({EscalationStep.ALERT: 0.7}, measure.taken) is None, "as many as usual are not fewer by 100 %"


KEY = DecisionKey("book/rate", "demo.rate", None)


def test_a_step_that_stands_decides_though_the_line_passes_or_was_not_seen() -> None:
    expected = [Expected(KEY, Gate.BLOCKER)]
    standing = advance({KEY: ALL_STEPS}, {}, [(KEY, *seen(0.21))])
    for outcome, measurements, word in [
        (*seen(0.19), VerdictStatus.ROLLBACK),
        (*seen(0.09), VerdictStatus.PAUSE),
        (*seen(0.01), VerdictStatus.OK),
        (Outcome.UNKNOWN, [], VerdictStatus.ROLLBACK),
        (Outcome.NOT_RUN, [], VerdictStatus.ROLLBACK),
    ]:
        found = [(KEY, outcome, measurements)] if outcome is not Outcome.NOT_RUN else []
        after = advance({KEY: ALL_STEPS}, standing, found)
        results = decided([(key, one) for key, one, _ in found], after)
        assert decide(Phase.POSTLAUNCH, expected, results).word is word


def late(seconds: float, limit: float = 0.5) -> Measurement:
    return Measurement("answer time", seconds, "below", limit, "s", ok=False, known="at least")


def test_a_lower_bound_reaches_the_steps_that_it_is_beyond() -> None:
    thresholds = {EscalationStep.ALERT: 5.0, EscalationStep.PAGE: 20.0}
    assert reached(thresholds, [late(10)]) is EscalationStep.ALERT
    assert reached(thresholds, [late(25)]) is EscalationStep.PAGE
    assert reached({EscalationStep.PAGE: "failed"}, [late(10)]) is EscalationStep.PAGE


def test_a_refusal_reaches_every_step() -> None:
    refused = Measurement("answer time", "connection refused", "below", 0.5, "s", ok=False, known="refused")
    assert reached({EscalationStep.ALERT: 5.0, EscalationStep.PAGE: 20.0}, [refused]) is EscalationStep.PAGE


SECONDS = {EscalationStep.ALERT: 0.5, EscalationStep.PAGE: 5.0, EscalationStep.ROLLBACK: 9.0}


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        (HealthAnswer(200, 0.1), None),
        (HealthAnswer(200, 6.0), EscalationStep.PAGE),
        (HealthAnswer(AtLeast(6.0), AtLeast(6.0)), EscalationStep.PAGE),
        (HealthAnswer(500, 0.01), EscalationStep.ROLLBACK),
        (HealthAnswer(503, 0.01), EscalationStep.ROLLBACK),
        (HealthAnswer(404, 0.01), EscalationStep.ROLLBACK),
        (HealthAnswer(Refusal("connection refused"), Refusal("connection refused")), EscalationStep.ROLLBACK),
        (HealthAnswer(Refusal("silent", is_silence=True), Refusal("silent", is_silence=True)), EscalationStep.PAGE),
    ],
)
def test_every_no_of_the_target_reaches_a_ladder_of_numbers(answer: HealthAnswer, step: EscalationStep | None) -> None:
    """A quick 500 is no softer than a slow answer, and as bad as no connection."""
    measure = Measure()
    with contextlib.suppress(AssertionError):
        measure(answer.seconds, "answer time", "s").below(0.5)
        measure(answer.status_for(200), "status").is_(200)
    assert reached(SECONDS, measure.taken) is step


def test_silence_alone_pages_at_first() -> None:
    silence = [Measurement("answer time", "no connection, twice", "below", 0.5, "s", ok=False, known="silent")]
    ladder = Ladder({EscalationStep.ROLLBACK: "failed"})
    first = next_state(ladder, INITIAL, Outcome.FAIL, silence)
    second = next_state(ladder, first, Outcome.FAIL, silence)
    assert (first.step, second.step) == (EscalationStep.PAGE, EscalationStep.ROLLBACK)
    unseen = next_state(ladder, first, Outcome.UNKNOWN, [])
    assert (unseen.step, unseen.failures) == (EscalationStep.PAGE, 1)
    assert (
        next_state(ladder, first, Outcome.PASS, [replace(silence[0], ok=True, value=0.1, known="exactly")]) == INITIAL
    )
    # A step that is held is not left by it.
    held = EscalationState(EscalationStep.ROLLBACK, 3)
    assert next_state(ladder, held, Outcome.FAIL, silence).step is EscalationStep.ROLLBACK


def test_a_lower_bound_below_the_held_step_is_no_recovery() -> None:
    ladder = Ladder({EscalationStep.ALERT: 5.0, EscalationStep.PAGE: 20.0})
    held = next_state(ladder, INITIAL, Outcome.FAIL, [late(25)])
    for runs in range(2, 12):
        held = next_state(ladder, held, Outcome.FAIL, [late(10)])
        assert (held.step, held.runs, held.recovery_credit) == (EscalationStep.PAGE, runs, 0)
