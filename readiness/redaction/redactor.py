"""Redaction: known secrets are masked in every encoding, then whatever has the shape of a secret."""

from __future__ import annotations

import hashlib
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from readiness.files.canonical_json import as_plain
from readiness.measurements import Plain
from readiness.redaction.secret import MASK, SHORTEST, encodings, known_secrets

FRAGMENT = 8
"""Characters of a secret in a row that give it away."""
FRAGMENT_OF_HEX = 12
"""The same where all are hexadecimal: of thousands of digests and ids in a report 8 match a secret by chance."""
CUT = 4
"""A shorter part suffices where "..." shows that something was cut out."""
DOTS = "..."
WORD = 8
"""Bytes that are looked up at once; a fragment has at least as many."""
REMEMBERED_LENGTH = 200
"""The longest text whose masking is remembered."""
REMEMBERED = 10_000
"""How many such texts are."""


@dataclass(frozen=True)
class Shape:
    """What a kind of secret looks like, whoever's it is."""

    pattern: re.Pattern[str]
    signs: tuple[str, ...]
    """One of these is in each text that the pattern fits: they are found much faster."""

    def may_be_in(self, text: str) -> bool:
        """Return False if the pattern certainly fits nowhere in a text."""
        return any(sign in text for sign in self.signs)


SHAPES = {
    "a private key": Shape(
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        ("PRIVATE KEY",),
    ),
    "an Authorization value": Shape(
        re.compile(r"(?<=\b[Bb]earer )(?!\*{3})[^\s\"'<>,;]{8,}|(?<=\bBasic )[A-Za-z0-9+/=]{12,}"),
        ("earer ", "Basic "),
    ),
    "a password in an address": Shape(
        re.compile(r"(?<=://)(?!\*{3})[^/\s:@\"'<>]*:(?!\*{3})[^/\s@\"'<>]+(?=@)"),
        ("://",),
    ),
    "a JSON Web Token": Shape(
        re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
        ("eyJ",),
    ),
    "a vendor's key": Shape(
        re.compile(
            r"\b(?:(?:sk|rk)_(?:live|test)_\w{10,}|whsec_[\w+/=-]{10,}|sb[pa]_[0-9a-f]{20,}|sb_secret_[\w-]{10,}"
            r"|(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|AIza[\w-]{30,})"
        ),
        (
            *("sk_", "rk_", "whsec_", "sbp_", "sba_", "sb_secret_", "AKIA", "ASIA", "AIza", "github_pat_"),
            *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"),
        ),
    ),
}

_HEX = frozenset("0123456789abcdefABCDEF-")  # with the dashes of a UUID
_SETTING = re.compile(r"\b(?:host|hostaddr|dbname|user|service)\s*=")
_PASSWORD_SETTING = re.compile(r"\bpassword\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)+))")
"""Of a connection string in keywords and values, as libpq takes it beside an address: `host=db password='a b'`."""


@dataclass(frozen=True)
class Hit:
    """Something secret in a file; what it is, never the value."""

    file: Path
    what: str


