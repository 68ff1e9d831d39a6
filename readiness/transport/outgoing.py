"""Where a library connects to that chooses its hosts by itself: only to what is allowed, whatever it is told.

Python announces each look for an address and each connection (audit events, PEP 578) before it is made, whichever
library makes it, through a proxy or not. What is raised there ends the attempt.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

_LOOKS = {"socket.getaddrinfo", "socket.gethostbyname"}
"""Events whose first argument is a name."""
_CONNECTS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
"""Events whose second argument is an address."""


class NotAllowedThere(OSError):
    """A connection to a host that is not allowed; libraries take it for any other failure to connect."""


@dataclass
class Restriction:
    """The hosts that may be reached, and those that something tried to reach all the same."""

    hosts: Collection[str]
    refused: list[str] = field(default_factory=list)
    _addresses: set[str] = field(default_factory=set)
    """Of the hosts, as they were looked up."""

    def check_name(self, name: Any) -> None:
        """Raise NotAllowedThere for a name that is not allowed; learn the addresses of one that is."""
        host = name.decode("ascii", "replace") if isinstance(name, bytes) else str(name or "")
        if host.lower().rstrip(".") not in self.hosts:
            self._refuse(host)
        self._addresses.update(str(found[4][0]) for found in socket.getaddrinfo(host, None))

    def check_address(self, address: Any) -> None:
        """Raise NotAllowedThere for an address of the network that belongs to no allowed host."""
        is_of_network = isinstance(address, tuple) and bool(address) and isinstance(address[0], str)
        if not is_of_network or address[0] in self._addresses or address[0] in self.hosts:
            return
        # What is no address is a name, which is looked up on the way.
        if _is_address(address[0]):
            self._refuse(address[0])
        self.check_name(address[0])

    def _refuse(self, host: str) -> None:
        self.refused.append(host)
        raise NotAllowedThere(f"{host} is not in allowed_hosts")


class _Watch(threading.local):
    """What holds for a thread."""

    restriction: Restriction | None = None
    is_checking = False


_watch = _Watch()
_everywhere: list[Restriction] = []
"""What holds for every thread just now: a library may start some of its own."""


@contextmanager
def only_to(hosts: Collection[str]) -> Iterator[Restriction]:
    """Have nothing in this process connect to any other host meanwhile."""
    _listen()
    restriction = Restriction({host.lower() for host in hosts})
    _everywhere.append(restriction)
    try:
        yield restriction
    finally:
        _everywhere.remove(restriction)


def for_good(restriction: Restriction, work: Callable[[], bool]) -> bool:
    """Return what the work returns, done by a thread that connects nowhere else, however long it still goes on."""
    _watch.restriction = restriction
    return work()


@cache
def _listen() -> None:
    # A hook stays as long as the process; without a restriction it costs a comparison.
    sys.addaudithook(_announced)


def _announced(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    restriction = _watch.restriction or (_everywhere[-1] if _everywhere else None)
    if restriction is None or _watch.is_checking:
        return

    _watch.is_checking = True
    try:
        if event in _LOOKS:
            restriction.check_name(arguments[0])
        elif event in _CONNECTS:
            restriction.check_address(arguments[1])
    finally:
        _watch.is_checking = False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
