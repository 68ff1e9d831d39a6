"""Which way shows that another is open: by another machine, through the same door, to the same port."""

from __future__ import annotations

import errno
from dataclasses import replace
from ipaddress import ip_address

import pytest

from readiness.clients import controls
from readiness.clients.ways import HERE, Route, Way, way_to
from readiness.outcomes import Unknown
from readiness.transport.failures import failure
from tests.clients.conftest import Make

OUTSIDE = Way(Route(is_named=True, scope="outside"), frozenset({ip_address("203.0.113.7")}), "10.0.0.5", 443)
OTHER = replace(OUTSIDE, addresses=frozenset({ip_address("198.51.100.9")}))
BALANCED = frozenset({ip_address("198.51.100.9"), ip_address("203.0.113.7")})
CASES = {
    "another machine": (OTHER, True),
    "the same machine": (OUTSIDE, False),
    "the same load balancer among its addresses": (replace(OTHER, addresses=BALANCED), False),
    "another port: a wall may let one out and not the other": (replace(OTHER, port=5432), False),
    "by an address, where the name server is part of the way": (
        replace(OTHER, route=Route(is_named=False, scope="outside")),
        False,
    ),
    "inside": (replace(OTHER, route=Route(is_named=True, scope="inside")), False),
    "through another door of this machine, such as a tunnel": (replace(OTHER, leaves_by="10.8.0.2"), False),
}


@pytest.mark.parametrize("case", CASES)
def test_what_shows_that_a_way_is_open(case: str) -> None:
    other, is_proof = CASES[case]
    assert OUTSIDE.is_proven_by(other) is is_proof


NEIGHBOURS = {
    "203.0.113.200": True,
    "203.0.114.7": False,
    "198.51.100.9": False,
    "2001:db8::1": False,
}


@pytest.mark.parametrize("text", NEIGHBOURS)
def test_which_control_is_a_neighbour_and_what_the_evidence_says_of_another(
    text: str, monkeypatch: pytest.MonkeyPatch, make: Make
) -> None:
    control = replace(OUTSIDE, addresses=frozenset({ip_address(text)}))
    assert OUTSIDE.shares_network(control) is NEIGHBOURS[text]

    monkeypatch.setattr(controls, "way_to", lambda *_: control)
    shown = make().controls._shown("https://status.shop.internal", ("status.shop.internal", 443), OUTSIDE)
    assert ("(on another network)" in shown) is not NEIGHBOURS[text]


def test_neighbours_share_64_bits_of_a_longer_address() -> None:
    one, other, far = (
        replace(OUTSIDE, addresses=frozenset({ip_address(text)}))
        for text in ("2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1")
    )
    assert one.shares_network(other)
    assert not one.shares_network(far)


def test_on_this_machine_no_wall_is_between() -> None:
    here = way_to("127.0.0.1", 8080)
    assert here.route == Route(is_named=False, scope=HERE)
    assert here.is_proven_by(way_to("127.0.0.2", 9090))
    assert not here.is_proven_by(way_to("127.0.0.1", 9090))


def test_a_name_without_an_address_has_no_way() -> None:
    with pytest.raises(Unknown, match=r"the name no-such-name\.invalid has no address here"):
        way_to("no-such-name.invalid", 443)


UNREACHED = {errno.EHOSTUNREACH: True, errno.ETIMEDOUT: True, errno.ENETUNREACH: False}


@pytest.mark.parametrize("number", UNREACHED, ids=errno.errorcode.get)
def test_a_network_without_a_way_is_no_silence_of_a_host(number: int) -> None:
    assert failure(OSError(number, "no way"), answered=False).silent is UNREACHED[number]
