"""The ladder: which step a measurement has reached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.ladder import reached
from readiness.measurements import Measurement, holds
from readiness.outcomes import Step

RATES = {Step.ALERT: 0.05, Step.PAGE: 0.1, Step.PAUSE: 0.1, Step.ROLLBACK: 0.2}
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def below(value: float | bool | str, limit: float = 0.05, name: str = "share failed") -> Measurement:
    ok = holds(value, "below", limit) if isinstance(value, int | float) and not isinstance(value, bool) else False
    return Measurement(name, value, "below", limit, "", ok)


@pytest.mark.parametrize(
    ("value", "step"),
    [(0.0, None), (0.049, None), (0.05, Step.ALERT), (0.1, Step.PAUSE), (0.19, Step.PAUSE), (0.2, Step.ROLLBACK)],
)
def test_a_step_is_reached_at_its_threshold(value: float, step: Step | None) -> None:
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
    assert (reached({Step.PAGE: 10}, [measurement]) is Step.PAGE) is reaches


def test_a_word_is_reached_by_what_is_out_of_its_limit_and_names_it() -> None:
    tripped = Measurement("circuit breakers open", ["payments"], "none", None, "", ok=False)
    closed = Measurement("circuit breakers open", [], "none", None, "", ok=True)
    assert reached({Step.PAGE: "open"}, [tripped]) is Step.PAGE
    assert reached({Step.PAGE: "open"}, [closed]) is None
    assert reached({Step.PAGE: "half-open"}, [tripped]) is None
    assert reached({Step.PAUSE: "failed"}, [tripped]) is Step.PAUSE
    assert reached({Step.PAUSE: "failed"}, [closed]) is None


@pytest.mark.parametrize("value", [True, "many"])
def test_what_is_no_number_reaches_no_threshold(value: bool | str) -> None:
    assert reached({Step.PAGE: 0.5}, [below(value)]) is None


def test_without_a_ladder_or_a_measurement_there_is_no_step() -> None:
    assert reached({}, [below(1.0)]) is None
    assert reached(RATES, []) is None


def test_a_threshold_is_in_the_unit_of_the_first_measurement() -> None:
    share = Measurement("share in use", 0.3, "below", 0.8, "", ok=True)
    count = Measurement("in use", 30, "below", 95, "connections", ok=True)
    assert reached({Step.CRITICAL: 0.95}, [share, count]) is None
    assert reached({Step.CRITICAL: 25}, [count, share]) is Step.CRITICAL
