"""Control addresses: whether a silence is the other side's, or our own way out is closed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from readiness.clients.ways import Way, way_to
from readiness.environment.running import RunSettings
from readiness.outcomes import Silent, Unknown
from readiness.transport.connecting import is_there
from readiness.transport.guard import Guard
from readiness.transport.http import Http

PAUSE_SECONDS = 3.0
"""Between a silence and the look that must find it again: a change of routes or a restart is over by then."""
ELSEWHERE = "on another network"
SET_CONTROLS = "set run.controls to an address that always answers, by the same kind of route as this one"


class Controls:
    """Proves silences, each once in a run: by the addresses of `run.controls`, else by what the run has asked too."""

    def __init__(self, settings: RunSettings, http: Http, guard: Guard) -> None:
        self._settings = settings
        self._http = http
        self._guard = guard
        self._proven: dict[tuple[str, int], str | Unknown] = {}
        self._lock = threading.Lock()

    def prove(self, silent: Silent, called_off: threading.Event) -> str:
        """Return, in words, how a silence is known to be the other side's own. Raises Unknown where it is not.

        It is silent again some seconds later, and a control by the same kind of route answers before and after that:
        one that is stated, or another allowed host that has answered in this run.
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
        try:
            way = way_to(silent.host, silent.port)
        except Unknown as unknown:
            raise Unknown(f"{silent.reason}; {unknown.reason}", unknown.remedy) from None
        look = self._look(silent, way)

        before = look()
        if called_off.wait(PAUSE_SECONDS):
            raise Unknown("the run ended while a silence was proven", "run it again")
        if is_there(self._guard, "control", silent.host, silent.port):
            raise Unknown(f"{silent.reason}, and takes connections now", "what was it? look at its log, run again")
        after = look()
        return f"no connection, twice; {', '.join(dict.fromkeys((before, after)))} answered meanwhile"

    def _look(self, silent: Silent, way: Way) -> Callable[[], str]:
        """Return how to look whether the way out is open: by a stated control, else by what this run has asked too.

        Raises Unknown where there is neither.
        """
        controls = [url for url in self._settings.controls if self._is_like(url, silent, way)]
        if controls:
            # A neighbour of the silent host tells most: the way to both is one.
            controls.sort(key=lambda url: not self._is_neighbour(_place_of(url), way))
            return lambda: self._answering(controls, silent, way)

        # A source counts only where it has answered in this run: what never did says nothing of the way.
        others = [place for place in self._guard.silences.answering if self._is_beside(place, way)]
        if others:
            return lambda: self._still_there(others, silent, way)

        why = f"no control says whether there is a way to {way.route}"
        raise Unknown(f"{silent.reason}; {why}, and nothing else by such a way has answered in this run", SET_CONTROLS)

    @staticmethod
    def _is_like(url: str, silent: Silent, way: Way) -> bool:
        """Check whether a stated control is another host, by the same kind of route."""
        host, port = _place_of(url)
        if (host, port) == (silent.host, silent.port):
            return False
        try:
            return way_to(host, port).route == way.route
        except Unknown:
            return False

    @staticmethod
    def _is_neighbour(place: tuple[str, int], way: Way) -> bool:
        """Check whether a control and the silent host are on one network, as far as their addresses tell."""
        try:
            return way.shares_network(way_to(*place))
        except Unknown:
            return False

    def _shown(self, name: str, place: tuple[str, int], way: Way) -> str:
        """Return how the evidence names a control: one elsewhere says nothing of the last part of the way."""
        return name if self._is_neighbour(place, way) else f"{name} ({ELSEWHERE})"

    @staticmethod
    def _is_beside(place: tuple[str, int], way: Way) -> bool:
        """Check whether a host that this run has asked shows by its answers that the way is open."""
        try:
            return way.is_proven_by(way_to(*place))
        except Unknown:
            return False

    def _answering(self, controls: list[str], silent: Silent, way: Way) -> str:
        """Return the first control that answers, whatever its status. Raises Unknown where none does."""
        for url in controls:
            try:
                return self._shown(self._http.get(url, follow=False).url, _place_of(url), way)
            except Unknown:
                continue
        raise _closed(silent, "no control answers either")

    def _still_there(self, places: list[tuple[str, int]], silent: Silent, way: Way) -> str:
        """Return the first host that answered before and takes connections now. Raises Unknown where none does."""
        for host, port in places:
            if is_there(self._guard, "control", host, port):
                return f"{self._shown(f'{host}:{port}', (host, port), way)}, asked in this run too,"
        raise _closed(silent, "nothing that has answered in this run does so now")


def _place_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _closed(silent: Silent, why: str) -> Unknown:
    return Unknown(f"{silent.reason}; {why}", "is this machine's own way out open, and its name server?")
