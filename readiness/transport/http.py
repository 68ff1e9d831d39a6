"""HTTP: one deadline over everything, a cap on the body, and an answer or Unknown."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from readiness.environment import schema
from readiness.outcomes import Effect
from readiness.redaction.secret import Secret
from readiness.transport.answer import Answer, NotSent, at_pointer
from readiness.transport.guard import Guard
from readiness.transport.in_flight import InFlight

if TYPE_CHECKING:
    from readiness.transport.exchange import Exchange

__all__ = ["Answer", "Http", "NotSent", "at_pointer"]

SYSTEM = "HTTP"
"""What is asked where no client of a system asks: the target, or whatever address a reading names."""


class Http:
    """The suite's only way to speak HTTP."""

    def __init__(self, settings: schema.Http, target: schema.Target, guard: Guard) -> None:
        self._settings = settings
        self._target = target
        self._guard = guard
        self._exchange: Exchange | None = None
        self._lock = threading.Lock()
        self._in_flight = InFlight[Answer]()
        self._system = SYSTEM
        self._whole = self

    def asking(self, system: str) -> Http:
        """Return the same, as a client uses it that asks one system: its name stands with each value that it brings."""
        view = copy.copy(self)
        view._system = system  # noqa: SLF001  it is its own
        return view

    def get(
        self, where: str, *, token: Secret | None = None, headers: Mapping[str, str] | None = None, follow: bool = True
    ) -> Answer:
        """Return the answer to a GET of a path of the target, or of a whole address. Raises Unknown.

        Without `follow` a redirect to another page, such as one to sign in, is the answer.
        """
        return self.send("GET", where, effect=Effect.READ, token=token, headers=headers, follow=follow)

    def send(
        self,
        method: str,
        where: str,
        *,
        effect: Effect,
        token: Secret | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        follow: bool = True,
    ) -> Answer:
        """Return the answer to one request, its redirects followed, all within the deadline. Raises Unknown.

        A path is on the target and carries its token and headers; an address elsewhere carries what is given here.
        A method that is not GET or HEAD says what it does to the other side by `effect`.
        """
        exchange = self._whole._open()  # noqa: SLF001  its own: all views share connections and their number
        content = {"json": json, "data": data, "files": files}
        ask = partial(
            exchange.send,
            method,
            where,
            effect=effect,
            token=token,
            headers=headers or {},
            content=content,
            follow=follow,
            system=self._system,
        )
        # What the target does with each request is what its lines are about. A source is only read, and once is enough.
        has_body = any(part is not None for part in content.values())
        only_reads = method.upper() == "GET" and effect is Effect.READ and not has_body
        if not only_reads or not exchange.is_source(where):
            return ask()
        given = (token.reveal() if token else None, tuple(sorted((headers or {}).items())))
        return self._whole._in_flight.once((self._system, where, given, follow), ask)  # noqa: SLF001  as above

    def _open(self) -> Exchange:
        """Return what sends requests, made when the first is sent."""
        from readiness.transport.exchange import Exchange  # noqa: PLC0415  httpx is slow to load: who asks pays

        with self._lock:
            if self._exchange is None:
                self._exchange = Exchange(self._settings, self._target, self._guard)
            return self._exchange
