"""What the suite's own looks say of a window, and what they leave open."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.measurements import AtLeast, Measure, Refusal
from readiness.observations.slo import Availability
from readiness.outcomes import Outcome, Unknown
from readiness.slo.events import Compared, Events, Slowness, fewest
from readiness.slo.probe_history import Looks, ProbeRun, QuantileOfLooks
from readiness.sources.levels import _of_looks

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LOOKED = [Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN]


def looks(*outcomes: Outcome, seconds: list[float | None] | None = None) -> Looks:
    times = seconds or [None] * len(outcomes)
    found = [ProbeRun(NOON + HOUR * n, *one) for n, one in enumerate(zip(outcomes, times, strict=True))]
    return Looks("health.live", NOON, NOON + HOUR * len(outcomes), found)


def at(*hours: float) -> Looks:
    found = [ProbeRun(NOON + HOUR * hour, Outcome.PASS) for hour in hours]
    return Looks("health.live", NOON, NOON + HOUR * 24, found)


@given(st.lists(st.sampled_from(LOOKED), min_size=1))
def test_every_look_is_counted_once(outcomes: list[Outcome]) -> None:
    found = looks(*outcomes)
    passed = round(found.available * found.count)
    assert passed + found.failed + found.unseen == found.count == len(outcomes)
    assert passed == sum(outcome in {Outcome.PASS, Outcome.WARN} for outcome in outcomes)


@given(st.lists(st.sampled_from(LOOKED), min_size=2, max_size=4))
def test_the_worst_decision_of_a_run_is_its_look(outcomes: list[Outcome]) -> None:
    first, *others = (ProbeRun(NOON, outcome) for outcome in outcomes)
    for other in others:
        first = first.and_also(other)
    failed, unseen = Outcome.FAIL in outcomes, Outcome.UNKNOWN in outcomes
    assert (first.outcome is Outcome.FAIL) is failed
    assert (first.outcome is Outcome.UNKNOWN) is (unseen and not failed)


def test_the_slowest_decision_of_a_run_is_its_time() -> None:
    assert ProbeRun(NOON, Outcome.PASS, 0.2).and_also(ProbeRun(NOON, Outcome.PASS, 0.5)).seconds == 0.5
    assert ProbeRun(NOON, Outcome.PASS, 0.2).and_also(ProbeRun(NOON, Outcome.UNKNOWN)).seconds == 0.2


def test_a_look_without_a_time_was_quick_or_slower_than_all() -> None:
    seen = looks(*[Outcome.PASS] * 40, seconds=[*(n / 10 for n in range(1, 40)), None])
    assert seen.quantile(0.95) == QuantileOfLooks(3.7, 3.8, 1, "none: 0 of 40 looks were refused")
    assert seen.quantile(0.99).most == math.inf


def test_nobody_looked_is_no_availability() -> None:
    with pytest.raises(Unknown, match="did not look between 2026-06-01 12:00Z and"):
        _ = looks().available


def test_a_window_is_covered_without_long_pauses() -> None:
    every_two_hours = at(*range(2, 24, 2))
    assert every_two_hours.covering(NOON - HOUR) is every_two_hours
    with pytest.raises(Unknown, match="did not look between 2026-06-01 14:00Z and 2026-06-01 17:00Z"):
        at(2, *range(5, 24, 2)).covering(NOON - HOUR)
    with pytest.raises(Unknown, match="did not look between 2026-06-02 08:00Z and 2026-06-02 12:00Z"):
        at(*range(2, 22, 2)).covering(NOON - HOUR)
    with pytest.raises(Unknown, match=r"the record of health.live at this target begins 2026-06-01 15:00Z, and the"):
        at(*range(3, 24)).covering(NOON + 3 * HOUR)
    with pytest.raises(Unknown, match="is empty"):
        at().covering(None)


def test_a_short_window_needs_no_schedule() -> None:
    found = Looks("health.live", NOON, NOON + HOUR, [])
    assert found.covering(None) is found


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 100), st.floats(0.02, 0.9))
def test_unknown_looks_never_decide(failed: int, unseen: int, passed: int, allowed: float) -> None:
    count = failed + unseen + passed

    def judged(part: float, unseen: float = 0.0) -> bool | None:
        try:
            share = Events("looks", "7d", count, part, unseen=unseen).share(allowed)
            return not isinstance(share, AtLeast) and share < allowed
        except Unknown:
            return None

    found = judged(failed, unseen)
    if found is not None:
        assert found == judged(failed) == judged(failed + unseen)
    elif count > 1 / allowed + 1:
        assert judged(failed) != judged(failed + unseen)


def availability(failed: int, unseen: int) -> Availability:
    events = Events("looks", "7d", 200, failed, unseen=unseen)
    return Availability(events, 1 - (failed + unseen) / 200)


def test_availability_does_not_hang_on_unknown_looks() -> None:
    assert availability(0, 1).share(0.99) == 0.995
    assert availability(5, 100).share(0.99) < 0.99
    with pytest.raises(Unknown, match=r"3 of 200 looks in 7d saw nothing: the share is between 0 and 0.015"):
        availability(0, 3).share(0.99)


COMPARED: list[tuple[Events, Events, float | AtLeast | None]] = [
    # now, before, how many times it is (None: it hangs on what nobody saw); the floor is 0.01, twice is allowed
    (Events("looks", "1h", 1000, 10), Events("looks", "7d", 1000, 10), 1),
    (Events("looks", "1h", 1000, 1), Events("looks", "7d", 1000, 1, unseen=2), 1),  # all of it below the floor
    (Events("looks", "1h", 1000, 15, unseen=2), Events("looks", "7d", 1000, 10), 1.7),
    (Events("looks", "1h", 1000, 15, unseen=9), Events("looks", "7d", 1000, 10), None),
    (Events("looks", "1h", 1000, 30, unseen=9), Events("looks", "7d", 1000, 10), AtLeast(3)),
    (Events("looks", "1h", 1000, 30), Events("looks", "7d", 1000, 10, unseen=9), None),
    (Events("looks", "1h", 1000, 60), Events("looks", "7d", 1000, 10, unseen=10), AtLeast(3)),
    # Two failed looks of two: with 99 more of them, all good, it would not be twice as many.
    (Events("looks", "1h", 2, 2, are_looks=True), Events("looks", "7d", 1000, 0), None),
    (Events("looks", "1h", 11, 8, are_looks=True), Events("looks", "7d", 1000, 0), AtLeast(8 / 101 / 0.01)),
]


@pytest.mark.parametrize(("now", "before", "factor"), COMPARED)
def test_what_nobody_saw_decides_no_comparison(now: Events, before: Events, factor: float | AtLeast | None) -> None:
    if factor is None:
        with pytest.raises(Unknown, match="it is between"):
            Compared(now, before).times(0.01, 2)
    else:
        compared = Compared(now, before).times(0.01, 2)
        assert compared == (factor if isinstance(factor, AtLeast) else pytest.approx(factor))


def probes(good: int, late: int = 0, dead: int = 0, unseen: int = 0) -> Looks:
    """Return looks that took 0.1 s, were given up after 10 s, were refused, and were not seen."""
    kinds = [
        *[(Outcome.PASS, 0.1, False, False)] * good,
        *[(Outcome.FAIL, 10.0, True, False)] * late,
        *[(Outcome.FAIL, None, False, True)] * dead,
        *[(Outcome.UNKNOWN, None, False, False)] * unseen,
    ]
    found = [
        ProbeRun(NOON + HOUR * n, outcome, seconds, at_least=at_least, refused=refused)
        for n, (outcome, seconds, at_least, refused) in enumerate(kinds)
    ]
    return Looks("health.live", NOON, NOON + HOUR * len(found), found)


def judged(found: Looks, wanted: float) -> float:
    events = Events("looks", "1h", found.count, found.failed, unseen=found.unseen, are_looks=True)
    return Availability(events, found.available).share(wanted)


def test_dead_and_slow_looks_are_failed_ones() -> None:
    assert judged(probes(good=3, late=2, dead=6), 0.9) == pytest.approx(3 / 11)
    # Also where so few looks could not show that the limit is kept.
    assert judged(probes(good=3, late=2, dead=6), 0.99) == pytest.approx(3 / 11)
    with pytest.raises(Unknown, match="too few"):
        judged(probes(good=10, dead=1), 0.99)
    with pytest.raises(Unknown, match="too few"):
        judged(probes(good=11), 0.99)
    with pytest.raises(Unknown, match="saw nothing"):
        judged(probes(good=9, unseen=2), 0.9)


@pytest.mark.parametrize(
    ("found", "share", "seconds"),
    [
        (probes(good=20), 0.95, 0.1),
        (probes(good=19, late=1), 0.95, 0.1),
        (probes(good=18, late=2), 0.95, AtLeast(10.0)),
        (probes(good=3, late=2, dead=6), 0.95, Refusal("none: 6 of 11 looks were refused")),
        (probes(good=3, late=2, dead=6), 0.4, AtLeast(10.0)),
        (probes(good=3, late=2, dead=6), 0.2, 0.1),
        (probes(good=17, dead=2, unseen=1), 0.95, Refusal("none: 2 of 20 looks were refused")),
        (probes(good=17, dead=1, unseen=2), 0.9, AtLeast(0.1)),  # had the unseen been quick
    ],
)
def test_a_quantile_is_as_slow_as_the_looks_that_are_known(
    found: Looks, share: float, seconds: float | AtLeast | Refusal
) -> None:
    quantile = found.quantile(share)
    if isinstance(seconds, Refusal):
        assert (quantile.least, quantile.refused) == (math.inf, seconds.refused)
    else:
        assert quantile.least == (seconds.at_least if isinstance(seconds, AtLeast) else seconds)
        assert (quantile.least == quantile.most) is not isinstance(seconds, AtLeast)


def word(seen: Looks, share: float, limit: float) -> str:
    """Return what a line says of the looks' quantile, as it is asked for in a run."""
    quantile = _of_looks(seen.quantile(share))
    bounds = (quantile.seconds, share, quantile.at_least, quantile.refused, quantile.at_most, quantile.without_time)
    try:
        Measure()(Slowness("looks", "1d", seen.count, *bounds, are_looks=True).under(limit), "p95", "s").below(limit)
    except Unknown:
        return "unknown"
    except AssertionError:
        return "fail"
    return "pass"


