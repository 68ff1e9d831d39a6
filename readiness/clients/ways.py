"""The way from this machine to a host: what closes one of a kind closes the others."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import closing, suppress
from dataclasses import dataclass

from readiness.outcomes import Unknown
from readiness.transport.deadline import Deadline, DeadlinePassed, within

LOOK_UP_SECONDS = 5.0
HERE = "of this machine"
NETWORK_BITS = {4: 24, 6: 64}
"""The part of an address, by the version of the protocol, that neighbours share; smaller networks look like one."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Route:
    """The kind of way to a host."""

    is_named: bool
    """It goes through the name server."""
    scope: str
    """This machine, inside or outside."""

    def __str__(self) -> str:
        return f"{'a name' if self.is_named else 'an address'} {self.scope}"


@dataclass(frozen=True)
class Way:
    """The way to one port of a host."""

    route: Route
    addresses: frozenset[Address]
    leaves_by: str
    """The address of this machine that it leaves by: where there are several, one may be closed and the others open."""
    port: int

    def shares_network(self, other: Way) -> bool:
        """Check whether the two ends are neighbours, as far as addresses tell: what lies between here and them is one.

        >>> here = Route(is_named=False, scope="outside")
        >>> texts = ("9.9.9.9", "9.9.9.10", "8.8.8.8")
        >>> ways = [Way(here, frozenset({ipaddress.ip_address(text)}), "", 443) for text in texts]
        >>> ways[0].shares_network(ways[1]), ways[0].shares_network(ways[2])
        (True, False)
        """
        return bool(self._networks & other._networks)

    @property
    def _networks(self) -> set[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        return {
            ipaddress.ip_network((address, NETWORK_BITS[address.version]), strict=False) for address in self.addresses
        }

    def is_proven_by(self, other: Way) -> bool:
        """Check whether an answer by the other way shows that this one is open, though nobody has stated that.

        It is by another machine: one that answers beside the silent one, behind the same address, shows that the way is
        open to the machine and not that it is to the port. It leaves this machine by the same door, and by the same
        port: a wall often lets one port out and not another, but where all is on this machine.
        """
        is_another = not self.addresses & other.addresses
        is_alike = (self.route, self.leaves_by) == (other.route, other.leaves_by)
        return is_another and is_alike and (self.port == other.port or self.route.scope == HERE)


def way_to(host: str, port: int) -> Way:
    """Return the way to a host. Raises Unknown where its name has no address, and where this machine has no way."""
    try:
        addresses = [ipaddress.ip_address(host.strip("[]"))]
        is_named = False
    except ValueError:
        addresses = _looked_up(host)
        is_named = True

    leaves_by = next(filter(None, (_leaves_by(address, port) for address in addresses)), "")
    if not leaves_by:
        raise Unknown(f"this machine has no route to {host}", "is its network up, and a tunnel that it needs?")
    return Way(Route(is_named, _scope(addresses[0])), frozenset(addresses), leaves_by, port)


def _looked_up(host: str) -> list[Address]:
    try:
        entries = within(Deadline.after(LOOK_UP_SECONDS), lambda _: socket.getaddrinfo(host, None))
    except (DeadlinePassed, OSError):
        raise Unknown(f"the name {host} has no address here", "is it right, and does DNS answer here?") from None
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in entries]


def _leaves_by(address: Address, port: int) -> str:
    """Return the address of this machine that packets to another leave by; empty where it has no route there."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004  of the Internet Protocol
    with suppress(OSError), closing(socket.socket(family, socket.SOCK_DGRAM)) as asking:
        # Connecting a socket of datagrams sends nothing: the system only looks for the route.
        asking.connect((str(address), port))
        return str(asking.getsockname()[0])
    return ""


def _scope(address: Address) -> str:
    if address.is_loopback:
        return HERE
    return "inside" if address.is_private else "outside"
