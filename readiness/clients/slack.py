"""Slack's Web API: channels, their members, their messages.

Source: its OpenAPI description and docs.slack.dev. An answer of status 200 may be an error (`ok: false`). Lists come in
pages; a page may be short or empty and still not be the last.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from readiness.environment import communication
from readiness.errors import wrong_value
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.transport.http import Http
from readiness.transport.messages import Channel, Message, texts, unseen

PAGES_AT_MOST = 50
PER_PAGE = 200
_ID = re.compile(r"[CG][A-Z0-9]{6,}$")
_ABSENT = "channel_not_found"
_ERROR_SHOWN = 60
_RENEW = {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
_SHOWN = ("text", "title", "pretext", "value")
T = TypeVar("T", bound=BaseModel)
_OURS = "was something put in between? compare with docs.slack.dev"


class _Conversation(BaseModel):
    id: str
    name: str
    is_archived: bool


class _Post(BaseModel):
    ts: float
    user: str | None = None
    bot_id: str | None = None
    text: str = ""
    attachments: list[JsonObject] = []
    blocks: list[JsonObject] = []


class _Members(BaseModel):
    members: list[str]


class _List(BaseModel):
    channels: list[_Conversation]


class _Info(BaseModel):
    channel: _Conversation


class _History(BaseModel):
    messages: list[_Post]
    is_limited: bool = False


class Slack:
    """One workspace, seen by a bot."""

    def __init__(self, settings: communication.Slack, http: Http, *, public: bool) -> None:
        self._settings = settings
        self._http = http.asking("Slack")
        self._public = public
        """No channel of the workspace is private: what the bot does not see does not exist."""

    def channel(self, name: str) -> Channel | None:
        """Return the channel of a name or id; None where it is known not to exist. Raises Unknown."""
        if _ID.match(name):
            return self._channel_by_id(name)

        parameters = {"types": "public_channel,private_channel", "exclude_archived": "false"}
        matches = [each for each in self._conversations(parameters) if each.name == name]
        if not matches and not self._public:
            raise unseen(name, "Slack")
        if not matches:
            return None

        # A name may be used again once its channel is archived: the one that is open is meant.
        channel = min(matches, key=lambda conversation: conversation.is_archived)
        return Channel(channel.id, channel.name, channel.is_archived)

    def absent(self, channel: Channel, people: Mapping[str, str]) -> list[str]:
        """Return the names of the people who are no members of a channel. Raises Unknown.

        `people` maps names to Slack's ids.
        """
        method = "conversations.members"
        members: set[str] = set()
        for page in self._pages(method, {"channel": channel.id}, _Members):
            members.update(page.members)
        if not members:
            raise Unknown(f"Slack names nobody in {channel.name}", "is it a channel that the bot may see?")
        return [name for name, person in people.items() if person not in members]

    def messages(self, channel: Channel, since: datetime, until: datetime) -> list[Message]:
        """Return the messages of a channel between two moments, the oldest first. Raises Unknown."""
        method = "conversations.history"
        parameters = {
            "channel": channel.id,
            "oldest": f"{since.timestamp():.6f}",
            "latest": f"{until.timestamp():.6f}",
            "inclusive": "true",
        }
        messages: list[Message] = []
        for history in self._pages(method, parameters, _History):
            # The free plan hides what is older than 90 days: that nothing is there says nothing.
            if history.is_limited:
                raise Unknown("Slack hides older messages from this workspace's plan", "attest the line instead")
            messages += [_message(post) for post in history.messages]
        return sorted(messages, key=lambda message: message.at)

    def _channel_by_id(self, channel_id: str) -> Channel | None:
        method = "conversations.info"
        document = self._get(method, {"channel": channel_id})

        is_absent = document.get("ok") is not True and document.get("error") == _ABSENT
        if is_absent and self._public:
            return None
        if is_absent:
            raise unseen(channel_id, "Slack")

        channel = _typed(_Info, _granted(method, document), method).channel
        return Channel(channel.id, channel.name, channel.is_archived)

    def _conversations(self, parameters: Mapping[str, str]) -> Iterator[_Conversation]:
        for page in self._pages("conversations.list", parameters, _List):
            yield from page.channels

    def _pages(self, method: str, parameters: Mapping[str, str], kind: type[T]) -> Iterator[T]:
        """Yield every page of a method that lists, as a model. Raises Unknown."""
        asked = {**parameters, "limit": str(PER_PAGE)}
        for _ in range(PAGES_AT_MOST):
            page = self._get(method, asked)
            yield _typed(kind, _granted(method, page), method)

            # The last page has an empty cursor, or none; how long a page is says nothing.
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor and page.get("has_more"):
                raise Unknown(f"Slack's {method} has more, and does not say where", _OURS)
            if not cursor:
                return
            asked["cursor"] = cursor
        raise Unknown(
            f"Slack's {method} has more than {PAGES_AT_MOST} pages",
            "set communication.channels to the channel's id, so that they need not be searched",
        )

    def _get(self, method: str, parameters: Mapping[str, str]) -> JsonObject:
        """Return what a method answers, be it a refusal. Raises Unknown for what is no answer of Slack's."""
        url = f"{self._settings.url}/{method}?{urlencode(parameters)}"
        document = self._http.get(url, token=self._settings.token).expect(200).json()

        is_object = isinstance(document, dict) and isinstance(document.get("response_metadata") or {}, dict)
        if not is_object:
            raise Unknown(f"Slack's {method} answered no object", _OURS)
        answer: JsonObject = document
        return answer


def _granted(method: str, document: JsonObject) -> JsonObject:
    """Return an answer that is no refusal. Raises Unknown for one: they come with status 200 too."""
    if document.get("ok") is True:
        return document
    error = str(document.get("error") or "no reason is given")
    needed = str(document.get("needed") or "")
    raise Unknown(f"Slack refuses {method}: {shown(error, _ERROR_SHOWN)}", _remedy(error, needed))


def _remedy(error: str, needed: str) -> str:
    """Return what to do about one of Slack's errors; `needed` is the scope that a missing_scope names."""
    if error == "missing_scope":
        return f"give the bot the scope {shown(needed, _ERROR_SHOWN) or 'that it lacks'}, and install it again"
    if error == "not_in_channel":
        return "invite the bot into the channel"
    if error in _RENEW:
        return "renew communication.slack.token"
    return "look the error up at docs.slack.dev"


def _message(post: _Post) -> Message:
    """Return a post as a message. Raises Unknown where its time is none.

    A bot's notifications stand in attachments, or in blocks alone. Beside a person's words stands what others have
    said: a message that is shared, a page that is linked.
    """
    parts = [post.text]
    if not post.text.strip():
        parts = ["".join(texts(block, _SHOWN)) for block in post.blocks]
    if post.bot_id:
        parts += texts(post.attachments, _SHOWN)
    text = html.unescape("\n".join(parts))  # Slack escapes &, < and >

    try:
        at = datetime.fromtimestamp(post.ts, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unknown("Slack tells a message's time as no time", _OURS) from None
    return Message(at, post.user or post.bot_id or "", text)


def _typed(kind: type[T], document: JsonObject, method: str) -> T:
    """Return an answer as a model. Raises Unknown that names the method and the first place that is wrong."""
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = shown(".".join(map(str, first["loc"])), _ERROR_SHOWN)
        raise Unknown(f"Slack's {method} answered something else: {place}: {wrong_value(first)}", _OURS) from None
