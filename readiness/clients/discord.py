"""Discord: the channels of a server, who may see them, their messages.

Source: its OpenAPI description; members and messages from discord.com/developers/docs. Without the message content
intent the text of what others said comes as an empty one, which is not the same as nothing said.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from readiness.environment import communication
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Unknown
from readiness.transport.answer import Answer
from readiness.transport.http import Http
from readiness.transport.messages import Channel, Message, texts, unseen
from readiness.transport.typed import at_key, typed

PAGES_AT_MOST = 50
PER_PAGE = 100
_TEXT_CHANNELS = {0, 5}
"""The types GUILD_TEXT and GUILD_ANNOUNCEMENT."""
_OK = 200
_NOT_FOUND = 404
_UNKNOWN_MEMBER = 10_007
"""The error code of a member that is not on the server; 404 has others, such as that of an unknown server."""
_SEES = 1 << 10
_ADMINISTERS = 1 << 3
_MEMBER = 1
"""The type of an overwrite for a person; the other is for a role."""
_EPOCH = 1_420_070_400_000
"""Milliseconds: where Discord's ids begin to count."""
_ID_TIME_SHIFT = 22
_SHOWN = ("title", "description", "name", "value")
T = TypeVar("T")


class _Channel(BaseModel):
    id: str
    type: int
    name: str | None = None
    permission_overwrites: tuple[JsonObject, ...] = ()


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


class _Post(BaseModel):
    id: str
    timestamp: AwareDatetime
    author: _Author
    content: str
    embeds: list[JsonObject]
    attachments: list[JsonObject] = []
    type: int = 0


class Discord:
    """One server, seen by a bot."""

    def __init__(self, settings: communication.Discord, http: Http, *, public: bool) -> None:
        self._settings = settings
        self._http = http.asking("Discord")
        self._public = public
        """No channel of the server is private: what the bot does not see does not exist."""

    def channel(self, name: str) -> Channel | None:
        """Return the text channel of a name or id; None where it is known not to exist. Raises Unknown."""
        answer = self._get(f"/guilds/{self._guild}/channels").expect(_OK)
        channels = _typed(TypeAdapter(list[_Channel]), answer)
        if not channels:
            raise Unknown("Discord shows the bot no channel at all", "give it the permission to view channels")

        for channel in channels:
            if channel.type in _TEXT_CHANNELS and name in {channel.name, channel.id}:
                rules = channel.permission_overwrites
                return Channel(channel.id, channel.name or "", archived=False, rules=rules)
        if not self._public:
            raise unseen(name, "Discord")
        return None

    def absent(self, channel: Channel, people: Mapping[str, str]) -> list[str]:
        """Return the names of the people who are not on the server, or may not see the channel. Raises Unknown.

        `people` maps names to Discord's ids.
        """
        guild = _typed(TypeAdapter(_Guild), self._get(f"/guilds/{self._guild}").expect(_OK))
        try:
            overwrites = TypeAdapter(list[_Overwrite]).validate_python(list(channel.rules))
        except ValidationError:
            raise Unknown("Discord answered something else than permissions", "is the address right?") from None
        return [name for name, person in people.items() if not self._sees(guild, overwrites, person)]

    def messages(self, channel: Channel, since: datetime, until: datetime) -> list[Message]:
        """Return the messages of a channel between two moments, the oldest first. Raises Unknown."""
        posts = [post for post in self._posts(channel, since, until) if since <= post.timestamp <= until]

        # Without the message content intent every text is empty. One that is there proves the intent.
        is_hidden = all(not post.content and not post.embeds and not post.attachments for post in posts)
        if posts and is_hidden:
            raise Unknown(
                "Discord hides what was said from the bot", "give it the message content intent, in its own settings"
            )

        # Discord answers the newest first; reversed before it is sorted, so that what has one time keeps its order.
        oldest_first = [_message(post) for post in reversed(posts)]
        return sorted(oldest_first, key=lambda message: message.at)

    def _posts(self, channel: Channel, since: datetime, until: datetime) -> list[_Post]:
        """Return the posts before `until`, the newest first, with at most a page from before `since`."""
        adapter = TypeAdapter(list[_Post])
        before = _id_after(until)
        posts: list[_Post] = []
        for _ in range(PAGES_AT_MOST):
            path = f"/channels/{quote(channel.id, safe='')}/messages?limit={PER_PAGE}&before={before}"
            page = _typed(adapter, self._get(path).expect(_OK))
            posts += page
            if len(page) < PER_PAGE or page[-1].timestamp < since:
                return posts
            before = page[-1].id
        raise Unknown(f"more than {PAGES_AT_MOST} pages were said in {channel.name}", "attest the line instead")

    @property
    def _guild(self) -> str:
        return quote(self._settings.guild, safe="")

    def _sees(self, guild: _Guild, overwrites: list[_Overwrite], person: str) -> bool:
        """Check whether a person may view a channel, as Discord computes permissions.

        Source: discord.com/developers/docs/topics/permissions, "Permission Hierarchy".
        """
        answer = self._get(f"/guilds/{self._guild}/members/{quote(person, safe='')}")
        if answer.status == _NOT_FOUND and at_key(answer.json(), "code") == _UNKNOWN_MEMBER:
            return False

        # Everybody has the role whose id is the server's.
        member = _typed(TypeAdapter(_Member), answer.expect(_OK))
        roles = {guild.id, *member.roles}

        permissions = 0
        for role in guild.roles:
            if role.id in roles:
                permissions |= role.permissions
        if permissions & _ADMINISTERS or person == guild.owner_id:
            return True

        # The order is Discord's: everybody, then all roles together, then the person. Each overrules what came before.
        for_everybody = [rule for rule in overwrites if rule.id == guild.id]
        for_roles = [rule for rule in overwrites if rule.type != _MEMBER and rule.id in roles - {guild.id}]
        for_person = [rule for rule in overwrites if rule.type == _MEMBER and rule.id == person]
        for rules in (for_everybody, for_roles, for_person):
            permissions = _overwritten(permissions, rules)
        return bool(permissions & _SEES)

    def _get(self, path: str) -> Answer:
        headers = {"Authorization": f"Bot {self._settings.token.reveal()}"}
        return self._http.get(f"{self._settings.url}{path}", headers=headers)


def _id_after(moment: datetime) -> str:
    """Return the first id after a moment: an id's upper bits are the milliseconds since Discord's epoch."""
    milliseconds = int(moment.timestamp() * 1000) - _EPOCH
    return str((milliseconds + 1) << _ID_TIME_SHIFT)


def _overwritten(permissions: int, rules: list[_Overwrite]) -> int:
    """Return the permissions after overwrites of one kind: what any of them allows wins over what others deny."""
    allow = 0
    deny = 0
    for rule in rules:
        allow |= rule.allow
        deny |= rule.deny
    return permissions & ~deny | allow


def _message(post: _Post) -> Message:
    """Return a post as a message; a bot's embeds are part of its text.

    A webhook's notification stands in embeds. A person's show a page that is linked: nobody has written that here.
    """
    parts = [post.content]
    if post.author.bot:
        parts += texts(post.embeds, _SHOWN)
    return Message(post.timestamp.astimezone(UTC), post.author.id, "\n".join(parts))


def _typed(adapter: TypeAdapter[T], answer: Answer) -> T:
    return typed(adapter, answer.json(), answer, "Discord", "communication.discord.url")
