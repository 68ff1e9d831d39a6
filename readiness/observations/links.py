"""The key links of a runbook: whether they are on record, and whether those that may be asked answer."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from readiness.environment.schema import Environment
from readiness.errors import nearest
from readiness.observations import observation
from readiness.observations.needs import need
from readiness.outcomes import NotConfigured, Refused, Unknown
from readiness.provenance import Declared, note
from readiness.redaction.shown import shown
from readiness.transport.http import Http

_GONE = {404, 410}
_TOO_MANY = 429
_SERVER_ERROR = 500
_ASKS_WHO = {401, 403, 407}
_SHOWN = 200


@dataclass(frozen=True)
class KeyLink:
    """One link, and what became of asking it."""

    name: str
    address: str
    asked: bool
    broken: bool
    state: str
    """What it answered, or why it was not asked."""


@need("links.{link}")
def named_link(environment: Environment, link: str) -> str:
    """Return the address of a link. Raises NotConfigured with the nearest name."""
    if link in environment.links:
        return environment.links[link]
    near = nearest(link, environment.links)
    hint = f"; did you mean {near}?" if near else ""
    raise NotConfigured(f"no link is called {link}{hint}", f"set links.{link} in the environment file")


@observation(needs=named_link)
def key_link(http: Http, environment: Environment, link: str) -> KeyLink:
    """Return what a link answers; one on a host that is not allowed is not asked. Raises Unknown."""
    address = named_link(environment, link)
    shown_address = shown(address, _SHOWN)
    host = (urlsplit(address).hostname or "").lower()
    if host not in environment.allowed_hosts:
        note(Declared(f"links.{link}", f"{environment.environment}.yaml"))
        return KeyLink(
            link, shown_address, asked=False, broken=False, state=f"not asked: {host} is not among allowed_hosts"
        )
    try:
        answer = http.get(address, follow=False)
    except Refused as refused:
        return KeyLink(link, shown_address, asked=True, broken=True, state=refused.reason)

    if answer.status == _TOO_MANY:
        raise Unknown(f"{shown_address} answers {answer.status}", "it is asked too often; run again later")
    is_broken = answer.status in _GONE or answer.status >= _SERVER_ERROR
    words = "asks who it is" if answer.status in _ASKS_WHO else f"answers {answer.status}"
    return KeyLink(link, shown_address, asked=True, broken=is_broken, state=words)
