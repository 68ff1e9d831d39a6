"""What of a browser's recording is secret: it is never written down, and stands as a place to be filled.

Who may read the file that comes of a recording is not who was signed in when it was made.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit

from readiness.measurements import is_digits
from readiness.redaction.redactor import Redactor
from readiness.redaction.secret import Secret, is_masked, names_a_secret
from readiness.rehearsal.har import Body, Entry, Pair
from readiness.rehearsal.named_values import NamedValue, document_in, leaves, name_at, named_values

_WORDS = {"authorization", "csrf", "cvc", "cvv", "nonce", "otp", "pin", "session", "sessionid", "sid", "sig"}
_WORDS |= {"assertion", "signature", "xsrf", "jsessionid", "phpsessid"}
_WORDS_OF_PATHS = {"activate", "confirm", "invitation", "invite", "magic", "reset", "unsubscribe", "verify"}
"""Behind one of these a part of a path lets in who knows it."""
_ALONE = {"code", "pan", "state"}
"""Names that are secret only as they are, and with a long value: the `code` of a sign-in, and not that of a voucher."""
_LONG = 12
"""Characters. A value of fewer, and of letters alone, may be a word, and is hidden in its own place only."""
_BARE_TOKEN = re.compile(r"[\w.~-]{20,}")
"""A parameter that is no more than this, as in `/confirm?8f2c...`."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SHAPES = re.compile(
    r"eyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*"  # a JSON Web Token
    r"|(?:sk|pk|rk)_(?:live|test)_\w{10,}|gh[pousr]_\w{20,}|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{16}"
)
"""What is a token wherever it stands: JSON Web Tokens, and those that begin so that they are found."""


def is_secret(name: str, value: str) -> bool:
    """Check whether a header, a parameter or a field of this name holds a secret.

    >>> [name for name in ("x-csrf-token", "sessionId", "country_code", "author") if is_secret(name, "8f2c4a7d01e9b3")]
    ['x-csrf-token', 'sessionId']
    """
    words = {word.lower() for word in _WORD.findall(name)}
    is_alone = name.lower() in _ALONE and len(value) >= _LONG
    return bool(value) and (names_a_secret(name) or not words.isdisjoint(_WORDS) or is_alone)


def credentials_of(header: str) -> str:
    """Return what is secret in the value of a header: what follows the scheme, as in `Bearer ...`."""
    scheme, space, credentials = header.partition(" ")
    return credentials if space and scheme.isalpha() else header


@dataclass
class RecordedSecrets:
    """The secrets of a recording, and what stands for each of them in a journey."""

    places: dict[str, str] = field(default_factory=dict)
    """Value → what stands for it: `{{name}}` of an earlier answer, or `${VARIABLE}` of the environment."""
    variables: dict[str, str] = field(default_factory=dict)
    """Name of a variable → the name that its value was sent by."""
    kept: dict[int, dict[str, str]] = field(default_factory=dict)
    """Number of an entry → what later steps need of its answer: name → JSON pointer."""

    def hide(self, text: str) -> str:
        """Return a text as a journey has it: with what stands for each secret in it, and braces that begin no place."""
        hidden = ""
        at = 0
        for named in sorted(secrets_in(text), key=lambda named: named.start):
            if named.start >= at and named.value in self.places:
                hidden += self._hide_known(text[at : named.start]) + self.places[named.value]
                at = named.end
        return hidden + self._hide_known(text[at:])

    def _hide_known(self, text: str) -> str:
        known = [value for value in self.places if is_masked(value) and not _may_be_a_word(value) and value in text]
        if not known:
            return literal(text)

        # The longest first: one may have another one in it.
        pattern = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
        pieces = re.split(f"({pattern})", text)
        return "".join(self.places[piece] if piece in known else literal(piece) for piece in pieces)

    def stands_in(self, text: str) -> bool:
        """Check whether a secret still stands in a step, in whatever form."""
        return "a known secret" in set(self._redactor.find(text))

    @cached_property
    def _redactor(self) -> Redactor:
        values = frozenset(value for value in self.places if is_masked(value) and not _may_be_a_word(value))
        return Redactor(lambda: values)

    def field(self, name: str, value: str) -> str:
        """Return the value of a parameter or a field of a form as a journey has it."""
        return self.places[value] if is_secret(name, value) else self.hide(value)

    def header(self, name: str, value: str) -> str:
        """Return the value of a header as a journey has it."""
        if not is_secret(name, value):
            return self.hide(value)
        credentials = credentials_of(value)
        return value.removesuffix(credentials) + self.places[credentials]

    def document(self, data: Any, name: str = "") -> Any:
        """Return a JSON value as a journey has it; `name` is the key that it stands at."""
        if isinstance(data, dict):
            return {key: self.document(item, key) for key, item in data.items()}
        if isinstance(data, list):
            return [self.document(item, name) for item in data]
        if isinstance(data, bool) or data is None:
            return data
        if isinstance(data, str):
            return self.field(name, data)
        return self.places[str(data)] if is_secret(name, str(data)) else data


def literal(text: str) -> str:
    """Return a text as a journey has it, where two braces would begin a place."""
    return text.replace("{{", "{{braces}}")