DECIDED = [  # looks, the share, the limit in seconds, what is decided
    (probes(good=3, late=2, dead=6), 0.95, 0.5, "fail"),  # whatever the ten had been that are missing
    (probes(good=9, late=2), 0.95, 0.5, "fail"),
    (probes(good=10, late=1), 0.95, 0.5, "unknown"),  # with ten good ones more it is kept
    (probes(good=11), 0.95, 0.5, "unknown"),
    (probes(good=9, dead=2), 0.95, 30, "fail"),
    (probes(good=9, late=2), 0.95, 30, "unknown"),
    (probes(good=5, unseen=6), 0.95, 0.5, "unknown"),
    (probes(good=3, late=2, unseen=6), 0.95, 0.5, "fail"),
    (probes(good=40, unseen=1), 0.95, 0.5, "pass"),
    (probes(good=40, late=1, unseen=2), 0.95, 0.5, "unknown"),
    (probes(good=37, late=1, unseen=2), 0.95, 0.5, "unknown"),  # had the unseen been quick, 38 of 40 were
    (probes(good=37, late=3, unseen=1), 0.95, 0.5, "fail"),
]


@pytest.mark.parametrize(("seen", "share", "limit", "decided"), DECIDED)
def test_a_quantile_is_decided_where_the_looks_decide_it(seen: Looks, share: float, limit: float, decided: str) -> None:
    assert word(seen, share, limit) == decided


