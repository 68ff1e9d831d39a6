"""The words of a command line, before anybody reads them as options."""

from __future__ import annotations

import re
from collections.abc import Sequence

_OPTION = re.compile(r"-{1,2}[A-Za-z][\w-]*")
_EMPTY = re.compile(r"(--[A-Za-z][\w-]*)=\s*")


def empty_value(words: Sequence[str]) -> str:
    """Return that an option, or a word that stands alone, is empty; the empty text where none is.

    An unset variable leaves such a value. Who took it for one that is not given would drop what was asked for.

    >>> empty_value(["prod", "--as-of", ""])
    '--as-of is empty (is its variable set?): give it a value, or leave it out'
    """
    before = ""
    for word in words:
        stated = _EMPTY.fullmatch(word)
        if stated:
            return _says(stated[1])
        if not word.strip():
            return _says(_place_after(before))
        before = word
    return ""


def _place_after(before: str) -> str:
    """Return what is empty: the option that stands before it, or the word by its place."""
    if _OPTION.fullmatch(before):
        return before
    return f"the word after {before!r}" if before else "a word"


def _says(name: str) -> str:
    return f"{name} is empty (is its variable set?): give it a value, or leave it out"
