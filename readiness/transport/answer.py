"""An HTTP answer: bytes that came whole, and the only ways to make a value of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from readiness.errors import nearest
from readiness.files import gzip_members
from readiness.measurements import is_digits
from readiness.outcomes import Refused, Unknown
from readiness.redaction.shown import shown
from readiness.transport.strict_json import parse_json

PARTS_AT_MOST = 250_000
"""Of a JSON document, by the marks between them: an empty list takes three bytes there, and 70 in memory."""
_MARKS = (b",", b"[", b"{")
KEYS_SHOWN = 8
KEYS_LOOKED_AT = 1000
KEY_SHOWN = 40
_INDEX_DIGITS = 9
"""More digits than any list has elements; a longer one would only be slow to convert."""

_REMEDIES = {
    401: "the token is missing, wrong or expired: renew the probe's token",
    402: "the plan does not include this: decide the line by hand",
    403: "the token may not see this: give the probe's account the permission to read it",
    404: "is the address right? some vendors answer 404 for what a token may not see",
    410: "this has been taken away: look for its successor in the vendor's documentation",
    429: "asked too often: wait, then run again",
}


class NotSent(Unknown):
    """No connection came about for a request that changes something: nothing was changed by it."""


class RefusedUnsent(NotSent, Refused):
    """The other side refused the connection for such a request."""


@dataclass(frozen=True)
class Answer:
    """A response that came whole and within the deadline."""

    url: str
    """Where it came from in the end, without what may be secret."""
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    """From the first byte sent to the last received, connecting and redirects included."""
    redirects_to: str = ""
    """Where it redirects to, if that was not to be followed, without what may be secret."""

    def text(self) -> str:
        """Return the body as text; a byte order mark is dropped. Raises Unknown for what is not UTF-8."""
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Unknown(f"{self.url} answered what is not UTF-8 text", "is it the right address?") from None

    def json(self) -> Any:
        """Return the body's JSON value. Raises Unknown for HTML, nothing, NaN and the like."""
        text = self.text()
        # Sign-in pages and proxies answer HTML with status 200; "not JSON" would hide what it is.
        if text.lstrip().startswith("<"):
            raise Unknown(
                f"{self.url} answered {self.status} with HTML, not JSON",
                "a sign-in or error page? look at it in a browser",
            )
        if sum(self.body.count(mark) for mark in _MARKS) > PARTS_AT_MOST:
            raise Unknown(
                f"{self.url} answered JSON of more than {PARTS_AT_MOST:,} parts", "ask for less, or for a count"
            )
        return parse_json(text, f"the body of {self.url} (status {self.status})")

    def expect(self, *statuses: int, asked: str = "") -> Answer:
        """Return itself where the status is one of these; without arguments any 2xx will do. Raises Unknown.

        `asked` says what was asked for, where the address does not tell it: "the test alert".
        """
        is_success = 200 <= self.status < 300  # noqa: PLR2004  the statuses of success, RFC 9110
        is_expected = self.status in statuses if statuses else is_success
        if is_expected:
            return self

        reason = f"{self.url} answered {self.status}{f' to {asked}' if asked else ''}"
        retry_after = shown(self.headers.get("retry-after", ""), KEY_SHOWN)
        if retry_after:
            reason += f" (retry after {retry_after})"
        raise Unknown(reason, _remedy(self.status))


def _remedy(status: int) -> str:
    if status in _REMEDIES:
        return _REMEDIES[status]
    if status >= 500:  # noqa: PLR2004  the server's own failures, RFC 9110
        return "the other side fails: look at its status page and log, then run again"
    if 300 <= status < 400:  # noqa: PLR2004  redirects, RFC 9110
        return "it sends us elsewhere: set the address where it really is"
    return "is it the right address? compare with the service's description"


def at_pointer(document: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer (RFC 6901). Raises Unknown that names what is there instead.

    >>> at_pointer({"queues": [{"name": "exports", "waiting": 3}]}, "/queues/0/waiting")
    3
    >>> at_pointer({"status": "ok"}, "/state")
    Traceback (most recent call last):
    readiness.outcomes.Unknown: the answer has nothing at /state (correct the pointer: there is status; ...)
    """
    if pointer and not pointer.startswith("/"):
        raise Unknown(f"{pointer!r} is not a JSON pointer", f"begin it with a slash: /{pointer}")

    value = document
    path = ""
    for part in pointer.split("/")[1:]:
        # In this order, as RFC 6901 wants it: ~01 is the key "~1", not a slash.
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and _is_index(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            raise Unknown(f"the answer has nothing at {path}/{part}", f"correct the pointer: {_contents(value, key)}")
        path += f"/{part}"
    return value


def _is_index(key: str) -> bool:
    """Check whether a key is an index of a list: digits of ASCII without a leading zero, RFC 6901 section 4."""
    if not is_digits(key) or len(key) > _INDEX_DIGITS:
        return False
    return key == "0" or not key.startswith("0")


def _contents(value: Any, key: str) -> str:
    """Return a clause on what is there in place of a key, with the nearest name."""
    if isinstance(value, list):
        return f"there is a list of {len(value)}"
    if not isinstance(value, dict):
        return f"there is {type(value).__name__}"
    if not value:
        return "there is an empty object"

    names = sorted(shown(name, KEY_SHOWN) for name in islice(value, KEYS_LOOKED_AT))
    text = f"there is {', '.join(names[:KEYS_SHOWN])}"
    if len(value) > KEYS_SHOWN:
        text += f" and {len(value) - KEYS_SHOWN} more"
    near = nearest(key, names)
    if near:
        text += f"; did you mean {near}?"
    return text


def unpack(raw: bytes, encoding: str, at_most: int, url: str) -> bytes:
    """Return the body without its content encoding. Raises Unknown also for what is cut short.

    Never more than `at_most` bytes and one are decompressed: a small answer may unpack to gigabytes.
    """
    if not raw or encoding in {"", "identity"}:
        return raw
    if encoding not in {"gzip", "x-gzip"}:
        raise Unknown(
            f"{url} answered in the encoding {shown(encoding, KEY_SHOWN)}, not asked for", "serve gzip or plain"
        )

    try:
        return gzip_members.unpack(raw, at_most)
    except gzip_members.TooLarge:
        raise too_large(url, at_most) from None
    except gzip_members.NotUnpacked as reason:
        raise Unknown(f"{url} answered {reason}", "look at the proxy in between, and at the service's log") from None


def too_large(url: str, at_most: int) -> Unknown:
    """Return the error for a body that is larger than http.body_bytes_at_most."""
    return Unknown(
        f"{url} answered more than {at_most:,} bytes",
        "is it the right address? else raise http.body_bytes_at_most",
    )
