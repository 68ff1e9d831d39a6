"""The links of a line: where to look by hand."""

from __future__ import annotations

import re

_LINK = re.compile(r"https?://[^\s<>\"'`|\\/][^\s<>\"'`|\\]*")


def is_link(text: str) -> bool:
    """Check whether a text can be shown as a link: an address of the web, and nothing that could end it."""
    return bool(_LINK.fullmatch(text))


def link(text: str) -> str:
    """Return a link as it stands. Raises ValueError where it cannot be shown as one."""
    if not is_link(text):
        raise ValueError(f"{text!r} must begin with https:// or http:// and hold no space and no quote")
    return text
