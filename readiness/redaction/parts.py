"""The parts of a secret that give it away: the passwords in it, fragments, and what is left where it was cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from readiness.measurements import is_digits
from readiness.redaction.disguises import bare
from readiness.redaction.own_words import OWN_WORDS
from readiness.redaction.secret import SHORTEST, names_a_secret

FRAGMENT = 8
"""Characters of a secret in a row that give it away."""
FRAGMENT_OF_HEX = 12
"""The same where all are hexadecimal: of thousands of digests and ids in a report 8 match a secret by chance."""
CUT = 4
"""A shorter part suffices where dots show that something was cut out."""
DOTS = ("...", "…")
_ANY_DOTS = re.compile(r"\.\.\.|…")
LONGER_THAN_WORDS = 12
"""Letters. What has fewer may be a word of somebody's in another case."""
LONGER_THAN_COUNTS = 10
"""Digits. What has fewer may be counts in a row."""

_HEX = frozenset("0123456789abcdefABCDEF-")  # with the dashes of a UUID
_OWN_WORDS = frozenset(map(bare, OWN_WORDS))
_SETTING = re.compile(
    r"\b(?:host|hostaddr|dbname|user|user id|uid|service|server|data source|database|endpoint|accountname)\s*=",
    re.IGNORECASE,
)
_PASSWORD_SETTING = re.compile(r"\bpassword\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)+))")
"""Of a connection string in keywords and values, as libpq takes it beside an address: `host=db password='a b'`."""
_NAMED_SETTING = re.compile(r"(?:^|[;&?,\s])([A-Za-z][A-Za-z_. -]*)\s*=\s*([^;&,\s'\"]+)")
"""Of other drivers' connection strings: `Server=db;Password=...` (ADO, ODBC), `?user=...&password=...` (JDBC),
`db:6379,password=...` (Redis)."""
_COOKIE = re.compile(r"(?:^|;\s*)[\w.-]+=([^;\s]{12,})")
"""A cookie that is long enough to be a session; a shorter one is a preference."""
_PASSWORD_IN_ADDRESS = re.compile(r"://[^/\s:@]*:(\S+)@")
"""With what an address may not have in it as it stands: `postgresql://u:a#b/c@db`."""


def parts(value: str) -> Iterator[str]:
    """Yield the value, and the passwords in it where it is an address."""
    yield value
    for password in _passwords(value):
        # A driver's message holds it as it is typed, a log line as it stands in the address.
        for form in (password, unquote(password)):
            if len(form) >= SHORTEST:
                yield form


def _passwords(value: str) -> Iterator[str]:
    for quoted, unquoted in _PASSWORD_SETTING.findall(value):
        yield re.sub(r"\\(.)", r"\1", quoted or unquoted)

    yield from _named_secrets(value)
    yield from (cookie for cookie in _COOKIE.findall(value) if _is_mixed(cookie))

    password = _password_in_address(value) if "://" in value else None
    if password:
        yield password


def _named_secrets(value: str) -> Iterator[str]:
    yield from (setting for name, setting in _NAMED_SETTING.findall(value) if names_a_secret(name))


def _password_in_address(value: str) -> str | None:
    try:
        password = urlsplit(value).password
    except ValueError:  # brackets that are no IPv6 address
        password = None
    bare_password = _PASSWORD_IN_ADDRESS.search(value)
    return password or (bare_password.group(1) if bare_password else None)


def is_an_address(value: str) -> bool:
    """Check whether a secret says where something is: its host is in every report, its password a secret of its own."""
    return "://" in value or bool(_SETTING.search(value)) or any(_named_secrets(value))


def may_be_disguised(form: str) -> bool:
    """Check whether a secret of this bare form is told from ordinary text in any case, and across blanks."""
    if form.isalpha():
        return len(form) >= LONGER_THAN_WORDS and form not in _OWN_WORDS
    if is_digits(form):
        return len(form) >= LONGER_THAN_COUNTS
    shortest = SHORTEST if _is_mixed(form) else FRAGMENT
    return len(form) >= shortest and form not in _OWN_WORDS


def fragments(value: str) -> Iterator[str]:
    """Yield the pieces of a secret that give it away, as they stand in a bare text."""
    if is_an_address(value):
        return

    text = bare(value)
    for at in range(len(text) - FRAGMENT + 1):
        fragment = piece(text, at)
        # Ordinary words are in every report too, and so is 00000000.
        is_varied = len(set(fragment)) > FRAGMENT // 2
        if is_varied and _is_mixed(fragment):
            yield fragment


def _is_mixed(text: str) -> bool:
    return any(map(is_digits, text)) and any(letter.isalpha() for letter in text)


def piece(text: str, at: int) -> str:
    """Return as much of a text as would give a secret away; the empty text where there is not so much."""
    short = text[at : at + FRAGMENT]
    if not _HEX.issuperset(short):
        return short
    long = text[at : at + FRAGMENT_OF_HEX]
    return long if len(long) == FRAGMENT_OF_HEX else ""


def cut_parts(value: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where in a text a value begins that was cut short, or ends that was cut out of: beside dots."""
    if len(value) <= CUT * 2:
        return
    head, tail = value[:CUT], value[-CUT:]
    if head not in text and tail not in text:
        return

    for dots in _ANY_DOTS.finditer(text):
        before, after = dots.start(), dots.end()
        begins = _places(head, text, max(0, before - len(value) + 1), before)
        yield from ((at, before) for at in begins if value.startswith(text[at:before]))
        ends = (at + CUT for at in _places(tail, text, after, after + len(value) - 1))
        yield from ((after, end) for end in ends if value.endswith(text[after:end]))


def _places(part: str, text: str, start: int, end: int) -> Iterator[int]:
    """Yield where a part stands between two places of a text."""
    at = text.find(part, start, end)
    while at >= 0:
        yield at
        at = text.find(part, at + 1, end)


def places(part: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where in a text a part begins and ends."""
    yield from ((at, at + len(part)) for at in _places(part, text, 0, len(text)))
