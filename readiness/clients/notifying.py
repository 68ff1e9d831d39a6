"""Messages to people, through Apprise: chat, pager, mail or a webhook, whatever its addresses name."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from readiness.environment.schema import NAMES_ITS_HOST, Notify, host_of
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.redaction.shown import shown
from readiness.transport.deadline import Deadline, DeadlinePassed, Wire, within
from readiness.transport.guard import Guard
from readiness.transport.outgoing import NotAllowedThere, for_good, only_to

_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}")
KEY_LENGTH = 12
"""Parts of an address this long are keys, where the address names a vendor and no host."""


@dataclass(frozen=True)
class Delivery:
    """How one message to one place went."""

    place: str
    """The kind of place: slack, mailtos, json. The address itself is a secret."""
    delivered: bool
    why: str = ""


@dataclass
class _Warnings(logging.Handler):
    """Collects what Apprise logs of a delivery that fails: its answer is only yes or no."""

    messages: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(logging.WARNING)

    # By identity, as every handler: a dataclass compares by its fields and has no hash.
    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


class Notifier:
    """Sends messages. Nothing is imported, and nobody contacted, before there is one to send."""

    def __init__(self, settings: Notify | None, guard: Guard) -> None:
        self._settings = settings
        self._guard = guard

    def send(self, title: str, body: str) -> list[Delivery]:
        """Send to every place and return how each went: one that fails stops no other. Raises NotConfigured."""
        if self._settings is None:
            raise NotConfigured("nobody is named to be told", "set notify.urls in the environment")

        with warnings.catch_warnings():
            # Those of Apprise's many parts are not ours, and a run makes warnings errors.
            warnings.simplefilter("ignore")
            apprise = _apprise()
            return [self._deliver(apprise, url.reveal(), title, body) for url in self._settings.urls]

    def _deliver(self, apprise: Any, url: str, title: str, body: str) -> Delivery:
        place = urlsplit(url).scheme or "an address without a scheme"
        host = host_of(url) if place in NAMES_ITS_HOST else None
        # What stands in place of a host is a key then, as in slack://T1/B2/token.
        if host is None:
            _remember_keys(url)

        try:
            with self._guard.request("notify", "SEND", place, host, Effect.NOTIFY) as entry:
                self._send(apprise, url, title, body)
                entry.status = "delivered"
        except Unknown as unknown:
            return Delivery(place, delivered=False, why=unknown.reason)
        return Delivery(place, delivered=True)

    def _send(self, apprise: Any, url: str, title: str, body: str) -> None:
        assert self._settings
        seconds = self._settings.seconds_at_most
        # Redirects would lead where no guard has looked.
        sender = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False, app_id="production-readiness"))
        with _collected_warnings() as messages, only_to(self._guard.allowed_hosts) as restriction:
            if not sender.add(url):
                raise Unknown("Apprise does not know this address", "see its list of services")

            def send(_: Wire) -> bool:
                return for_good(restriction, lambda: bool(sender.notify(body=body, title=title)))

            try:
                delivered = within(Deadline.after(seconds), send)
            except DeadlinePassed:
                raise Unknown(f"not delivered within {seconds:g} s", "look at the service") from None
            except NotAllowedThere:
                delivered = False
            if restriction.refused:
                raise _not_allowed(restriction.refused)
            if not delivered:
                reason = "; ".join(messages) or "no reason is given"
                raise Unknown(f"not delivered: {reason}", "look at the service")


def _not_allowed(hosts: list[str]) -> Unknown:
    """Return the error for hosts that Apprise would have sent to, or to a proxy of this machine, by itself."""
    names = ", ".join(shown(host) for host in dict.fromkeys(hosts))
    return Unknown(f"not delivered: it goes to {names}, not in allowed_hosts", "add the host, if it is to hear of this")


def _apprise() -> Any:
    """Return the module. Raises NotConfigured where it is not installed."""
    try:
        import apprise  # noqa: PLC0415  an optional part, and slow to load
    except ImportError:
        raise NotConfigured("Apprise is not installed", "pip install 'production-readiness[notify]'") from None
    return apprise


@contextmanager
def _collected_warnings() -> Iterator[list[str]]:
    logger = logging.getLogger("apprise")
    handler = _Warnings()
    logger.addHandler(handler)
    try:
        yield handler.messages
    finally:
        logger.removeHandler(handler)


def _remember_keys(url: str) -> None:
    """Remember the keys that an address is made of as secrets, so that every output masks them.

    In the place of the host some services have a key; the name of a host is none, and people are to read it.
    """
    for part in re.split("[/?@:&]", url):
        if len(part) >= KEY_LENGTH and not _HOST.fullmatch(part):
            Secret(part)
