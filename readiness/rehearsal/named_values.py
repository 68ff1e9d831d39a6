"""Values that stand in a text by a name, whatever the text is written in: JSON, a form, XML, GraphQL, parameters."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from readiness.files import strict_json
from readiness.measurements import is_digits

_NAMED = re.compile(
    r"""([A-Za-z][\w.-]*)\\*["']?\s*[:=]\s*"""  # password= "password": \"password\":
    r"""(?:\\*"([^"\\]+)|\\*'([^'\\]+)|([^\s"'\\&;,<>{}()\[\]]+))"""
)
_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)(?:\s[^<>]*)?>([^<>]+)</")
_ENCODED = re.compile(r"eyJ[\w+/=-]{8,}")
"""A document of JSON in base64: it begins with `{"`."""


@dataclass(frozen=True)
class NamedValue:
    """A value, the name that it stands by, and where in a text."""

    name: str
    value: str
    start: int
    end: int


def named_values(text: str) -> Iterator[NamedValue]:
    """Yield the values that stand in a text by a name.

    >>> [(named.name, named.value) for named in named_values('login(pin: "12") <token>ab</token> a=b&c=d')]
    [('pin', '12'), ('a', 'b'), ('c', 'd'), ('token', 'ab')]
    """
    for match in _NAMED.finditer(text):
        group = next(number for number in (2, 3, 4) if match.group(number) is not None)
        yield NamedValue(match.group(1), match.group(group), match.start(group), match.end(group))
    for match in _ELEMENT.finditer(text):
        yield NamedValue(match.group(1), match.group(2), match.start(2), match.end(2))


def document_in(text: str | None) -> Any:
    """Return the value of a document in JSON, also of one in base64; None where a text is none."""
    if not text:
        return None
    if _ENCODED.fullmatch(text):
        text = _decoded(text)
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return strict_json.parse(text.encode())
    except ValueError:
        return None


def leaves(data: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield the pointer (RFC 6901) and the text of each text and number of a JSON value."""
    if isinstance(data, dict):
        for key, item in data.items():
            yield from leaves(item, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from leaves(item, f"{pointer}/{index}")
    elif isinstance(data, str | int | float) and not isinstance(data, bool):
        yield pointer, str(data)


def name_at(pointer: str) -> str:
    """Return the name that a pointer ends with; of an item of a list that of the list."""
    return next((part for part in reversed(pointer.split("/")) if not is_digits(part)), "")


def _decoded(text: str) -> str:
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        return base64.urlsafe_b64decode(padded.replace("+", "-").replace("/", "_")).decode("utf-8")
    except ValueError:  # no base64, or no text
        return text
