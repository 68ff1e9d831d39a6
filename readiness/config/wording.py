"""Wording: whether what a person wrote says something, or only holds the place of what is to be written."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

WORDS_AT_LEAST = 2
UNSPACED_AT_LEAST = 4
"""Letters that make a sentence in a script that puts no space between its words."""
_SAYS_NOTHING = re.compile(
    r"[\W_]*(?:to ?do|tb[adc]|fix ?me|n\W?a|none|nil|pending|unknown|placeholder|lorem ipsum\b.*|x{2,}|"
    r"to be (?:done|written|added|filled|determined|announced|confirmed)\b.*|fill (?:me |this )?in\b.*|"
    r"your \w+(?: \w+)? here|(?:some|any)one|name|coming soon)?[\W_]*",
    re.IGNORECASE | re.DOTALL,
)
_TEMPLATE = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|\{\{[^{}]*\}\}|<!--.*?-->", re.DOTALL)
_WORD = re.compile(r"[^\W\d_][^\W\d_'\u2019]*[^\W\d_]")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_RESERVED_HOST = re.compile(r"(?:^|\.)example\.(?:com|net|org|edu)$|(?:^|\.)(?:example|invalid|test)$")
"""Names that RFC 2606 keeps for examples: nobody's evidence is there."""
_LEFT_OUT = re.compile(r"(?:^|[/?#=])(?:\.{2,}|…)(?:$|[/?#&])")


def says_nothing(text: str) -> bool:
    """Check whether a text is empty or only holds the place of one: `TBD`, `<summary>`, `to be written`."""
    written = _TEMPLATE.sub("", text).strip()
    return bool(_SAYS_NOTHING.fullmatch(written))


def is_sentence(text: str) -> bool:
    """Check whether a text says something: two words at least that are made of letters, and no placeholder.

    >>> [is_sentence(text) for text in ("we watch it by hand", "...........", "n/a, n/a, n/a", "to be written")]
    [True, False, False, False]
    """
    if says_nothing(text):
        return False

    written = unicodedata.normalize("NFKC", _TEMPLATE.sub("", text)).casefold()
    if len(_UNSPACED.findall(written)) >= UNSPACED_AT_LEAST:
        return True
    # A word that stands twice says no more than once.
    return len(set(_WORD.findall(written))) >= WORDS_AT_LEAST


def is_placeholder_link(text: str) -> bool:
    """Check whether a link only holds the place of one: `https://...`, `https://example.com/review`.

    >>> [is_placeholder_link(link) for link in ("https://wiki.shop.internal/review", "https://...", "https://x.example")]
    [False, True, True]
    """
    try:
        host = (urlsplit(text).hostname or "").rstrip(".")
    except ValueError:
        return True

    # A host of dots, of `TBD` or `xxx.com` is one that nobody has filled in; na.shop.io is in America.
    first_label, _, rest = host.partition(".")
    if "" in host.split(".") or (says_nothing(first_label) and "." not in rest):
        return True
    return bool(_RESERVED_HOST.search(host) or _LEFT_OUT.search(text.partition("://")[2]))