@dataclass(repr=False)
class Redactor:
    """Masks text. Secrets that become known later are masked from then on.

    A run learns of its secrets one after the other and masks some text after each, so a pattern is compiled when a text
    needs it, and what was worked out of a secret is kept.
    """

    values: Callable[[], frozenset[str]] = known_secrets
    _known: frozenset[str] = frozenset()
    _parts: frozenset[str] = frozenset()
    """The known values and the passwords in them."""
    _forms: frozenset[str] = frozenset()
    """All ways to write them."""
    _fragments: frozenset[str] = frozenset()
    _beginnings: frozenset[str] = frozenset()
    """The first characters of the fragments, as many as the shortest has."""
    _words: frozenset[int] = frozenset()
    """Of each fragment and of each form eight bytes as one number: a text without any of them holds none of those."""
    _short_forms: tuple[str, ...] = ()
    """The forms that have not so many bytes."""
    _exact: tuple[frozenset[str], re.Pattern[str]] | None = None
    """The forms, and their pattern."""
    _cuts: dict[str, re.Pattern[str]] = field(default_factory=dict)
    _masked: dict[str, str] = field(default_factory=dict)
    """What short texts became: the same keys and words come by a hundred times in a run."""
    _clean: set[bytes] = field(default_factory=set)
    """The digests of texts without a secret: a file of a run is masked, and searched when written and when sealed."""
    _learning: threading.Lock = field(default_factory=threading.Lock)
    """Looks mask from threads of their own."""

    def text(self, text: str) -> str:
        """Return a text with what is secret masked."""
        self._learn()
        clean = self._clean
        masked = self._text(text)
        # What masking leaves as it is needs no search when it has become a file.
        if len(text) > REMEMBERED_LENGTH and masked == text:
            clean.add(_digest(text))
        return masked

    def _text(self, text: str) -> str:
        """Mask with what was learned."""
        if len(text) > REMEMBERED_LENGTH:
            return self._mask(text)

        # Held on to: what is masked while another thread learns of a secret is not remembered beyond that.
        remembered = self._masked
        masked = remembered.get(text)
        if masked is not None:
            return masked

        masked = self._mask(text)
        if len(remembered) < REMEMBERED:
            remembered[text] = masked
        return masked

    def _mask(self, text: str) -> str:
        # Exact values first and shapes second: the other way round a shape could leave half a value.
        may_hold_known = self._may_hold_known(text)
        if may_hold_known and self._holds_exact(text):
            text = self._exact_pattern().sub(MASK, text)
        if DOTS in text:
            text = self._without_cut_values(text)
        if may_hold_known:
            text = self._without_fragments(text)
        for shape in SHAPES.values():
            if shape.may_be_in(text):
                text = shape.pattern.sub(MASK, text)
        return text

    def plain(self, value: Any) -> Plain:
        """Return a value of any depth as plain JSON, masked, keys included."""
        plain = as_plain(value)
        self._learn()
        return self._deep(plain)

    def find(self, text: str) -> Iterator[str]:
        """Yield what kinds of secret are in a text, never their values."""
        self._learn()
        clean = self._clean
        digest = _digest(text)
        if digest in clean:
            return

        kinds = list(self._kinds_in(text))
        if not kinds:
            clean.add(digest)
        yield from kinds

    def _kinds_in(self, text: str) -> Iterator[str]:
        may_hold_known = self._may_hold_known(text)
        if may_hold_known and self._holds_exact(text):
            yield "a known secret"
        elif may_hold_known and self._without_fragments(text) is not text:
            yield "a part of a known secret"

        for kind, shape in SHAPES.items():
            if shape.may_be_in(text) and shape.pattern.search(text):
                yield kind

    def _may_hold_known(self, text: str) -> bool:
        """Return False if certainly neither a known secret nor a fragment of one is in a text.

        Much faster than to look for each of them, and the answer is nearly always no: in each of the eight ways to
        align them, the bytes of the text are taken as numbers, and looked up in C.
        """
        data = memoryview(_as_bytes(text))
        for shift in range(WORD):
            length = (len(data) - shift) // WORD * WORD
            if length > 0 and not self._words.isdisjoint(data[shift : shift + length].cast("Q")):
                return True
        return any(form in text for form in self._short_forms)

    def _holds_exact(self, text: str) -> bool:
        return any(form in text for form in self._forms)

    def _deep(self, value: Plain) -> Plain:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self._deep(part) for part in value]
        if isinstance(value, dict):
            return {self._text(key): self._deep(part) for key, part in value.items()}
        # A secret of digits may come as a number.
        if value is not None and _digits(value) in self._known:
            return MASK
        return value

    def _learn(self) -> None:
        """Take in the secrets that became known since the last text."""
        if self.values() == self._known:
            return
        with self._learning:
            values = self.values()
            if not values >= self._known:
                self._known = self._parts = self._forms = self._fragments = frozenset()
            self._add(values - self._known)
            self._masked = {}
            self._clean = set()
            self._known = values  # the last: until then another thread does not mask with half of it

    def _add(self, values: frozenset[str]) -> None:
        parts = {part for value in values for part in _parts(value)} - self._parts
        self._parts |= parts
        self._forms |= {form for part in parts for form in encodings(part)}
        self._fragments |= {fragment for part in parts for fragment in _windows(part)}
        self._beginnings = frozenset(fragment[:FRAGMENT] for fragment in self._fragments)
        self._words = frozenset(_words(self._beginnings | self._forms))
        self._short_forms = tuple(form for form in self._forms if len(_as_bytes(form)) < WORD)

    def _exact_pattern(self) -> re.Pattern[str]:
        forms = self._forms
        compiled = self._exact
        # By what it was made of: another thread may have learned of a secret while this one compiled.
        if compiled and compiled[0] is forms:
            return compiled[1]

        # The longest first: a pattern takes the first that fits, and would leave the rest of a longer one.
        longest_first = sorted(forms, key=len, reverse=True)
        pattern = re.compile("|".join(map(re.escape, longest_first)))
        self._exact = (forms, pattern)
        return pattern

    def _without_cut_values(self, text: str) -> str:
        """Return a text with the beginnings and ends of secrets masked, where dots show that the rest was cut out."""
        for value in self._parts:
            is_long_enough = len(value) > CUT * 2
            if is_long_enough and (value[:CUT] in text or value[-CUT:] in text):
                pattern = self._cuts.get(value) or self._cuts.setdefault(value, re.compile(_cut_pattern(value)))
                text = pattern.sub(MASK, text)
        return text

    def _without_fragments(self, text: str) -> str:
        """Return a text with the fragments of secrets masked; the very same object where there is none."""
        # One look-up for each place of the text, however many secrets there are.
        begins = [at for at in range(len(text) - FRAGMENT + 1) if text[at : at + FRAGMENT] in self._beginnings]
        pieces = [(at, _piece(text, at)) for at in begins]
        fragments = [(at, piece) for at, piece in pieces if piece in self._fragments]
        if not fragments:
            return text

        # Fragments overlap, and a run of them becomes one mask.
        hidden = bytearray(len(text))
        for at, fragment in fragments:
            hidden[at : at + len(fragment)] = b"\1" * len(fragment)
        visible = "".join("\0" if hide else character for character, hide in zip(text, hidden, strict=True))
        return re.sub("\0+", MASK, visible)


