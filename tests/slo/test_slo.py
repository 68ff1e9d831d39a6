"""Service levels: what a share, a budget and a baseline say, and when they say nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from readiness.measurements import AtLeast
from readiness.outcomes import Unknown
from readiness.slo.events import (
    USUAL_AT_LEAST,
    Compared,
    Events,
    Slowness,
    Usual,
    budget_left,
    burn_rate,
    certain,
    fewest,
    share_of,
    times,
)

COUNTS = st.floats(min_value=0, max_value=1e12, allow_nan=False)
ALLOWED = st.floats(min_value=1e-5, max_value=1.0)
SHARES = st.floats(min_value=0, max_value=1)


def requests(count: float, part: float, hour_count: float = 0.0, hour_part: float = 0.0) -> Events:
    return Events("requests", "7d", count, part, hour_count, hour_part)


@given(ALLOWED)
def test_of_the_fewest_a_single_failure_is_not_too_many(allowed: float) -> None:
    assert 1 / fewest(allowed) < allowed
    assert fewest(allowed) <= 2 + 1 / allowed


@pytest.mark.parametrize(
    ("allowed", "needed"), [(0.01, 101), (0.05, 21), (0.1, 11), (0.005, 201), (0.001, 1001), (0, 1)]
)
def test_the_fewest_of_the_runbooks_limits(allowed: float, needed: int) -> None:
    assert fewest(allowed) == needed


@given(COUNTS, COUNTS)
def test_a_share_is_between_none_and_all_or_unknown(part: float, whole: float) -> None:
    try:
        found = share_of(part, whole)
    except Unknown:
        assert whole == 0 or part > whole
    else:
        assert 0 <= found <= 1


@given(COUNTS, SHARES, ALLOWED)
def test_more_failures_are_never_a_smaller_share(count: float, share: float, allowed: float) -> None:
    assume(count >= fewest(allowed))
    some, all_of_them = (requests(count, part).share(allowed) for part in (count * share, count))
    assert not isinstance(some, AtLeast)
    assert not isinstance(all_of_them, AtLeast)
    assert some <= all_of_them


@given(st.integers(min_value=0, max_value=100_000), ALLOWED)
def test_too_few_are_unknown_and_say_how_many_it_takes(count: int, allowed: float) -> None:
    assume(count < fewest(allowed))
    with pytest.raises(Unknown, match=r"too few .* at least [\d,]+ are needed" if count else "there were no requests"):
        requests(count, 0).share(allowed)


@given(st.integers(min_value=1, max_value=2_000), SHARES, ALLOWED, st.integers(min_value=1, max_value=500))
def test_few_decide_only_what_no_further_success_could_mend(
    count: int, share: float, allowed: float, at_least: int
) -> None:
    enough = max(fewest(allowed), at_least)
    assume(count < enough)
    failed = round(count * share)
    try:
        found = requests(count, failed).share(allowed, at_least)
    except Unknown:
        assert failed / enough < allowed
    else:
        assert found == AtLeast(failed / enough)
        whole = requests(enough, failed).share(allowed, at_least)
        assert not isinstance(whole, AtLeast)
        assert whole >= allowed, "with the missing ones all well it is broken too"


@pytest.mark.parametrize(
    ("failed", "found"), [(1, None), (2, AtLeast(2 / 21)), (3, AtLeast(3 / 21)), (5, AtLeast(5 / 21))]
)
def test_of_a_few_uploads_that_all_failed(failed: int, found: AtLeast | None) -> None:
    uploads = Events("uploads", "1h", failed, failed)
    if found is None:
        with pytest.raises(Unknown, match=r"1 uploads in 1h are too few .* at least 21 are needed"):
            uploads.share(0.2, 21)
    elif found.at_least < 0.2:
        assert uploads.share(0.05, 21) == found
        with pytest.raises(Unknown, match="too few"):
            uploads.share(0.2, 21)
    else:
        assert uploads.share(0.2, 21) == found
        assert uploads.basis(0.2, 21) == "5 uploads in 1h, as if 16 more had ended well"


@pytest.mark.parametrize(
    ("count", "failed", "allowed", "at_least", "found"),
    [
        # increase() answers a little more than there was: one of one is one.
        (1.017, 1.017, 0.01, 1, None),
        (1.9, 1.9, 0.01, 1, None),
        (2.03, 2.03, 0.01, 1, AtLeast(2 / 101)),
        (1.9999999, 1.9999999, 0.01, 1, AtLeast(2 / 101)),
        (5.4, 5.4, 0.05, 21, AtLeast(5 / 21)),
        (5.0, 5.0, 0.05, 21, AtLeast(5 / 21)),
        (5.4, 5.4, 0.25, 21, None),
        (20.9, 20.9, 0.05, 21, AtLeast(20 / 21)),
        # Where nothing may fail, less than one is too much as well.
        (0.4, 0.4, 0.0, 1, AtLeast(0.4)),
        # Enough of them are taken as they are.
        (101.7, 1.017, 0.01, 1, 1.017 / 101.7),
        (1e9 + 0.3, 1e6 + 0.7, 0.01, 1, (1e6 + 0.7) / (1e9 + 0.3)),
    ],
)
def test_of_few_only_whole_failures_are_certain(
    count: float, failed: float, allowed: float, at_least: int, found: float | AtLeast | None
) -> None:
    events = requests(count, failed)
    if found is not None:
        assert events.share(allowed, at_least) == found
        return
    with pytest.raises(Unknown, match="too few"):
        events.share(allowed, at_least)


@given(st.integers(min_value=1, max_value=2_000), SHARES, ALLOWED, st.floats(min_value=1, max_value=1.05))
def test_what_is_extrapolated_decides_as_what_there_was(
    count: int, share: float, allowed: float, factor: float
) -> None:
    failed = round(count * share)
    assume(failed * (factor - 1) < 0.999)
    assume(count * factor < fewest(allowed))
    told: list[float | AtLeast | None] = []
    for figures in ((count, failed), (count * factor, failed * factor)):
        try:
            told.append(requests(*figures).share(allowed))
        except Unknown:
            told.append(None)
    assert told[0] == told[1]


@given(st.one_of(COUNTS, st.floats(max_value=0, min_value=-1e12)))
def test_certain_is_never_more_and_less_by_one_at_most(count: float) -> None:
    assert count - 1 < certain(count) <= count + 1e-6


def test_what_is_no_number_stays_none() -> None:
    assert math.isnan(certain(math.nan))
    assert certain(-0.5) == -0.5
    for count, failed in ((math.nan, 1.0), (-1.0, 0.0), (5.0, math.nan)):
        with pytest.raises(Unknown):
            requests(count, failed).share(0.01)


def test_a_comparison_of_few_counts_whole_failures_and_whole_successes() -> None:
    bounds = requests(10.17, 5.085).bounds(0.01)
    assert (bounds.least, bounds.most) == (5 / 101, 96 / 101)
    with pytest.raises(Unknown, match="too few"):
        requests(1.017, 1.017).bounds(0.01)
    assert requests(200.5, 5.5).bounds(0.01).least == 5.5 / 200.5


def test_few_failures_of_few_are_told_at_their_best() -> None:
    assert Events("payments", "1h", 5.4, 5.4).rest(0.95) == pytest.approx(16 / 21)
    assert Events("payments", "1h", 5.4, 5.4).basis(0.05) == "5 payments in 1h, as if 16 more had ended well"
    payments = Events("payments", "1h", 5, 5)
    assert payments.rest(0.95) == pytest.approx(16 / 21)
    assert payments.budget(0.05).startswith("-376% of the error budget left")
    with pytest.raises(Unknown, match="too few"):
        Events("payments", "1h", 1, 1).rest(0.95)
    with pytest.raises(Unknown, match="6 of 5 cannot be"):
        Events("payments", "1h", 5, 6).rest(0.95)


@given(SHARES, ALLOWED)
def test_the_budget_is_left_exactly_while_the_limit_holds(share: float, allowed: float) -> None:
    assert (budget_left(share, allowed) > 0) is (share < allowed) or share == pytest.approx(allowed)
    assert burn_rate(share, allowed) == pytest.approx(1 - budget_left(share, allowed))


@given(SHARES, SHARES, st.floats(min_value=1e-4, max_value=1))
def test_below_the_floor_all_is_alike(now: float, before: float, floor: float) -> None:
    found = times(now, before, floor)
    assert found > 0
    if max(now, before) <= floor:
        assert found == 1
    assert times(before, now, floor) == pytest.approx(1 / found)


def test_a_budget_is_told_in_words() -> None:
    assert requests(10_000, 40, 1_000, 20).budget(0.01) == (
        "60% of the error budget left, spent by the last hour at 2 times the rate it lasts for"
    )
    assert requests(10_000, 40).budget(0.01) == "60% of the error budget left, no requests in the last hour"


@given(COUNTS, st.lists(st.none() | COUNTS, max_size=3))
def test_what_is_usual_is_finite_or_unknown(now: float, before: list[float | None]) -> None:
    found = Usual("requests", now, tuple(before))
    if any(count is not None and count >= USUAL_AT_LEAST for count in before):
        assert 0 <= found.drop <= 1
        assert found.factor <= found.share or found.factor == pytest.approx(found.share)
    else:
        with pytest.raises(Unknown, match="nothing is known to be usual"):
            _ = found.drop


def test_only_what_both_days_find_unusual_is_unusual() -> None:
    monday = Usual("requests", 1000, (400, 1100))  # after a quiet Sunday
    assert monday.drop == 0
    assert monday.factor < 1
    assert Usual("requests", 100, (400, None)).drop == 0.75
    assert Usual("requests", 100, (400, 3)).drop == 0.75, "three are no baseline"


def test_more_failures_than_events_are_unknown() -> None:
    with pytest.raises(Unknown, match="120 of 100 cannot be"):
        share_of(120, 100)
    assert share_of(100.5, 100) == 1


def test_now_and_before_are_compared_only_where_both_are_known() -> None:
    compared = Compared(requests(1000, 40), requests(100_000, 1000))
    assert compared.times(0.005, 2) == pytest.approx(4)
    assert compared.rise(0.01) == pytest.approx(0.03)
    assert Compared(requests(1000, 0), requests(1000, 30)).rise(0.01) == 0
    with pytest.raises(Unknown, match="too few"):
        Compared(requests(1000, 40), requests(20, 1)).times(0.005, 2)


def test_a_histogram_says_nothing_beyond_its_last_bound() -> None:
    beyond = Slowness("requests", "1h", 1000, 10.0, 0.95, at_least=True)
    assert beyond.under(5) == AtLeast(10.0), "ten seconds or more are too many for a limit of five"
    with pytest.raises(Unknown, match="10 s or more, all that is known of it, which says nothing of 600 s"):
        beyond.under(600)
    with pytest.raises(Unknown, match="at least 21 are needed"):
        Slowness("requests", "1h", 20, 0.1, 0.95).under(5)
    assert Slowness("requests", "1h", 1, 0.1).under(5) == 0.1


def test_a_week_beyond_the_last_bound_is_compared_only_where_it_is_too_slow_anyway() -> None:
    def week(seconds: float, *, at_least: bool = False) -> Slowness:
        return Slowness("requests", "7d", 1000, seconds, 0.95, at_least)

    assert week(0.44).times(week(0.4), 1.1) == pytest.approx(1.1)
    assert week(10, at_least=True).times(week(5), 1.1) == AtLeast(2), "twice as long or more is too long"
    for now, before in ((10, 9.5), (10, 10), (11, 10)):
        with pytest.raises(Unknown, match=rf"{now} s or more.* says nothing of 1.1 times the {before:g} s of before"):
            week(now, at_least=True).times(week(before), 1.1)
    for this in (week(0.4), week(10, at_least=True), week(60)):
        with pytest.raises(Unknown, match="says nothing of how many times as long it takes now"):
            this.times(week(10, at_least=True), 1.1)
    with pytest.raises(Unknown, match="is 0 s"):
        week(1).times(week(0), 1.1)
    with pytest.raises(Unknown, match="at least 21 are needed"):
        week(1).times(Slowness("requests", "7d", 20, 1, 0.95), 1.1)
