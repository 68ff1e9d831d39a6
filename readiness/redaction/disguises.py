"""Text without its disguises: another case, escapes, colours, line breaks, and letters that nobody sees.

A secret comes back in them without anybody's ill will: a provider writes it in capitals, a log wraps it, a page escapes
it in a way of its own, a terminal colours half of it. The bare text is searched, and what stands for it is masked.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

ESCAPES, ESCAPE_LENGTH = 1_000, 12
"""So many escapes, and no longer ones, are remembered with what they stand for: a page repeats the same few."""
ROUNDS = 3
"""How often escapes are undone: what was escaped comes into a document that escapes it again."""
_SIGNS = ("%", "&", "\\", "\x1b")
"""One of these begins each of them."""
_ESCAPE = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+"
    r"|&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});"
    r"|(?:\\x[0-9A-Fa-f]{2})+"
    r"|\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})"
    r"|\\[/\\\"'nrt]"
    r"|\x1b\[[0-9;:]*m"
)
"""Of addresses, of HTML, of JSON and other literals, and the colours of a terminal."""
_NOTHING = {"\\n", "\\r", "\\t"}
"""Line breaks and tabs in a literal: what was wrapped in it is wrapped still."""
_UNSEEN = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3000, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10)))
)
"""Letters that nobody sees, though Unicode calls them printable."""
_OF_ASCII: dict[int, str | None] = {
    **{code: None for code in range(128) if not chr(code).isprintable() or chr(code) == " "},
    **{code: chr(code).lower() for code in range(128) if chr(code).isupper()},
}

_LOWERED_OTHERWISE = frozenset("\u03a3\u0130")
"""Letters that become others in lower case by where they stand, or two: a text is taken letter by letter."""

_Places = list[tuple[str, int, int]]
"""Letters, each with the part of a text that stands for it."""


@dataclass(frozen=True)
class Bare:
    """A text without its disguises, and the part of the disguised one that stands for each letter."""

    text: str
    parts: tuple[tuple[int, int], ...]

    def part(self, start: int, end: int) -> tuple[int, int]:
        """Return where in the disguised text some letters in a row begin and end."""
        return self.parts[start][0], self.parts[end - 1][1]


def bare(text: str) -> str:
    r"""Return a text in lower case and without blanks; its escapes stay.

    >>> bare("Over \u200bAnd\n%4fut")
    'overand%4fut'
    """
    if text.isascii():
        return text.translate(_OF_ASCII)
    text = text.lower() if _LOWERED_OTHERWISE.isdisjoint(text) else "".join(map(_lower, text))
    for letter in [letter for letter in set(text) if not _is_seen(letter)]:
        text = text.replace(letter, "")
    return text


def bare_texts(text: str) -> Iterator[str]:
    """Yield a text without its disguises: with its escapes as they stand, and with escapes undone where it has any."""
    yield bare(text)
    if any(sign in text for sign in _SIGNS):
        undone = _undone(text)
        if undone != text:
            yield bare(undone)


def bare_with_places(text: str) -> Iterator[Bare]:
    """Yield the same with the place of each letter, which takes much longer."""
    places = [(letter, at, at + 1) for at, letter in enumerate(text)]
    yield _bare(places)
    if any(sign in text for sign in _SIGNS):
        for _ in range(ROUNDS):
            places = _undone_once(places)
        yield _bare(places)


def _undone(text: str) -> str:
    for _ in range(ROUNDS):
        further = _ESCAPE.sub(_stands_for, text)
        if further == text:
            break
        text = further
    return text


def _stands_for(match: re.Match[str]) -> str:
    escape = match.group()
    return _remembered(escape) if len(escape) <= ESCAPE_LENGTH else _meant(escape)


@lru_cache(ESCAPES)
def _remembered(escape: str) -> str:
    return _meant(escape)


def _undone_once(places: _Places) -> _Places:
    text = "".join(letter for letter, _, _ in places)
    undone: _Places = []
    at = 0
    for match in _ESCAPE.finditer(text):
        undone += places[at : match.start()]
        begin, end = places[match.start()][1], places[match.end() - 1][2]
        undone += [(letter, begin, end) for letter in _meant(match.group())]
        at = match.end()
    return undone + places[at:]


def _meant(escape: str) -> str:
    """Return the letters that an escape stands for."""
    if escape[0] == "\x1b" or escape in _NOTHING:
        return ""
    if escape[0] == "%":
        return unquote(escape, errors="replace")
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[1] == "x":
        return bytes.fromhex(escape.replace("\\x", "")).decode("utf-8", "replace")
    if escape[1] in "uU":
        digits = escape[2:]
        code = int(digits, 16)
        return chr(code) if code <= sys.maxunicode else escape
    return escape[1]


def _bare(places: _Places) -> Bare:
    seen = [(_lower(letter), begin, end) for letter, begin, end in places if _is_seen(letter)]
    return Bare("".join(letter for letter, _, _ in seen), tuple((begin, end) for _, begin, end in seen))


def _is_seen(letter: str) -> bool:
    return letter.isprintable() and letter != " " and letter not in _UNSEEN


def _lower(letter: str) -> str:
    """Return the same letter in lower case; where that would be two, the letter itself, so that places hold."""
    lower = letter.lower()
    return lower if len(lower) == 1 else letter
