"""Wording: whether what a person wrote says something, or only holds the place of what is to be written."""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Container
from urllib.parse import urlsplit

from readiness.config.promises import AGREEING

_UNDECIDED = re.compile(
    # TBA is also the beginning of a name: TBA Bank.
    r"\bTBD\b|\bTB[AC]\b(?!\s+(?-i:[A-Z][a-z]))|\bto be (?:defined|decided|confirmed|announced|found|named|hired)\b"
    r"|^to[-_ ]?do\b|\bfix ?me\b|^n/?a$|\bn/a\b|\?{2,}|_{3,}|\.{3,}|…"
    r"|place[-_ ]?holder|change[-_ ]?me|fill[-_ ]?(?:me|in)\b|\bx{3,}|lorem ipsum|<[^>]*>|\[[^\]]*\]|\{[^}]*\}"
    r"|\b(?:first|last|full|contact|phone|e-?mail|your|my|some|the)?[-_ ]?(?:name|number|address)[-_ ]?here\b"
    r"|^(?:none|null|nil|nobody|unknown|someone|anyone|anybody|name|contact|phone|e-?mail|your[-_ ].*|-+|\.+)$"
    r"|^(?:currently |still |yet )?(?:vacant|vacancy|unassigned|unstaffed|unfilled|open|empty)\b[\w ]*$"
    r"|\b(?:open|vacant) (?:position|role|seat|post)\b|\bnew hire\b|\b(?:john|jane|max|erika) (?:doe|mustermann)\b",
    re.IGNORECASE,
)
WORDS_AT_LEAST = 2
UNSPACED_AT_LEAST = 4
"""Letters that make a sentence in a script that puts no space between its words."""
_SAYS_NOTHING = re.compile(
    r"[\W_]*(?:to ?do|tb[adc]|fix ?me|n\W?a|none|nil|pending|unknown|placeholder|lorem ipsum\b.*|x{2,}|"
    r"to be (?:done|written|added|filled|determined|announced|confirmed)\b.*|fill (?:me |this )?in\b.*|"
    r"your \w+(?: \w+)? here|(?:some|any)one|name|coming soon|(?:same )?(?:as|see) (?:above|below|before)|ditto|"
    r"(?:still |currently |being )?(?:under investigation|investigating|investigated|unknown|unclear)(?: yet| so far)?|"
    r"not (?:yet )?(?:known|clear|determined)(?: yet| so far)?|pending (?:review|investigation|analysis))?[\W_]*",
    re.IGNORECASE | re.DOTALL,
)
_TEMPLATE = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|\{\{[^{}]*\}\}|<!--.*?-->", re.DOTALL)
_SENTENCE_END = re.compile(r"[.;!?]+\s+")
_LETTERS_AND_DIGITS = re.compile(r"[^\W_]+")
_WORD = re.compile(r"[^\W\d_][^\W\d_'\u2019]*[^\W\d_]")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_RESERVED_HOST = re.compile(r"(?:^|\.)example\.(?:com|net|org|edu)$|(?:^|\.)(?:example|invalid|test)$")
"""Names that RFC 2606 keeps for examples: nobody's evidence is there."""
_OWN_NAME = re.compile(r"^(?:.*\.)?(?:localhost|localdomain|loopback|ip6-localhost|ip6-loopback)$")
_NUMERIC = re.compile(r"[0-9a-fx.]+")
_LEFT_OUT = re.compile(r"(?:^|[/?#=])(?:\.{2,}|…)(?:$|[/?#&])")


def is_undecided(text: str) -> bool:
    """Check whether a text stands for a name or a contact that is still to come: TBD, name here, <name>, vacant."""
    written = text.strip()
    return not written or bool(_UNDECIDED.search(written))


def says_nothing(text: str, template: Container[str] = ()) -> bool:
    """Check whether a text is empty or only holds the place of one: `TBD`, `<summary>`, `to be written`.

    So does what a template says by itself, see `normalised`, and what has nothing else in any line or sentence.
    """
    written = _TEMPLATE.sub("", text).strip()
    if _SAYS_NOTHING.fullmatch(written) or normalised(written) in template:
        return True
    for parts in (written.splitlines(), _SENTENCE_END.split(written)):
        if len(parts) > 1:
            return all(says_nothing(part, template) for part in parts)
    return False


def normalised(text: str) -> str:
    """Return the words of a text alone, for comparing what is written in one way or another.

    >>> normalised("**Why** it could, happen.")
    'why it could happen'
    """
    return " ".join(_LETTERS_AND_DIGITS.findall(unicodedata.normalize("NFKC", text).casefold()))


def is_sentence(text: str) -> bool:
    """Check whether a text says something: two words at least that are made of letters, and no placeholder.

    >>> [is_sentence(text) for text in ("we watch it by hand", "...........", "n/a, n/a, n/a", "to be written")]
    [True, False, False, False]
    """
    if says_nothing(text):
        return False

    written = unicodedata.normalize("NFKC", _TEMPLATE.sub("", text)).casefold()
    unspaced = [character for character in _UNSPACED.findall(written) if character.isalpha()]
    if len(unspaced) >= UNSPACED_AT_LEAST:
        return True
    # A word that stands twice says no more than once, and one that agrees does not say with what.
    words = set(_WORD.findall(written))
    return len(words) >= WORDS_AT_LEAST and not words <= AGREEING


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


def is_only_for_this_machine(link: str) -> bool:
    """Check whether a link leads to whichever machine opens it: nobody else sees there what its writer saw.

    >>> [is_only_for_this_machine(link) for link in ("http://localhost/x", "http://127.1/x", "https://wiki.shop.io/x")]
    [True, True, False]
    """
    try:
        host = (urlsplit(link).hostname or "").rstrip(".")
    except ValueError:
        return False

    if _OWN_NAME.search(host):
        return True
    address = _address(host)
    return address is not None and (address.is_loopback or address.is_unspecified or address.is_link_local)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host is written as, in any of the ways that browsers take; None for a name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        address = None
    if address is None and _NUMERIC.fullmatch(host):
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))  # 127.1, 0x7f.1 and 2130706433 too
        except OSError:
            return None

    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
