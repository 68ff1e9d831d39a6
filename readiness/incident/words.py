"""Whether a text says a word: whole words alone, so that `cooldown` says nothing of `down`."""

from __future__ import annotations

import re

ANY_LETTERS = "*"
_APART = re.compile(r"[^\w*-]+")
_JOINED = re.compile(r"[_-]+")
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def says_word(text: str, word: str) -> bool:
    """Check whether a text has a word in it, in any case; a `*` in the word stands for any letters.

    HALF-OPEN, `half open` and half_open are one word, as for a ladder: none of them is `open`, but the second, which is
    two.

    >>> says_word("cooldown finished", "down"), says_word("it is DOWN.", "down"), says_word("api HALF-OPEN", "open")
    (False, True, False)
    >>> says_word("parse_error: line 4", "pars*"), says_word("sparse rows", "pars*")
    (True, False)
    """
    plain = (part for part in _BETWEEN_WORDS.split(_plain(word)) if part)
    parts = (re.escape(part).replace(re.escape(ANY_LETTERS), r"\S*") for part in plain)
    return re.search(rf"(?<!\S){'[ _]'.join(parts)}(?!\S)", _plain(text)) is not None


def has_letters(word: str) -> bool:
    """Check whether a word is one: of `*` and `--` alone any text would do."""
    return any(letter.isalnum() for letter in word)


def _plain(text: str) -> str:
    """Return a text in lower case, a space between its words, `_` between the parts of one."""
    words = (_JOINED.sub("_", part).strip("_") for part in _APART.sub(" ", text.casefold()).split())
    return " ".join(filter(None, words))