def find(entries: Sequence[Entry]) -> RecordedSecrets:
    """Return the secrets of what was sent to a target.

    One that an earlier answer of the target gave, such as the token of a sign-in, is taken from that answer again.
    Every other one is a variable of the environment.
    """
    secrets = RecordedSecrets()
    given: dict[str, tuple[int, str]] = {}
    for number, entry in enumerate(entries):
        set_before = [] if number == 0 else list(_set_cookies(entries[number - 1]))
        for name, value in (*set_before, *_sent(entry)):
            if value in secrets.places:
                continue
            Secret(value)  # from here on it is masked in all that is printed
            if value in given:
                answer, pointer = given[value]
                place = _place_name(name, secrets.kept.get(answer, {}), pointer)
                secrets.kept.setdefault(answer, {})[place] = pointer
                secrets.places[value] = f"{{{{{place}}}}}"
            else:
                variable = _variable_name(name, secrets.variables)
                secrets.variables[variable] = name
                secrets.places[value] = f"${{{variable}}}"
        for pointer, value in _answered(entry):
            given.setdefault(value, (number, pointer))
    return secrets


def _may_be_a_word(value: str) -> bool:
    return len(value) < _LONG and value.isalpha()


def _sent(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each secret that was sent."""
    request = entry.request
    for header in request.headers:
        yield from _of_header(header.name.lower(), header.value)
    yield from _long_enough(request.cookies)
    yield from _of_address(request.url)
    if request.body:
        yield from _of_body(request.body)
    for text in (request.url, request.body.text if request.body else None):
        for token in _SHAPES.findall(text or ""):
            yield "token", token


def _of_header(name: str, value: str) -> Iterator[tuple[str, str]]:
    if name == "cookie":
        yield from _cookies(value)
    elif name == "referer":
        yield from _of_address(value)
    elif is_secret(name, value):
        yield name, credentials_of(value)
        yield from _of_basic(value)
    yield from ((named.name, named.value) for named in secrets_in(value))


def _long_enough(cookies: Sequence[Pair]) -> Iterator[tuple[str, str]]:
    """Yield the cookies that are long enough to be a session."""
    yield from ((f"cookie_{cookie.name}", cookie.value) for cookie in cookies if len(cookie.value) >= _LONG)


def secrets_in(text: str) -> Iterator[NamedValue]:
    """Yield the secrets that stand in a text by their names."""
    return (named for named in named_values(text) if is_secret(named.name, named.value))


def secret_parts(path: str) -> Iterator[str]:
    """Yield the parts of a path that let in who knows them: of `/reset-password/...` what follows.

    >>> list(secret_parts("/invite/8f2c4a7d01e9b3/team")), list(secret_parts("/keys/password-of-the-day"))
    (['8f2c4a7d01e9b3'], [])
    """
    is_behind_a_name = False
    for part in path.split("/"):
        plain = unquote(part)
        is_token = len(plain) >= _LONG and any(map(is_digits, plain)) and re.fullmatch(r"[\w.~=-]+", plain)
        if is_behind_a_name and is_token:
            yield plain
        words = {word.lower() for word in _WORD.findall(part)}
        is_behind_a_name |= names_a_secret(part) or not words.isdisjoint(_WORDS | _WORDS_OF_PATHS)


def _of_address(address: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each secret in an address: in its path, and in its query."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return
    yield from ((named.name, named.value) for named in secrets_in(parts.path))
    yield from (("token", part) for part in secret_parts(parts.path))
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        yield from _of_field(name, value)
        if not value and _BARE_TOKEN.fullmatch(name) and not name.isalpha():
            yield "query", name


def _of_field(name: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield a parameter or a field where it is secret, and the secrets of the document that it may hold."""
    if is_secret(unquote_plus(name), value):
        yield name, value
        return
    for pointer, leaf in leaves(document_in(value)):
        yield from _of_field(name_at(pointer), leaf)
    yield from ((named.name, named.value) for named in secrets_in(value))


def _cookies(header: str) -> Iterator[tuple[str, str]]:
    """Yield the cookies that are long enough to be a session."""
    for cookie in header.split(";"):
        name, _, value = cookie.strip().partition("=")
        if len(value) >= _LONG:
            yield f"cookie_{name}", value


def _of_basic(header: str) -> Iterator[tuple[str, str]]:
    """Yield the password that a header of basic authentication holds."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return
    try:
        password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")[2]
    except ValueError:  # no base64, or no text: then there is no other form of it
        return
    if password:
        yield "password", password


def _of_body(body: Body) -> Iterator[tuple[str, str]]:
    for name, value in body.parts:
        yield from _of_field(name, value)
    yield from _of_field("", body.text or "")


def _set_cookies(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield the cookies that an answer sets: a later step may send one in another place (double submit)."""
    response = entry.response
    headers = response.headers if response else ()
    for header in headers:
        if header.name.lower() == "set-cookie":
            yield from _cookies(header.value.partition(";")[0])
    yield from _long_enough(response.cookies if response else ())


def _answered(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield the pointer and the value of each text of an answer in JSON that may be a secret."""
    if entry.response is None:
        return
    content = entry.response.content
    text = content.text
    if content.encoding == "base64" and text:
        try:
            text = base64.b64decode(text).decode("utf-8")
        except ValueError:
            return
    for pointer, value in leaves(document_in(text)):
        if len(value) >= _LONG:
            yield pointer, value


def _words_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "secret"


def _place_name(name: str, taken: Mapping[str, str], pointer: str) -> str:
    """Return the name by which a value of an answer is kept, another one for another value."""
    place = _words_of(name)
    place = place if not is_digits(place[0]) else f"kept_{place}"
    return place if taken.get(place, pointer) == pointer else f"{place}_{len(taken) + 1}"


def _variable_name(name: str, taken: Mapping[str, str]) -> str:
    """Return the name of a variable that holds a secret, and says so by its name."""
    variable = f"RECORDED_{_words_of(name).upper()}"
    if not names_a_secret(variable):
        variable += "_SECRET"
    return variable if variable not in taken else f"{variable}_{len(taken) + 1}"
