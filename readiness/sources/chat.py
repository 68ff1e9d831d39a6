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

__all__ = ["Channel", "Chat", "ChatChannel", "Chats", "Message"]
SLACK, DISCORD = "slack", "discord"


class Chat(Protocol):
    """What both can be asked."""

    def channel(self, name: str) -> Channel | None:
        """Return the channel of a name or id; None where it is known not to exist. Raises Unknown."""

    def absent(self, channel: Channel, people: Mapping[str, str]) -> list[str]:
        """Return the names of the people who cannot read a channel; `people` maps them to ids. Raises Unknown."""

    def messages(self, channel: Channel, since: datetime, until: datetime) -> list[Message]:
        """Return the messages of a channel between two moments, the oldest first. Raises Unknown."""


@dataclass(frozen=True)
class ChatChannel:
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

    def place(self, channel: str) -> ChatChannel:
        """Return where a channel of the runbook is: `slack/name`, `discord/name` or a name. Raises NotConfigured."""
        names = self._given.channels if self._given else {}
        name = names.get(channel) or channel

        kind = _chat_of(name)
        if kind:
            name = name.partition("/")[2]
        else:
            # The runbook may say where, and the environment only how it is called there.
            of_runbook = _chat_of(channel)
            first_configured = next(iter(self._chats), SLACK)
            kind = of_runbook if of_runbook in self._chats else first_configured

        if kind not in self._chats:
            raise NotConfigured(
                f"where to look for the channel {channel} is not configured",
                f"set communication.{kind} in the environment file",
            )
        return ChatChannel(self._chats[kind], name.removeprefix("#"))


def _chat_of(channel: str) -> str:
    """Return the chat that a name begins with, as in `slack/launch`; an empty text for a name alone."""
    kind, slash, _ = channel.partition("/")
    if slash and kind in {SLACK, DISCORD}:
        return kind
    return ""
