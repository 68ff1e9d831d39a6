"""Chat as the checks see it, whichever of the two it is: channels, who is in them, and what was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from readiness.clients.discord import Discord
from readiness.clients.slack import Slack
from readiness.environment.communication import Communication
from readiness.outcomes import NotConfigured
from readiness.transport.http import Http
from readiness.transport.messages import Channel, Message

__all__ = ["Channel", "Chat", "Chats", "Message", "Place"]
SLACK, DISCORD = "slack", "discord"


class Chat(Protocol):
    """What both can be asked."""

    def channel(self, name: str) -> Channel | None:
        """Find a channel by its name or id; None where it is known not to exist. Raises Unknown."""

    def absent(self, channel: Channel, people: Mapping[str, str]) -> list[str]:
        """Name the people who cannot read a channel. Raises Unknown."""

    def messages(self, channel: Channel, since: datetime, until: datetime) -> list[Message]:
        """Read what was said in a channel, the oldest first. Raises Unknown."""


@dataclass(frozen=True)
class Place:
    """A channel of a runbook, and the chat that it is in."""

    chat: Chat
    name: str
    """Its name or id there."""


class Chats:
    """The chats that the environment names under `communication`."""

    def __init__(self, settings: Communication | None, http: Http) -> None:
        self._given = settings
        public = settings.channels_public if settings else False
        self._chats: dict[str, Chat] = {}
        if settings and settings.slack:
            self._chats[SLACK] = Slack(settings.slack, http, public=public)
        if settings and settings.discord:
            self._chats[DISCORD] = Discord(settings.discord, http, public=public)

    def place(self, channel: str) -> Place:
        """Say where a channel of the runbook is: `slack/name`, `discord/name` or a name. Raises NotConfigured."""
        names = self._given.channels if self._given else {}
        called = names.get(channel) or channel
        kind, slash, name = called.partition("/")
        if not slash or kind not in {SLACK, DISCORD}:
            kind, name = next(iter(self._chats), SLACK), called
            if "/" in channel and channel.partition("/")[0] in self._chats:
                kind = channel.partition("/")[0]  # the runbook says where, the environment only how it is called
        if kind not in self._chats:
            raise NotConfigured(
                f"where to look for the channel {channel} is not configured",
                f"set communication.{kind} in the environment file",
            )
        return Place(self._chats[kind], name.removeprefix("#"))
