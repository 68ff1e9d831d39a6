"""What of a browser's recording is secret: it is never written down, and stands as a place to be filled.

Who may read the file that comes of a recording is not who was signed in when it was made.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from readiness.files import strict_json
from readiness.measurements import is_digits
from readiness.redaction.secret import Secret, encodings, is_masked, names_a_secret
from readiness.rehearsal.har import Body, Entry

_WORDS = {"authorization", "csrf", "cvc", "cvv", "nonce", "otp", "pin", "session", "sessionid", "sid", "sig"}
_WORDS |= {"assertion", "signature", "xsrf"}
_ALONE = {"code", "pan", "state"}
"""Names that are secret only as they are, and with a long value: the `code` of a sign-in, and not that of a voucher."""
_LONG = 12
"""Characters. A value of fewer, and of letters alone, may be a word, and is hidden in its own place only."""
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

    def hide(self, text: str, also: Collection[str] = ()) -> str:
        """Return a text as a journey has it: with what stands for each secret in it, and braces that begin no place.

        `also` are values that are secret in this text, though elsewhere they may be words.
        """
        hidden = {value for value in self.places if is_masked(value) and not _may_be_a_word(value)} | set(also)
        if not any(value in text for value in hidden):
            return literal(text)

        # The longest first: one may have another one in it.
        pattern = "|".join(map(re.escape, sorted(hidden, key=len, reverse=True)))
        pieces = re.split(f"({pattern})", text)
        return "".join(self.places[piece] if piece in hidden else literal(piece) for piece in pieces)

    @cached_property
    def forms(self) -> set[str]:
        """Every form in which a secret could still stand in a step: as it is, or encoded."""
        secrets = (value for value in self.places if is_masked(value) and not _may_be_a_word(value))
        return {form for value in secrets for form in encodings(value)}

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


def find(entries: Iterable[Entry]) -> RecordedSecrets:
    """Return the secrets of what was sent to a target.

    One that an earlier answer of the target gave, such as the token of a sign-in, is taken from that answer again.
    Every other one is a variable of the environment.
    """
    secrets = RecordedSecrets()
    given: dict[str, tuple[int, str]] = {}
    for number, entry in enumerate(entries):
        for name, value in _sent(entry):
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
        name = header.name.lower()
        if name == "cookie":
            yield from _cookies(header.value)
        elif is_secret(name, header.value):
            yield name, credentials_of(header.value)
            yield from _of_basic(header.value)

    for address in (request.url, *(header.value for header in request.headers if header.name.lower() == "referer")):
        yield from ((name, value) for name, value in parse_qsl(_query(address)) if is_secret(name, value))
    if request.body:
        yield from _of_body(request.body)
    for text in (request.url, request.body.text if request.body else None):
        for token in _SHAPES.findall(text or ""):
            yield "token", token


def _query(address: str) -> str:
    try:
        return urlsplit(address).query
    except ValueError:
        return ""


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
        if is_secret(name, value):
            yield name, value
    for pointer, value in _leaves(_json(body.text)):
        name = next((part for part in reversed(pointer.split("/")) if not is_digits(part)), "")
        if is_secret(name, value):
            yield name, value


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
    for pointer, value in _leaves(_json(text)):
        if len(value) >= _LONG:
            yield pointer, value


def _json(text: str | None) -> Any:
    """Return the value of a document in JSON; None where it is none."""
    if not text or text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return strict_json.parse(text.encode())
    except ValueError:
        return None


def _leaves(data: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield the pointer (RFC 6901) and the text of each text and number of a JSON value."""
    if isinstance(data, dict):
        for key, item in data.items():
            yield from _leaves(item, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from _leaves(item, f"{pointer}/{index}")
    elif isinstance(data, str | int | float) and not isinstance(data, bool):
        yield pointer, str(data)


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
