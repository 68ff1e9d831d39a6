"""A channel and a message, as Slack and Discord both have them; and the text that is in an answer's parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from readiness.outcomes import Unknown


@dataclass(frozen=True)
class Channel:
    """A channel that exists."""

    id: str
    name: str
    archived: bool
    rules: tuple[dict[str, Any], ...] = field(default=(), compare=False)
    """Who may see it, where the chat keeps that with the channel."""


@dataclass(frozen=True)
class Message:
    """Something that was said."""

    at: datetime
    author: str
    """The chat's own id of who said it."""
    text: str


def texts(found: Any, keys: tuple[str, ...]) -> Iterator[str]:
    """Give the texts that stand under some keys, however deep."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key in keys and isinstance(value, str):
                yield value
            else:
                yield from texts(value, keys)
    elif isinstance(found, list):
        for value in found:
            yield from texts(value, keys)


def unseen(name: str, chat: str) -> Unknown:
    """Say that a channel is not seen, which does not mean that it is not there."""
    return Unknown(
        f"{chat} shows the bot no channel {name}: it does not exist, or it is private and the bot is no member",
        f"invite the bot, or set communication.channels.{name} to its id; channels_public: true if none is private",
    )
