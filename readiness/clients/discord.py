"""Discord: the channels of a server, who may see them, their messages.

Source: its OpenAPI description; members and messages from discord.com/developers/docs. Without the message content
intent the text of what others said comes as an empty one, which is not the same as nothing said.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from readiness.environment import communication
from readiness.outcomes import Unknown
from readiness.transport.answer import Answer
from readiness.transport.http import Http
from readiness.transport.messages import Channel, Message, texts, unseen
from readiness.transport.typed import typed

PAGES_AT_MOST, PER_PAGE = 50, 100
_TEXT, _NEWS = 0, 5
_OK, _NOT_FOUND = 200, 404
_UNKNOWN_MEMBER = 10_007
_SEES, _ADMINISTERS = 1 << 10, 1 << 3
_MEMBER = 1
_EPOCH = 1_420_070_400_000
"""Milliseconds: where Discord's ids begin to count."""
_SHOWN = ("title", "description", "name", "value")
T = TypeVar("T")


class _Channel(BaseModel):
    id: str
    type: int
    name: str | None = None
    permission_overwrites: tuple[dict[str, Any], ...] = ()


class _Overwrite(BaseModel):
    id: str
    type: int
    allow: int
    deny: int


class _Role(BaseModel):
    id: str
    permissions: int


class _Guild(BaseModel):
    id: str
    owner_id: str
    roles: list[_Role]


class _Member(BaseModel):
    roles: list[str]


class _Author(BaseModel):
    id: str
    bot: bool = False


class _Said(BaseModel):
    id: str
    timestamp: AwareDatetime
    author: _Author
    content: str
    embeds: list[dict[str, Any]]
    attachments: list[dict[str, Any]] = []
    type: int = 0


class Discord:
    """One server, seen by a bot."""

    def __init__(self, settings: communication.Discord, http: Http, *, public: bool) -> None:
        self._settings, self._http, self._public = settings, http, public

    def channel(self, name: str) -> Channel | None:
        """Find a text channel by its name or id; None where it is known not to exist. Raises Unknown."""
        answer = self._get(f"/guilds/{self._guild}/channels").expect(_OK)
        found = _typed(list[_Channel], answer)
        if not found:
            raise Unknown("Discord shows the bot no channel at all", "give it the permission to view channels")
        known = [one for one in found if one.type in {_TEXT, _NEWS} and name in {one.name, one.id}]
        if not known and not self._public:
            raise unseen(name, "Discord")
        best = next(iter(known), None)
        return Channel(best.id, best.name or "", archived=False, rules=best.permission_overwrites) if best else None

    def absent(self, channel: Channel, people: Mapping[str, str]) -> list[str]:
        """Name the people who are not on the server, or may not see the channel. Raises Unknown."""
        guild = _typed(_Guild, self._get(f"/guilds/{self._guild}").expect(_OK))
        try:
            rules = TypeAdapter(list[_Overwrite]).validate_python(list(channel.rules))
        except ValidationError:
            raise Unknown("Discord answered something else than permissions", "is the address right?") from None
        return [name for name, person in people.items() if not self._sees(guild, rules, person)]

    def messages(self, channel: Channel, since: datetime, until: datetime) -> list[Message]:
        """Read what was said in a channel, the oldest first. Raises Unknown."""
        before = str((int(until.timestamp() * 1000) - _EPOCH + 1) << 22)
        found: list[_Said] = []
        for _ in range(PAGES_AT_MOST):
            where = f"/channels/{quote(channel.id, safe='')}/messages?limit={PER_PAGE}&before={before}"
            page = _typed(list[_Said], self._get(where).expect(_OK))
            found += page
            if len(page) < PER_PAGE or page[-1].timestamp < since:
                break
            before = page[-1].id
        else:
            raise Unknown(f"more than {PAGES_AT_MOST} pages were said in {channel.name}", "attest the line instead")
        within = [one for one in found if since <= one.timestamp <= until]
        if within and all(not one.content and not one.embeds and not one.attachments for one in within):
            raise Unknown(
                "Discord hides what was said from the bot", "give it the message content intent, in its own settings"
            )
        return sorted((_message(one) for one in reversed(within)), key=lambda one: one.at)

    @property
    def _guild(self) -> str:
        return quote(self._settings.guild, safe="")

    def _sees(self, guild: _Guild, rules: list[_Overwrite], person: str) -> bool:
        """Add up the roles and the channel's own rules, in Discord's order."""
        answer = self._get(f"/guilds/{self._guild}/members/{quote(person, safe='')}")
        if answer.status == _NOT_FOUND:
            found = answer.json()
            if isinstance(found, dict) and found.get("code") == _UNKNOWN_MEMBER:
                return False
        roles = {guild.id, *_typed(_Member, answer.expect(_OK)).roles}
        may = 0
        for role in guild.roles:
            may |= role.permissions if role.id in roles else 0
        if may & _ADMINISTERS or person == guild.owner_id:
            return True
        for theirs in (
            [rule for rule in rules if rule.id == guild.id],
            [rule for rule in rules if rule.type != _MEMBER and rule.id in roles - {guild.id}],
            [rule for rule in rules if rule.type == _MEMBER and rule.id == person],
        ):
            allow = deny = 0
            for rule in theirs:
                allow, deny = allow | rule.allow, deny | rule.deny
            may = may & ~deny | allow
        return bool(may & _SEES)

    def _get(self, path: str) -> Answer:
        bot = {"Authorization": f"Bot {self._settings.token.reveal()}"}
        return self._http.get(f"{self._settings.url}{path}", headers=bot)


def _message(said: _Said) -> Message:
    """Take the text, and the embeds that a webhook's notification stands in; a person's show a page that is linked."""
    beside = texts(said.embeds, _SHOWN) if said.author.bot else ()
    return Message(said.timestamp.astimezone(UTC), said.author.id, "\n".join([said.content, *beside]))


def _typed(kind: type[T], answer: Answer) -> T:
    """Take an answer as what it should be. Raises Unknown."""
    return typed(kind, answer.json(), answer, "Discord", "communication.discord.url")