@given(
    st.tuples(st.integers(0, 30), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)),
    st.sampled_from([0.5, 0.9, 0.95]),
    st.data(),
)
def test_no_way_the_unseen_may_have_ended_contradicts_what_is_decided(
    kinds: tuple[int, int, int, int], share: float, data: st.DataObject
) -> None:
    good, late, dead, unseen = kinds
    seen = probes(good, late, dead, unseen)
    if not seen.count:
        return
    decided = word(seen, share, 0.5)

    quick = data.draw(st.integers(0, unseen), label="of the unseen were quick")
    missing = max(0, fewest(1 - share) - seen.count)
    more = data.draw(st.integers(missing, missing + 5)) if missing else 0
    truth = word(probes(good + quick + more, late, dead + unseen - quick), share, 0.5)
    assert decided in {truth, "unknown"}
    if decided == "unknown" and not missing:
        extremes = {
            word(probes(good + unseen, late, dead), share, 0.5),
            word(probes(good, late, dead + unseen), share, 0.5),
        }
        assert len(extremes) > 1 or extremes == {"unknown"}


def test_a_quantile_among_the_refused_keeps_no_limit() -> None:
    refused = Slowness("looks", "1d", 40, 0.0, 0.95, refused="none: 6 of 40 looks were refused").under(30)
    with pytest.raises(AssertionError, match="p95: none: 6 of 40 looks were refused, allowed < 30"):
        Measure()(refused, "p95", "s").below(30)
    late = Slowness("looks", "1d", 40, 10.0, 0.95, at_least=True)
    with pytest.raises(AssertionError, match=r"p95: ≥ 10 s, allowed < 0\.5"):
        Measure()(late.under(0.5), "p95", "s").below(0.5)
    with pytest.raises(Unknown, match="all that is known of it"):
        late.under(30)
