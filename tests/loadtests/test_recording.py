"""The counters of several processes, merged, are the counters of one."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loadtests.recording import Counters, RequestRecorder, RequestSample

BEGAN = 1_800_000_000
NANO = 1_000_000_000


def take(recorder: RequestRecorder, second: float, kernel: int, **other: Any) -> None:
    sent = int((BEGAN + second) * NANO)
    name = other.pop("name", "/t")
    recorder.end(RequestSample(name, recorder.begin(sent), sent, 10.0, kernel, kernel + 5, **other))


def recorder() -> RequestRecorder:
    return RequestRecorder(hold_from=BEGAN + 10, hold_until=BEGAN + 20)


def test_only_the_hold_is_judged_and_nothing_is_lost() -> None:
    found = recorder()
    for second in (5, 10, 15, 19.9, 20, 25):
        take(found, second, 1000)
    assert found.counters.sent_in == found.counters.recorded_in == {"settle": 1, "hold": 3, "drain": 2}
    assert found.counters.endpoints["/t"].ok == 3


def test_an_answer_in_the_drain_counts_for_the_hold_it_was_sent_in() -> None:
    found = recorder()
    take(found, 19, 5_000_000)
    assert found.counters.endpoints["/t"].kernel == {4997120: 1}
    assert found.counters.answered_at == {(BEGAN + 24) * 4: 1}


def test_failures_stay_out_of_the_percentiles_but_time_outs_do_not() -> None:
    found = recorder()
    take(found, 12, 10, error="status 500")
    take(found, 12, 10_000_000, error="no answer within 10 s", waited_out=True)
    tally = found.counters.endpoints["/t"]
    assert (tally.failed, sum(tally.kernel.values())) == (2, 1)


def test_recent_counts_whole_slices_of_the_hold() -> None:
    found = RequestRecorder(hold_from=BEGAN, hold_until=BEGAN + 100)
    for second in range(30):
        take(found, second, 10, error="status 500" if second >= 10 else None)
    assert found.recent(BEGAN + 31, 30) == (10, 20)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10**7), st.booleans(), st.integers(0, 3)), max_size=60))
def test_merged_over_processes_it_is_the_same(samples: list[tuple[int, int, bool, int]]) -> None:
    alone, parts, together = recorder(), [recorder() for _ in range(4)], Counters()
    for number, (second, kernel, failed, process) in enumerate(samples):
        for one in (alone, parts[process]):
            take(one, second, kernel, error="status 500" if failed else None, name=f"/{kernel % 2}")
            if failed and process:
                one.record_exception(ValueError("no token"))
        if number % 7 == 0:  # reports come at any time
            together.add(json.loads(json.dumps(parts[process].drain()), object_hook=numbers))
    for part in parts:
        together.add(part.drain())
    assert together.plain() == alone.counters.plain()


def numbers(found: dict[str, Any]) -> dict[Any, Any]:
    """Undo JSON's text keys."""
    return {int(key) if key.lstrip("-").isdecimal() else key: value for key, value in found.items()}
