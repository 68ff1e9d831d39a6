"""The guard: what is not allowed is not sent, and everything is recorded."""

from __future__ import annotations

import threading

import pytest

from readiness.outcomes import Effect, Unknown
from readiness.transport.guard import Guard, GuardedRequest, Request


def send(guard: Guard, host: str | None = "shop.example", effect: Effect = Effect.READ) -> None:
    with guard.request("http", "GET", "https://shop.example/health", host, effect) as entry:
        entry.status = "200"


def test_what_is_allowed_is_recorded_with_its_status() -> None:
    kept: list[Request] = []
    guard = Guard(["shop.example"], record=kept.append)
    send(guard)
    (request,) = guard.requests
    assert kept == [request]
    assert (request.client, request.method, request.status) == ("http", "GET", "200")
    assert request.effect is Effect.READ
    assert request.seconds >= 0
    assert request.at.tzinfo


@pytest.mark.parametrize("host", ["elsewhere.example", "shop.example.evil.example", "evil-shop.example", "", "shop"])
def test_another_host_is_refused_and_recorded(host: str) -> None:
    guard = Guard(["shop.example"])
    with pytest.raises(Unknown, match="is not allowed") as refused:
        send(guard, host)
    assert "allowed_hosts" in refused.value.remedy
    assert [request.status for request in guard.requests] == [f"refused: {refused.value.reason}"]


def test_a_slip_in_a_host_is_told_the_nearest() -> None:
    with pytest.raises(Unknown, match=r"did you mean shop\.example\?"):
        send(Guard(["shop.example"]), "shop.exmaple")


def test_hosts_are_compared_as_names_are() -> None:
    send(Guard(["Shop.Example"]), "sHOP.example")


def test_this_machine_needs_no_host() -> None:
    send(Guard([]), None)


@pytest.mark.parametrize("effect", [Effect.WRITE, Effect.LOAD, Effect.NOTIFY])
def test_an_effect_beyond_reading_needs_permission(effect: Effect) -> None:
    guard = Guard(["shop.example"], frozenset({Effect.READ}))
    with pytest.raises(Unknown, match=f"has the effect {effect}") as refused:
        send(guard, effect=effect)
    assert refused.value.remedy == f"run with --allow {effect}"
    assert guard.requests[0].status.startswith("refused: ")
    send(Guard(["shop.example"], frozenset({effect})), effect=effect)


def test_one_effect_does_not_permit_another() -> None:
    with pytest.raises(Unknown):
        send(Guard(["shop.example"], frozenset({Effect.WRITE})), effect=Effect.NOTIFY)


def test_permit_asks_without_sending() -> None:
    guard = Guard(["shop.example"])
    guard.permit("http", "GET", "https://shop.example/", "shop.example", Effect.READ)
    assert guard.requests == []


def slow(entry: GuardedRequest) -> Unknown:
    entry.status = "timed out"
    return Unknown("it did not answer within 10 s", "wait")


def test_how_a_request_failed_is_recorded() -> None:
    guard = Guard(["shop.example"])
    with pytest.raises(Unknown), guard.request("http", "GET", "t", "shop.example", Effect.READ):
        raise Unknown("it timed out", "wait")
    with pytest.raises(Unknown), guard.request("http", "GET", "t", "shop.example", Effect.READ) as entry:
        raise slow(entry)
    with pytest.raises(KeyboardInterrupt), guard.request("http", "GET", "t", "shop.example", Effect.READ):
        raise KeyboardInterrupt
    assert [request.status for request in guard.requests] == ["it timed out", "timed out", "no answer"]


def test_many_threads_lose_no_record() -> None:
    kept: list[Request] = []
    guard = Guard(["shop.example"], record=kept.append)

    def send_some() -> None:
        for _ in range(50):
            send(guard)

    threads = [threading.Thread(target=send_some) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(guard.requests) == 16 * 50
    assert kept == guard.requests


def test_what_does_more_than_read_is_recorded_before_it_is_sent_too() -> None:
    kept: list[Request] = []
    guard = Guard(["shop.example"], frozenset({Effect.READ, Effect.WRITE}), kept.append)
    with guard.request("http", "POST", "t", "shop.example", Effect.WRITE) as entry:
        assert [request.status for request in kept] == ["no answer"]
        entry.status = "201"
    assert [request.status for request in kept] == ["no answer", "201"]
    assert kept[0].at == kept[1].at
    assert guard.requests == kept[1:]