def _digits(value: Plain) -> str:
    """Return a number as its digits: 8675309124.0 is the secret 8675309124 too."""
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if is_whole and isinstance(value, float) else str(value)


def _words(texts: Iterable[str]) -> Iterator[int]:
    """Yield of each text eight bytes in its middle, as one number of this machine."""
    for data in map(_as_bytes, texts):
        # Many secrets begin alike, as addresses do.
        begin = (len(data) - WORD) // 2
        if begin >= 0:
            yield int.from_bytes(data[begin : begin + WORD], sys.byteorder)


def _as_bytes(text: str) -> bytes:
    # What was read from a file with other bytes than UTF-8 in it may hold lone surrogates.
    return text.encode("utf-8", "surrogatepass")


def _parts(value: str) -> Iterator[str]:
    """Yield the value, and the passwords in it where it is an address."""
    yield value
    for password in _passwords(value):
        # A driver's message holds it as it is typed, a log line as it stands in the address.
        for form in (password, unquote(password)):
            if len(form) >= SHORTEST:
                yield form


def _passwords(value: str) -> Iterator[str]:
    for quoted, bare in _PASSWORD_SETTING.findall(value):
        yield re.sub(r"\\(.)", r"\1", quoted or bare)

    if "://" not in value:
        return
    try:
        password = urlsplit(value).password
    except ValueError:  # brackets that are no IPv6 address
        return
    if password:
        yield password


def _is_an_address(value: str) -> bool:
    return "://" in value or bool(_SETTING.search(value))


def _windows(value: str) -> Iterator[str]:
    """Yield the pieces of a secret that give it away."""
    # The host of an address is in every report, and its password is a secret of its own.
    if _is_an_address(value):
        return

    for at in range(len(value) - FRAGMENT + 1):
        piece = _piece(value, at)
        # Ordinary words are in every report too, and so is 00000000.
        is_mixed = any(character.isdigit() for character in piece) and any(character.isalpha() for character in piece)
        is_varied = len(set(piece)) > FRAGMENT // 2
        if is_mixed and is_varied:
            yield piece


def _piece(text: str, at: int) -> str:
    """Return as much of a text as would give a secret away; the empty text where there is not so much."""
    short = text[at : at + FRAGMENT]
    if not _HEX.issuperset(short):
        return short
    long = text[at : at + FRAGMENT_OF_HEX]
    return long if len(long) == FRAGMENT_OF_HEX else ""


def _cut_pattern(value: str) -> str:
    """Return a pattern of a value that was cut short: its beginning before "...", or its end after it."""
    dots = re.escape(DOTS)
    return f"{_beginning_pattern(value)}(?={dots})|(?<={dots}){_end_pattern(value)}"


def _beginning_pattern(value: str) -> str:
    """Return a pattern of any beginning that is long enough to give a value away, the longest first."""
    head = re.escape(value[:CUT])
    rest = value[CUT:-1]
    return head + "".join(f"(?:{re.escape(character)}" for character in rest) + ")?" * len(rest)


def _end_pattern(value: str) -> str:
    """Return a pattern of any end that is long enough to give a value away, the longest first."""
    tail = re.escape(value[-CUT:])
    rest = value[1:-CUT]
    return "(?:" * len(rest) + "".join(f"{re.escape(character)})?" for character in rest) + tail


def _digest(text: str) -> bytes:
    return hashlib.sha256(_as_bytes(text)).digest()


def scan(folder: Path, redactor: Redactor) -> list[Hit]:
    """Return the secrets in the files of a folder and of those within it."""
    hits: list[Hit] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            hits += scan_file(path, redactor)
    return hits


def scan_file(path: Path, redactor: Redactor) -> list[Hit]:
    """Return the secrets in one file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return [Hit(path, kind) for kind in redactor.find(text)]


REDACTOR = Redactor()
"""The one of this process."""
