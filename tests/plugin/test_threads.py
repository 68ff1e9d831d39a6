"""Looks are made together, each once; a hung one is unknown, and holds nobody."""

from __future__ import annotations

import threading
import time

import pytest

from readiness.outcomes import Unknown
from readiness.plugin.threads import Look, Threads

SOON = 0.01


def ignore(look: Look) -> None:
    del look


def test_looks_run_at_the_same_time() -> None:
    together = threading.Barrier(4, timeout=30)
    looks = {number: Look(str(number), together.wait) for number in range(4)}
    threads = Threads()
    threads.start(looks)
    assert sorted(threads.wait(look, SOON, ignore) for look in looks.values()) == [0, 1, 2, 3]


def test_quiet_looks_come_last_and_one_at_a_time() -> None:
    order: list[str] = []

    def loud() -> None:
        time.sleep(0.05)
        order.append("loud")

    def quiet() -> None:
        order.append("quiet begins")
        time.sleep(0.02)
        order.append("quiet ends")

    looks = {number: Look(str(number), quiet if number % 2 else loud, quiet=bool(number % 2)) for number in range(4)}
    threads = Threads()
    threads.start(looks)
    for look in looks.values():
        threads.wait(look, SOON, ignore)
    assert order == ["loud"] * 2 + ["quiet begins", "quiet ends"] * 2


def test_a_look_that_nobody_started_is_made_once_when_asked_for() -> None:
    made: list[int] = []
    threads = Threads()
    first = threads.ask("key", Look("a look", lambda: made.append(1)))
    second = threads.ask("key", Look("the same", lambda: made.append(2)))
    threads.wait(second, SOON, ignore)
    assert first is second
    assert made == [1]


def test_a_hung_look_is_unknown_and_those_after_it_do_not_wait_again() -> None:
    never = threading.Event()
    threads = Threads(stalled_seconds=3)
    look = threads.ask("hung", Look("a hung look", never.wait))
    for _ in range(3):
        with pytest.raises(Unknown, match="a hung look did not come back"):
            threads.wait(look, SOON, ignore)
    started = time.monotonic()
    with pytest.raises(Unknown):
        threads.wait(look, SOON, ignore)
    assert time.monotonic() - started < 2
    never.set()


def test_the_one_who_waits_is_told_what_for() -> None:
    told: list[str] = []
    threads = Threads()
    look = threads.ask("slow", Look("a slow look", lambda: time.sleep(0.1)))
    threads.wait(look, SOON, lambda waiting: told.append(waiting.title))
    assert set(told) == {"a slow look"}


def test_what_is_called_off_never_begins() -> None:
    never, made = threading.Event(), list[int]()
    threads = Threads(threads=1)
    threads.start({"hung": Look("hung", never.wait), "next": Look("next", lambda: made.append(1))})
    waiting = threads.ask("next", Look("unused", lambda: None))
    threads.call_off(0)
    with pytest.raises(Unknown, match="the run ended before this was looked at"):
        threads.wait(waiting, SOON, ignore)
    never.set()
    time.sleep(0.05)
    assert made == []


def test_a_look_that_leaves_its_thread_is_unknown() -> None:
    def leave() -> None:
        raise SystemExit(0)

    threads = Threads()
    with pytest.raises(Unknown, match="ended without an answer"):
        threads.wait(threads.ask("leaving", Look("a leaving look", leave)), SOON, ignore)


def test_a_look_that_writes_may_undo_it_when_the_run_ends() -> None:
    threads, undone, begun = Threads(), threading.Event(), threading.Event()

    def write() -> None:
        begun.set()
        threads.called_off.wait(30)
        time.sleep(0.1)
        undone.set()

    look = threads.ask("writes", Look("a look that writes", write, writes=True))
    begun.wait(30)
    threads.call_off(30)
    assert undone.is_set()
    assert threads.stopped == [look]


def test_the_end_of_the_run_does_not_wait_for_ever_nor_for_what_only_reads() -> None:
    never, threads, started = threading.Event(), Threads(), time.monotonic()
    reads = threads.ask("reads", Look("a look that reads", never.wait))
    writes = threads.ask("writes", Look("a look that writes", never.wait, writes=True))
    while reads.started is None or writes.started is None:
        time.sleep(SOON)
    threads.call_off(0.2)
    assert time.monotonic() - started < 120  # it would not end by itself
    assert threads.stopped == [writes]
    never.set()


def test_a_look_may_wait_as_long_as_its_own_settings_say() -> None:
    threads = Threads(stalled_seconds=0.1)
    look = threads.ask("waits", Look("a look that waits", lambda: time.sleep(0.4), waits_seconds=5))
    threads.wait(look, SOON, ignore)


def test_a_look_that_writes_does_not_disturb_those_that_measure_time() -> None:
    order: list[str] = []

    def measure() -> None:
        time.sleep(0.2)
        order.append("measured")

    threads = Threads()
    threads.start({"quiet": Look("quiet", measure, quiet=True)})
    threads.wait(threads.ask("writes", Look("w", lambda: order.append("written"), writes=True)), SOON, ignore)
    assert order == ["measured", "written"]
