"""Kinds of secrets, and the ways in which software writes them: the rows and columns of the secrets' matrix.

To add a row: a kind of secret with what must not be seen of it, or a way to write it.
"""

from __future__ import annotations

import base64
import html
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus, unquote

PRIVATE_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4Zk9x7Qp7wR4t8Yb
1Vb6Xc3ZqU8Jk2LmN6gh0stTz5
-----END PRIVATE KEY-----"""
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.xQ7wR4t8Yb1Vb6Xc3ZqU8Jk2LmN6"
ACCOUNT_KEY = "q83vEjRWeJCrze8SNFZ4kKvN7w=="
SHORT_ADDRESS = "postgresql://probe:pw12x@db.example.com/shop"


@dataclass(frozen=True)
class Kind:
    """A kind of secret."""

    known: str
    """What the environment has."""
    echoed: str
    """What a provider says of it."""
    telling: str
    """What of that gives the secret away."""


def _plain(value: str) -> Kind:
    return Kind(value, value, value)


def _address(known: str, password: str) -> Kind:
    return Kind(known, password, password)


KINDS = {
    "a passphrase": _plain("gribzel-qunzok-vizzwak-plimzy"),
    "a short password": _plain("s3zqam"),
    "a number": _plain("8675309124"),
    "signs of every kind": _plain("gh0st2-<Zk9&x>'Qp7-wR4t8Yb1"),
    "letters beyond ASCII": _plain("Größe-7§-пароль-x9"),
    "words with blanks": _plain("ghub vlot 3rd qwux zoom"),
    "hexadecimal": _plain("3f9a1c77e0b24d58aa01"),
    "base64": _plain(ACCOUNT_KEY),
    "a JSON Web Token": Kind(TOKEN, TOKEN, TOKEN.rpartition(".")[2]),  # all begin alike
    "a cookie": _address("sid=9f8e7d6c5b4aXq; theme=dark", "9f8e7d6c5b4aXq"),
    "a private key": Kind(PRIVATE_KEY, PRIVATE_KEY, "4Zk9x7Qp7wR4t8Yb\n1Vb6Xc3ZqU8Jk2LmN6gh0stTz5"),
    "a short password in an address": Kind(SHORT_ADDRESS, SHORT_ADDRESS, "pw12x"),
    "an address with escapes": _address("postgresql://probe:s3cr%40t%2Fpass9@db.example.com:5432/x", "s3cr@t/pass9"),
    "an address without escapes": _address("postgresql://probe:p#ss/w0rd?x-88@db.example.com/x", "p#ss/w0rd?x-88"),
    "keywords of libpq": _address("host=db.example.com password='it\\'s 0pen-sezqam7'", "it's 0pen-sezqam7"),
    "JDBC": _address("jdbc:postgresql://db.example.com/x?user=probe&password=jdbc-sezqam-84", "jdbc-sezqam-84"),
    "JDBC of SQL Server": _address("jdbc:sqlserver://db.example.com;user=a;password=m5-sezqam-85", "m5-sezqam-85"),
    "ADO": _address("Server=tcp:db.example.com;User ID=sa;Password=ad0-sezqam-86;Encrypt=True", "ad0-sezqam-86"),
    "Redis": _address("redis://:r3dis-sezqam-81@cache.example.com:6379/0", "r3dis-sezqam-81"),
    "Redis of .NET": _address("cache.example.com:6379,password=n3t-sezqam-87,ssl=True", "n3t-sezqam-87"),
    "AMQP": _address("amqps://queue:qu3ue-sezqam-82@mq.example.com/%2f", "qu3ue-sezqam-82"),
    "MongoDB": _address("mongodb://app:m0ngo-sezqam-83@c0.example.net:27017,c1.example.net/x", "m0ngo-sezqam-83"),
    "an account's key": _address(f"AccountName=shop;AccountKey={ACCOUNT_KEY};Suffix=example.net", ACCOUNT_KEY),
}


def _every_byte(mark: str, value: str) -> str:
    return "".join(f"{mark}{byte:02x}" for byte in value.encode())


def _every_letter(form: str, value: str) -> str:
    return "".join(form.format(ord(letter)) for letter in value)


def _apart(between: str, letters: int, value: str) -> str:
    return between.join(textwrap.wrap(value, letters, drop_whitespace=False, replace_whitespace=False))


def _in_base64(before: bytes, value: str) -> str:
    return base64.b64encode(before + value.encode()).decode()


WRITINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "in small letters": str.lower,
    "with capitals": str.title,
    "for an address": lambda value: quote(value, safe=""),
    "for an address, in small letters": lambda value: quote(value, safe="").lower(),
    "for an address, twice": lambda value: quote(quote(value, safe=""), safe=""),
    "for a form": quote_plus,
    "each byte for an address": lambda value: _every_byte("%", value),
    "HTML": html.escape,
    "HTML with apostrophes by name": lambda value: html.escape(value).replace("&#x27;", "&apos;"),
    "HTML, each letter": lambda value: _every_letter("&#{};", value),
    "HTML, each letter in hexadecimal": lambda value: _every_letter("&#x{:X};", value),
    "JSON": json.dumps,
    "JSON in JSON in JSON": lambda value: json.dumps(json.dumps(json.dumps(value))),
    "JSON of Go": lambda value: re.sub("[<>&]", lambda sign: f"\\u{ord(sign.group()):04x}", json.dumps(value)),
    "JSON of PHP": lambda value: json.dumps(value).replace("/", "\\/"),
    "JSON, each letter": lambda value: _every_letter("\\u{:04X}", value),
    "a literal": repr,
    "a literal of bytes": lambda value: repr(value.encode()),
    "a literal, each byte": lambda value: _every_byte("\\x", value),
    "hexadecimal": lambda value: value.encode().hex(),
    "hexadecimal in capitals": lambda value: value.encode().hex().upper(),
    "hexadecimal in pairs": lambda value: value.encode().hex(" "),
    "basic authentication": lambda value: f"Basic {_in_base64(b'probe:', value)}",
    "base64": lambda value: _in_base64(b"", value),
    "base64 behind another letter": lambda value: _in_base64(b"a", value),
    "base64 behind two letters": lambda value: _in_base64(b"ab", value),
    "base64 for addresses": lambda value: base64.urlsafe_b64encode(b"a" + value.encode()).decode(),
    "base64 on lines": lambda value: base64.encodebytes(b"x" * 50 + value.encode()).decode(),
    "wrapped": lambda value: _apart("\n", 7, value),
    "wrapped and indented": lambda value: _apart("\n    ", 7, value),
    "wrapped in a literal": lambda value: repr(_apart("\n", 7, value)),
    "with letters that nobody sees": lambda value: _apart("\u200b", 2, value),
    "with soft hyphens": lambda value: _apart("\u00ad", 3, value),
    "in colours": lambda value: _apart("\x1b[39;49;00m\x1b[33m", 3, value),
    "its beginning": lambda value: f"{value[: len(value) * 3 // 5]}...",
    "its beginning, with one sign": lambda value: f"{value[: len(value) * 3 // 5]}…",
    "its end": lambda value: f"...{value[-len(value) * 3 // 5 :]}",
}


def said(number: int) -> str:
    """Return what is said of all kinds of secrets: each time from another one on, and each in another writing."""
    writings = list(WRITINGS.values())
    kinds = list(KINDS.values())
    first = number % len(kinds)
    in_turn = kinds[first:] + kinds[:first]
    return " ".join(writings[(number + at) % len(writings)](kind.echoed) for at, kind in enumerate(in_turn))


LETTERS_THAT_GIVE_NOTHING_AWAY = 4
LETTERS_OF_CHANCE = 11
"""Digits or hexadecimal digits in a row that stand in any report by chance, of a digest or a time."""
_OF_CHANCE = re.compile(r"[0-9a-f.,:+/-]+|.*[-=. ]{4,}.*")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}")
_HEX = re.compile(r"[0-9a-fA-F]{10,}")


def parts_seen(text: str, *kinds: Kind, of_chance: int = LETTERS_OF_CHANCE) -> list[str]:
    """Return the parts of secrets, of more than four letters, that a reader who undoes each writing sees in a text."""
    short = {part for kind in kinds for part in _windows(_seen(kind.telling), LETTERS_THAT_GIVE_NOTHING_AWAY + 1)}
    short = {part for part in short if not _OF_CHANCE.fullmatch(part)}
    long = {part for kind in kinds for part in _windows(_seen(kind.telling), of_chance)}
    parts: set[str] = set()
    for reading in _readings(text):
        parts |= short & _windows(reading, LETTERS_THAT_GIVE_NOTHING_AWAY + 1)
        parts |= {part for part in long if part in reading}
    return sorted(parts)


def _windows(letters: str, length: int) -> set[str]:
    """Return all parts of so many letters; of a shorter text itself."""
    return {letters[at : at + length] for at in range(max(1, len(letters) - length + 1))}


def _seen(text: str) -> str:
    """Return what is seen of a text: its letters, however they are coloured or wrapped, and in whatever case."""
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return re.sub(r"[\x00-\x20\x7f-\xa0\xad\u2000-\u200f\ufffd]+", "", without_colours).lower()


def _readings(text: str) -> Iterator[str]:
    """Yield a text as it is seen, and as it is once escapes, base64 and hexadecimal digits are undone."""
    undone = text
    for _ in range(3):
        undone = html.unescape(unquote(undone, errors="replace"))
        undone = re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code.group(1), 16)), undone)
        undone = re.sub(r"\\x([0-9a-fA-F]{2})", lambda code: chr(int(code.group(1), 16)), undone)
        undone = re.sub(r"\\([/\"'\\])", r"\1", undone)
    yield from (_seen(text), _seen(undone))

    joined = "".join(text.split())
    encoded = _BASE64.findall(joined.replace("-", "+").replace("_", "/"))
    for shift in range(4):
        shifted = [run[shift:] for run in encoded]
        yield _text_of(base64.b64decode(run[: len(run) // 4 * 4]) for run in shifted)
    for shift in range(2):
        shifted = [run[shift:] for run in _HEX.findall(joined)]
        yield _text_of(bytes.fromhex(run[: len(run) // 2 * 2]) for run in shifted)


def _text_of(pieces: Iterable[bytes]) -> str:
    text = b"\xff".join(pieces).decode("utf-8", "replace")
    # What is no text stays between its neighbours: those of a digest would come together by chance.
    return _seen(text.replace("\ufffd", "\u25a1"))
