"""When the load has gone: what the verdict makes of the few users that stay, and what is counted for it."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.recording import RequestRecorder, RequestSample
from readiness.rehearsal.evidence import EndpointStatistics
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.stages import STAGES, Stage
from readiness.rehearsal.verdict import Conclusion, Judgement, judge
from readiness.rendering.rehearsal_page import charts
from tests.rehearsal.test_rehearsal import counts, evidence

PASS, FAIL, INCONCLUSIVE = Conclusion
STAGE = Stage(users=100, hold_minutes=1, recovery_minutes=1)
NANO = 1_000_000_000


def after_the_load(milliseconds: float, times: int = 300, errors: dict[str, int] | None = None) -> EndpointStatistics:
    found = counts(milliseconds, times)
    failed = errors or {}
    return EndpointStatistics(
        ok=times - sum(failed.values()), failed=sum(failed.values()), errors=failed, kernel=found, naive=found
    )


def judged(recovery: dict[str, EndpointStatistics], **other: Any) -> Judgement:
    return judge(Figures.of(evidence(asked=STAGE, recovery=recovery, **other)))


TABLE: dict[str, tuple[dict[str, EndpointStatistics], Conclusion, str]] = {
    "recovered": ({"/t": after_the_load(400)}, PASS, ""),
    "slow": ({"/t": after_the_load(1900)}, FAIL, "the target did not recover: p95 was 1.9"),
    "failing": (
        {"/t": after_the_load(400, errors={"status 503": 90})},
        FAIL,
        "the target did not recover: 30.00% of 300 requests failed when the load had gone, with 10 users in place of",
    ),
    "a few errors": ({"/t": after_the_load(400, errors={"status 503": 4})}, INCONCLUSIVE, "4 of 300 requests failed"),
    "few and slow": (
        {"/t": after_the_load(1505, times=40)},
        INCONCLUSIVE,
        "had gone p95 lay between 1.4",
    ),
    "the generator's own": ({"/t": after_the_load(400, errors={"the generator: EMFILE": 90})}, PASS, ""),
    "nobody asked": ({}, INCONCLUSIVE, "nobody asked the target when the load had gone"),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_target_that_is_not_back_when_the_load_has_gone_has_failed(name: str) -> None:
    recovery, word, says = TABLE[name]
    found = judged(recovery)
    assert found.word is word
    assert not says or says in found.reasons[0].says


def test_a_stage_without_a_recovery_does_not_ask_for_it() -> None:
    found = judge(Figures.of(evidence()))
    assert found.word is PASS
    assert not [rule.name for rule in found.measurements if "gone" in rule.name]


def test_only_the_second_half_is_judged() -> None:
    recorder = RequestRecorder(hold_from=100, hold_until=200, recovery_seconds=60)
    for second in (150, 201, 229, 231, 259, 261):
        sent = second * NANO
        recorder.end(RequestSample("/t", recorder.begin(sent), sent, 10.0, 1000, 1000))
    assert recorder.counters.sent_in == {"hold": 1, "recovery": 4, "drain": 1}
    assert recorder.counters.recovery["/t"].ok == 2
    assert recorder.counters.endpoints["/t"].ok == 1


def test_the_large_stages_look_for_it_and_it_is_scaled() -> None:
    looking = [name for name, stage in STAGES.items() if stage.recovery_seconds]
    assert looking == ["stress", "launch"]
    assert STAGES["launch"].scaled(0.5).recovery_seconds == 30
    assert STAGES["launch"].scaled(0.05).recovery_seconds == 10
    assert STAGES["load"].scaled(0.05).recovery_seconds == 0


def test_the_page_shows_its_curve() -> None:
    hold_until = evidence().hold_until
    assert hold_until
    ended = int(hold_until.timestamp()) * 4
    quarters = {ended + number: (2, 2, {50_000: 2}) for number in range(-8, 240)}
    found = charts(evidence(asked=STAGE, recovery={"/t": after_the_load(400)}, quarters=quarters))
    chart = next(chart for chart in found if chart.title == "Response time when the load had gone")
    moments = [moment for moment, _ in chart.lines[0].points]
    assert (moments[0], moments[-1]) == (-2, 59)
