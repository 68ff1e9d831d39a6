"""No secret leaves: masks known values in every encoding, then whatever has the shape of a secret."""

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

FRAGMENT = 8  # characters of a secret in a row that give it away
FRAGMENT_OF_HEX = 12  # a report has thousands of digests and ids: 8 of their characters are a secret's by chance
REMEMBERED_LENGTH, REMEMBERED = 200, 10_000  # of texts whose masking is remembered: characters, and how many
CUT = 4  # a shorter part suffices where "..." shows that something was cut out

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
    """Of the fragments, as long as the shortest."""
    _masked: dict[str, str] = field(default_factory=dict)
    """What short texts became: the same keys and words come by a hundred times in a run."""

    def text(self, text: str) -> str:
        """Mask what is secret in a text."""
        self._learn()
        if len(text) > REMEMBERED_LENGTH:
            return self._mask(text)
        found = self._masked.get(text)
        if found is None:
            found = self._mask(text)
            if len(self._masked) < REMEMBERED:
                self._masked[text] = found
        return found

    def _mask(self, text: str) -> str:
        """Mask exact values first and shapes second; the other way round a shape could leave half a value."""
        if self._exact and self._holds_exact(text):
            text = self._exact.sub(MASK, text)
        if self._cut and "..." in text:
            text = self._cut.sub(MASK, text)
        text = self._without_fragments(text)
        for shape in SHAPES.values():
            text = shape.sub(MASK, text)
        return text

    def plain(self, value: Any) -> Plain:
        """Mask a value of any depth, keys included, and make it plain JSON."""
        return self._deep(as_plain(value))

    def find(self, text: str) -> Iterator[str]:
        """Say what is secret in a text, without saying it."""
        self._learn()
        if self._holds_exact(text):
            yield "a known secret"
        elif self._without_fragments(text) is not text:
            yield "a part of a known secret"
        for what, shape in SHAPES.items():
            if shape.search(text):
                yield what

    def _holds_exact(self, text: str) -> bool:
        return any(form in text for form in self._forms)  # much faster than the pattern, and nearly always no

    def _deep(self, value: Plain) -> Plain:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._deep(part) for part in value]
        if isinstance(value, dict):
            return {self.text(key): self._deep(part) for key, part in value.items()}
        if value is not None and str(value) in self._known:
            return MASK
        return value

    def _learn(self) -> None:
        known = self.values()
        if known == self._known:
            return
        self._known = known
        self._masked = {}
        secret = {part for value in known for part in _parts(value)}
        forms = sorted({form for value in secret for form in encodings(value)}, key=len, reverse=True)
        self._forms = tuple(forms)
        self._exact = re.compile("|".join(map(re.escape, forms))) if forms else None
        cuts = [
            f"{_growing(value)}\\.\\.\\.|\\.\\.\\.{_growing_back(value)}" for value in secret if len(value) > CUT * 2
        ]
        self._cut = re.compile("|".join(cuts)) if cuts else None
        self._fragments = frozenset(part for value in secret for part in _windows(value))
        self._beginnings = frozenset(part[:FRAGMENT] for part in self._fragments)

    def _without_fragments(self, text: str) -> str:
        # One look-up for each place of the text: it holds however many secrets there are.
        begins = [at for at in range(len(text) - FRAGMENT + 1) if text[at : at + FRAGMENT] in self._beginnings]
        found = [(at, part) for at in begins if (part := _piece(text, at)) in self._fragments]
        if not found:
            return text
        hidden = bytearray(len(text))
        for at, part in found:
            hidden[at : at + len(part)] = b"\1" * len(part)
        kept = "".join("\0" if hide else character for character, hide in zip(text, hidden, strict=True))
        return re.sub("\0+", MASK, kept)


def _parts(value: str) -> Iterator[str]:
    """Give the value, and the password in it where it is an address."""
    yield value
    for password in _passwords(value):
        yield from (part for part in (password, unquote(password)) if len(part) >= SHORTEST)


def _passwords(value: str) -> list[str]:
    settings = [re.sub(r"\\(.)", r"\1", quoted or bare) for quoted, bare in _PASSWORD_SETTING.findall(value)]
    try:
        password = urlsplit(value).password if "://" in value else None
    except ValueError:  # brackets that are no IPv6 address
        password = None
    return [*settings, password] if password else settings


def _is_an_address(value: str) -> bool:
    return "://" in value or bool(_SETTING.search(value))


def _windows(value: str) -> Iterator[str]:
    """Give the telling pieces of a secret: ordinary words and the host of an address are in every report."""
    if _is_an_address(value):
        return  # its password is a secret of its own
    for at in range(len(value) - FRAGMENT + 1):
        part = _piece(value, at)
        telling = any(c.isdigit() for c in part) and any(c.isalpha() for c in part)
        if telling and len(set(part)) > FRAGMENT // 2:
            yield part


def _piece(text: str, at: int) -> str:
    """Give as much of a text as would give a secret away; nothing where there is not so much."""
    short = text[at : at + FRAGMENT]
    if not _HEX.issuperset(short):
        return short
    long = text[at : at + FRAGMENT_OF_HEX]
    return long if len(long) == FRAGMENT_OF_HEX else ""


def _growing(value: str) -> str:
    """Match any beginning of a value that is long enough to give it away, the longest first."""
    head, rest = re.escape(value[:CUT]), value[CUT:-1]
    return head + "".join(f"(?:{re.escape(character)}" for character in rest) + ")?" * len(rest)


def _growing_back(value: str) -> str:
    tail, rest = re.escape(value[-CUT:]), value[1:-CUT]
    return "(?:" * len(rest) + "".join(f"{re.escape(character)})?" for character in rest) + tail


def scan(folder: Path, redactor: Redactor) -> list[Hit]:
    """Look through every file of a folder."""
    return [hit for path in sorted(folder.rglob("*")) if path.is_file() for hit in scan_file(path, redactor)]


def scan_file(path: Path, redactor: Redactor) -> list[Hit]:
    """Look through one file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return [Hit(path, what) for what in redactor.find(text)]


REDACTOR = Redactor()
"""The one of this process."""
