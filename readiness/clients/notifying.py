"""Messages to people, through Apprise: chat, pager, mail or a webhook, whatever its addresses name."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from readiness.environment.schema import NAMES_ITS_HOST, Notify, host_of
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.redaction.secret import Secret
from readiness.transport.deadline import Deadline, DeadlinePassed, within
from readiness.transport.guard import Guard

TELLING = 12
"""Parts of an address this long are keys, where the address names a vendor and no host."""


@dataclass(frozen=True)
class Delivery:
    """How one message to one place went."""

    place: str
    """The kind of place: slack, mailtos, json. The address itself is a secret."""
    delivered: bool
    why: str = ""


@dataclass
class _Complaints(logging.Handler):
    """What Apprise says of a delivery that fails; it answers only yes or no."""

    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(logging.WARNING)

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


class Notifier:
    """Sends. Nothing is imported, and nobody contacted, before there is something to send."""

    def __init__(self, settings: Notify | None, guard: Guard) -> None:
        self._settings, self._guard = settings, guard

    def send(self, title: str, body: str) -> list[Delivery]:
        """Send to every place; one that fails keeps no other from it. Raises NotConfigured."""
        if self._settings is None:
            raise NotConfigured("nobody is named to be told", "set notify.urls in the environment")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of Apprise's many parts are not ours; a run makes them errors
            apprise = _apprise()
            return [self._deliver(apprise, one.reveal(), title, body) for one in self._settings.urls]

    def _deliver(self, apprise: Any, url: str, title: str, body: str) -> Delivery:
        place = urlsplit(url).scheme or "an address without a scheme"
        host = host_of(url) if place in NAMES_ITS_HOST else None
        if host is None:
            _remember(url)
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
        sender = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False, app_id="production-readiness"))
        with _listening() as said:
            if not sender.add(url):
                raise Unknown("Apprise does not know this address", "see its list of services")
            try:
                done = within(Deadline.after(seconds), lambda _: sender.notify(body=body, title=title))
            except DeadlinePassed:
                raise Unknown(f"not delivered within {seconds:g} s", "look at the service") from None
            if not done:
                raise Unknown(f"not delivered: {'; '.join(said) or 'no reason is given'}", "look at the service")


def _apprise() -> Any:
    try:
        import apprise  # noqa: PLC0415  an optional part, and slow to load
    except ImportError:
        raise NotConfigured("Apprise is not installed", "pip install 'production-readiness[notify]'") from None
    return apprise


@contextmanager
def _listening() -> Iterator[list[str]]:
    logger, complaints = logging.getLogger("apprise"), _Complaints()
    logger.addHandler(complaints)
    try:
        yield complaints.said
    finally:
        logger.removeHandler(complaints)


def _remember(url: str) -> None:
    """Keep the keys that an address is made of out of every output."""
    for part in url.replace("?", "/").replace("@", "/").replace(":", "/").replace("&", "/").split("/"):
        if len(part) >= TELLING:
            Secret(part)
