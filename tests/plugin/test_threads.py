"""Looks are made together, each once; a hung one is unknown, and holds nobody."""

from __future__ import annotations

import threading
import time

import pytest

from readiness.outcomes import Unknown
from readiness.plugin.threads import ObservationTask, TaskPool

SOON = 0.01


def ignore(look: ObservationTask) -> None:
    del look


def test_looks_run_at_the_same_time() -> None:
    together = threading.Barrier(4, timeout=30)
    looks = {number: ObservationTask(str(number), together.wait) for number in range(4)}
    pool = TaskPool()
    pool.start(looks)
    assert sorted(pool.wait(look, SOON, ignore) for look in looks.values()) == [0, 1, 2, 3]


def test_quiet_looks_come_last_and_one_at_a_time() -> None:
    order: list[str] = []

    def loud() -> None:
        time.sleep(0.05)
        order.append("loud")

    def quiet() -> None:
        order.append("quiet begins")
        time.sleep(0.02)
        order.append("quiet ends")

    looks = {
        number: ObservationTask(str(number), quiet if number % 2 else loud, exclusive=bool(number % 2))
        for number in range(4)
    }
    pool = TaskPool()
    pool.start(looks)
    for look in looks.values():
        pool.wait(look, SOON, ignore)
    assert order == ["loud"] * 2 + ["quiet begins", "quiet ends"] * 2


def test_a_look_that_nobody_started_is_made_once_when_asked_for() -> None:
    made: list[int] = []
    pool = TaskPool()
    first = pool.ask("key", ObservationTask("a look", lambda: made.append(1)))
    second = pool.ask("key", ObservationTask("the same", lambda: made.append(2)))
    pool.wait(second, SOON, ignore)
    assert first is second
    assert made == [1]


def test_a_hung_look_is_unknown_and_those_after_it_do_not_wait_again() -> None:
    never = threading.Event()
    pool = TaskPool(stalled_seconds=3)
    look = pool.ask("hung", ObservationTask("a hung look", never.wait))
    for _ in range(3):
        with pytest.raises(Unknown, match="a hung look did not come back"):
            pool.wait(look, SOON, ignore)
    started = time.monotonic()
    with pytest.raises(Unknown):
        pool.wait(look, SOON, ignore)
    assert time.monotonic() - started < 2
    never.set()


def test_the_one_who_waits_is_told_what_for() -> None:
    told: list[str] = []
    pool = TaskPool()
    look = pool.ask("slow", ObservationTask("a slow look", lambda: time.sleep(0.1)))
    pool.wait(look, SOON, lambda waiting: told.append(waiting.title))
    assert set(told) == {"a slow look"}


def test_what_is_called_off_never_begins() -> None:
    never, made = threading.Event(), list[int]()
    pool = TaskPool(threads=1)
    pool.start({"hung": ObservationTask("hung", never.wait), "next": ObservationTask("next", lambda: made.append(1))})
    waiting = pool.ask("next", ObservationTask("unused", lambda: None))
    pool.call_off(0)
    with pytest.raises(Unknown, match="the run ended before this was looked at"):
        pool.wait(waiting, SOON, ignore)
    never.set()
    time.sleep(0.05)
    assert made == []


def test_a_look_that_leaves_its_thread_is_unknown() -> None:
    def leave() -> None:
        raise SystemExit(0)

    pool = TaskPool()
    with pytest.raises(Unknown, match="ended without an answer"):
        pool.wait(pool.ask("leaving", ObservationTask("a leaving look", leave)), SOON, ignore)


def test_a_look_that_writes_may_undo_it_when_the_run_ends() -> None:
    pool, undone, begun = TaskPool(), threading.Event(), threading.Event()

    def write() -> None:
        begun.set()
        pool.called_off.wait(30)
        time.sleep(0.1)
        undone.set()

    look = pool.ask("writes", ObservationTask("a look that writes", write, writes=True))
    begun.wait(30)
    pool.call_off(30)
    assert undone.is_set()
    assert pool.stopped == [look]


def test_the_end_of_the_run_does_not_wait_for_ever_nor_for_what_only_reads() -> None:
    never, pool, started = threading.Event(), TaskPool(), time.monotonic()
    reads = pool.ask("reads", ObservationTask("a look that reads", never.wait))
    writes = pool.ask("writes", ObservationTask("a look that writes", never.wait, writes=True))
    while reads.started is None or writes.started is None:
        time.sleep(SOON)
    pool.call_off(0.2)
    assert time.monotonic() - started < 120  # it would not end by itself
    assert pool.stopped == [writes]
    never.set()


def test_a_look_may_wait_as_long_as_its_own_settings_say() -> None:
    pool = TaskPool(stalled_seconds=0.1)
    look = pool.ask("waits", ObservationTask("a look that waits", lambda: time.sleep(0.4), waits_seconds=5))
    pool.wait(look, SOON, ignore)


def test_a_look_that_writes_does_not_disturb_those_that_measure_time() -> None:
    order: list[str] = []

    def measure() -> None:
        time.sleep(0.2)
        order.append("measured")

    pool = TaskPool()
    pool.start({"quiet": ObservationTask("quiet", measure, exclusive=True)})
    pool.wait(pool.ask("writes", ObservationTask("w", lambda: order.append("written"), writes=True)), SOON, ignore)
    assert order == ["measured", "written"]
