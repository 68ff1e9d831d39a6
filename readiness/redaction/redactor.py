"""Redaction: known secrets are masked in every encoding, then whatever has the shape of a secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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
REMEMBERED_LENGTH = 200
"""The longest text whose masking is remembered."""
REMEMBERED = 10_000
"""How many such texts are."""

SHAPES = {
    "a private key": re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
    "an Authorization value": re.compile(
        r"(?<=\b[Bb]earer )(?!\*{3})[^\s\"'<>,;]{8,}|(?<=\bBasic )[A-Za-z0-9+/=]{12,}"
    ),
    "a password in an address": re.compile(r"(?<=://)(?!\*{3})[^/\s:@\"'<>]*:(?!\*{3})[^/\s@\"'<>]+(?=@)"),
    "a JSON Web Token": re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    "a vendor's key": re.compile(
        r"\b(?:(?:sk|rk)_(?:live|test)_\w{10,}|whsec_[\w+/=-]{10,}|sb[pa]_[0-9a-f]{20,}|sb_secret_[\w-]{10,}"
        r"|(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|AIza[\w-]{30,})"
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


@dataclass
class Redactor:
    """Masks text. Secrets that become known later are masked from then on."""

    values: Callable[[], frozenset[str]] = known_secrets
    _known: frozenset[str] = frozenset()
    _forms: tuple[str, ...] = ()
    _exact: re.Pattern[str] | None = None
    _cut: re.Pattern[str] | None = None
    _fragments: frozenset[str] = frozenset()
    _beginnings: frozenset[str] = frozenset()
    """The first characters of the fragments, as many as the shortest has."""
    _masked: dict[str, str] = field(default_factory=dict)
    """What short texts became: the same keys and words come by a hundred times in a run."""

    def text(self, text: str) -> str:
        """Return a text with what is secret masked."""
        self._learn()
        if len(text) > REMEMBERED_LENGTH:
            return self._mask(text)

        masked = self._masked.get(text)
        if masked is not None:
            return masked

        masked = self._mask(text)
        if len(self._masked) < REMEMBERED:
            self._masked[text] = masked
        return masked

    def _mask(self, text: str) -> str:
        # Exact values first and shapes second: the other way round a shape could leave half a value.
        if self._exact and self._holds_exact(text):
            text = self._exact.sub(MASK, text)
        if self._cut and "..." in text:
            text = self._cut.sub(MASK, text)
        text = self._without_fragments(text)
        for shape in SHAPES.values():
            text = shape.sub(MASK, text)
        return text

    def plain(self, value: Any) -> Plain:
        """Return a value of any depth as plain JSON, masked, keys included."""
        return self._deep(as_plain(value))

    def find(self, text: str) -> Iterator[str]:
        """Yield what kinds of secret are in a text, never their values."""
        self._learn()
        if self._holds_exact(text):
            yield "a known secret"
        elif self._without_fragments(text) is not text:
            yield "a part of a known secret"

        for kind, shape in SHAPES.items():
            if shape.search(text):
                yield kind

    def _holds_exact(self, text: str) -> bool:
        # Much faster than the pattern, and the answer is nearly always no.
        return any(form in text for form in self._forms)

    def _deep(self, value: Plain) -> Plain:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._deep(part) for part in value]
        if isinstance(value, dict):
            return {self.text(key): self._deep(part) for key, part in value.items()}
        # A secret of digits may come as a number.
        if value is not None and str(value) in self._known:
            return MASK
        return value

    def _learn(self) -> None:
        """Compile the patterns anew where further secrets became known."""
        values = self.values()
        if values == self._known:
            return
        self._known = values
        self._masked = {}

        secrets = {part for value in values for part in _parts(value)}

        # The longest first: of two alternatives a pattern takes the first, and would leave the rest of a longer one.
        forms = sorted({form for value in secrets for form in encodings(value)}, key=len, reverse=True)
        self._forms = tuple(forms)
        self._exact = re.compile("|".join(map(re.escape, forms))) if forms else None

        cuts = [_cut_pattern(value) for value in secrets if len(value) > CUT * 2]
        self._cut = re.compile("|".join(cuts)) if cuts else None

        self._fragments = frozenset(part for value in secrets for part in _windows(value))
        self._beginnings = frozenset(part[:FRAGMENT] for part in self._fragments)

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
    dots = re.escape("...")
    return f"{_beginning_pattern(value)}{dots}|{dots}{_end_pattern(value)}"


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
