"""Values that must never be shown, and every form in which they could show up."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any, NoReturn

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from readiness.measurements import is_digits
from readiness.redaction.own_words import OWN_WORDS

MASK = "***"
SHORTEST = 6
"""Characters. Shorter values would match ordinary text; they are refused as secrets."""

_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|APIKEY", re.IGNORECASE)
_ANYWHERE = {"KEY", "DSN"}
_AT_THE_END = {"AUTH", "BEARER", "COOKIE", "HMAC", "JWT", "PASS", "PAT", "PEPPER", "PWD", "SALT", "WEBHOOK"}
"""Words that name a secret where nothing follows them: `REDIS_AUTH`, and not `AUTH_TYPE` or `SALT_ROUNDS`."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_PARAMETERS = ("token", "key", "secret", "signature", "password", "sig", "code", "auth", "credential")
_PASSWORD_IN_ADDRESS = re.compile(r"://[^/\s]*:[^/\s]+@")

_DATE_OR_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
    r"|[0-9]{8}T[0-9]{6}Z?"
)
"""As each record and each folder of a run is dated."""

_seen: set[str] = set()
"""The values of all secrets of this process: whatever it writes is searched for them."""


class Secret:
    """A value that prints as `***`; `reveal()` is the only way to it.

    Every secret is remembered, so that all output can be scanned for it; not `remembered` is what is only treated
    like one, such as the harmless variables beside the secret ones.

    >>> token = Secret("an-example-of-a-token", remembered=False)
    >>> f"Bearer {token}", token.reveal()
    ('Bearer ***', 'an-example-of-a-token')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str, *, remembered: bool = True) -> None:
        self._value = value
        if remembered and is_masked(value):
            _seen.add(value)

    def reveal(self) -> str:
        """Return the value itself. For clients, at the moment of sending."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not written anywhere")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls(_text(value)),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda _: MASK),
        )


def is_masked(value: str) -> bool:
    """Check whether a secret of this value is masked wherever it stands.

    A short one would match ordinary text. One character again and again is the first digest of every journal, our own
    words are the keys of the evidence, and dates stand in each record: who masked them would deface it, and nobody
    could tell it from a forgery.
    """
    is_ours = value in OWN_WORDS or is_date(value)
    return len(value) >= SHORTEST and len(set(value)) > 1 and not is_ours


def is_date(value: str) -> bool:
    """Check whether a text is a date or an instant as the evidence writes them."""
    return bool(_DATE_OR_TIME.fullmatch(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a secret is text")  # noqa: TRY004  pydantic reports ValueError
    return value


def names_a_secret(name: str) -> bool:
    """Check whether a variable of this name holds a secret.

    >>> [name for name in ("DB_PASS", "stripeApiKey", "AUTH_TYPE", "KEYBOARD") if names_a_secret(name)]
    ['DB_PASS', 'stripeApiKey']
    """
    if _SECRET_NAME.search(name):
        return True
    words = [word.upper() for word in _WORDS.findall(name)]
    # The address of a webhook is what lets others in.
    if words[-1:] == ["URL"] and "WEBHOOK" in words:
        return True
    return not _ANYWHERE.isdisjoint(words) or bool(_AT_THE_END.intersection(words[-1:]))


def is_secret_parameter(name: str) -> bool:
    """Check whether a parameter of this name in an address holds a secret."""
    lowered = name.lower()
    return any(word in lowered for word in _SECRET_PARAMETERS)


def is_secret(name: str, value: str) -> bool:
    """Check whether a variable is secret: by its name, or because an address with a password is in it."""
    return names_a_secret(name) or bool(_PASSWORD_IN_ADDRESS.search(value))


def known_secrets() -> frozenset[str]:
    """Return the values of all secrets of this process."""
    return frozenset(_seen)


def encodings(value: str) -> frozenset[str]:
    """Return the forms in which `value` could stand in a report: raw, URL, HTML, JSON, base64, hex."""
    data = value.encode()
    in_base64 = list(_in_base64(data))
    forms = {
        value,
        urllib.parse.quote(value, safe=""),
        urllib.parse.quote_plus(value),
        html.escape(value),
        html.escape(html.escape(value)),
        json.dumps(value)[1:-1],
        json.dumps(json.dumps(value))[3:-3],
        repr(value)[1:-1],
        data.hex(),
        data.hex().upper(),
        *in_base64,
        *(text.replace("+", "-").replace("/", "_") for text in in_base64),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
        *_grouped(value),
        *([] if value.isascii() else [value.upper()]),  # Größe is GRÖSSE
    }
    return frozenset(form for form in forms if len(form) >= SHORTEST)


def _in_base64(data: bytes) -> Iterator[str]:
    """Yield how bytes look in base64: in three ways, by where in a group of three they begin.

    Without the first and last characters that depend on the neighbours in the encoded text.
    """
    of_neighbours_before = (0, 2, 3)
    of_neighbours_after = (0, 3, 2)
    for shift, before in enumerate(of_neighbours_before):
        text = base64.b64encode(b"\0" * shift + data).decode()
        after = of_neighbours_after[(shift + len(data)) % 3]
        yield text[before : len(text) - after]


def _grouped(value: str) -> Iterator[str]:
    """Yield how a number of these digits is written for people: 8,675,309,124."""
    if is_digits(value) and not value.startswith("0"):
        grouped = f"{int(value):,}"
        yield from (grouped.replace(",", mark) for mark in ",. _'\u00a0\u202f")
