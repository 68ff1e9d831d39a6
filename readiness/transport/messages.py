"""A channel and a message, as Slack and Discord both have them; and the text that is in an answer's parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Unknown


@dataclass(frozen=True)
class Channel:
    """A channel that exists."""

    id: str
    name: str
    archived: bool
    rules: tuple[JsonObject, ...] = field(default=(), compare=False)
    """Who may see it, where the chat keeps that with the channel."""


@dataclass(frozen=True)
class Message:
    """One message of a channel."""

    at: datetime
    author: str
    """The chat's own id of its author."""
    text: str


def texts(value: Any, keys: tuple[str, ...]) -> Iterator[str]:
    """Yield the strings under any of the keys, at any depth, in the order of the document."""
    if isinstance(value, list):
        for item in value:
            yield from texts(item, keys)
        return

    if isinstance(value, dict):
        for key, item in value.items():
            if key in keys and isinstance(item, str):
                yield item
            else:
                yield from texts(item, keys)


def unseen(name: str, chat: str) -> Unknown:
    """Return the error for a channel that the bot does not see, which does not mean that there is none."""
    return Unknown(
        f"{chat} shows the bot no channel {name}: it does not exist, or it is private and the bot is no member",
        f"invite the bot, or set communication.channels.{name} to its id; channels_public: true if none is private",
    )
