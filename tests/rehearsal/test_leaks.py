"""Requests of unknown outcome: they turn no failure that is certain, they hide none, and nothing passes with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.rehearsal.evidence import EndpointStatistics, OpenedConnections
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.leaks import Leak
from readiness.rehearsal.stages import Stage
from readiness.rehearsal.verdict import Conclusion, judge
from tests.rehearsal.test_rehearsal import BEGAN_SECOND, counts, evidence

PASS, FAIL, INCONCLUSIVE = Conclusion
SLOW = {"kernel": counts(1600, 6000), "naive": counts(1601, 6000)}
SLOW_AT_TIMES = {"kernel": {400_000: 5500, 1_600_000: 500}, "naive": {400_000: 5500, 1_600_000: 500}}
STARVED = {"queue_share": 0.94}
RECOVERING = Stage(users=100, hold_minutes=1, recovery_minutes=1)
UNWATCHED = {"queue_share": 0.94, "lag": {131_000: 3000}}


def lost(requests: int) -> dict[str, tuple[int, int]]:
    """Return phases in which so many requests of 6,000 more have no outcome."""
    return {"hold": (6000 + requests, 6000)}


def refused(times: int, error: str = "ConnectionRefusedError: ECONNREFUSED") -> dict[str, Any]:
    """Return endpoints of which nobody had an answer."""
    return {"/t": EndpointStatistics(failed=times, errors={error: times})}


def still(error_times: int, milliseconds: float = 400) -> dict[str, EndpointStatistics]:
    """Return what 300 requests met when the load had gone."""
    took = counts(milliseconds, 300)
    errors = {"status 503": error_times} if error_times else {}
    return {"/t": EndpointStatistics(ok=300 - error_times, failed=error_times, errors=errors, kernel=took, naive=took)}


# For 8 seconds of 60 nobody is answered: few requests are slow, but many more would have been, had users kept coming.
FROZEN_QUARTERS = {
    number: (0, 0, {}) if 80 <= number - BEGAN_SECOND * 4 < 112 else (25, 25, {400_000: 25})
    for number in range(BEGAN_SECOND * 4, BEGAN_SECOND * 4 + 240)
}
FROZEN_QUARTERS[BEGAN_SECOND * 4 + 80] = (100, 0, {7_750_000: 100})
FROZEN_QUARTERS[BEGAN_SECOND * 4 + 112] = (25, 125, {400_000: 25})
FROZEN = {
    "quarters": FROZEN_QUARTERS,
    "kernel": {400_000: 5900, 7_750_000: 100},
    "naive": {400_000: 5900, 7_750_000: 100},
}

Row = tuple[dict[str, Any], Conclusion, str]
TABLE: dict[str, Row] = {
    # What failed is too much whatever became of the others.
    "two lost of many, all refused": (
        {"endpoints": refused(1299), "phases": {"hold": (1865, 1863)}, "generator": UNWATCHED},
        FAIL,
        "100.00% of 1,299 requests failed, allowed below 1.00%",
    ),
    "many lost of many, half failed": ({"errors": {"status 500": 3000}, "phases": lost(6000)}, FAIL, "50.00% of 6,000"),
    "past the client, and failed": ({"errors": {"status 500": 600}, "outside": 500}, FAIL, "10.00% of 6,000"),
    "lost and past the client, and failed": (
        {"errors": {"status 500": 600}, "outside": 500, "phases": lost(500)},
        FAIL,
        "10.00% of 6,000",
    ),
    "aborted, few lost": (
        {"ended": "aborted", "ended_because": "errors", "errors": {"status 503": 3000}, "phases": lost(100)},
        FAIL,
        "50.00% of 6,000",
    ),
    "few lost, slow": ({**SLOW, "phases": lost(10)}, FAIL, "p95 is 1.5"),
    "many lost, all slow": ({**SLOW, "phases": lost(6000)}, FAIL, "p95 is 1.5"),
    "few lost, slow at times": ({**SLOW_AT_TIMES, "phases": lost(100)}, FAIL, "p95 is 1.6"),
    "did not recover": ({"asked": RECOVERING, "recovery": still(90), "phases": lost(100)}, FAIL, "did not recover: 30"),
    "slow when the load had gone": (
        {"asked": RECOVERING, "recovery": still(0, 3000), "phases": {"hold": (6007, 6000)}},
        FAIL,
        "did not recover: p95 was",
    ),
    # What failed may be little, if those of unknown outcome were answered well.
    "more lost than decide": (
        {"errors": {"status 500": 120}, "phases": lost(9000)},
        INCONCLUSIVE,
        "120 of 6,000 requests failed: with the 9,000 of unknown outcome it may be less than 1.00%",
    ),
    "more past the client than decide": (
        {"errors": {"status 500": 120}, "outside": 9000},
        INCONCLUSIVE,
        "with the 9,000 of unknown outcome it may be less",
    ),
    "only both together are too many": (
        {"errors": {"status 500": 120}, "outside": 3000, "phases": lost(3000)},
        INCONCLUSIVE,
        "with the 6,000 of unknown outcome it may be less",
    ),
    "aborted, more lost than decide": (
        {"ended": "aborted", "ended_because": "errors", "errors": {"status 503": 120}, "phases": lost(9000)},
        INCONCLUSIVE,
        "the run was aborted",
    ),
    "as many lost, slow at times": ({**SLOW_AT_TIMES, "phases": lost(6000)}, INCONCLUSIVE, "6000 of 12000 requests"),
    "lost in a stall": ({**FROZEN, "phases": lost(100)}, INCONCLUSIVE, "for users who come when they want"),
    "perhaps it recovered": (
        {"asked": RECOVERING, "recovery": still(10), "phases": lost(1500)},
        INCONCLUSIVE,
        "when the load had gone 10 of 300 requests failed",
    ),
    "lost in one phase, too many in another": (
        {"phases": {"hold": (6000, 5900), "drain": (0, 100)}},
        INCONCLUSIVE,
        "100 of 6000 requests have no outcome",
    ),
    # A starved generator may have made users wait in vain by itself.
    "time-outs of a starved generator": (
        {"errors": {"no answer within 10 s": 3000}, "phases": lost(100), "generator": STARVED},
        INCONCLUSIVE,
        "3000 of 6,000 requests failed: with the 100 of unknown outcome it may be less",
    ),
    "time-outs of a starved generator, errors": (
        {"errors": {"no answer within 10 s": 3000, "status 500": 600}, "phases": lost(100), "generator": STARVED},
        FAIL,
        "10.00% of 6,000",
    ),
    "time-outs alone": (
        {"errors": {"no answer within 10 s": 3000}, "generator": STARVED},
        INCONCLUSIVE,
        "3000 of 6,000 requests failed, 3000 of them were waited for in vain: that may be the generator's doing",
    ),
    # What has no bound stays broken evidence.
    "broken visits": (
        {"errors": {"status 500": 3000}, "broken_visits": 1, "broken_because": "KeyError", "phases": lost(100)},
        INCONCLUSIVE,
        "1 visits broke off",
    ),
    "reconnects": (
        {"errors": {"status 500": 3000}, "connections": OpenedConnections(first=100, unexplained=3000)},
        INCONCLUSIVE,
        "users reconnected 3000 times",
    ),
    "a worker lost": (
        {"errors": {"status 500": 3000}, "lost_workers": ("w1",), "phases": lost(100)},
        INCONCLUSIVE,
        "lost workers: w1",
    ),
    "cut short": (
        {"errors": {"status 500": 3000}, "ended": "cut short", "ended_because": "stopped", "phases": lost(100)},
        INCONCLUSIVE,
        "the run was cut short",
    ),
    # So few are let pass, and change nothing.
    "hardly any lost": ({"phases": lost(5)}, PASS, ""),
    "hardly any lost in a stall": ({**FROZEN, "phases": lost(5)}, FAIL, "the target stalled once"),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_leaked_decides_nothing_and_takes_no_failure_away(name: str) -> None:
    other, word, says = TABLE[name]
    found = judge(Figures.of(evidence(**other)))
    told = [reason.says for reason in found.reasons]
    assert (found.word, any(says in each for each in told) or not says) == (word, True), told

    # The leak is named behind the failure, and nothing that is decided is called open.
    assert word is not FAIL or found.reasons[0].word is FAIL
    assert not any("too near" in each for each in told if word is FAIL)


def test_a_leak_is_named_beside_the_failure() -> None:
    other, _, _ = TABLE["two lost of many, all refused"]
    told = [reason.says for reason in judge(Figures.of(evidence(**other))).reasons]
    assert "2 of 1865 requests have no outcome" in told[1]


def test_a_certain_failure_is_not_called_open_beside_broken_evidence() -> None:
    slow_and_failing = {**SLOW, "errors": {"status 500": 3000}, "asked": RECOVERING, "recovery": still(90)}
    told = " ".join(
        reason.says for reason in judge(Figures.of(evidence(**slow_and_failing, lost_workers=("w1",)))).reasons
    )
    assert "50.00% of 6,000 requests failed" in told
    assert "did not recover" in told
    assert "to tell" not in told
    assert "the limit between them" not in told


@given(st.integers(0, 6000), st.integers(0, 20_000), st.integers(0, 20_000), st.booleans())
def test_a_failure_holds_whatever_became_of_the_leaked(failed: int, missing: int, outside: int, slow: bool) -> None:
    made: dict[str, Any] = {"errors": {"status 500": failed}, **(SLOW if slow else {})}
    leaky = evidence(**made, phases=lost(missing), outside=outside)
    leaked = Leak.of(leaky).requests
    word = judge(Figures.of(leaky)).word
    assert not (leaked and word is PASS)

    # Had every one been answered well and at once, or had every one failed: the word would be the same.
    well = EndpointStatistics(ok=leaked, kernel={1: leaked}, naive={1: leaked})
    badly = EndpointStatistics(failed=leaked, errors={"status 500": leaked})
    whole = evidence(**made)
    for became in (well, badly):
        endpoints = {**whole.endpoints, "/leaked": became} if leaked else whole.endpoints
        known = judge(Figures.of(whole.model_copy(update={"endpoints": endpoints}))).word
        assert word in {INCONCLUSIVE, known}
