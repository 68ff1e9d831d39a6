"""Slack's Web API: channels, their members, their messages.

Source: its OpenAPI description and docs.slack.dev. An answer of status 200 may be an error (`ok: false`). Lists come in
pages; a page may be short or empty and still not be the last.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from readiness.environment import communication
from readiness.outcomes import Unknown
from readiness.transport.http import Http
from readiness.transport.messages import Channel, Message, texts, unseen

PAGES_AT_MOST, PER_PAGE = 50, 200
_ID = re.compile(r"[CG][A-Z0-9]{6,}$")
_ABSENT, _TOLD = "channel_not_found", 60
_RENEW = {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
_SHOWN = ("text", "title", "pretext", "value")
T = TypeVar("T", bound=BaseModel)
_OURS = "was something put in between? compare with docs.slack.dev"


class _Conversation(BaseModel):
    id: str
    name: str
    is_archived: bool


class _Said(BaseModel):
    ts: float
    user: str | None = None
    bot_id: str | None = None
    text: str = ""
    attachments: list[dict[str, Any]] = []
    blocks: list[dict[str, Any]] = []


class Slack:
    """One workspace, seen by a bot."""

    def __init__(self, settings: communication.Slack, http: Http, *, public: bool) -> None:
        self._settings, self._http, self._public = settings, http, public

    def channel(self, name: str) -> Channel | None:
        """Find a channel by its name or id; None where it is known not to exist. Raises Unknown."""
        if _ID.match(name):
            return self._by_id(name)
        words = {"types": "public_channel,private_channel", "exclude_archived": "false"}
        found = [one for one in self._listed("conversations.list", words) if one.name == name]
        if not found and not self._public:
            raise unseen(name, "Slack")
        best = min(found, key=lambda one: one.is_archived, default=None)
        return Channel(best.id, best.name, best.is_archived) if best else None

    def absent(self, channel: Channel, people: Mapping[str, str]) -> list[str]:
        """Name the people who are no members of a channel. Raises Unknown."""
        members: set[str] = set()
        for page in self._pages("conversations.members", {"channel": channel.id}):
            members |= set(_typed(_Members, page, "conversations.members").members)
        if not members:
            raise Unknown(f"Slack names nobody in {channel.name}", "is it a channel that the bot may see?")
        return [name for name, person in people.items() if person not in members]

    def messages(self, channel: Channel, since: datetime, until: datetime) -> list[Message]:
        """Read what was said in a channel, the oldest first. Raises Unknown."""
        method = "conversations.history"
        words = {"channel": channel.id, "oldest": f"{since.timestamp():.6f}", "latest": f"{until.timestamp():.6f}"}
        found: list[Message] = []
        for page in self._pages(method, {**words, "inclusive": "true"}):
            read = _typed(_History, page, method)
            if read.is_limited:
                raise Unknown("Slack hides older messages from this workspace's plan", "attest the line instead")
            found += [_message(one) for one in read.messages]
        return sorted(found, key=lambda one: one.at)

    def _by_id(self, name: str) -> Channel | None:
        method = "conversations.info"
        found = self._ask(method, {"channel": name})
        if found.get("ok") is not True and found.get("error") == _ABSENT:
            if self._public:
                return None
            raise unseen(name, "Slack")
        known = _typed(_Info, _granted(method, found), method).channel
        return Channel(known.id, known.name, known.is_archived)

    def _listed(self, method: str, words: Mapping[str, str]) -> Iterator[_Conversation]:
        for page in self._pages(method, words):
            yield from _typed(_List, page, method).channels

    def _pages(self, method: str, words: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Follow the pages to the last one."""
        cursor = ""
        for _ in range(PAGES_AT_MOST):
            page = self._ask(method, {**words, "limit": str(PER_PAGE), **({"cursor": cursor} if cursor else {})})
            yield _granted(method, page)
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor and page.get("has_more"):
                raise Unknown(f"Slack's {method} has more, and does not say where", _OURS)
            if not cursor:
                return
        raise Unknown(
            f"Slack's {method} has more than {PAGES_AT_MOST} pages",
            "set communication.channels to the channel's id, so that they need not be searched",
        )

    def _ask(self, method: str, words: Mapping[str, str]) -> dict[str, Any]:
        url = f"{self._settings.url}/{method}?{urlencode(words)}"
        found = self._http.get(url, token=self._settings.token).expect(200).json()
        if not isinstance(found, dict) or not isinstance(found.get("response_metadata") or {}, dict):
            raise Unknown(f"Slack's {method} answered no object", _OURS)
        return found


def _granted(method: str, found: dict[str, Any]) -> dict[str, Any]:
    """Give an answer that is none of Slack's refusals, which come with status 200 too."""
    if found.get("ok") is True:
        return found
    error = str(found.get("error") or "no reason is given")
    raise Unknown(f"Slack refuses {method}: {error[:_TOLD]}", _remedy(error, str(found.get("needed") or "")))


class _Members(BaseModel):
    members: list[str]


class _List(BaseModel):
    channels: list[_Conversation]


class _Info(BaseModel):
    channel: _Conversation


class _History(BaseModel):
    messages: list[_Said]
    is_limited: bool = False


def _remedy(error: str, needed: str) -> str:
    if error == "missing_scope":
        return f"give the bot the scope {needed[:_TOLD] or 'that it lacks'}, and install it again"
    if error == "not_in_channel":
        return "invite the bot into the channel"
    if error in _RENEW:
        return "renew communication.slack.token"
    return "look the error up at docs.slack.dev"


def _message(said: _Said) -> Message:
    """Take the text, and what a bot puts beside it: its notifications stand in attachments, or in blocks alone.

    Beside a person's words stands what others have said: a message that is shared, a page that is linked.
    """
    parts = [said.text] if said.text.strip() else ["".join(texts(block, _SHOWN)) for block in said.blocks]
    parts += texts(said.attachments, _SHOWN) if said.bot_id else ()
    try:
        at = datetime.fromtimestamp(said.ts, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unknown("Slack tells a message's time as no time", _OURS) from None
    return Message(at, said.user or said.bot_id or "", html.unescape("\n".join(parts)))


def _typed(kind: type[T], found: dict[str, Any], method: str) -> T:
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))[:_TOLD]
        raise Unknown(f"Slack's {method} answered something else: {place}: {first['msg']}", _OURS) from None
