"""Control addresses: whether a silence is the other side's, or our own way out is closed."""

from __future__ import annotations

import ipaddress
import socket
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from readiness.environment.running import RunSettings
from readiness.outcomes import Silent, Unknown
from readiness.transport.connecting import is_there
from readiness.transport.deadline import Deadline, DeadlinePassed, within
from readiness.transport.guard import Guard
from readiness.transport.http import Http

PAUSE_SECONDS = 3.0
"""Between a silence and the look that must find it again: a change of routes or a restart is over by then."""
LOOK_UP_SECONDS = 5.0
SET_CONTROLS = "set run.controls to an address that always answers, by the same kind of route as this one"


@dataclass(frozen=True)
class Route:
    """The kind of way to a host: what closes one of a kind closes the others."""

    is_named: bool
    """It goes through the name server."""
    scope: str
    """This machine, inside or outside."""

    def __str__(self) -> str:
        return f"{'a name' if self.is_named else 'an address'} {self.scope}"


class Controls:
    """Proves silences by the addresses of `run.controls`, each silence once in a run."""

    def __init__(self, settings: RunSettings, http: Http, guard: Guard) -> None:
        self._settings = settings
        self._http = http
        self._guard = guard
        self._proven: dict[tuple[str, int], str | Unknown] = {}
        self._lock = threading.Lock()

    def prove(self, silent: Silent, called_off: threading.Event) -> str:
        """Return, in words, how a silence is known to be the other side's own. Raises Unknown where it is not.

        It is silent again some seconds later, and a control by the same kind of route answers before and after that.
        """
        place = silent.host, silent.port
        with self._lock:
            if place not in self._proven:
                try:
                    self._proven[place] = self._prove(silent, called_off)
                except Unknown as unknown:
                    self._proven[place] = unknown
            proven = self._proven[place]

        if isinstance(proven, Unknown):
            raise Unknown(proven.reason, proven.remedy)
        return proven

    def _prove(self, silent: Silent, called_off: threading.Event) -> str:
        route = _route(silent.host)
        controls = [url for url in self._settings.controls if self._is_like(url, silent, route)]
        if not controls:
            why = f"no control says whether there is a way to {route}"
            raise Unknown(f"{silent.reason}; {why}", SET_CONTROLS)

        before = self._answering(controls, silent)
        if called_off.wait(PAUSE_SECONDS):
            raise Unknown("the run ended while a silence was proven", "run it again")
        if is_there(self._guard, "control", silent.host, silent.port):
            raise Unknown(f"{silent.reason}, and takes connections now", "what was it? look at its log, run again")
        after = self._answering(controls, silent)
        return f"no connection, twice; {', '.join(dict.fromkeys((before, after)))} answered meanwhile"

    @staticmethod
    def _is_like(url: str, silent: Silent, route: Route) -> bool:
        """Check whether a control is another host, by the same kind of route."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if (host, port) == (silent.host, silent.port):
            return False
        try:
            return _route(host) == route
        except Unknown:
            return False

    def _answering(self, controls: list[str], silent: Silent) -> str:
        """Return the first control that answers, whatever its status. Raises Unknown where none does."""
        for url in controls:
            try:
                return self._http.get(url, follow=False).url
            except Unknown:
                continue
        raise Unknown(
            f"{silent.reason}; no control answers either", "is this machine's own way out open, and its name server?"
        )


def _route(host: str) -> Route:
    """Return the kind of way to a host. Raises Unknown where its name has no address."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return Route(is_named=True, scope=_scope(_looked_up(host)))
    return Route(is_named=False, scope=_scope(address))


def _looked_up(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        addresses = within(Deadline.after(LOOK_UP_SECONDS), lambda _: socket.getaddrinfo(host, None))
    except (DeadlinePassed, OSError):
        raise Unknown(f"the name {host} has no address here", "is it right, and does DNS answer here?") from None
    return ipaddress.ip_address(str(addresses[0][4][0]).partition("%")[0])


def _scope(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address.is_loopback:
        return "of this machine"
    return "inside" if address.is_private else "outside"
