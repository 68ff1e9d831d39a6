"""The figures of a rehearsal are worked out once; whoever judges, by whatever limits, reads the same ones."""

from __future__ import annotations

from readiness.rehearsal.figures import Figures
from readiness.rehearsal.histogram import Bounds
from readiness.rehearsal.verdict import Conclusion, judge
from tests.rehearsal.test_rehearsal import STAGE, counts, evidence


def test_without_an_answer_there_is_no_percentile_and_all_has_failed() -> None:
    figures = Figures.of(evidence(kernel={}, naive={}))
    assert (figures.p95, figures.p95_open, figures.p95_certain) == (Bounds(), Bounds(), Bounds())
    assert figures.slowest == ()
    empty = Figures.of(evidence().model_copy(update={"endpoints": {}}))
    assert (empty.requests, empty.share_failed, empty.late_share) == (0, 1.0, 0.0)


def test_other_limits_change_the_verdict_and_no_figure() -> None:
    figures = Figures.of(evidence(kernel=counts(900, 6000), naive=counts(901, 6000)))
    assert judge(figures).word is Conclusion.PASS
    strict = STAGE.model_copy(update={"p95_seconds_below": 0.5})
    judged = judge(figures, strict)
    assert judged.word is Conclusion.FAIL
    assert "allowed below 0.5 s" in judged.reasons[0].says
    measured = {one.name: one.value for one in judged.measurements}
    assert measured["p95, at least (kernel)"] == figures.p95.low
    assert measured["p95, at most (naive)"] == figures.p95.high


def test_without_a_stall_nothing_was_held_back() -> None:
    values = counts(200, 5000) | counts(20_000, 200)
    figures = Figures.of(evidence(kernel=values, naive=values))
    assert figures.stalls.number == 0
    assert figures.p95_open == figures.p95
    assert figures.p95_widest == figures.p95_certain
