"""The p95 of users who come when they want, worked out from users who wait, against simulated open arrivals."""

from __future__ import annotations

import pytest

from readiness.rehearsal.figures import Figures
from readiness.rehearsal.open_arrivals import stalls
from readiness.rehearsal.verdict import Conclusion, judge
from tests.rehearsal.simulated_users import STEADY, Chance, Users, cases, usual

PASS, FAIL, INCONCLUSIVE = Conclusion
USERS = 200
TABLE: dict[str, tuple[float, float, Conclusion]] = {
    # case: the error allowed, the limit, the verdict
    "calm": (0.05, 0.5, PASS),
    "a": (0.10, 0.5, PASS),
    "a2": (0.10, 0.5, PASS),
    "b": (0.20, 0.5, FAIL),
    "b2": (0.25, 0.5, FAIL),
    "b3": (0.50, 0.3, FAIL),
    "b6": (0.10, 0.5, PASS),
    "c": (0.05, 0.5, FAIL),
    "c2": (0.10, 0.5, FAIL),
    "c3": (0.15, 0.5, FAIL),
    "c4": (0.10, 0.5, PASS),
    "d": (0.10, 0.5, PASS),
    "d2": (0.05, 0.5, FAIL),
    "d4": (0.80, 0.5, FAIL),
    "e": (0.05, 0.5, FAIL),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_bounds_hold_open_arrivals(case: str) -> None:
    error, limit, word = TABLE[case]
    _, law = cases(first=7.4)[case]
    users = Users(law, USERS, seed=3)
    truth = users.open_p95()
    figures = Figures.of(users.evidence(limit))
    low, high = figures.p95_open.low, figures.p95_open.high

    assert low <= truth * 1.1
    assert high >= truth / 1.1
    assert low >= truth * (1 - error)
    assert high <= truth * (1 + error)
    assert judge(figures).word is word
    every_limit_is_told(figures)
    is_near = max(abs(low - truth), abs(high - truth)) <= 0.1 * truth
    assert is_near or "p95 is inconclusive: between" in figures.open_between


def every_limit_is_told(figures: Figures) -> None:
    """Check that a limit between the bounds is told as inconclusive, and one outside of them is decided."""
    low, high = figures.p95_widest.low, figures.p95_widest.high
    for share in (0.001, 0.25, 0.5, 0.75, 1.0):
        limit = low + share * (high - low)
        judged = judge(figures, figures.evidence.asked.model_copy(update={"p95_seconds_below": limit}))
        if limit <= low:
            continue
        assert judged.word is INCONCLUSIVE, limit
        (reason,) = judged.reasons
        assert f"p95 lies between {low:.3f} and {high:.3f} s" in reason.says
        assert "the limit between them" in reason.says
    for limit, word in ((low, FAIL), (high * 1.001, PASS)):
        asked = figures.evidence.asked.model_copy(update={"p95_seconds_below": limit})
        assert judge(figures, asked).word is word, limit


@pytest.mark.parametrize(("seconds", "word"), [(40, FAIL), (25, FAIL), (13, PASS)])
def test_a_freeze_that_the_hold_begins_in_counts(seconds: float, word: Conclusion) -> None:
    """It began five seconds before: whoever came in the hold while it lasted is on no record."""
    before = 5

    def law(moment: float, chance: Chance) -> float:
        left = seconds - before - moment
        return usual(moment, chance) + (left if 0 <= left < seconds else 0.0)

    users = Users(law, USERS, seed=3)
    truth = users.open_p95()
    figures = Figures.of(users.evidence(0.5))
    assert figures.p95_open.low <= truth * 1.1
    assert figures.p95_open.high >= truth / 1.1
    assert judge(figures).word is word


CROWDS = [(case, users, think) for case in STEADY for users in (10, 100) for think in ((1.0, 3.0), (0.5, 1.5))]


@pytest.mark.parametrize(("case", "users", "think"), CROWDS)
def test_where_nobody_stands_still_no_crowd_is_called_a_stall(
    case: str, users: int, think: tuple[float, float]
) -> None:
    """Slow requests fall together now and then, so that clearly more users wait than usual."""
    _, law = cases(first=7.4)[case]
    for seed in range(2):
        simulated = Users(law, users, think, seed=seed)
        figures = Figures.of(simulated.evidence(0.5))
        judged = judge(figures)
        assert figures.stalls.number == 0
        assert not any("stalled" in reason.says for reason in judged.reasons)
        # Of ten users the requests may be too few to tell; wrong they are not.
        truth = PASS if simulated.open_p95() < 0.5 else FAIL
        assert judged.word in ({truth} if users > 10 else {truth, INCONCLUSIVE})


def test_few_requests_are_told_as_few_requests() -> None:
    """4 % of 1,300 requests are slow: their p95 may lie on either side, and no generator is to blame."""
    _, law = cases(first=7.4)["a"]
    judgements = [judge(Figures.of(Users(law, 10, seed=seed).evidence(0.5))) for seed in range(6)]
    (reason,) = next(judged for judged in judgements if judged.word is INCONCLUSIVE).reasons
    assert "requests do not tell it closer" in reason.says
    assert reason.next == "hold longer, or more users"


def test_a_limit_between_the_bounds_is_left_open_with_what_the_target_did() -> None:
    _, law = cases(first=7.4)["b3"]
    judged = judge(Figures.of(Users(law, USERS, seed=3).evidence(0.5)))
    assert judged.word is INCONCLUSIVE
    assert "for users who come when they want" in judged.reasons[0].says
    assert "the target stalled 5 times, for up to 3." in judged.reasons[0].says
    assert judged.reasons[0].next == "hold longer, and find what stops the target"


def test_a_freeze_fails_with_what_the_target_did() -> None:
    _, law = cases(first=7.4)["b"]
    judged = judge(Figures.of(Users(law, USERS, seed=3).evidence(0.5)))
    assert judged.reasons[0].says.endswith("; the target stalled 5 times, for up to 4.75 s")


EARLIER: dict[str, Conclusion] = {
    # What it does not tell is left open; what it tells stays decided.
    "calm": PASS,
    "a": PASS,
    "d": PASS,
    "d2": FAIL,
    "c": FAIL,
    "c2": INCONCLUSIVE,
    "b": INCONCLUSIVE,
    "b2": INCONCLUSIVE,
}


@pytest.mark.parametrize("case", EARLIER)
def test_evidence_of_an_earlier_version_is_judged_by_what_it_tells(case: str) -> None:
    _, law = cases(first=7.4)[case]
    judged = judge(Figures.of(Users(law, USERS, seed=3).evidence(0.5, quarters={})))
    assert judged.word is EARLIER[case]
    if judged.word is INCONCLUSIVE:
        assert "this evidence of an earlier version does not tell" in judged.reasons[0].says
        assert judged.reasons[0].next.startswith("run it again")


def test_a_user_more_by_chance_is_no_stall() -> None:
    assert stalls([2, 3, 9, 2, 4, 2, 3, 2, 2, 2], users=100) == []
    assert stalls([], users=100) == []


def test_a_hold_of_half_an_hour_takes_few_megabytes() -> None:
    """Counted for 2,000 users with a p95 of 0.2 s: the number of buckets of a quarter is bounded by their width."""
    _, law = cases(first=7.4)["calm"]
    evidence = Users(law, 2000, (0.5, 1.5), hold=10).evidence(1.5)
    held = {number: quarter for number, quarter in evidence.quarters.items() if quarter[2]}
    text = evidence.model_copy(update={"quarters": held}).model_dump_json(include={"quarters"})
    bytes_a_second = len(text) / 10
    assert bytes_a_second * 1800 < 6_000_000
