"""The verdict on a rehearsal, its evidence, and the checks that read it: every fault gives its own outcome."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.environment.schema import Environment
from readiness.errors import BadRun
from readiness.files.evidence_file import EvidenceArchive
from readiness.observations import load
from readiness.outcomes import NotConfigured, Unknown
from readiness.rehearsal import evidence as rehearsal_evidence
from readiness.rehearsal.evidence import EndpointStatistics, Generator, LoadTarget, OpenedConnections, RehearsalEvidence
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.histogram import SECOND, Distribution, bucket, merged, wilson
from readiness.rehearsal.stages import STAGES, Stage
from readiness.rehearsal.verdict import Conclusion, judge
from readiness.sources.readings import Readings

PASS, FAIL, INCONCLUSIVE = Conclusion
BEGAN = datetime(2026, 12, 1, 9, 0, 0, tzinfo=UTC)
NOW = BEGAN + timedelta(days=1)
STAGE = Stage(users=100, hold_minutes=1)
NO_READINGS = cast("Readings", None)  # the revision is a literal here


def counts(milliseconds: float, times: int, spread: float = 0.2) -> dict[int, int]:
    """Spread values evenly around a p95."""
    found = Distribution()
    for number in range(times):
        found.record(round(milliseconds * 1000 * (1 - spread + spread * (number + 1) / (times * 0.95))))
    return found.counts


def evidence(**other: Any) -> RehearsalEvidence:
    """Make evidence that passes, with what the test wants otherwise."""
    began = int(BEGAN.timestamp())
    low = counts(400, 6000)
    asked: Stage = other.pop("asked", STAGE)
    held = round(asked.hold_minutes * 60)
    errors = other.pop("errors", {})
    endpoint = EndpointStatistics(
        ok=6000 - sum(errors.values()),
        failed=sum(errors.values()),
        errors=errors,
        kernel=other.pop("kernel", low),
        naive=other.pop("naive", low),
        late_microseconds=other.pop("late_microseconds", 0),
    )
    generator = {"name": "local", "host": "here", "pid": 1, "first_seen": 0.0, "last_seen": 1.0, "lag": {1000: 3000}}
    base: dict[str, Any] = {
        "schema": "readiness/rehearsal/1",
        "run": "20261201T090000Z-load",
        "environment": "staging",
        "stage": "load",
        "asked": asked,
        "target": LoadTarget(url="http://127.0.0.1:1", revision="r1", revision_at_end="r1"),
        "started_at": BEGAN,
        "hold_from": BEGAN,
        "hold_until": BEGAN + timedelta(seconds=held),
        "finished_at": BEGAN + timedelta(seconds=held + 5),
        "ended": "whole",
        "seconds": {began + second: (100, 100) for second in range(held)},
        "users": dict.fromkeys(range(began, began + held), asked.users),
        "phases": {"hold": (6000, 6000)},
        "endpoints": {"/t": endpoint},
        "connections": OpenedConnections(first=asked.users),
        "generators": (Generator(**{**generator, **other.pop("generator", {})}),),
    }
    return RehearsalEvidence.model_validate({**base, **other})


def test_a_good_rehearsal_passes() -> None:
    found = judge(Figures.of(evidence()))
    assert (found.word, found.reasons) == (PASS, ())
    assert all(rule.ok for rule in found.measurements)


BEGAN_SECOND = int(BEGAN.timestamp())
# For five seconds nothing is answered, and most users wait; then all of them are.
WAITED = {10: (80, 0), 11: (10, 0), 12: (0, 0), 13: (0, 0), 14: (0, 90)}
STALLED = {BEGAN_SECOND + second: WAITED.get(second, (100, 100)) for second in range(60)}
FAULTS: dict[str, tuple[dict[str, Any], Conclusion, str]] = {
    "slow": ({"kernel": counts(1540, 6000), "naive": counts(1541, 6000)}, FAIL, "p95 is 1.5"),
    "errors": ({"errors": {"status 500": 120}}, FAIL, "2.00% of 6,000 requests failed"),
    "few errors": ({"errors": {"status 500": 65}}, INCONCLUSIVE, "too near 1.00%"),
    "the generator's doing": ({"naive": counts(1700, 6000)}, INCONCLUSIVE, "the generator's doing"),
    "too few": (
        {"endpoints": {"/t": EndpointStatistics(ok=90, kernel={1000: 90}, naive={1000: 90})}},
        INCONCLUSIVE,
        "500 are",
    ),
    "nothing": ({"endpoints": {}}, INCONCLUSIVE, "not one request"),
    "users missing": ({"users": {BEGAN_SECOND + 5: 60}}, INCONCLUSIVE, "60 users were at work"),
    "errors under too few users": (
        {"users": {BEGAN_SECOND + 5: 60}, "errors": {"status 500": 120}},
        FAIL,
        "2.00% of 6,000 requests failed",
    ),
    "slow under too few users": (
        {"users": {BEGAN_SECOND + 5: 60}, "kernel": counts(1540, 6000), "naive": counts(1541, 6000)},
        FAIL,
        "p95 is 1.5",
    ),
    "too few users and a worker lost": (
        {"users": {BEGAN_SECOND + 5: 60}, "errors": {"status 500": 120}, "lost_workers": ("w1",)},
        INCONCLUSIVE,
        "lost workers: w1",
    ),
    "stopped": ({"ended": "cut short", "ended_because": "it was stopped"}, INCONCLUSIVE, "the run was cut short"),
    "killed": ({"ended": "running", "finished_at": None}, INCONCLUSIVE, "breaks off"),
    "hold cut": (
        {"ended": "cut short", "seconds": {BEGAN_SECOND + second: (100, 100) for second in range(30)}},
        INCONCLUSIVE,
        "held for 30 s, asked were 60 s",
    ),
    "worker lost": ({"lost_workers": ("w1",)}, INCONCLUSIVE, "lost workers: w1"),
    "worker late": ({"late_workers": ("w2",)}, INCONCLUSIVE, "w2 joined after the hold began: it was not watched"),
    "nobody watched": ({"generator": {"lag": {}}}, INCONCLUSIVE, "local on here was not watched in the hold"),
    "no generator": ({"generators": ()}, INCONCLUSIVE, "no generator told how it did"),
    "samples lost": ({"phases": {"hold": (6000, 5900)}}, INCONCLUSIVE, "100 of 6000 requests have no outcome"),
    "past the client": ({"outside": 50}, INCONCLUSIVE, "50 requests went past"),
    "visits broke off": (
        {"broken_visits": 3, "broken_because": "KeyError: 'token'"},
        INCONCLUSIVE,
        "3 visits broke off, their other steps were not sent: KeyError: 'token'",
    ),
    "out of descriptors": (
        {"errors": {"the generator: Too many open files": 3000}},
        INCONCLUSIVE,
        "3,000 requests were not sent by the generator: Too many open files",
    ),
    "aborted for want of descriptors": (
        {"ended": "aborted", "ended_because": "errors", "errors": {"the generator: Too many open files": 3000}},
        INCONCLUSIVE,
        "the run was aborted: errors",
    ),
    "errors and out of descriptors": (
        {"errors": {"the generator: Too many open files": 300, "status 500": 120}},
        FAIL,
        "2.00% of 6,000 requests failed, allowed below 1.00%: 120 of /t: status 500",
    ),
    "reconnects": ({"connections": OpenedConnections(first=100, unexplained=3000)}, INCONCLUSIVE, "reconnected 3000"),
    "lag": ({"generator": {"lag": {300_000: 100}}}, INCONCLUSIVE, "300 ms late"),
    "neighbours": ({"generator": {"queue_share": 0.48, "cpu_share_mean": 0.47}}, INCONCLUSIVE, "48% of the time"),
    "load held back": ({"late_microseconds": 6000 * 200_000}, INCONCLUSIVE, "held back"),
    "another revision": (
        {"target": LoadTarget(url="http://127.0.0.1:1", revision="r1", revision_at_end="r2")},
        INCONCLUSIVE,
        "from revision r1 to r2",
    ),
    "aborted": (
        {"ended": "aborted", "ended_because": "errors", "errors": {"status 503": 3000}},
        FAIL,
        "50.00% of 6,000 requests failed",
    ),
    "stalled, in evidence of an earlier version": (
        {"kernel": {400_000: 5400, 4_900_000: 300}, "naive": {400_000: 5400, 4_900_000: 300}, "seconds": STALLED},
        INCONCLUSIVE,
        "does not tell how long those took that were sent meanwhile",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_gives_its_own_verdict(name: str) -> None:
    other, word, says = FAULTS[name]
    found = judge(Figures.of(evidence(**other)))
    assert found.word is word
    assert any(says in reason.says for reason in found.reasons), [reason.says for reason in found.reasons]
    assert all(reason.next for reason in found.reasons)


def test_a_starved_generator_does_not_excuse_a_slow_target() -> None:
    other = {"kernel": counts(1600, 6000), "naive": counts(2600, 6000), "generator": {"queue_share": 0.6}}
    assert judge(Figures.of(evidence(**other))).word is FAIL


def test_time_outs_of_a_starved_generator_are_not_held_against_the_target() -> None:
    errors = {"no answer within 10 s": 200}
    assert judge(Figures.of(evidence(errors=errors))).word is FAIL
    assert judge(Figures.of(evidence(errors=errors, generator={"queue_share": 0.6}))).word is INCONCLUSIVE


@pytest.mark.parametrize(("milliseconds", "word"), [(1462, PASS), (1540, FAIL)])
def test_the_limit_is_sharp(milliseconds: int, word: Conclusion) -> None:
    found = counts(milliseconds, 6000)
    assert judge(Figures.of(evidence(kernel=found, naive=found))).word is word


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=300), st.floats(0.01, 1))
def test_a_percentile_is_bounded_within_a_thousandth(values: list[int], share: float) -> None:
    found = merged([{bucket(value): 1} for value in values])
    true = sorted(values)[max(1, math.ceil(share * len(values))) - 1] / SECOND
    low, high = found.percentile(share)
    assert low <= true <= high
    assert high - low <= low / 1000


@given(st.lists(st.lists(st.integers(0, 10**8)), max_size=5))
def test_merging_is_counting_together(parts: list[list[int]]) -> None:
    whole, pieces = Distribution(), []
    for part in parts:
        piece = Distribution()
        for value in part:
            whole.record(value)
            piece.record(value)
        pieces.append(piece.counts)
    assert merged(pieces).counts == whole.counts == merged(reversed(pieces)).counts


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_wilson_holds_the_share(bad: int, more: int) -> None:
    low, high = wilson(bad, bad + more)
    assert 0 <= low <= bad / (bad + more) <= high <= 1


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.sampled_from(["whole", "cut short", "aborted", "running"]))
def test_between_the_bounds_nothing_passes_and_nothing_fails(kernel: int, more: int, ended: str) -> None:
    found = evidence(kernel={bucket(kernel): 6000}, naive={bucket(kernel + more): 6000}, ended=ended)
    figures = Figures.of(found)
    word, bounds = judge(figures).word, figures.p95
    if word is PASS:
        assert ended == "whole"
        assert bounds.high < STAGE.p95_seconds_below
    if word is FAIL:
        assert max(bounds.low, figures.p95_open.low) >= STAGE.p95_seconds_below


def put(reports: Path, found: RehearsalEvidence) -> Path:
    folder = reports / found.environment / rehearsal_evidence.FOLDER / found.run
    rehearsal_evidence.write(found, folder)
    return folder


def test_evidence_comes_back_as_it_was(tmp_path: Path) -> None:
    found = evidence()
    back = rehearsal_evidence.read(put(tmp_path, found))
    assert back.model_copy(update={"digest": ""}) == found
    assert judge(Figures.of(back)) == judge(Figures.of(found))


@pytest.mark.parametrize("change", ["verdict", "endpoints", "asked"])
def test_altered_evidence_is_refused(tmp_path: Path, change: str) -> None:
    path = put(tmp_path, evidence()) / rehearsal_evidence.FILE
    body = json.loads(path.read_text())
    body[change] = {"word": "pass"}
    path.write_text(json.dumps(body))
    with pytest.raises(BadRun, match="altered"):
        rehearsal_evidence.read(path.parent)


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, evidence()) / rehearsal_evidence.FILE
    path.write_text(path.read_text()[:1000])
    with pytest.raises(BadRun, match="cannot be read"):
        rehearsal_evidence.read(path.parent)


# The side of the checks.


def environment(**other: Any) -> Environment:
    base: dict[str, Any] = {
        "environment": "staging",
        "production": False,
        "runbooks": ["launch400k"],
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": "http://127.0.0.1:1", "revision": "r1"},
    }
    return Environment.model_validate({**base, **other})


def look(reports: Path, of: Environment | None = None, moment: datetime = NOW, **limits: Any) -> load.Rehearsals:
    wanted = load.RehearsalLimits(
        **{"stage": "load", "days_at_most": 14, "p95_seconds_below": 1.5, "share_below": 0.01, **limits}
    )
    return load.rehearsals(NO_READINGS, of or environment(), moment, EvidenceArchive(reports), wanted)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    return tmp_path


def test_a_rehearsal_that_passed_counts(reports: Path) -> None:
    put(reports, evidence())
    found = look(reports)
    assert (found.not_passed, found.fewest_users, found.shortest_minutes) == ([], 100, 1.0)


REFUSED: dict[str, tuple[Callable[[], RehearsalEvidence], str]] = {
    "stale": (lambda: evidence(finished_at=NOW - timedelta(days=15)), "15 days old, allowed are 14"),
    "revision": (
        lambda: evidence(target=LoadTarget(url="http://127.0.0.1:1", revision="r0", revision_at_end="r0")),
        "on revision r0, r1 is to be launched",
    ),
    "no revision": (lambda: evidence(target=LoadTarget(url="http://127.0.0.1:1")), "does not know the revision"),
    "loosened": (lambda: evidence(asked=STAGE.model_copy(update={"p95_seconds_below": 3.0})), "looser: p95 3 s"),
    "scaled": (lambda: evidence(scale=0.1), "scaled by 0.1"),
    "inconclusive": (lambda: evidence(lost_workers=("w",)), "it is inconclusive: lost workers"),
    "another's": (lambda: evidence(environment="staging", stage="smoke"), "it is of staging, smoke"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_each_reason_is_told_with_the_command_that_renews(reports: Path, name: str) -> None:
    make, says = REFUSED[name]
    put(reports, make())
    with pytest.raises(Unknown) as caught:
        look(reports)
    assert says in caught.value.reason
    assert caught.value.remedy == "readiness rehearse --env staging --stage load"


def test_none_at_all_is_unknown(reports: Path) -> None:
    with pytest.raises(Unknown, match="staging has none"):
        look(reports)


def test_tampered_evidence_is_unknown(reports: Path) -> None:
    path = put(reports, evidence(kernel=counts(1600, 6000), naive=counts(1601, 6000))) / rehearsal_evidence.FILE
    path.write_text(path.read_text().replace('"fail"', '"pass"').replace('"ok":6000', '"ok":6001'))
    with pytest.raises(Unknown, match="altered"):
        look(reports)


def test_the_newest_that_counts_decides(reports: Path) -> None:
    put(reports, evidence())
    put(reports, evidence(run="20261201T100000Z-load", ended="cut short"))
    assert look(reports).not_passed == []
    put(reports, evidence(run="20261201T110000Z-load", errors={"status 500": 300}))
    assert "5.00% of 6,000 requests failed" in look(reports).not_passed[0]


def test_a_stricter_line_judges_again(reports: Path) -> None:
    put(reports, evidence(asked=STAGE.model_copy(update={"p95_seconds_below": 0.3}), kernel=counts(200, 6000)))
    with pytest.raises(Unknown, match="the generator's doing"):
        look(reports, p95_seconds_below=0.3)
    assert look(reports, p95_seconds_below=1.5).not_passed == []


def test_without_a_stage_all_that_ship_must_be_there(reports: Path) -> None:
    for stage in list(STAGES)[:-1]:
        put(reports, evidence(run=f"20261201T090000Z-{stage}", stage=stage))
    with pytest.raises(Unknown, match="no rehearsal 'launch' that counts"):
        look(reports, stage=None)
    put(reports, evidence(run="20261201T090000Z-launch", stage="launch"))
    assert len(look(reports, stage=None).each) == len(STAGES)


def test_a_failure_outweighs_what_is_missing(reports: Path) -> None:
    put(reports, evidence(run="20261201T090000Z-smoke", stage="smoke", errors={"status 500": 300}))
    assert look(reports, stage=None).not_passed


def test_no_answer_is_no_fast_answer(reports: Path) -> None:
    put(reports, evidence(endpoints={"/t": EndpointStatistics(failed=6000, errors={"no connection": 6000})}))
    assert look(reports).not_passed
    with pytest.raises(Unknown, match="nothing was answered"):
        look(reports).slowest(1.5)


def test_another_environment_may_be_the_stage(reports: Path) -> None:
    put(reports, evidence())
    live = environment(environment="live", load={"users_at_most": 1, "rehearsed_in": "staging"})
    assert look(reports, live).fewest_users == 100


def test_the_sandbox_takes_scaled_rehearsals(reports: Path) -> None:
    put(reports, evidence(scale=0.1))
    assert look(reports, environment(sandbox=True)).fewest_users == 1000


def test_without_a_revision_nothing_counts(reports: Path) -> None:
    put(reports, evidence())
    with pytest.raises(NotConfigured, match="revision"):
        look(reports, environment(target={"url": "http://127.0.0.1:1"}))


def test_capacity_is_what_was_seen(reports: Path) -> None:
    put(reports, evidence())
    limits = load.CapacityLimits(users_at_least=20_000, days_at_most=14, p95_seconds_below=1.5, share_below=0.01)
    with pytest.raises(Unknown, match="no rehearsal had 20,000 users; the largest that passed had 100"):
        load.capacity(NO_READINGS, environment(), NOW, EvidenceArchive(reports), limits)
    large = evidence(stage="capacity", run="20261201T090000Z-capacity", asked=Stage(users=20_000, hold_minutes=1))
    put(reports, large)
    assert load.capacity(NO_READINGS, environment(), NOW, EvidenceArchive(reports), limits).users == 20_000
