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

from readiness.files.canonical_json import as_plain
from readiness.measurements import Plain
from readiness.redaction.disguises import bare, bare_texts, bare_with_places
from readiness.redaction.parts import DOTS, FRAGMENT, cut_parts, fragments, may_be_disguised, parts, piece, places
from readiness.redaction.secret import MASK, encodings, known_secrets
from readiness.redaction.shapes import SHAPES

WORD = 8
"""Bytes that are looked up at once; a fragment has at least as many."""
REMEMBERED_LENGTH = 200
"""The longest text whose masking is remembered."""
REMEMBERED = 10_000
"""How many such texts are."""


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
    _bare_forms: frozenset[str] = frozenset()
    """The same as they stand in a bare text, where ordinary text is not like them."""
    _fragments: frozenset[str] = frozenset()
    """Pieces of a bare text that give one of them away."""
    _beginnings: frozenset[str] = frozenset()
    """The first characters of the fragments, as many as the shortest has."""
    _words: frozenset[int] = frozenset()
    """Of each fragment and each bare form eight bytes as one number: a bare text without any holds none of those."""
    _short_forms: frozenset[str] = frozenset()
    """The bare forms that have not so many bytes."""
    _exact: tuple[frozenset[str], re.Pattern[str]] | None = None
    """The forms, and their pattern."""
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
        if self._parts and any(dots in text for dots in DOTS):
            text = _masked_at(text, [part for value in self._parts for part in cut_parts(value, text)])
        if may_hold_known:
            text = _masked_at(text, self._disguised_parts(text))
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
        if self._may_hold_known(text):
            if self._holds_exact(text) or self._holds_disguised(text):
                yield "a known secret"
            elif self._disguised_parts(text):
                yield "a part of a known secret"

        for kind, shape in SHAPES.items():
            if shape.may_be_in(text) and shape.pattern.search(text):
                yield kind

    def _may_hold_known(self, text: str) -> bool:
        """Return False if certainly neither a known secret nor a fragment of one is in a text.

        Much faster than to look for each of them, and the answer is nearly always no: in each of the eight ways to
        align them, the bytes of the text are taken as numbers, and looked up in C.
        """
        return bool(self._forms) and any(map(self._bare_may_hold_known, bare_texts(text)))

    def _bare_may_hold_known(self, text: str) -> bool:
        data = memoryview(_as_bytes(text))
        for shift in range(WORD):
            length = (len(data) - shift) // WORD * WORD
            if length > 0 and not self._words.isdisjoint(data[shift : shift + length].cast("Q")):
                return True
        return any(form in text for form in self._short_forms)

    def _holds_exact(self, text: str) -> bool:
        return any(form in text for form in self._forms)

    def _holds_disguised(self, text: str) -> bool:
        return any(form in view for view in bare_texts(text) for form in self._bare_forms)

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
                self._forget()
            self._add(values - self._known)
            self._masked = {}
            self._clean = set()
            self._known = values  # the last: until then another thread does not mask with half of it

    def _add(self, values: frozenset[str]) -> None:
        new_parts = {part for value in values for part in parts(value)} - self._parts
        new_forms = {form for part in new_parts for form in encodings(part)}
        new_fragments = {fragment for part in new_parts for fragment in fragments(part)}
        bare_forms = frozenset(map(bare, new_forms))
        beginnings = frozenset(fragment[:FRAGMENT] for fragment in new_fragments)

        self._parts |= new_parts
        self._forms |= new_forms
        self._bare_forms |= frozenset(filter(may_be_disguised, bare_forms))
        self._fragments |= new_fragments
        self._beginnings |= beginnings
        self._words |= frozenset(_words(beginnings | bare_forms))
        self._short_forms |= {form for form in bare_forms if len(_as_bytes(form)) < WORD}

    def _forget(self) -> None:
        nothing: frozenset[str] = frozenset()
        self._known = self._parts = self._forms = self._bare_forms = self._short_forms = nothing
        self._fragments = self._beginnings = nothing
        self._words = frozenset()

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

    def _disguised_parts(self, text: str) -> list[tuple[int, int]]:
        """Return where something stands that gives a secret away once its disguise is taken off."""
        parts_of_views = [self._revealing_parts(view) for view in bare_texts(text)]
        if not any(parts_of_views):
            return []
        views = bare_with_places(text)
        return [view.part(*part) for view, its_parts in zip(views, parts_of_views, strict=False) for part in its_parts]

    def _revealing_parts(self, text: str) -> list[tuple[int, int]]:
        """Return where forms and fragments of secrets stand in a bare text."""
        forms = [form for form in self._bare_forms if form in text]
        whole = [part for form in forms for part in places(form, text)]
        # One look-up for each place of the text, however many secrets there are.
        begins = [at for at in range(len(text) - FRAGMENT + 1) if text[at : at + FRAGMENT] in self._beginnings]
        pieces = [(at, piece(text, at)) for at in begins]
        return whole + [(at, at + len(fragment)) for at, fragment in pieces if fragment in self._fragments]


def _masked_at(text: str, parts_of_it: Iterable[tuple[int, int]]) -> str:
    """Return a text with some parts masked. They may overlap, and a run of them becomes one mask."""
    hidden = bytearray(len(text))
    for start, end in parts_of_it:
        hidden[start:end] = b"\1" * (end - start)
    if not any(hidden):
        return text
    visible = "".join("\0" if hide else letter for letter, hide in zip(text, hidden, strict=True))
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
