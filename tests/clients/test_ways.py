"""Which way shows that another is open: by another machine, through the same door, to the same port."""

from __future__ import annotations

import errno
from dataclasses import replace
from ipaddress import ip_address

import pytest

from readiness.clients.ways import HERE, Route, Way, way_to
from readiness.outcomes import Unknown
from readiness.transport.failures import failure

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
